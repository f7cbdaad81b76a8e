"""Where mail goes from here: the next hop, as the settings name it.

    lmtp://host:port  lmtp:/path/to/socket  maildir:path
    smtp://host:port?tls=none|may|encrypt|verify&ca=FILE

The level of TLS is said by the operator and never lowered by a server: with ``may`` a server that
offers STARTTLS must also manage it. RFC 2033, RFC 5321, RFC 3207.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

TLS_LEVELS: Final = ("none", "may", "encrypt", "verify")
_PORTS: Final = {"smtp": 25, "lmtp": 24}


class MalformedNextHop(ValueError):
    """The text names no next hop; one line says why."""


@dataclass(frozen=True, slots=True)
class NextHop:
    """One next hop. Exactly one of host and path is set."""

    protocol: str
    """smtp, lmtp or maildir."""
    host: str = ""
    port: int = 0
    path: str = ""
    """A UNIX socket (lmtp) or a folder (maildir)."""
    tls: str = "none"
    ca_file: str = ""
    """The trust anchors of ``verify``, PEM; "" means those of the system."""

    @classmethod
    def parse(cls, url: str) -> "NextHop":
        """Return the next hop that url names. Raises MalformedNextHop."""
        protocol, colon, rest = url.strip().partition(":")
        if not colon or protocol not in {"smtp", "lmtp", "maildir"}:
            raise MalformedNextHop(f"{url!r}: begin with lmtp:, smtp: or maildir:")
        if protocol == "maildir":
            if not rest or "\0" in rest:
                raise MalformedNextHop(f"{url!r}: maildir: needs the path of a folder")
            return cls(protocol, path=rest)
        if protocol == "lmtp" and rest.startswith("/") and not rest.startswith("//"):
            return cls(protocol, path=rest)
        return _parse_network(cls, protocol, url)

    def __str__(self) -> str:
        if self.path:
            return f"{self.protocol}:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.protocol}://{host}:{self.port}?tls={self.tls}"


def _parse_network(cls: type[NextHop], protocol: str, url: str) -> NextHop:
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port or _PORTS[protocol]
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError as problem:
        raise MalformedNextHop(f"{url!r}: {problem}") from None
    if not host or parts.path not in {"", "/"} or parts.username is not None or parts.fragment:
        raise MalformedNextHop(f"{url!r}: write {protocol}://host:port")
    tls = options.pop("tls", "none")
    ca_file = options.pop("ca", "")
    if options or tls not in TLS_LEVELS:
        raise MalformedNextHop(f"{url!r}: the options are tls={'|'.join(TLS_LEVELS)} and ca=FILE")
    return cls(protocol, host, port, tls=tls, ca_file=ca_file)
