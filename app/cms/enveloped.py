"""EnvelopedData and AuthEnvelopedData: built, read, opened.

Opening has one answer for every failure after the key was used: same error, same path, no matter
which field of the object was wrong (T76-T80). RFC 5652 §6, RFC 5083, RFC 8551 §3.3, §3.4.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from app.cms import algorithms as table
from app.cms import content, der, reference
from app.cms.attributes import content_type_name
from app.cms.content import ContentAlgorithm
from app.cms.content_info import read_content_info
from app.cms.errors import CannotDecrypt, MalformedCms, NotForThisKey, TooLarge, UnsupportedCms
from app.cms.keys import PrivateKey
from app.cms.recipients import RecipientId, build_recipient, fits, parse_recipients, unlock_key
from app.cms.signing import content_info_front

_VERSION_0: Final = der.integer(0)
_VERSION_2: Final = der.integer(2)
_VERSION_3: Final = der.integer(3)
# The longest padding and tag that stand beside the content.
_OVERHEAD_OCTETS: Final = 16
# An authentication tag of 16 octets with its tag and length.
_TAG_OCTETS: Final = 18


@dataclass(frozen=True, slots=True)
class Enveloped:
    """What an EnvelopedData or AuthEnvelopedData says without any key.

    `cipher` is a name, or dotted numbers of something we do not know; `weak` is the cipher's name
    if it is too weak.
    """

    kind: str
    cipher: str
    recipients: tuple[RecipientId, ...]
    weak: str
    algorithm: ContentAlgorithm | None
    # None if we cannot decrypt it, for the reason in `problem`.
    problem: str
    content_type: str
    ciphertext: memoryview = field(repr=False)
    associated: bytes = field(default=b"", repr=False)
    tag: bytes = field(default=b"", repr=False)


def build_enveloped(
    content_pieces: Sequence[bytes | memoryview],
    recipients: Sequence[bytes],
    *,
    cipher: str,
    rsa: str = "pkcs1v15",
) -> bytes:
    """Return a ContentInfo that every one of the certificates opens, DER; see enveloped_pieces."""
    return b"".join(enveloped_pieces(content_pieces, recipients, cipher=cipher, rsa=rsa))


def enveloped_pieces(
    content_pieces: Sequence[bytes | memoryview],
    recipients: Sequence[bytes],
    *,
    cipher: str,
    rsa: str = "pkcs1v15",
) -> Iterator[bytes]:
    """Return the pieces of a ContentInfo that every one of the certificates opens, DER.

    The cipher decides whether it is EnvelopedData or AuthEnvelopedData. `rsa` is "pkcs1v15" or
    "oaep-sha256" and so on. Raises UnsupportedCms for a weak or unknown cipher and for a key that
    nothing can be encrypted to, MalformedCms for something that is no certificate. The content is
    encrypted as the pieces are taken.
    """
    if not recipients:
        raise UnsupportedCms("nothing is encrypted to nobody")
    algorithm = content.choose_algorithm(cipher)
    cek = os.urandom(algorithm.key_octets)
    infos = [
        build_recipient(one, cek, rsa_transport=rsa, wrap=algorithm.cipher.wrap)
        for one in recipients
    ]
    size = content.sealed_octets(algorithm, sum(map(len, content_pieces)))
    return chain((_front(algorithm, infos, size),), _sealed(algorithm, cek, content_pieces))


def _front(algorithm: ContentAlgorithm, infos: Sequence[bytes], size: int) -> bytes:
    """Return everything that stands before so many octets of ciphertext."""
    described = b"".join(
        (
            table.CONTENT_TYPE_DER["data"],
            content.encode_algorithm(algorithm),
            der.head(der.PRIMITIVE_0, size),
        )
    )
    version = _VERSION_0 if algorithm.is_aead else _version(infos)
    encrypted = der.head(der.SEQUENCE, len(described) + size)
    front = b"".join((version, der.set_of(der.SET, *infos), encrypted, described))
    kind, tag_octets = ("auth-enveloped", _TAG_OCTETS) if algorithm.is_aead else ("enveloped", 0)
    return content_info_front(kind, len(front) + size + tag_octets) + front


def _sealed(
    algorithm: ContentAlgorithm, cek: bytes, pieces: Sequence[bytes | memoryview]
) -> Iterator[bytes]:
    """Yield the ciphertext and, for an AuthEnvelopedData, its authentication tag."""
    last = b""
    for piece in content.encrypt(algorithm, cek, pieces):
        yield last
        last = piece
    if last:
        yield der.tlv(der.OCTET_STRING, last)


def _version(infos: Sequence[bytes]) -> bytes:
    """Return the version of an EnvelopedData: the newest kind of RecipientInfo decides.

    RFC 5652 §6.1.
    """
    tags = {info[0] for info in infos}
    if der.CONTEXT_4 in tags:
        return _VERSION_3
    return _VERSION_2 if der.CONTEXT_1 in tags else _VERSION_0


def parse_enveloped(cms: bytes) -> Enveloped:
    """Return what a ContentInfo with EnvelopedData or AuthEnvelopedData says.

    Raises MalformedCms if the octets are neither or two readers see two things, TooLarge over a
    limit. What we cannot decrypt is a value: opening it raises UnsupportedCms.
    """
    return reference.read_both(cms, _read, reference.check_enveloped)


def _read(cms: bytes) -> Enveloped:
    kind, body = read_content_info(cms)
    if kind not in {"enveloped", "auth-enveloped"}:
        raise MalformedCms("neither EnvelopedData nor AuthEnvelopedData")
    body.integer()
    body.find(der.CONTEXT_0)  # originatorInfo
    recipients = parse_recipients(body.take(der.SET))
    encrypted = body.take(der.SEQUENCE)
    associated = tag = b""
    if kind == "auth-enveloped":
        if attributes := body.find(der.CONTEXT_1):
            # What is authenticated is the SET OF, not the tag it stands under (RFC 5083 §2.2).
            associated = b"\x31" + attributes.whole[1:]
        tag = body.take_value(der.OCTET_STRING)
        body.find(der.CONTEXT_2)
    else:
        body.find(der.CONTEXT_1)
    body.finish()
    return _read_content(kind, recipients, encrypted, associated, tag)


def _read_content(
    kind: str,
    recipients: tuple[RecipientId, ...],
    encrypted: der.Reader,
    associated: bytes,
    tag: bytes,
) -> Enveloped:
    """Read EncryptedContentInfo (RFC 5652 §6.1)."""
    content_type = content_type_name(encrypted.identifier())
    algorithm_der = encrypted.take(der.SEQUENCE)
    octets = encrypted.take(der.PRIMITIVE_0)
    encrypted.finish()
    ciphertext = memoryview(octets.octets)[octets.start : octets.end]
    algorithm, name, problem = _read_algorithm(kind, algorithm_der, ciphertext, tag)
    weak = name if name in table.CIPHERS and table.CIPHERS[name].weak else ""
    return Enveloped(
        *(kind, name, recipients, weak, algorithm, problem, content_type),
        *(ciphertext, associated, tag),
    )


def _read_algorithm(
    kind: str, element: der.Reader, ciphertext: memoryview, tag: bytes
) -> tuple[ContentAlgorithm | None, str, str]:
    """Return the content algorithm, its name, and why it cannot be decrypted."""
    try:
        algorithm = content.parse_algorithm(element)
        content.check(algorithm, kind, ciphertext, tag)
    except UnsupportedCms as fault:
        element.at = element.start
        oid = element.identifier()
        row = table.CIPHER_BY_OID.get(oid)
        return None, row.name if row else der.dotted_identifier(oid), str(fault)
    return algorithm, algorithm.cipher.name, ""


def open_enveloped(
    enveloped: Enveloped,
    key: PrivateKey,
    certificate: bytes,
    *,
    limit_octets: int,
    legacy: str = "3des",
) -> bytes:
    """Return the content of an EnvelopedData or AuthEnvelopedData for one recipient.

    `legacy` says which weak ciphers may be read: "none", "3des" or "3des+rc2". Raises
    NotForThisKey if no RecipientInfo names the certificate, UnsupportedCms before any key is used,
    TooLarge before more than limit_octets are produced, CannotDecrypt for everything else, alike.
    RFC 5652 §6.3, RFC 5083 §2, RFC 8551 §3.3.
    """
    named = [recipient for recipient in enveloped.recipients if recipient.names(certificate)]
    if not named:
        raise NotForThisKey("no RecipientInfo names the certificate")
    algorithm = _supported(enveloped, named[0], legacy)
    if len(enveloped.ciphertext) > limit_octets + _OVERHEAD_OCTETS:
        raise TooLarge("more content than the limit")
    # Two RecipientInfos for one certificate are a question to the key with two answers (T78).
    if len(named) > 1:
        raise CannotDecrypt
    if not fits(named[0], key):
        raise UnsupportedCms("the key does not fit the RecipientInfo")
    cek = unlock_key(named[0], key, algorithm.key_octets)
    found = content.decrypt(
        algorithm, cek, enveloped.ciphertext, tag=enveloped.tag, associated=enveloped.associated
    )
    if len(found) > limit_octets:
        raise TooLarge("more content than the limit")
    return found


def _supported(enveloped: Enveloped, recipient: RecipientId, legacy: str) -> ContentAlgorithm:
    """Return the content algorithm, or raise UnsupportedCms if we do not do what is asked."""
    if enveloped.algorithm is None:
        raise UnsupportedCms(enveloped.problem)
    for weak in filter(None, (enveloped.weak, recipient.weak)):
        if weak not in legacy.split("+"):
            raise UnsupportedCms(f"{weak} is not read")
    return enveloped.algorithm
