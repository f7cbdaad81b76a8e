"""An organisation behind its own gateway, in a folder: for the demo, the bench and the scenarios.

Everything goes through the two commands an operator has, ``sealmon`` and ``salmon start``.
"""

import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

BIN = Path(sys.executable).parent
START_SECONDS = 60
STOP_SECONDS = 60


# Below those that a system gives away by itself (32768 and up on Linux): between the choice and the
# moment somebody listens, no connection is made from one of these, and no other server is given it.
_FIRST_PORT, _SLICE, _SLICES = 10_000, 1_000, 20
_taken = itertools.count(os.getpid())


def free_port() -> int:
    """Return a TCP port of the loopback address that nobody listens on now.

    No process is given one twice soon, and workers of one test run have each their own thousand.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw") or "0"
    first = _FIRST_PORT + int(worker) % _SLICES * _SLICE
    for number in itertools.islice(_taken, _SLICE):
        with socket.socket() as probe, contextlib.suppress(OSError):
            port = first + number % _SLICE
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


class CommandFailed(RuntimeError):
    """A sealmon command that ended with another status than 0; says what it said."""


class Organisation:
    """One gateway with its database, keys and ports, all in one folder."""

    def __init__(self, folder: Path, **settings: str | int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.lmtp_port, self.smtp_port = free_port(), free_port()
        self.delivered = folder / "delivered"
        facts: dict[str, str | int] = {
            "database": f"sqlite:///{folder}/sealmon.db",
            "master_key": f"file:{folder}/keys/master.key",
            "listen_lmtp": f"127.0.0.1:{self.lmtp_port}",
            "listen_smtp": f"127.0.0.1:{self.smtp_port}",
            "next_hop": f"maildir:{self.delivered}",
            "hostname": "gateway.example",
            "workers": 1,
            **settings,
        }
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("SEALMON_")},
            **{f"SEALMON_{name.upper()}": str(value) for name, value in facts.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, *arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run ``sealmon`` with these arguments and return how it ended."""
        return subprocess.run(
            [BIN / "sealmon", *arguments],
            env=self.environment,
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            check=False,
        )

    def sealmon(self, *arguments: str | Path, stdin: bytes = b"") -> str:
        """Run ``sealmon`` and return what it printed. Raises CommandFailed."""
        ended = self.run(*arguments, stdin=stdin)
        if ended.returncode != 0:
            words = " ".join(map(str, arguments))
            raise CommandFailed(f"sealmon {words}: {ended.stderr.decode(errors='replace')}")
        return ended.stdout.decode()

    def ask(self, *arguments: str | Path) -> Any:  # noqa: ANN401 - it is JSON
        """Run ``sealmon … --json`` and return what it answered."""
        return json.loads(self.sealmon(*arguments, "--json"))

    def start(self) -> Self:
        """Start the gateway and return when it greets on both ports."""
        log = (self.folder / "gateway.log").open("ab")
        self._process = subprocess.Popen(
            [BIN / "salmon", "start", "--no-daemon", "--pid", self.folder / "smtp.pid"],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        log.close()
        for port in (self.lmtp_port, self.smtp_port):
            self._wait_for(port)
        return self

    def _wait_for(self, port: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                raise CommandFailed(f"the gateway did not start:\n{self.log()}")
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as session:
                    if session.recv(4).startswith(b"220"):
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise CommandFailed(f"no greeting on port {port}:\n{self.log()}")

    @property
    def pid(self) -> int:
        """The process id of the supervisor."""
        assert self._process is not None
        return self._process.pid

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """Stop the gateway and return its exit status."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(sign)
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def log(self) -> str:
        """Return what the gateway has printed so far."""
        return (self.folder / "gateway.log").read_text(errors="replace")

    def mailbox(self) -> list[bytes]:
        """Return what lies in the Maildir next hop, oldest first."""
        new = self.delivered / "new"
        if not new.is_dir():
            return []
        files = sorted(new.iterdir(), key=lambda file: (file.stat().st_mtime_ns, file.name))
        return [file.read_bytes() for file in files]

    def empty_mailbox(self) -> None:
        """Throw away what lies in the Maildir next hop."""
        shutil.rmtree(self.delivered, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()
