"""Header protection: made, read, and believed only where it may be."""

import pytest

from app.mail.headers import Headers, split
from app.smime.decrypt import decrypt, not_encrypted
from app.smime.encrypt import encrypt
from app.smime.finding import Status
from app.smime.kinds import recognise
from app.smime.protect import unwrap
from app.smime.shown import protected_subject
from app.smime.sign import sign
from app.smime.verify import signed_content
from tests.smime.house import AT, TOKEN, certificate_of, find, key_of, letter, person, signer_of

ALICE = signer_of(person("alice@example.org"))
BOB = person("bob@example.net")


def test_signed_header_section_is_inside() -> None:  # RFC 9788 §5.2
    octets = sign(letter(), ALICE, form="clear", at=AT, token=TOKEN, protection="clear")
    found = unwrap(signed_content(octets, recognise(octets)))
    assert found is not None
    assert (found.mode, found.subject) == ("clear", "Test")
    assert found.originator.address == "alice@example.org"
    assert split(octets).headers.text("Subject") == "Test"
    finding = find(octets)
    assert finding.is_pass
    assert protected_subject(finding, not_encrypted(octets), split(octets).headers) == "Test"


@pytest.mark.parametrize("signed", [True, False])
def test_encrypted_subject_is_obscured_outside_and_shown_again(signed: bool) -> None:
    octets = letter(more=b"Keywords: secret\r\n")
    if signed:
        octets = sign(octets, ALICE, form="clear", at=AT, token=TOKEN, protection="cipher")
    protection = "" if signed else "cipher"
    certificates = [certificate_of(BOB)]
    sealed = encrypt(octets, certificates, profile="smime4", protection=protection).octets
    outer = split(sealed).headers
    assert outer.text("Subject") == "[...]"
    assert outer.find("Keywords") is None
    assert b"secret" not in sealed
    found = decrypt(sealed, recognise(sealed), [key_of(BOB)])
    finding = find(found.message)
    assert finding.status is (Status.VALID if signed else Status.NONE)
    assert protected_subject(finding, found, outer) == "Test"
    # The fields inside do not become fields of the message (T60).
    assert split(found.message).headers.text("Subject") == "[...]"


def test_outer_fields_are_recorded() -> None:  # RFC 9788 §2.2
    octets = sign(letter(), ALICE, form="opaque", at=AT, token=TOKEN, protection="cipher")
    found = unwrap(signed_content(octets, recognise(octets)))
    assert found is not None
    assert b"Subject: [...]" in found.outer
    assert b"From: Alice <alice@example.org>" in found.outer


def test_raw_utf8_subject_is_inside_in_seven_bits() -> None:
    octets = letter().replace(b"Subject: Test", "Subject: Grüße".encode())
    signed = sign(octets, ALICE, form="clear", at=AT, token=TOKEN, protection="clear")
    inside = signed_content(signed, recognise(signed))
    assert inside.isascii()
    found = unwrap(inside)
    assert found is not None
    assert found.subject == "Grüße"


@pytest.mark.parametrize(
    "entity",
    [
        b"Content-Type: text/plain\r\nSubject: x\r\n\r\n",
        b'Content-Type: text/plain; hp="other"\r\nSubject: x\r\n\r\n',
        b'Content-Type: message/rfc822; forwarded="yes"\r\n\r\nFrom: a@b.example\r\n\r\n',
        b'Content-Type: text/plain; hp="clear"\r\nSubject : x\r\n\r\n',
        b"hp=clear",
        b"",
    ],
)
def test_nothing_else_is_protected(entity: bytes) -> None:
    assert unwrap(entity) is None


def test_wrapped_message_is_read_as_protected() -> None:  # RFC 8551 §3.1
    found = unwrap(
        b"Content-Type: message/rfc822\r\n\r\nFrom: a@b.example\r\nSubject: x\r\n\r\nHi\r\n"
    )
    assert found is not None
    assert found.subject == "x"


def test_protected_subject_of_somebody_else_is_not_shown() -> None:  # T60
    entity = b'Content-Type: text/plain; hp="clear"\r\nFrom: %s\r\nSubject: x\r\n\r\nHi\r\n'
    from tests.forgery.makers import Workshop, head

    shop = Workshop("p256", "", "clear")
    octets = shop.signed(head(), entity % b"boss@example.org", person("alice@example.org"))
    finding = find(octets)
    assert finding.status is Status.VALID_OTHER
    assert finding.has("protected-from-differs")
    assert protected_subject(finding, not_encrypted(octets), Headers(b"")) is None


def test_unsigned_protected_subject_replaces_nothing() -> None:  # T60
    sealed = encrypt(letter(), [certificate_of(BOB)], profile="smime4", protection="cipher").octets
    found = decrypt(sealed, recognise(sealed), [key_of(BOB)])
    outer = split(letter()).headers
    assert protected_subject(find(found.message), found, outer) is None


WRAPPED = b"message/rfc822"
INNER = b"From: alice@example.org\r\nSubject: %s\r\nTo: secret@example.net\r\n%s\r\nHi\r\n"


def _opened(inner: bytes, content_type: bytes = WRAPPED, subject: bytes = b"Test") -> bytes:
    """Return what becomes of a message that was encrypted as a whole."""
    octets = letter(inner, content_type).replace(b"Subject: Test", b"Subject: " + subject)
    sealed = encrypt(octets, [certificate_of(BOB)], profile="smime4").octets
    return decrypt(sealed, recognise(sealed), [key_of(BOB)]).message


@pytest.mark.parametrize("outside", [b"Test", b"...", b"[...]"])
def test_wrapped_message_is_shown_as_the_message(outside: bytes) -> None:  # RFC 8551 §3.1
    opened = _opened(
        INNER % (b"Test", b"Content-Type: text/html\r\nX-Spam: no\r\n"), WRAPPED, outside
    )
    headers = split(opened).headers
    assert headers.text("Content-Type") == "text/html"
    assert split(opened).body == b"Hi\r\n"
    # The other fields inside are a claim of the sender's, as ever (T60).
    assert headers.text("To") == "Bob <bob@example.net>"
    assert headers.find("X-Spam") is None
    assert b"secret@" not in opened


def test_subject_of_a_wrapped_message_is_shown() -> None:
    octets = letter(INNER % (b"Test", b""), WRAPPED).replace(b"Subject: Test", b"Subject: ...", 1)
    sealed = encrypt(octets, [certificate_of(BOB)], profile="smime4").octets
    found = decrypt(sealed, recognise(sealed), [key_of(BOB)])
    outer = split(sealed).headers
    assert protected_subject(find(found.message), found, outer) == "Test"


@pytest.mark.parametrize(
    ("why", "inner", "content_type"),
    [
        ("from somebody else", INNER.replace(b"alice@", b"boss@") % (b"Test", b""), WRAPPED),
        ("another subject", INNER % (b"Fwd: Test", b""), WRAPPED),
        ("forwarded, as it says", INNER % (b"Test", b""), WRAPPED + b"; forwarded=yes"),
        ("two From fields", b"From: a@b.example\r\n" + INNER % (b"Test", b""), WRAPPED),
        ("encoded", b"RnJvbTogeA==\r\n", WRAPPED + b"\r\nContent-Transfer-Encoding: base64"),
        (
            "a layer of its own",
            INNER % (b"Test", b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n"),
            WRAPPED,
        ),
        ("no known type", INNER % (b"Test", b"Content-Type: chemical/x-pdb\r\n"), WRAPPED),
    ],
    ids=str,
)
def test_a_message_that_may_be_a_forwarded_one_stays_attached(
    why: str, inner: bytes, content_type: bytes
) -> None:  # RFC 9788 §4.10.1
    opened = _opened(inner, content_type)
    assert split(opened).headers.text("Content-Type").startswith("message/rfc822")
    assert split(opened).body == inner
