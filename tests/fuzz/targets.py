"""The five targets, each a function of octets, with what must hold besides "nothing is raised".

A target may raise nothing: whatever is wrong with an input is told by a named error that the target
knows, or by a value. The seeds are what the generators make, so that a run needs nothing else.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from app.cms.enveloped import parse_enveloped
from app.cms.errors import CannotDecrypt, MalformedCms, NotForThisKey, TooLarge, UnsupportedCms
from app.cms.kind import content_kind
from app.cms.signed import parse_signed
from app.mail.address import MalformedAddress, normalise, originator
from app.mail.entity import Entity, parse_entity, scan
from app.mail.errors import MalformedMessage
from app.mail.headers import decode_text, encode_text, join, split
from app.model.marks import MarkTexts
from app.pki.certificate import Certificate, load_certificates
from app.pki.errors import MalformedCertificate
from app.pki.path import Anchors, validate
from app.smime.kinds import recognise
from app.smime.legacy_display import without_legacy_display
from app.smime.peel import Circumstances, peel
from app.smime.verify import signed_content, verify
from app.subject.strip import Cleaner
from tests import forge
from tests.forgery.makers import ALICE, MALLORY, authority, issued, root
from tests.smime.house import Trust
from tests.testpki import AT

NAMED = (
    MalformedCms,
    UnsupportedCms,
    TooLarge,
    NotForThisKey,
    CannotDecrypt,
    MalformedCertificate,
    MalformedMessage,
    MalformedAddress,
)


@dataclass(frozen=True)
class Target:
    """One target: what runs an input, and where to begin."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]


def mime(octets: bytes) -> None:
    """Split, scan and walk a message (F-b)."""
    parts = split(octets)
    assert join(parts.headers, parts) == octets, "what is split joins again"
    if scan(octets):
        return
    _walk(parse_entity(octets))
    recognise(octets)


def _walk(entity: Entity, depth: int = 0) -> None:
    assert depth <= 21, "the scan has a limit"
    with contextlib.suppress(MalformedMessage):
        entity.decoded()
    for part in entity.parts():
        assert entity.start <= part.start <= part.end <= entity.end, "a part lies inside"
        _walk(part, depth + 1)


CLEANERS = tuple(Cleaner(MarkTexts(), symbols=symbols) for symbols in (False, True))


def headers(octets: bytes) -> None:
    """Read a header section, its author and its subject; clean it of marks (F-c, F-i)."""
    section = split(octets).headers
    who = originator(section)
    with contextlib.suppress(MalformedAddress):
        assert normalise(normalise(who.address)) == normalise(who.address)
    _ = section.anomalies
    text = section.text("Subject")
    if text:
        assert decode_text(encode_text("Subject", text).partition(b":")[2]) is not None
    # Which of the two is told by the input, so that it is found again.
    cleaner = CLEANERS[sum(octets[-8:]) % 2]
    once = cleaner.clean_message(octets, authserv_id="gateway.nord.example")
    if once is not octets:
        again = cleaner.clean_message(once, authserv_id="gateway.nord.example")
        assert once == again, "cleaning is done at once"
        section = split(once).headers
    assert section.find("X-Sealmon-Signature") is None, "no forged result stays"


def cms(octets: bytes) -> None:
    """Read a CMS object by the pre-scan and by both readers (F-d)."""
    for read in (content_kind, parse_signed, parse_enveloped):
        try:
            read(octets)
        except NAMED:
            continue


@cache
def anchors() -> Anchors:
    return Anchors((Certificate.from_der(root().certificate),), "fuzz")


@cache
def trust() -> Trust:
    return Trust(anchors(), (Certificate.from_der(authority().certificate),))


@cache
def issued_by_us() -> frozenset[bytes]:
    return frozenset(
        hashlib.sha256(issued(ALICE, kind).certificate).digest()
        for kind in ("rsa2048", "p256", "ed25519")
    ) | {hashlib.sha256(one).digest() for one in (root().certificate, authority().certificate)}


def certificate(octets: bytes) -> None:
    """Read certificates and build a path; nobody but ours is ever trusted (F-e)."""
    try:
        found = load_certificates(octets)
    except MalformedCertificate:
        return
    for each in found[:4]:
        each.signing_problems(AT)
        each.encryption_problems(AT)
        result = validate(each, trust().intermediates, anchors(), at=AT)
        if result.status == "trusted":
            assert hashlib.sha256(each.der).digest() in issued_by_us(), "a stranger is trusted"


@cache
def _genuine() -> tuple[forge.Case, ...]:
    return tuple(forge.genuine(every=7))


@cache
def _forged() -> tuple[forge.Case, ...]:
    return tuple(forge.forged(every=485))


@cache
def genuine_contents() -> frozenset[bytes]:
    """Return the hashes of everything that Alice has signed in a seed."""
    found = set()
    # Where only the header section around it is odd, she has signed what is inside; a change that
    # makes the section clean makes it a pass.
    framed = (case for case in _forged() if "-t38-" in case.name)
    for case in (*_genuine(), *framed):
        message = peel(case.octets, [forge.bob()], _by(case.octets)).message
        layer = recognise(message)
        found.add(_content_hash(message))
        inner = signed_content(message, layer)
        found.add(hashlib.sha256(inner).digest())
    return frozenset(found)


def _by(octets: bytes) -> Circumstances:
    return Circumstances(originator(split(octets).headers), trust(), AT)


def _content_hash(message: bytes) -> bytes:
    return hashlib.sha256(signed_content(message, recognise(message))).digest()


def message(octets: bytes) -> None:
    """Open and verify a message; a pass is only for what Alice signed (F-f, F-g).

    Mallory has a certificate of his own: what he signs as himself passes as his.
    """
    by = _by(octets)
    peeled = peel(octets, [forge.bob()], by)
    assert peeled.decryption.status in {"none", "decrypted", "no-key", "failed", "unsupported"}
    finding = verify(peeled.message, peeled.layer, by.originator, by.trust, at=AT)
    if finding.is_pass and not finding.from_address == finding.signer == MALLORY:
        assert _content_hash(peeled.message) in genuine_contents(), "a false pass"
        assert finding.from_address.lower() == ALICE, "a pass for somebody else"
    shown = without_legacy_display(peeled.message, "x")
    assert split(shown).headers == split(peeled.message).headers, "only bodies change"


def _messages() -> Iterator[bytes]:
    genuine_contents()
    for case in (*_genuine()[::14], *_forged()):
        yield case.octets


def _structures() -> Iterator[bytes]:
    """Yield small messages of every structure, where a change meets something that matters."""
    parts = (
        b"Content-Type: text/plain; charset=utf-8\r\n\r\nhello\r\n",
        b"Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n",
        b'Content-Type: text/plain; hp-legacy-display="1"\r\n\r\nSubject: x\r\n\r\nhi\r\n',
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\nhe=6Clo =\r\n\r\n",
        b"Content-Type: message/rfc822\r\n\r\nFrom: a@b.example\r\n\r\nhi\r\n",
        b"Content-Type: application/pkcs7-signature; name=smime.p7s\r\n\r\nMIIB\r\n",
    )
    outer = b"From: a@example.org\r\nMIME-Version: 1.0\r\n"
    for kind in (b"mixed", b'signed; protocol="application/pkcs7-signature"; micalg=sha-256'):
        for first in parts:
            inner = b"--x\r\n" + first + b"--x\r\n" + parts[-1] + b"--x--\r\n"
            typed = b"Content-Type: multipart/" + kind + b"; boundary=x\r\n\r\n"
            yield outer + typed + inner
            yield (
                outer
                + b"Content-Type: multipart/mixed; boundary*=us-ascii''%79\r\n\r\n--y\r\n"
                + (typed + inner + b"--y--\r\n")
            )
            yield outer + first
    for kind in (b"enveloped-data", b"signed-data", b"certs-only", b"compressed-data"):
        typed = b"Content-Type: application/pkcs7-mime; smime-type=" + kind
        yield outer + typed + b"; name*0=smime.; name*1=p7m\r\n" + parts[1]


def _sections() -> Iterator[bytes]:
    for octets in _messages():
        yield split(octets).headers.octets + b"\r\n"
    subjects: Sequence[str] = ("[SIGNIERT] Re: Angebot", "🔏 x", "[S1GNED] hi", "Re: 【SIGNED】")
    for subject in subjects:
        yield b"From: a@example.org\r\n" + encode_text("Subject", subject) + b"\r\n"
        yield b"X-Sealmon-Signature: valid\r\nSubject: " + subject.encode() + b"\r\n\r\n"


def _cms_objects() -> Iterator[bytes]:
    for octets in _messages():
        found = recognise(octets).cms
        if found:
            yield found


def _certificates() -> Iterator[bytes]:
    for kind in ("rsa2048", "p256", "ed25519"):
        yield issued(ALICE, kind).certificate
        yield issued(ALICE, kind).pem
    yield root().certificate
    yield authority().certificate


TARGETS = {
    "mime": Target(mime, _structures),
    "headers": Target(headers, _sections),
    "cms": Target(cms, _cms_objects),
    "certificate": Target(certificate, _certificates),
    "message": Target(message, _messages),
}
