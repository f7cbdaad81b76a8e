"""A directory that says what a test wants it to say, right or wrong."""

import contextlib
import socket
import threading
from collections.abc import Sequence
from typing import Self

Operation = tuple[int, bytes]
"""The tag of a protocolOp and its content (RFC 4511 §4)."""


def tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 128 + len(length)]) + length + content


def text(value: str | bytes) -> bytes:
    return tlv(4, value.encode() if isinstance(value, str) else value)


def done(code: int) -> Operation:
    """Return a SearchResultDone."""
    return 0x65, b"\x0a\x01" + bytes([code]) + text("") + text("")


DONE = done(0)


def extended(code: int) -> Operation:
    """Return an ExtendedResponse."""
    return 0x78, b"\x0a\x01" + bytes([code]) + text("") + text("")


def entry(name: str, **attributes: Sequence[str | bytes]) -> Operation:
    """Return a SearchResultEntry."""
    found = b"".join(
        tlv(0x30, text(each) + tlv(0x31, b"".join(map(text, values))))
        for each, values in attributes.items()
    )
    return 0x64, text(name) + tlv(0x30, found)


def reference(url: str) -> Operation:
    """Return a SearchResultReference."""
    return 0x73, text(url)


class Scripted:
    """A server that answers the first request of everybody with these operations or raw octets."""

    def __init__(
        self,
        answers: Sequence[Operation],
        *,
        raw: bytes | None = None,
        drip: float = 0,
        delay: float = 0,
    ) -> None:
        self.answers = answers
        self._raw = raw
        self._drip = drip
        self._delay = delay
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self.heard = bytearray()
        self.asked = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def let_go(self) -> None:
        """Wait no longer: answer whoever waits, or close where there is no answer."""
        self._over.set()
        # Those who are not served yet hear the end.
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)

    def __exit__(self, *failure: object) -> None:
        self.let_go()
        self._listening.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                peer, _ = self._listening.accept()
            except OSError:
                return
            self.asked += 1
            with peer, contextlib.suppress(OSError):
                peer.settimeout(60)
                request = peer.recv(65536)
                self.heard += request
                self._over.wait(self._delay)
                self._answer(peer, request)

    def _answer(self, peer: socket.socket, request: bytes) -> None:
        if self._drip:
            peer.sendall(self._raw or b"")
            while not self._over.wait(min(self._drip, 0.05)):
                if self._drip < 1:
                    peer.sendall(b"\0")
            return
        if self._raw is not None:
            peer.sendall(self._raw)
            return
        at = 2 + (request[1] & 0x7F if request[1] & 0x80 else 0)
        number = request[at : at + 2 + request[at + 1]]
        for tag, content in self.answers:
            peer.sendall(tlv(0x30, number + tlv(tag, content)))
