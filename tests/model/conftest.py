"""A fresh store for each test, in a file of its own."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from app.model.database import Database, open_database
from app.model.setup import initialise
from app.model.snapshot import Store
from app.pki.sealing import MasterKey, new_master_key


@cache
def master_key() -> MasterKey:
    return MasterKey.load(new_master_key())


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/sealmon.db"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    found = open_database(url)
    initialise(found, master_key().public)
    yield found
    found.close()


@pytest.fixture
def store(database: Database, url: str) -> Iterator[Store]:
    found = Store.open(url, master_key())
    yield found
    found.close()


def look_again(store: Store) -> Store:
    """Let the store ask the database now, as it does after a second."""
    store._checked_at = float("-inf")
    return store
