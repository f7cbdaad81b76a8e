"""A command with an installation of its own in a temporary folder."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli.main import sealmon
from tests.testpki import TestCA, TestIdentity, ca, pem

PASSWORD = "correct horse"


class Command:
    """Runs sealmon in this process and looks at what it says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: object, stdin: bytes | None = None) -> Result:
        """Run one command, however it ends."""
        result = CliRunner().invoke(sealmon, [str(word) for word in words], input=stdin)
        assert "Traceback" not in result.output
        return result

    def ok(self, *words: object, stdin: bytes | None = None) -> str:
        """Return what a command prints that has to succeed."""
        result = self.run(*words, stdin=stdin)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return result.stdout

    def ask(self, *words: object) -> Any:
        """Return the JSON of a command that has to succeed."""
        return json.loads(self.ok(*words, "--json"))

    def refused(self, *words: object, status: int = 1, stdin: bytes | None = None) -> str:
        """Return the one line of a command that has to fail, and see that it changed nothing."""
        before = self.fingerprint()
        result = self.run(*words, stdin=stdin)
        assert result.exit_code == status, result.output
        assert result.stdout == ""
        lines = result.stderr.splitlines()
        assert len(lines) == 1, result.stderr
        assert lines[0].startswith("sealmon: ")
        assert "bug in sealmon" not in lines[0]
        assert self.fingerprint() == before, "a refused command changed something"
        return lines[0].removeprefix("sealmon: ")

    def fingerprint(self) -> list[str]:
        """Return all that is stored, as text; times aside nothing in it moves by itself."""
        import sqlite3

        file = self.folder / "sealmon.db"
        if not file.exists() or not file.stat().st_size:
            return []
        connection = sqlite3.connect(file)
        try:
            return list(connection.iterdump())
        except sqlite3.DatabaseError:
            return ["no database"]
        finally:
            connection.close()

    def file(self, name: str, octets: bytes | str) -> Path:
        """Write a file beside the installation."""
        path = self.folder / name
        path.write_bytes(octets.encode() if isinstance(octets, str) else octets)
        return path


@pytest.fixture(name="bare")
def make_bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """A folder with nothing in it yet."""
    return installed(tmp_path, monkeypatch)


def installed(folder: Path, patch: pytest.MonkeyPatch) -> Command:
    """Point the settings to a folder."""
    patch.setenv("SEALMON_DATABASE", f"sqlite:///{folder}/sealmon.db")
    patch.setenv("SEALMON_MASTER_KEY", f"file:{folder}/keys/master.key")
    patch.setenv("SEALMON_HOSTNAME", "gateway.nord.example")
    patch.delenv("SEALMON_DEBUG", raising=False)
    return Command(folder)


@pytest.fixture(name="pattern", scope="session")
def make_pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation that manages nord.example, to be copied: making one takes several fsyncs."""
    folder = tmp_path_factory.mktemp("pattern")
    with pytest.MonkeyPatch.context() as patch:
        command = installed(folder, patch)
        command.ok("init")
        command.ok("domain", "add", "nord.example")
    return folder


@pytest.fixture(name="command")
def make_command(bare: Command, pattern: Path) -> Command:
    """An installation of its own that manages nord.example."""
    shutil.copytree(pattern, bare.folder, dirs_exist_ok=True)
    return bare


@pytest.fixture(name="root", scope="session")
def make_root() -> TestCA:
    """The authority that everybody here believes."""
    return ca("Root")


@pytest.fixture(name="issued", scope="session")
def make_issued(root: TestCA) -> Callable[[str], TestIdentity]:
    """Identities under the authority, made once for each address."""
    made: dict[str, TestIdentity] = {}

    def issue(address: str) -> TestIdentity:
        if address not in made:
            made[address] = root.issue(address)
        return made[address]

    return issue


def key_file(identity: TestIdentity) -> bytes:
    """Return key, certificate and path as PEM."""
    return identity.key_pem + identity.pem + b"".join(map(pem, identity.chain))
