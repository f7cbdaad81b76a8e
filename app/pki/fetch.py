"""Fetching of revocation data and issuers by http, bounded in every direction.

Runs beside the mail path, never in it. One request takes five seconds at most after its host is
resolved, reads no more than it may, follows a redirect only on the same host, and goes only where
the Guard lets it. What comes back is believed by nobody until it verifies, so that http loses
nothing to https here (RFC 5280 §8). RFC 9110, RFC 9112, RFC 6960 appendix A.
"""

import re
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from app import clock
from app.pki import pem
from app.pki.certificate import Certificate, load_certificates
from app.pki.crls import CRL_OCTETS, issuer_of
from app.pki.errors import CannotFetch, MalformedCertificate
from app.pki.guard import Guard, Target
from app.pki.revdata import OCSP_OCTETS, is_response

SECONDS: Final = 5.0
REDIRECTS: Final = 2
HEADER_OCTETS: Final = 16 * 1024
ISSUER_OCTETS: Final = 256 * 1024
_HEAD: Final = HEADER_OCTETS + 4
_READ_OCTETS: Final = 64 * 1024
_CHUNKS: Final = 50_000
"""Of 200 octets each in the longest list that is taken; servers send thousands at a time."""

_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})(?: [^\r\n]*)?")
_LENGTH_DIGITS: Final = 11
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,11})[ \t]*\r\n", re.IGNORECASE)
_REDIRECT: Final = frozenset((301, 302, 303, 307, 308))


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    fields: dict[str, str]
    body: bytes


def fetch_crl(url: str, guard: Guard) -> bytes:
    """Return the CRL at a URL, or raise CannotFetch.

    QUIRK: some authorities serve PEM, against RFC 5280 §4.2.1.13.
    """
    octets = fetch(url, guard, limit_octets=CRL_OCTETS)
    if not pem.is_der(octets):
        try:
            octets = next((pem.decode(block) for _, block in pem.blocks(octets)), b"")
        except ValueError:
            octets = b""
    if not issuer_of(octets):
        raise CannotFetch("the answer is no CRL")
    return octets


def fetch_ocsp(url: str, certificate: Certificate, issuer: Certificate, guard: Guard) -> bytes:
    """Return the responder's answer about a certificate, or raise CannotFetch.

    There is no nonce: an answer is kept and shared until its nextUpdate (RFC 5019 §4).
    """
    request = ocsp_request(certificate, issuer)
    octets = fetch(url, guard, limit_octets=OCSP_OCTETS, body=request)
    if not is_response(octets):
        raise CannotFetch("the answer is no OCSP response")
    return octets


def fetch_issuers(url: str, guard: Guard) -> tuple[Certificate, ...]:
    """Return the certificates at a caIssuers URL, or raise CannotFetch (RFC 5280 §4.2.2.1)."""
    try:
        return load_certificates(fetch(url, guard, limit_octets=ISSUER_OCTETS))
    except MalformedCertificate as error:
        raise CannotFetch("the answer holds no certificate") from error


def ocsp_request(certificate: Certificate, issuer: Certificate) -> bytes:
    """Return the OCSPRequest for one certificate, DER.

    SHA-1 is only a short name for the issuer here, and all that many responders know (RFC 6960
    §4.3).
    """
    try:
        builder = ocsp.OCSPRequestBuilder().add_certificate(
            x509.load_der_x509_certificate(certificate.der),
            x509.load_der_x509_certificate(issuer.der),
            hashes.SHA1(),  # noqa: S303 - see above
        )
    except ValueError as error:
        raise CannotFetch("the certificate cannot be asked about") from error
    return builder.build().public_bytes(Encoding.DER)


def fetch(url: str, guard: Guard, *, limit_octets: int, body: bytes = b"") -> bytes:
    """Return what is at a URL; with a body, what the responder there answers to it.

    Raises CannotFetch with one line that names no address, whatever goes wrong.
    """
    deadline = clock.monotonic() + SECONDS
    for _ in range(1 + REDIRECTS):
        target = guard.check(url)
        answer = _ask(target, body, limit_octets, deadline)
        if answer.status == 200:
            return answer.body
        location = answer.fields.get("location", "")
        if answer.status not in _REDIRECT or not location:
            raise CannotFetch(f"the host answers {answer.status}")
        url = _same_host(url, location)
    raise CannotFetch("the host redirects too often")


def _same_host(url: str, location: str) -> str:
    """Return where a redirect leads, which must be on the same host."""
    try:
        found = urljoin(url, location)
    except ValueError as error:
        raise CannotFetch("the host redirects elsewhere") from error
    if _authority_of(found) != _authority_of(url):
        raise CannotFetch("the host redirects elsewhere")
    return found


def _authority_of(url: str) -> tuple[str, str]:
    """Return scheme and authority of a URL, in the form in which two of one host are equal."""
    scheme, _, rest = url.partition("://")
    return scheme.lower(), rest.partition("/")[0].lower().removesuffix(":80")


def _ask(target: Target, body: bytes, limit_octets: int, deadline: float) -> _Answer:
    method = "POST" if body else "GET"
    lines = [
        f"{method} {target.path} HTTP/1.1",
        f"Host: {target.host}",
        "Connection: close",
        "Accept-Encoding: identity",
        "User-Agent: Sealmon",
    ]
    if body:
        lines += ["Content-Type: application/ocsp-request", f"Content-Length: {len(body)}"]
    request = "\r\n".join((*lines, "", "")).encode("ascii") + body
    try:
        with socket.create_connection((target.address, target.port), _left(deadline)) as peer:
            peer.settimeout(_left(deadline))
            peer.sendall(request)
            octets = _read(peer, limit_octets + HEADER_OCTETS, deadline)
    except OSError as error:
        raise CannotFetch("the host cannot be reached in time") from error
    return _parse(octets, limit_octets)


def _left(deadline: float) -> float:
    left = deadline - clock.monotonic()
    if left <= 0:
        raise CannotFetch(f"no answer within {SECONDS:g} seconds")
    return left


def _read(peer: socket.socket, limit_octets: int, deadline: float) -> bytes:
    """Return what the peer sends, until it closes or its answer is whole."""
    octets = bytearray()
    whole = -1
    while whole < 0 or len(octets) < whole:
        peer.settimeout(_left(deadline))
        part = peer.recv(_READ_OCTETS)
        if not part:
            break
        octets += part
        if len(octets) > limit_octets:
            raise CannotFetch("the answer is over the limit")
        if whole < 0:
            whole = _whole_octets(octets)
            if whole < 0 and len(octets) > _HEAD and octets.find(b"\r\n\r\n", 0, _HEAD) < 0:
                # Else each part of an answer without an end would be a search through all of it.
                raise CannotFetch("the answer is not HTTP")
    return bytes(octets)


def _whole_octets(octets: bytearray) -> int:
    """Return how long the answer will be, -1 as long as that is not said."""
    end = octets.find(b"\r\n\r\n", 0, _HEAD)
    if end < 0:
        return -1
    length = _LENGTH.search(octets, 0, end + 2)
    if length is not None:
        return end + 4 + int(length[1])
    # The last chunk is empty; a body that holds these octets itself is cut short, and told so.
    return len(octets) if octets.endswith(b"\r\n0\r\n\r\n") else -1


def _parse(octets: bytes, limit_octets: int) -> _Answer:
    head, separator, body = octets.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    status = _STATUS.fullmatch(first)
    if not separator or len(head) > HEADER_OCTETS or status is None:
        raise CannotFetch("the answer is not HTTP")
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode("latin-1").partition(":")
        fields[name.strip().lower()] = value.strip()
    if fields.get("transfer-encoding", "").lower() == "chunked":
        body = _unchunked(body)
    elif (length := fields.get("content-length", "")).isdecimal():
        if len(length) > _LENGTH_DIGITS or len(body) < int(length):
            raise CannotFetch("the answer is cut short")
        body = body[: int(length)]
    if len(body) > limit_octets:
        raise CannotFetch("the answer is over the limit")
    return _Answer(int(status[1]), fields, body)


def _unchunked(octets: bytes) -> bytes:
    """Return the content of a chunked body (RFC 9112 §7.1)."""
    parts: list[bytes] = []
    at = 0
    for _ in range(_CHUNKS):
        end = octets.find(b"\r\n", at, at + 64)
        digits = octets[at:end].partition(b";")[0].strip()
        if end < 0 or not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", digits):
            raise CannotFetch("the answer is cut short")
        size = int(digits, 16)
        if size == 0:
            return b"".join(parts)
        at = end + 2
        if octets[at + size : at + size + 2] != b"\r\n":
            raise CannotFetch("the answer is cut short")
        parts.append(octets[at : at + size])
        at += size + 2
    raise CannotFetch("the answer comes in too many pieces")
