"""What a transport of asyncio has to be told, and what it tells."""

import asyncio
from typing import Final

READ_OCTETS: Final = 64 * 1024


def read_modestly(transport: asyncio.BaseTransport) -> None:
    """Let a transport ask the kernel for 64 KB at a time.

    QUIRK: asyncio asks for 256 KB, and for each answer of a few octets Python gets so much memory
    and gives it back, which can cost twice as much as the call of the kernel.
    """
    if hasattr(transport, "max_size"):
        transport.max_size = READ_OCTETS


def client_address(peername: object) -> str:
    """Return the IP address of a client as its owner writes it, "" on a UNIX socket."""
    if not isinstance(peername, tuple):
        return ""
    # An IPv4 client of a socket for both is mapped, and a link-local address names our interface.
    return str(peername[0]).partition("%")[0].removeprefix("::ffff:")
