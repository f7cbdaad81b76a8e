"""The settings of the fetcher: own networks, ports, a proxy, each as an owner writes it.

Every function raises ValueError with what the setting must be.
"""

import ipaddress
import re
from typing import Final

from app.pki.guard import Network, opens_metadata

_ENTRIES: Final = 64
_NARROWEST: Final = {4: 8, 6: 7}
"""A wider network is not somebody's own: 10.0.0.0/8 and fc00::/7 are the widest there are."""
_PROXY: Final = re.compile(
    r"(?:http://)?([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:]{2,45}\]):(\d{1,5})/?"
)


def _entries(text: str) -> list[str]:
    found = text.replace(",", " ").split()
    if len(found) > _ENTRIES:
        raise ValueError(f"must be at most {_ENTRIES} entries")
    return found


def parse_networks(text: str) -> tuple[Network, ...]:
    """Return networks in CIDR form, separated by spaces or commas."""
    return tuple(map(_network, _entries(text)))


def _network(text: str) -> Network:
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"must be networks such as 10.1.0.0/16, not {text}: {error}") from error
    if network.prefixlen < _NARROWEST[network.version]:
        raise ValueError(f"must be networks of your own: {text} is too wide")
    if opens_metadata(network):
        raise ValueError(f"must not be {text}, where clouds keep their keys")
    return network


def parse_ports(text: str) -> frozenset[int]:
    """Return port numbers, separated by spaces or commas."""
    found = _entries(text)
    if not found or not all(each.isascii() and each.isdecimal() for each in found):
        raise ValueError("must be ports such as 80, 8080")
    ports = frozenset(int(each[:6]) for each in found)
    if not all(0 < each < 65536 for each in ports):
        raise ValueError("must be ports from 1 to 65535")
    return ports


def parse_proxy(text: str) -> tuple[str, int] | None:
    """Return host and port of an HTTP proxy, None for an empty text."""
    if not text:
        return None
    found = _PROXY.fullmatch(text)
    if found is None or not 0 < int(found[2]) < 65536:
        raise ValueError("must be http://HOST:PORT, without a password")
    return found[1].strip("[]"), int(found[2])
