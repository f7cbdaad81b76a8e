"""CMS objects taken apart to be put together wrongly, and short ways to make and open one."""

from collections.abc import Iterator

from app.cms import algorithms, der
from app.cms.enveloped import build_enveloped, open_enveloped, parse_enveloped
from app.cms.signed import SignerInfo, build_signed, parse_signed
from app.cms.signing import content_info
from tests.cms.identities import CONTENT, identity, key, signer
from tests.testpki import AT

LIMIT = 1_000_000


def elements(reader: der.Reader) -> Iterator[bytes]:
    """Yield the elements inside one, each whole."""
    while reader.peek() >= 0:
        yield reader.next().whole


def signed(*, detached: bool = False, kind: str = "p256", scheme: str = "") -> bytes:
    return build_signed(signer(kind, scheme), [CONTENT], detached=detached, at=AT)


def only_signer(cms: bytes) -> SignerInfo:
    (info,) = parse_signed(cms).signers
    return info


class SignedParts:
    """A SignedData taken apart, to put it together wrongly."""

    def __init__(self, cms: bytes) -> None:
        body = der.read_one(cms, der.SEQUENCE)
        body.identifier()
        data = body.take(der.CONTEXT_0).take(der.SEQUENCE)
        self.before = [data.next().whole for _ in range(3)]
        self.certificates = data.take(der.CONTEXT_0).whole
        info = data.take(der.SET).take(der.SEQUENCE)
        self.head = [info.next().whole for _ in range(3)]
        signed_attrs = info.take(der.CONTEXT_0)
        self.attributes = []
        while signed_attrs.peek() >= 0:
            self.attributes.append(signed_attrs.next().whole)
        self.tail = [info.next().whole for _ in range(2)]

    def signer_info(self, *more: bytes) -> bytes:
        attributes = der.tlv(der.CONTEXT_0, *self.attributes) if self.attributes else b""
        return der.tlv(der.SEQUENCE, *self.head, attributes, *self.tail, *more)

    def build(self, *signers: bytes) -> bytes:
        signers = signers or (self.signer_info(),)
        infos = der.tlv(der.SET, *signers)
        return content_info("signed", [*self.before, self.certificates, infos])


def enveloped(
    kind: str = "p256", cipher: str = "aes256-gcm", rsa: str = "pkcs1v15", content: bytes = CONTENT
) -> bytes:
    return build_enveloped([content], [identity(kind).certificate], cipher=cipher, rsa=rsa)


def opened(cms: bytes, kind: str = "p256", *, limit: int = LIMIT, legacy: str = "none") -> bytes:
    return open_enveloped(
        parse_enveloped(cms),
        key(kind),
        identity(kind).certificate,
        limit_octets=limit,
        legacy=legacy,
    )


class EnvelopedParts:
    """An enveloped object taken apart, to put it together wrongly."""

    def __init__(self, cms: bytes) -> None:
        info = der.read_one(cms, der.SEQUENCE)
        self.kind = algorithms.CONTENT_TYPES[info.identifier()]
        body = info.take(der.CONTEXT_0).take(der.SEQUENCE)
        self.version = body.next().whole
        self.infos = list(elements(body.take(der.SET)))
        encrypted = body.take(der.SEQUENCE)
        self.content_type = encrypted.next().whole
        self.algorithm = encrypted.next().whole
        self.ciphertext = encrypted.next().value
        self.tail = list(elements(body))

    def build(self) -> bytes:
        encrypted = der.tlv(
            der.SEQUENCE, self.content_type, self.algorithm, der.tlv(0x80, self.ciphertext)
        )
        infos = der.tlv(der.SET, *self.infos)
        return content_info(self.kind, [self.version, infos, encrypted, *self.tail])
