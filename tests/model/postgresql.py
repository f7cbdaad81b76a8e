"""A PostgreSQL of our own for the tests: its own folder, one UNIX socket, gone afterwards."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

INSTALL = "apt-get install postgresql"


def programs() -> Path | None:
    """Return the folder of the newest server's programs, None if there is no server."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: each.parts)
    return found[-1].parent if found else None


class PostgreSQL:
    """A server that runs as long as the block; root lets the user postgres run it."""

    def __init__(self, programs: Path, *, durable: bool = False) -> None:
        self._programs = programs
        self._fsync = "on" if durable else "off"
        self._user = "postgres" if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="sealmon-pg-"))
        if self._user:
            shutil.chown(self._folder, self._user)

    def __enter__(self) -> Self:
        self._run("initdb", "-D", "data", "-U", "sealmon", "-A", "trust", "--no-sync")
        self.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-c listen_addresses='' -k {self._folder} -c fsync={self._fsync}"
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def stop(self) -> None:
        """Stop the server as a power cut would."""
        self._run("pg_ctl", "-D", "data", "-m", "immediate", "stop", check=False)

    def url(self, name: str) -> str:
        """Make a database and return its URL."""
        self._run("createdb", "-h", str(self._folder), "-U", "sealmon", name)
        return f"postgresql://sealmon@/{name}?host={self._folder}"

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(
            command,
            cwd=self._folder,
            user=self._user,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        assert not check or done.returncode == 0, f"{program} failed"
