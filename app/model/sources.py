"""The on-line sources of certificates that policy may name, read from the entries of ``lookup``.

``smimea`` asks the DNS (RFC 8162). ``ldaps://host[:port]/BASE-DN`` asks a directory over TLS,
``ldap://host[:port]/BASE-DN?starttls`` the same after StartTLS; without TLS only this machine is
asked. The base is percent-encoded as in any URL (RFC 4516 §2.1). There is no place for a password:
a directory that wants one is not asked.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from app.mail.address import MalformedAddress, normalise_domain
from app.model.errors import Refused

SMIMEA: Final = "smimea"
LDAP: Final = "ldap"

_PORTS: Final = {"ldap": 389, "ldaps": 636}
_FORMS: Final = "smimea, ldaps://HOST[:PORT]/BASE-DN or ldap://HOST[:PORT]/BASE-DN?starttls"
# Every printable ASCII character but the space; a space of the base is written %20.
_URL: Final = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Source:
    """Where certificates of correspondents can be asked for."""

    entry: str
    """As policy writes it, and as it is shown."""
    kind: str
    """"smimea" or "ldap"; a directory has what follows."""
    host: str = ""
    port: int = 0
    base: str = ""
    tls: str = ""
    """"tls", "starttls", or "" for none, which is only for this machine."""


def parse_source(entry: str) -> Source:
    """Return the source that an entry names. Raises Refused with what it may be."""
    if entry == SMIMEA:
        return Source(entry, SMIMEA)
    try:
        url = urlsplit(entry)
        port = url.port
    except ValueError:
        raise Refused(f"{entry!r} is no source: use {_FORMS}") from None
    if url.scheme not in _PORTS or _URL.fullmatch(entry) is None or not url.hostname:
        raise Refused(f"{entry!r} is no source: use {_FORMS}")
    if port == 0 or url.fragment or "@" in url.netloc or url.query not in {"", "starttls"}:
        raise Refused(f"{entry!r} is no source: use {_FORMS}")
    host = _host(entry, url.hostname)
    return Source(
        entry, LDAP, host, port or _PORTS[url.scheme], _base(entry, url), _tls(entry, url, host)
    )


def _host(entry: str, text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        pass
    try:
        return normalise_domain(text)
    except MalformedAddress:
        raise Refused(f"{entry!r}: {text!r} is no host") from None


def _base(entry: str, url: SplitResult) -> str:
    try:
        base = unquote(url.path.removeprefix("/"), errors="strict")
    except UnicodeDecodeError:
        base = ""
    if "=" not in base or not base.isprintable():
        raise Refused(f"{entry!r} names no base, as in /dc=example,dc=org")
    return base


def _tls(entry: str, url: SplitResult, host: str) -> str:
    if url.scheme == "ldaps":
        if url.query:
            raise Refused(f"{entry!r}: ldaps has TLS from the start, leave out ?{url.query}")
        return "tls"
    if not url.query and not is_loopback(host):
        raise Refused(f"{entry!r}: without TLS only this machine is asked; add ?starttls")
    return url.query


def is_loopback(host: str) -> bool:
    """Return whether a host, as text, is this machine without anybody being asked."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
