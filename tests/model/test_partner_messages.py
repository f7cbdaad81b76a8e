"""What a signed message given to an import brings: certificates, and what its sender can read."""

import base64
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.cms.certs_only import build_certs_only
from app.cms.keys import load_private_key
from app.cms.signed import Signer
from app.model import partners, trust
from app.model.database import Database
from app.model.errors import Refused
from app.model.snapshot import Store
from app.smime.encrypt import encrypt
from app.smime.sign import sign
from tests.forgery.makers import ALICE, Workshop
from tests.forgery.structure import weak
from tests.model.conftest import look_again
from tests.model.house import BOB, DAY, certificate, person, root
from tests.testpki import AT, TestIdentity

HOUR = timedelta(hours=1)


def signed(
    who: TestIdentity, form: str = "clear", *, at: datetime = AT, key: TestIdentity | None = None
) -> bytes:
    """Return a message signed as Bob, which says what he can read; ``key`` is somebody else's."""
    message = b"From: bob@partner.example\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
    message += b"Content-Type: text/plain\r\n\r\nHello\r\n"
    private = load_private_key((key or who).private_pkcs8)
    signer = Signer(who.certificate, private, who.chain)
    return sign(message, signer, form=form, at=at, token=b"=_0123")


def taken(database: Database, octets: bytes, **how: Any) -> dict[str, Any]:
    (row,) = partners.import_partner(database, octets, AT, **how)
    return row


# B3, RFC 8551 §2.7.1
@pytest.mark.parametrize("form", ["clear", "opaque"])
@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_signature_that_holds_brings_capabilities_with_their_time(
    store: Store, form: str, is_trusted: bool
) -> None:
    if is_trusted:
        trust.add(store.database, root().identity.pem, AT)
    row = taken(store.database, signed(person(BOB), form, at=AT - DAY))
    assert row["capabilities"][:2] == ["aes256-gcm", "aes128-gcm"]
    assert (row["capabilities_at"], row["warnings"]) == (AT - DAY, [])
    used = look_again(store).usable_for(BOB, at=AT)
    assert (used.capabilities or ())[0] == "aes256-gcm"


def test_they_hold_under_whatever_name_the_certificate_is_filed(database: Database) -> None:
    row = taken(database, signed(person(BOB)), name="sued.example")
    assert (row["name"], row["capabilities_at"]) == ("sued.example", AT)


def test_a_file_of_certificates_says_nothing_of_capabilities(database: Database) -> None:
    row = taken(database, person(BOB).pem)
    assert (row["capabilities"], row["capabilities_at"]) == (None, None)
    row = taken(database, signed(person(BOB)))
    assert row["capabilities_at"] == AT


def test_the_newest_signature_counts(database: Database) -> None:
    first = taken(database, signed(person(BOB), at=AT - DAY))
    assert first["capabilities_at"] == AT - DAY
    assert taken(database, signed(person(BOB), at=AT - 2 * DAY)) == first
    assert taken(database, signed(person(BOB)))["capabilities_at"] == AT
    assert taken(database, person(BOB).pem)["capabilities_at"] == AT


# RFC 8551 §2.7.1: a time to come would stand in the way of every later word.
def test_a_signature_of_tomorrow_says_nothing_of_capabilities(database: Database) -> None:
    row = taken(database, signed(person(BOB), at=AT + 25 * HOUR))
    assert (row["capabilities"], row["capabilities_at"]) == (None, None)
    assert taken(database, signed(person(BOB), at=AT + 23 * HOUR))["capabilities_at"]


# B3, T97: a certificate proves itself, what stands beside it is anybody's word.
@pytest.mark.parametrize("what", ["changed", "forged clear", "forged opaque"])
def test_a_broken_signature_brings_certificates_and_no_capabilities(
    database: Database, what: str
) -> None:
    octets = signed(person(BOB)).replace(b"Hello", b"Hallo")
    if what.startswith("forged"):
        octets = signed(person(BOB), what.split()[1], key=person("liar@partner.example"))
    row = taken(database, octets)
    assert (row["name"], row["fingerprint"]) == (BOB, certificate(BOB).fingerprint)
    assert (row["capabilities"], row["capabilities_at"]) == (None, None)
    (line,) = row["warnings"]
    assert line.startswith("the message's signature is invalid: ")
    assert line.endswith("; only certificates were taken, not what the sender's program can read")


def test_a_broken_signature_leaves_what_a_good_one_said(database: Database) -> None:
    before = taken(database, signed(person(BOB), at=AT - DAY))
    after = taken(database, signed(person(BOB)).replace(b"Hello", b"Hallo"))
    assert after["capabilities"] == before["capabilities"]
    assert after["capabilities_at"] == AT - DAY


# T56: anybody may have made it.
@pytest.mark.parametrize("name", ["weak-sha1", "weak-md5", "weak-rsa1024"])
def test_a_weak_signature_says_nothing_of_capabilities(database: Database, name: str) -> None:
    octets = dict(weak(Workshop("rsa2048", "", "clear")))[name]
    row = taken(database, octets)
    assert (row["name"], row["capabilities"]) == (ALICE, None)
    assert row["warnings"][0].count(": ") == 2, "only what is weak about it is named"
    assert row["warnings"][0].startswith("the message's signature is untrusted: the ")
    assert row["warnings"][0].endswith(
        "; only certificates were taken, not what the sender's program can read"
    )


def test_an_encrypted_message_is_to_be_opened_first(database: Database) -> None:
    sealed = encrypt(signed(person(BOB)), [certificate(BOB)], profile="smime4")
    with pytest.raises(Refused, match="the message is encrypted"):
        taken(database, sealed.octets)


# T44: nobody signed it, so nobody's certificate is meant.
def test_a_message_that_nobody_signed_is_refused(database: Database) -> None:
    octets = b"From: bob@partner.example\r\nContent-Type: application/pkcs7-mime;\r\n"
    octets += b" smime-type=signed-data\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    nobody = build_certs_only([person(BOB).certificate])
    with pytest.raises(Refused):
        taken(database, octets + base64.encodebytes(nobody))
    assert partners.list_partners(database) == []


def test_a_message_that_is_not_signed_is_called_so(database: Database) -> None:
    plain = b"From: bob@partner.example\r\nSubject: x\r\n\r\nHello\r\n"
    with pytest.raises(Refused, match=r"^the message is not signed$"):
        taken(database, plain)
    forwarded = b"From: eve@partner.example\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n"
    forwarded += b"--m\r\n\r\nsee below\r\n--m\r\n" + signed(person(BOB)).partition(b"1.0\r\n")[2]
    with pytest.raises(Refused, match="not signed; a part of it is"):
        taken(database, forwarded + b"\r\n--m--\r\n")


# RFC 8551 §3.8: how some programs send a certificate.
def test_a_message_of_certificates_only_brings_them(database: Database) -> None:
    octets = b"From: bob@partner.example\r\nContent-Type: application/pkcs7-mime;\r\n"
    octets += b" smime-type=certs-only; name=smime.p7c\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    octets += base64.encodebytes(build_certs_only([person(BOB).certificate]))
    row = taken(database, octets)
    assert (row["name"], row["capabilities"], row["warnings"]) == (BOB, None, [])
