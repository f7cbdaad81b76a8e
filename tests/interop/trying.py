"""An installation that has the keys, anchors and certificates of one set, and tries its messages.

Everything is done by the command line, what an outsider would type; in this process unless a
program of its own is asked for.
"""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli.main import sealmon
from tests.interop.material import Entry

DOMAIN = "inside.example"
READER = f"reader@{DOMAIN}"


class Installation:
    """A gateway in a folder of its own."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, *, ready: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._patch = patch
        self._recipients: dict[bytes, str] = {}
        if ready:
            self.ok("init")
            self.ok("domain", "add", DOMAIN)

    def point(self) -> None:
        """Let the settings mean this installation."""
        self._patch.setenv("SEALMON_DATABASE", f"sqlite:///{self.folder}/sealmon.db")
        self._patch.setenv("SEALMON_MASTER_KEY", f"file:{self.folder}/keys/master.key")
        self._patch.setenv("SEALMON_HOSTNAME", f"gateway.{DOMAIN}")

    def process(self, *words: object) -> str:
        """Return what a command says that has to succeed, run as a program."""
        self.point()
        command = [sys.executable, "-m", "app.cli", *map(str, words)]
        done = subprocess.run(command, capture_output=True, check=False, text=True)
        assert (done.returncode, done.stderr) == (0, ""), words
        return done.stdout

    def run(self, *words: object) -> Result:
        """Run one command, however it ends; what it refuses it refuses in one line."""
        self.point()
        result = CliRunner().invoke(sealmon, [str(word) for word in words])
        assert result.exception is None or isinstance(result.exception, SystemExit), words
        assert "Traceback" not in result.output, words
        if result.exit_code:
            lines = result.stderr.splitlines()
            assert result.exit_code == 1, (words, result.output)
            assert lines, words
            assert lines[-1].startswith("sealmon: "), lines
            assert "bug in sealmon" not in lines[-1], lines
        return result

    def ok(self, *words: object) -> str:
        """Return what a command says that has to succeed."""
        result = self.run(*words)
        assert result.exit_code == 0, (words, result.output)
        return result.stdout

    def file(self, name: str, octets: bytes) -> Path:
        """Write a file beside the store."""
        path = self.folder / name
        path.write_bytes(octets)
        return path

    def policy(self, name: str, value: str) -> None:
        """Set one field of the last route, which is the only one."""
        text = self.ok("policy", "export")
        lines = [
            f'{name} = "{value}"' if line.startswith(f"{name} = ") else line
            for line in text.splitlines()
        ]
        self.ok("policy", "apply", self.file("policy.toml", "\n".join(lines).encode()))

    def own(self, entry: Entry) -> str:
        """Import the key of an entry and return an address that may read with it."""
        octets = entry.key
        if not octets:
            return READER
        if octets not in self._recipients:
            number = len(self._recipients)
            (row,) = json.loads(
                self.ok("key", "import", self.file(f"key{number}.pem", octets), "--json")
            )
            address = (row["addresses"] or [f"reader{number}@{DOMAIN}"])[0]
            if not row["addresses"]:
                self.ok("key", "bind", row["id"], address)
            self.run("domain", "add", address.rpartition("@")[2])
            self._recipients[octets] = address
        return self._recipients[octets]

    def try_all(self, entries: list[Entry]) -> dict[str, Any]:
        """Return what the command says of each entry, one command for all of the same envelope."""
        groups: dict[tuple[str, str], list[tuple[Path, Entry]]] = defaultdict(list)
        for number, entry in enumerate(entries):
            file = self.file(f"{number}.eml", entry.message())
            groups[self.own(entry), entry.at].append((file, entry))
        found: dict[str, Any] = {}
        for (recipient, at), members in groups.items():
            moment = ("--at", at) if at else ()
            files = [file for file, _ in members]
            lines = self.ok("try", "inbound", "--to", recipient, *moment, *files).splitlines()
            said = {line["file"]: line for line in map(json.loads, lines)}
            assert list(said) == [str(file) for file in files]
            found |= {str(entry): said[str(file)] for file, entry in members}
        return found
