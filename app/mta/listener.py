"""Where we listen: ``host:port``, ``[v6]:port``, or the path of a UNIX socket."""

import contextlib
import os
import re
import socket
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BACKLOG: Final = 1024
_NETWORK = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]*)):(?P<port>[0-9]{1,5})"
)


class MalformedListener(ValueError):
    """The text names no place to listen; one line says why."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One place to listen, and what is spoken there. Exactly one of host and path is set."""

    protocol: str
    """lmtp or smtp."""
    host: str = ""
    port: int = 0
    path: str = ""

    @classmethod
    def parse(cls, text: str, protocol: str = "lmtp") -> "Listener":
        """Return the listener that text names. Raises MalformedListener."""
        assert protocol in {"lmtp", "smtp"}
        if text.startswith(("/", "./")):
            if len(os.fsencode(text)) > 100 or "\0" in text:
                raise MalformedListener(f"{text!r}: a UNIX socket's path has at most 100 octets")
            return cls(protocol, path=text)
        found = _NETWORK.fullmatch(text)
        if found is None or int(found["port"]) > 65535:
            raise MalformedListener(f"{text!r}: write host:port or the path of a UNIX socket")
        return cls(protocol, found["v6"] or found["host"] or "127.0.0.1", int(found["port"]))

    def __str__(self) -> str:
        if self.path:
            return f"{self.protocol}:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.protocol}://{host}:{self.port}"

    def bind(self) -> socket.socket:
        """Return a listening socket that does not block. Raises OSError.

        The file of a UNIX socket that nobody listens on any more is replaced.
        """
        # asyncio sets TCP_NODELAY only on sockets whose protocol is named.
        family, protocol = (
            (socket.AF_UNIX, 0) if self.path else (self._family(), socket.IPPROTO_TCP)
        )
        sock = socket.socket(family, socket.SOCK_STREAM, protocol)
        try:
            if self.path:
                _remove_dead_socket(self.path)
                sock.bind(self.path)
            else:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((self.host, self.port))
            sock.listen(BACKLOG)
            sock.settimeout(0)
        except BaseException:
            sock.close()
            raise
        return sock

    def _family(self) -> socket.AddressFamily:
        found = socket.getaddrinfo(
            self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        return socket.AddressFamily(found[0][0])


def _remove_dead_socket(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(Path(path).stat().st_mode):
            return
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                Path(path).unlink()
