"""What only says that it is encrypted or signed is neither: T65, T87, R17."""

from collections.abc import Callable

import pytest

from app.cms import der
from app.cms.algorithms import CONTENT_TYPE_DER
from app.mail.compose import pkcs7_mime
from app.mail.headers import split
from app.mta.machine import Delivery
from app.mta.reply import CANNOT_ENCRYPT
from app.pki.certificate import Certificate
from app.smime.encrypt import encrypt
from app.smime.kinds import recognise
from app.smime.sign import sign
from tests.cms.parts import EnvelopedParts
from tests.houses import INSIDER, House, authority, message, only
from tests.smime.house import signer_of
from tests.testpki import AT

ALICE, PAUL = "alice@nord.example", "paul@sued.example"
ROOT = authority()
READER = ROOT.issue(PAUL)
SECRET = b"The secret price is 42."
LETTER = message(ALICE, PAUL, "Offer", SECRET.decode() + "\r\n")


LABEL = b"\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data"


def _framed(cms: bytes, label: str = "enveloped-data") -> bytes:
    return pkcs7_mime(split(LETTER).headers.without("Content-Type"), cms, label, "smime.p7m")


def _bare(kind: str, content: bytes) -> bytes:
    explicit = der.tlv(der.CONTEXT_0, content)
    return der.tlv(der.SEQUENCE, CONTENT_TYPE_DER[kind], explicit)


def _sealed() -> bytes:
    return encrypt(LETTER, [Certificate.from_der(READER.certificate)], profile="compat").octets


def _parts(edit: Callable[[EnvelopedParts], None]) -> bytes:
    parts = EnvelopedParts(recognise(_sealed()).cms)
    edit(parts)
    return _framed(parts.build())


def _to_nobody(parts: EnvelopedParts) -> None:
    parts.infos = []


def _with_no_cipher(parts: EnvelopedParts) -> None:
    parts.algorithm = der.tlv(der.SEQUENCE, der.tlv(der.OBJECT_IDENTIFIER, b"\x2a\x03"))
    parts.ciphertext = SECRET


NOT_ENCRYPTED: dict[str, Callable[[], bytes]] = {
    "text under the label": lambda: LETTER.replace(
        b"\r\n\r\n",
        b"\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\n",
        1,
    ),
    "base64 of text": lambda: _framed(SECRET),
    "text in a ContentInfo": lambda: _framed(_bare("enveloped", SECRET)),
    "text in an AuthEnvelopedData": lambda: _framed(_bare("auth-enveloped", SECRET)),
    "an object cut short": lambda: _framed(recognise(_sealed()).cms[:-1]),
    "an object for nobody": lambda: _parts(_to_nobody),
    "a cipher that nobody knows": lambda: _parts(_with_no_cipher),
}


def sent(house: House, octets: bytes) -> Delivery:
    return only(house.send(octets, PAUL, reverse_path=ALICE, peer=INSIDER))


@pytest.mark.parametrize("name", NOT_ENCRYPTED)
def test_what_is_only_labelled_as_encrypted_does_not_leave_where_encryption_is_required(
    nord: House, name: str
) -> None:  # T65, T87
    nord.policy(direction="outbound", encrypt="require")
    (outcome,) = nord.send(NOT_ENCRYPTED[name](), PAUL, reverse_path=ALICE, peer=INSIDER)
    assert outcome.reply == CANNOT_ENCRYPT


@pytest.mark.parametrize("name", NOT_ENCRYPTED)
def test_and_is_encrypted_where_that_can_be_done(nord: House, name: str) -> None:  # T87
    nord.knows(READER)
    nord.trusts(ROOT)
    delivery = sent(nord, NOT_ENCRYPTED[name]())
    assert delivery.protected == "encrypted"
    assert delivery.plan is not None
    assert delivery.plan.encrypt is not None


@pytest.mark.parametrize("name", NOT_ENCRYPTED)
def test_what_leaves_in_clear_is_not_said_to_be_encrypted(nord: House, name: str) -> None:  # R20
    nord.policy(direction="outbound", encrypt="auto")
    octets = NOT_ENCRYPTED[name]()
    delivery = sent(nord, octets)
    assert delivery.octets.endswith(split(octets).body)
    assert delivery.protected == "clear"


@pytest.mark.parametrize("profile", ["compat", "smime4"])
def test_what_a_client_has_encrypted_leaves_as_it_is(nord: House, profile: str) -> None:
    nord.policy(direction="outbound", encrypt="require")
    sealed = encrypt(LETTER, [Certificate.from_der(READER.certificate)], profile=profile).octets
    delivery = sent(nord, sealed)
    assert delivery.octets.endswith(sealed)
    assert delivery.protected == "encrypted"


def test_a_signature_that_is_none_is_no_signature(nord: House) -> None:  # T65
    nord.own(ROOT.issue(ALICE))
    nord.policy(direction="outbound", sign="require")
    signed = sign(LETTER, signer_of(ROOT.issue(ALICE)), form="clear", at=AT, token=b"=_client")
    assert b"=_client" in split(sent(nord, signed).octets).headers.octets
    at = signed.index(b"\r\n\r\n", signed.index(b"smime.p7s")) + 4
    broken = signed[:at] + b"bm8gc2lnbmF0dXJl" + signed[signed.index(b"\r\n--=_client--") :]
    assert recognise(broken).kind == "clear-signed"
    delivery = sent(nord, broken)
    assert delivery.plan is not None
    assert delivery.plan.sign is not None
    assert b"=_client" not in split(delivery.octets).headers.octets
