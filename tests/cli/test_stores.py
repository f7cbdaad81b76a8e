"""What state a database can be in when a person types a verb: one line, the right status, no more.

Each verb is one that changes something, so that a half of it could be stored.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Command, installed
from tests.testpki import TestCA, TestIdentity

ROOT = Path(__file__).parents[2]
NOBODY = 65534
CHANGES = (
    ("partner", "import", "bob.pem"),
    ("trust", "add", "root.pem"),
    ("domain", "add", "sued.example"),
    ("mark", "set", "valid", "[ECHT]"),
    ("pending", "approve", "1"),
    ("partner", "list"),
)


@pytest.fixture(name="filled")
def make_filled(
    command: Command,
    root: TestCA,
    issued: Callable[[str], TestIdentity],
    monkeypatch: pytest.MonkeyPatch,
) -> Command:
    command.file("root.pem", root.identity.pem)
    command.file("bob.pem", issued("bob@sued.example").pem)
    monkeypatch.chdir(command.folder)
    return command


@pytest.fixture(name="locked")
def make_locked(filled: Command) -> Iterator[Command]:
    """Somebody else writes, and does not end."""
    other = sqlite3.connect(filled.folder / "sealmon.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield filled
    other.close()


@pytest.mark.slow
@pytest.mark.parametrize("words", CHANGES[:4], ids=" ".join)
def test_a_database_that_another_holds_is_one_line(locked: Command, words: tuple[str, ...]) -> None:
    assert "database is locked; see the setting database, or try again" in locked.refused(*words)


@pytest.mark.parametrize("words", CHANGES, ids=" ".join)
@pytest.mark.parametrize("what", ["gone", "empty", "garbage", "cut", "a folder"])
def test_a_database_that_is_none_is_one_line(
    filled: Command, what: str, words: tuple[str, ...]
) -> None:
    file = filled.folder / "sealmon.db"
    octets = file.read_bytes()
    for each in filled.folder.glob("sealmon.db*"):
        each.unlink()
    if what == "a folder":
        file.mkdir()
    elif what != "gone":
        file.write_bytes(
            {"empty": b"", "garbage": bytes(range(256)) * 64, "cut": octets[:20000]}[what]
        )
    result = filled.run(*words)
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert "sealmon.db" in line
    assert "run sealmon init first" in line or "see the setting database" in line


@pytest.fixture(name="read_only")
def make_read_only(filled: Command, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """The installation where everybody may read, and nobody may write."""
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root may write everything, and there is no setpriv")
    folder = Path(tempfile.mkdtemp(prefix="sealmon-read-only-"))
    shutil.copytree(filled.folder, folder, dirs_exist_ok=True)
    for each in (folder, *folder.rglob("*")):
        each.chmod(0o555 if each.is_dir() else 0o444)
    yield installed(folder, monkeypatch)
    for each in (folder, *folder.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)
    shutil.rmtree(folder)


def as_nobody(command: Command, *words: str) -> subprocess.CompletedProcess[str]:
    # Root may write whatever the mode says.
    other = ["setpriv", "--reuid", str(NOBODY), "--clear-groups"] if os.getuid() == 0 else []
    return subprocess.run(
        [*other, sys.executable, "-m", "app.cli", *words],
        check=False,
        capture_output=True,
        text=True,
        cwd=command.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )


@pytest.mark.slow
def test_a_database_that_may_not_be_written_is_one_line(read_only: Command) -> None:
    if as_nobody(read_only, "--help").returncode != 0:
        pytest.skip("nobody may read where this is installed")
    before = (read_only.folder / "sealmon.db").read_bytes()
    for words in CHANGES[:4]:
        found = as_nobody(read_only, *words)
        assert (found.returncode, found.stdout) == (1, ""), words
        (line,) = found.stderr.splitlines()
        assert "see the setting database" in line, words
    assert (read_only.folder / "sealmon.db").read_bytes() == before
