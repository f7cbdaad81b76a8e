"""What every test may ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.houses import House


@pytest.fixture
def nord(tmp_path: Path) -> Iterator[House]:
    """nord.example, with nobody in it yet."""
    house = House(tmp_path / "nord", "nord.example")
    yield house
    house.close()


@pytest.fixture
def sued(tmp_path: Path) -> Iterator[House]:
    """sued.example, with nobody in it yet."""
    house = House(tmp_path / "sued", "sued.example")
    yield house
    house.close()
