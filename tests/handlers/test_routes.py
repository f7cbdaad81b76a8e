"""Salmon's own commands know our routes."""

import subprocess
from pathlib import Path

import pytest

from tools.organisation import BIN

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("modules", "address", "states"),
    [
        (["inbound"], "inbound:alice@example.org", ["START", "DECRYPTED", "VERIFIED", "TAGGED"]),
        (
            ["outbound", "domain"],
            "outbound:Bob@Partner.example",
            ["START", "CLEANED", "SIGN", "SIGNED", "ENCRYPT", "ENCRYPTED"],
        ),
    ],
)
def test_salmon_routes_shows_the_states(
    modules: list[str], address: str, states: list[str]
) -> None:
    names = [f"app.handlers.{name}" for name in modules]
    said = subprocess.run(
        [BIN / "salmon", "routes", *names, "--test", address],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = [line.rpartition(".")[2] for line in said.splitlines() if line.startswith("  '^")]
    assert sorted(found) == sorted(states)
