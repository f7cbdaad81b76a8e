"""Whom a URL from a stranger's certificate may reach: public hosts by http, and nobody at home.

The address is checked after resolution, and what was checked is what is connected to, so that a
name which changes its mind in between changes nothing (T113). Whoever runs an authority of his own
inside opens that network by name. Through a proxy it is the proxy that connects: what the name is
here is checked all the same, and the rest is for the proxy to refuse.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from app.pki.errors import CannotFetch

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

URL_CHARACTERS: Final = 2_000
# Every printable ASCII character but the space: nothing that could end a line of the request.
_URL: Final = re.compile(r"[!-~]+")
_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")

# Where clouds give keys to whoever asks; no network of an owner opens these.
_METADATA: Final = (
    ipaddress.IPv4Network("169.254.0.0/16"),
    ipaddress.IPv4Network("100.100.100.200/32"),
    ipaddress.IPv4Network("168.63.129.16/32"),  # looks public, and is Azure's inside
    ipaddress.IPv6Network("fe80::/10"),
    ipaddress.IPv6Network("fd00:ec2::254/128"),
)

# IPv6 forms that carry an IPv4 address to a translator: RFC 6052 §2.1, RFC 8215 §3.
_TRANSLATED: Final = (
    ipaddress.IPv6Network("64:ff9b::/96"),
    ipaddress.IPv6Network("64:ff9b:1::/48"),
)
# What Python takes for public and is not, or not for everybody.
_NOT_PUBLIC: Final = (
    ipaddress.IPv4Network("192.0.0.0/24"),  # of protocols; the nearest router is in it
    ipaddress.IPv4Network("192.88.99.0/24"),  # the nearest way to 6to4
    *_TRANSLATED,
    ipaddress.IPv6Network("3fff::/20"),  # for documents
    ipaddress.IPv6Network("fec0::/10"),  # site-local, which some still have
)
# The same with the IPv4 address at the end, in any network: ISATAP.
_ISATAP: Final = (0x00005EFE, 0x02005EFE)


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host; raises OSError if it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be asked, and where to connect for it: the address that was checked."""

    host: str  # as the request names it, with its port if that is not 80
    address: str
    port: int
    path: str  # as the request names it; all of the URL for a proxy (RFC 9112 §3.2.2)


@dataclass(frozen=True, slots=True)
class Guard:
    """What may be reached."""

    networks: Sequence[Network] = ()  # of the owner, allowed though they are not public
    ports: frozenset[int] = frozenset((80,))
    resolve: Callable[[str, int], Sequence[str]] = resolve
    proxy: tuple[str, int] | None = None  # for all but the owner's networks

    def check(self, url: str) -> Target:
        """Return where to connect, or raise CannotFetch; asks the resolver."""
        host, port, path = _parts(url)
        if port not in self.ports:
            raise CannotFetch(f"port {port} is not asked")
        addresses = self._addresses(host, port)
        # One address at home among public ones is reason enough not to go there at all.
        for address in addresses:
            if not self.allows(address):
                raise CannotFetch("the host is not a public one")
        shown = f"[{host}]" if ":" in host else host
        name = shown if port == 80 else f"{shown}:{port}"
        if self.proxy is None or (addresses and all(map(self._is_own, addresses))):
            return Target(name, addresses[0], port, path)
        return Target(name, *self.proxy, f"http://{name}{path}")

    def _addresses(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a host; none where only the proxy may know it."""
        try:
            addresses = self.resolve(host, port)
        except (OSError, UnicodeError) as error:
            if self.proxy is not None and "." in host.rstrip(".") and not _is_number(host):
                return ()
            raise CannotFetch("the host has no address") from error
        if not addresses:
            raise CannotFetch("the host has no address")
        return addresses

    def allows(self, text: str) -> bool:
        """Return whether an address may be connected to."""
        return self._is_own(text) or _is_public(text)

    def _is_own(self, text: str) -> bool:
        address = _address(text)
        if address is None or any(address in each for each in _METADATA):
            return False
        if not any(address in each for each in self.networks):
            return False
        # Who opens a network with a translator has not opened all that it leads to.
        inner = _translated(address)
        return inner is None or self.allows(str(inner))


def opens_metadata(network: Network) -> bool:
    """Return whether a network reaches to where clouds keep their keys, and to little else."""
    return any(
        network.version == each.version and network.subnet_of(each)  # type: ignore[arg-type]  # alike
        for each in _METADATA
    )


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _translated(address: Address) -> Address | None:
    """Return the IPv4 address that an IPv6 one stands for, None if it is one of its own."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if any(address in each for each in _TRANSLATED):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped


def _is_number(host: str) -> bool:
    """Return whether the last label is a number, as that of an address is and no name's.

    "127.0.0.1." has no address for some resolvers, and is home for others.
    """
    return _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) is not None


def _parts(url: str) -> tuple[str, int, str]:
    if len(url) > URL_CHARACTERS or _URL.fullmatch(url) is None:
        raise CannotFetch("the URL is malformed")
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError as error:
        raise CannotFetch("the URL is malformed") from error
    if split.scheme != "http":
        raise CannotFetch("only http is asked")
    if "@" in split.netloc or "\\" in url or not split.hostname:
        raise CannotFetch("the URL is malformed")
    if _HOST.fullmatch(split.netloc.rpartition(":")[0] if port else split.netloc) is None:
        raise CannotFetch("the URL is malformed")
    path = (split.path or "/") + (f"?{split.query}" if split.query else "")
    return split.hostname, 80 if port is None else port, path


def _is_public(text: str) -> bool:
    address = _address(text)
    if address is None or not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if any(address in each for each in (*_NOT_PUBLIC, *_METADATA)):
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return True
    if address.scope_id or int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
        return False
    # An IPv4 address inside an IPv6 one is not followed any further.
    return address.ipv4_mapped is None and address.sixtofour is None and address.teredo is None
