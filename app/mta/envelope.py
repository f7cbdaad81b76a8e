"""The envelope: what the protocol said about a message, to the letter (RFC 5321 §2.3.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Peer:
    """Who speaks to us in this session."""

    address: str
    """The IP address of the direct client; "" on a UNIX socket."""
    login: str | None = None
    """The name it authenticated with."""
    xforward: Mapping[str, str] = field(default_factory=dict)
    """What a listed peer handed over with XFORWARD, names in capitals."""
    helo: str = ""
    tls: bool = False
    protocol: str = "ESMTP"
    """As in the with clause of a Received field (RFC 5321 §4.4, RFC 3848)."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One mail transaction: reverse-path, recipients and the octets of the message."""

    reverse_path: str
    """"" is the null reverse-path; letters as they came."""
    recipients: tuple[str, ...]
    """As they came; the same one twice is two recipients."""
    octets: bytes
    peer: Peer
    received_at: datetime
    eight_bit: bool = False
    """BODY=8BITMIME was said (RFC 6152)."""
    smtputf8: bool = False
    """SMTPUTF8 was said (RFC 6531)."""
