"""The fields that say a message has been here: Received, the hop count, and what was found.

They go on top of everything else, so that what is below stays as it was octet for octet. RFC 5321
§4.4, RFC 8601 §2.2, RFC 7281 §3.
"""

import re
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from app.mail import authres
from app.mail.address import spelled_out
from app.mail.headers import Headers, join, split
from app.mta.envelope import Envelope
from app.smime.decrypt import Decryption
from app.smime.finding import Finding

if TYPE_CHECKING:
    from app.mta.machine import Work

HOP_FIELD = "X-Sealmon-Hop"
TRACE_FIELD = "X-Sealmon-Trace"
SIGNATURE_FIELD = "X-Sealmon-Signature"
DECRYPTION_FIELD = "X-Sealmon-Decryption"

_COUNT = re.compile(rb"[0-9]{1,3}")
_SERIAL_DIGITS = 40
_REASONS_CHARACTERS = 2_000
_UNFIT = re.compile(r"[^\x21-\x7e]|[()\\;]")


def hops(headers: Headers) -> int:
    """Return how often a Sealmon has had this message; an unreadable count is 0."""
    counts = [
        int(field.unfolded) for field in headers.all(HOP_FIELD) if _COUNT.fullmatch(field.unfolded)
    ]
    return max(counts, default=0)


def received(envelope: Envelope, hostname: str, trace_id: str) -> bytes:
    """Return our Received field (RFC 5321 §4.4). The login and the reverse-path stay out of it."""
    peer = envelope.peer
    helo = _UNFIT.sub("?", peer.helo)[:255] or "unknown"
    source = f"[{_literal(peer.address)}]" if peer.address else "local socket"
    when = _date(envelope.received_at.replace(microsecond=0))
    return (
        f"Received: from {helo} ({source})\r\n"
        f"\tby {hostname} (Sealmon) with {peer.protocol}\r\n"
        f"\tid {trace_id}; {when}\r\n"
    ).encode("ascii")


# Many messages come within one second.
_date = lru_cache(maxsize=8)(format_datetime)


def _literal(address: str) -> str:
    return f"IPv6:{address}" if ":" in address else address


def stamp(work: "Work") -> bytes:
    """Return the fields that go on top of every message: Received, hop count, trace id.

    Nothing below is touched, because it may be sealed; former counts went when it was cleaned.
    """
    fields = f"{HOP_FIELD}: {hops(work.headers) + 1}\r\n{TRACE_FIELD}: {work.trace_id}\r\n"
    return fields.encode("ascii") + received(work.envelope, work.house.hostname, work.trace_id)


def on_top(fields: bytes, message: bytes) -> bytes:
    """Return the message with these fields on top.

    One without a header section gets the empty line that makes it a body; else its lines would be
    read as fields beside ours, whatever they say (T61, T62).
    """
    parts = split(message)
    return fields + message if parts.headers.octets else join(Headers(fields), parts)


def results(finding: Finding, decryption: Decryption, authserv_id: str) -> bytes:
    """Return the fields that tell what was found, for the top of an inbound message."""
    reasons = "; ".join(reason.text("en") for reason in finding.reasons)[:_REASONS_CHARACTERS]
    signature = "; ".join(
        part for part in (finding.status, spelled_out(finding.signer), reasons) if part
    )
    opened = "; ".join(part for part in (decryption.status, decryption.algorithm) if part)
    return b"".join(
        (
            authentication_results(finding, authserv_id),
            _text_field(SIGNATURE_FIELD, signature),
            _text_field(DECRYPTION_FIELD, opened),
        )
    )


def authentication_results(finding: Finding, authserv_id: str) -> bytes:
    """Return the Authentication-Results field of a finding (RFC 7281 §3)."""
    properties = {}
    certificate = finding.certificate
    if certificate is not None:
        serial = f"{certificate.serial:x}"
        properties = {
            "body.smime-identifier": spelled_out(finding.signer),
            # More than RFC 5280 §4.1.2.2 allows is no help to anybody, and a line too long to send.
            "body.smime-serial": serial if len(serial) <= _SERIAL_DIGITS else "",
            "body.smime-issuer": certificate.issuer,
        }
    reason = finding.reasons[0].text("en") if finding.reasons else ""
    return authres.build(
        authserv_id, finding.result, reason, {k: v for k, v in properties.items() if v}
    )


def _text_field(name: str, text: str) -> bytes:
    """Return a field of our own, folded between words; what is no printable ASCII becomes "?"."""
    words = "".join(c if " " <= c <= "~" else "?" for c in text).split()
    lines = [f"{name}:"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > 76 and lines[-1].strip():
            lines.append("")
        lines[-1] += f" {word}"
    return ("\r\n".join(lines) + "\r\n").encode("ascii")
