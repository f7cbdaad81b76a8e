"""Properties of the S/MIME engine: what goes in comes out, and no input brings it down."""

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from app.mail.address import originator
from app.mail.canonical import is_crlf, is_seven_bit
from app.mail.entity import parse_entity, scan
from app.mail.headers import split
from app.smime.decrypt import decrypt, expand
from app.smime.encrypt import encrypt
from app.smime.harvest import choose
from app.smime.kinds import Kind, recognise
from app.smime.payload import RefusedPayload, accept, suspicions
from app.smime.protect import unwrap
from app.smime.sign import sign
from app.smime.verify import opaque_to_clear, signed_content, strip_signature, verify
from tests.examples import examples
from tests.forgery.shapes import BODIES
from tests.smime.house import (
    AT,
    TOKEN,
    certificate_of,
    find,
    key_of,
    letter,
    person,
    signer_of,
    trust,
)

ALICE = signer_of(person("alice@example.org"))
BOB = person("bob@example.net")
KEY = key_of(BOB)

QUICK = examples(150, suppress_health_check=list(HealthCheck))

TYPES = st.sampled_from(
    [
        b"text/plain; charset=utf-8",
        b"text/html",
        b"application/octet-stream",
        b'multipart/mixed; boundary="b"',
        b"message/rfc822",
    ]
)
ENCODINGS = st.sampled_from(
    [b"", b"7bit", b"8bit", b"binary", b"base64", b"quoted-printable", b"odd"]
)
LINES = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([b".", b"..", b"From x", b"--b", b"--b--", b"", b"a \t", b"\xff\x00\r"]),
    ),
    max_size=12,
)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """Return a message with a clean header section and any body."""
    encoding = draw(ENCODINGS)
    fields = b"From: alice@example.org\r\nTo: bob@example.net\r\nSubject: x\r\n"
    fields += b"Content-Type: %s\r\n" % draw(TYPES)
    if encoding:
        fields += b"Content-Transfer-Encoding: %s\r\n" % encoding
    return fields + b"\r\n" + b"\r\n".join(draw(LINES))


def whole(octets: bytes) -> None:
    """Do everything that the gateway does with a message from outside; nothing may be raised."""
    layer = recognise(octets)
    assert (layer.kind is Kind.OVER_LIMIT) == bool(scan(octets))
    who = originator(split(octets).headers)
    finding = verify(octets, layer, who, trust(), at=AT)
    choose(finding, managed=lambda _: False)
    signed_content(octets, layer)
    strip_signature(octets, layer)
    opaque_to_clear(octets, layer)
    expand(octets, layer)
    unwrap(octets)
    found = decrypt(octets, layer, [KEY])
    assert found.status in {"none", "decrypted", "no-key", "failed", "unsupported"}
    assert found.status == "decrypted" or found.message is octets


@QUICK
@given(messages(), st.sampled_from(["clear", "opaque"]))
def test_what_is_signed_verifies_and_survives_transport(octets: bytes, form: str) -> None:
    signed = sign(octets, ALICE, form=form, at=AT, token=TOKEN)
    assert is_seven_bit(signed)
    assert is_crlf(signed)
    finding = find(signed)
    assert finding.is_pass, finding.reasons


@QUICK
@given(messages(), st.sampled_from(["compat", "smime4"]))
def test_what_is_encrypted_opens_to_the_same(octets: bytes, profile: str) -> None:
    sealed = encrypt(octets, [certificate_of(BOB)], profile=profile).octets
    found = decrypt(sealed, recognise(sealed), [KEY])
    if found.status == "decrypted":
        assert is_crlf(found.message)
        before, after = parse_entity(octets), parse_entity(found.message)
        if is_crlf(octets) and b"binary" not in octets:
            assert after.body == before.body
    else:
        # Only what must not go into SMTP is held back.
        assert b"\0" in octets or not is_crlf(octets) or b"binary" in octets


@QUICK
@given(st.sampled_from(sorted(BODIES)), st.sampled_from(["clear", "opaque"]), st.data())
def test_altered_mail_passes_only_if_the_signed_content_is_the_same(
    name: str, form: str, data: st.DataObject
) -> None:
    entity = BODIES[name]
    fields = b"From: alice@example.org\r\nSubject: x\r\n"
    if name == "protected":
        fields, entity = b"Subject: x\r\n", entity.replace(b"Subject: Payment\r\n", b"")
    signed = sign(fields + entity, ALICE, form=form, at=AT, token=TOKEN)
    altered = bytearray(signed)
    for _ in range(data.draw(st.integers(1, 3))):
        # ECDSA signatures differ in length, and what is drawn must not.
        place = data.draw(st.integers(0, 100_000)) % len(altered)
        altered[place] = data.draw(st.integers(0, 255))
    octets = bytes(altered)
    finding = find(octets)
    if finding.is_pass:
        before = signed_content(signed, recognise(signed))
        after = signed_content(octets, recognise(octets))
        assert before.replace(b"\r\n", b"\n") == after.replace(b"\r\n", b"\n")
        assert finding.from_address.lower() == "alice@example.org"
    whole(octets)


@QUICK
@given(st.sampled_from(["compat", "smime4"]), st.data())
def test_altered_ciphertext_is_never_called_authentic(profile: str, data: st.DataObject) -> None:
    sealed = bytearray(encrypt(letter(), [certificate_of(BOB)], profile=profile).octets)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, 100_000)) % len(sealed)
        sealed[place] = data.draw(st.integers(0, 255))
    octets = bytes(sealed)
    whole(octets)
    found = decrypt(octets, recognise(octets), [KEY])
    if found.authenticated:
        assert parse_entity(found.message).body == parse_entity(letter()).body


@QUICK
@given(st.binary(max_size=400))
def test_no_octets_raise(octets: bytes) -> None:
    whole(octets)
    whole(b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\n" + octets)
    whole(
        b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b\r\n'
        b"\r\n--b\r\n" + octets + b"\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\n"
        b"x\r\n--b--\r\n"
    )


@QUICK
@given(st.one_of(st.binary(max_size=300), messages()), st.booleans())
def test_accepted_payload_is_one_message_for_everybody(octets: bytes, authentic: bool) -> None:
    try:
        entity = accept(octets, authenticated=authentic)
    except RefusedPayload:
        return
    assert is_crlf(entity)
    assert b"\0" not in entity
    assert not split(entity).headers.anomalies
    assert accept(entity, authenticated=authentic) == entity
    suspicions(entity)
