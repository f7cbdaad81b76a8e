"""Whatever goes wrong after a key was used, nobody outside learns what (T76-T81).

The same reply, the same octets but for the ciphertext itself, the same states, row of the trace and
lines of the log. What each change of the ciphertext is stands in tests/cms/test_uniform_failure.py.
"""

import json
import logging
from collections.abc import Callable

import pytest

from app.cms import der
from app.mail.compose import pkcs7_mime
from app.mail.headers import split
from app.mta.envelope import Envelope
from app.mta.record import Record, trace_row
from app.mta.reply import RELAYED
from app.pki.certificate import Certificate
from app.smime.encrypt import encrypt
from app.smime.kinds import recognise
from tests.cms.parts import EnvelopedParts, elements
from tests.houses import STRANGER, House, authority, message
from tests.testpki import AT

BOB = "bob@nord.example"
READER = authority().issue(BOB, key="rsa2048")
LETTER = message("alice@x.example", BOB, "Payment", "canary\r\n" * 20)


def _tail(octets: bytes) -> bytes:
    """Return ciphertext with another last block, so that its padding is wrong (T79)."""
    return octets[:-17] + bytes(octet ^ 0x55 for octet in octets[-17:])


def _head(octets: bytes) -> bytes:
    """Return ciphertext whose first block opens to debris: no header section (T73)."""
    return bytes(octet ^ 0x55 for octet in octets[:16]) + octets[16:]


def _key(size: int) -> Callable[[EnvelopedParts], None]:
    """Return a change that puts so many other octets in the place of the encryptedKey (T76)."""

    def change(parts: EnvelopedParts) -> None:
        *front, encrypted = elements(der.read_one(parts.infos[0], der.SEQUENCE))
        assert encrypted
        parts.infos = [der.tlv(der.SEQUENCE, *front, der.tlv(der.OCTET_STRING, b"\x11" * size))]

    return change


def _ciphertext(edit: Callable[[bytes], bytes]) -> Callable[[EnvelopedParts], None]:
    def change(parts: EnvelopedParts) -> None:
        parts.ciphertext = edit(bytes(parts.ciphertext))

    return change


CHANGES: dict[str, Callable[[EnvelopedParts], None]] = {
    "another key": _key(256),
    "a key that is too short": _key(255),
    "no key": _key(0),
    "the last block": _ciphertext(_tail),
    "the first block": _ciphertext(_head),
    "less than a block": _ciphertext(lambda octets: octets[:-1]),
    "nothing": _ciphertext(lambda _: b""),
}


def _changed(profile: str, change: Callable[[EnvelopedParts], None]) -> bytes:
    certificates = [Certificate.from_der(READER.certificate)]
    sealed = encrypt(LETTER, certificates, profile=profile).octets
    parts = EnvelopedParts(recognise(sealed).cms)
    change(parts)
    label = "enveloped-data" if profile == "compat" else "authEnveloped-data"
    return pkcs7_mime(split(sealed).headers, parts.build(), label, "smime.p7m")


@pytest.mark.parametrize("profile", ["compat", "smime4"])
def test_nobody_learns_why_a_message_could_not_be_opened(
    nord: House, caplog: pytest.LogCaptureFixture, profile: str
) -> None:
    nord.own(READER)
    seen = set()
    # The first message opens the store, which the log says, and also when it is asked again.
    nord.send(LETTER, BOB)
    nord.keep_fresh()
    for name, change in CHANGES.items():
        octets = _changed(profile, change)
        caplog.clear()
        with caplog.at_level(logging.DEBUG):
            (outcome,) = nord.send(octets, BOB, reverse_path="alice@x.example")
        delivery = outcome.delivery
        assert delivery is not None, name
        body = split(octets).body
        assert delivery.octets.endswith(body), name
        envelope = Envelope("alice@x.example", (BOB,), octets, STRANGER, AT)
        row = trace_row(Record(envelope, "t" * 16, BOB, "inbound"), delivery, RELAYED)
        seen.add(
            (
                outcome.reply,
                delivery.octets.removesuffix(body),
                delivery.states[-1],
                json.dumps(row.decryption) + json.dumps(row.signature) + repr(row.states),
                caplog.text,
            )
        )
    assert len(seen) == 1, seen
    ((reply, fields, *_),) = seen
    assert reply is None
    assert b"X-Sealmon-Decryption: failed" in fields


def test_a_refusal_says_no_more(nord: House) -> None:
    nord.own(READER)
    nord.policy(direction="inbound", on_undecryptable="refuse")
    replies = set()
    for change in CHANGES.values():
        (outcome,) = nord.send(_changed("compat", change), BOB)
        replies.add(str(outcome.reply))
    # Without a key it says the same: who has which key is nobody's business.
    other = [Certificate.from_der(authority().issue("x@nord.example").certificate)]
    sealed = encrypt(LETTER, other, profile="compat").octets
    (outcome,) = nord.send(sealed, BOB)
    replies.add(str(outcome.reply))
    assert len(replies) == 1, replies
