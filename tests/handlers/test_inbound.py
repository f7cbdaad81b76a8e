"""Inbound mail, field by field of the policy, and what arrives when something is wrong."""

import hashlib
import logging

import pytest

from app.mail.headers import split
from app.model import relays
from app.mta.envelope import Peer
from app.mta.machine import Delivery
from app.smime.finding import Status
from tests.houses import INSIDER, House, authority, message, only
from tests.testpki import AT, TestCA

ALICE, PAUL, RITA = "alice@nord.example", "paul@sued.example", "rita@sued.example"


class Pair:
    """nord writes to sued; Alice signs, Paul reads."""

    def __init__(self, nord: House, sued: House, root: TestCA) -> None:
        self.nord, self.sued, self.root = nord, sued, root
        self.alice, self.paul = root.issue(ALICE), root.issue(PAUL)
        nord.own(self.alice)
        sued.own(self.paul)
        sued.trusts(root)
        nord.trusts(root)

    def wire(self, *, encrypt: bool = True, sign: bool = True, form: str = "clear") -> bytes:
        """Return a message of Alice's as it is on the wire."""
        if encrypt:
            self.nord.knows(self.paul)
        self.nord.policy(
            direction="outbound",
            sign="auto" if sign else "never",
            encrypt="require" if encrypt else "never",
            form=form,
            profile="smime4",
        )
        octets = message(ALICE, PAUL, "Offer", "Secret.\r\n")
        return only(self.nord.send(octets, PAUL, reverse_path=ALICE, peer=INSIDER)).octets

    def read(self, octets: bytes, recipient: str = PAUL) -> Delivery:
        """Return what sued makes of it."""
        return only(self.sued.send(octets, recipient, reverse_path=ALICE))


@pytest.fixture
def pair(nord: House, sued: House) -> Pair:
    return Pair(nord, sued, authority())


def subject(delivery: Delivery) -> str:
    return split(delivery.octets).headers.text("Subject")


def field(delivery: Delivery, name: str) -> str:
    return split(delivery.octets).headers.text(name)


def test_decrypted_mail_is_not_thereby_signed(pair: Pair) -> None:  # C5
    got = pair.read(pair.wire(sign=False))
    assert subject(got) == "[VERSCHLÜSSELT] Offer"
    assert got.finding is not None
    assert got.finding.status is Status.NONE


@pytest.mark.parametrize("form", ["clear", "opaque"])
def test_signature_stays_in_what_is_delivered(pair: Pair, form: str) -> None:
    got = pair.read(pair.wire(encrypt=False, form=form))
    assert got.protected == "signed"
    assert subject(got) == "[SIGNIERT] Offer"


def test_changed_content_is_marked_as_such_and_delivered(pair: Pair) -> None:
    octets = pair.wire(encrypt=False).replace(b"Secret.", b"Public.")
    got = pair.read(octets)
    assert subject(got) == "[SIGNATUR UNGÜLTIG] Offer"
    assert b"Public." in got.octets
    assert "smime=fail" in field(got, "Authentication-Results")


def test_somebody_elses_signature_is_named(pair: Pair) -> None:  # D7, T47
    octets = pair.wire(encrypt=False).replace(b"From: alice@nord", b"From: chief@nord")
    assert subject(pair.read(octets)) == (
        "[SIGNATUR VON ANDEREM ABSENDER <alice@nord.example>] Offer"
    )


def test_unknown_authority_is_not_believed(nord: House, sued: House) -> None:  # T45
    nord.own(authority("Unknown").issue(ALICE))
    sued.trusts(authority())
    octets = message(ALICE, PAUL, "Offer")
    sent = only(nord.send(octets, PAUL, reverse_path=ALICE, peer=INSIDER))
    got = only(sued.send(sent.octets, PAUL, reverse_path=ALICE))
    assert subject(got) == "[SIGNATUR NICHT VERTRAUENSWÜRDIG] Offer"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"display": "symbol"}, "🔐 🔏 Offer"),
        ({"display": "none"}, "Offer"),
        ({"verify": "off"}, "[VERSCHLÜSSELT] Offer"),
    ],
)
def test_display_and_verify_are_policy(pair: Pair, fields: dict[str, str], expected: str) -> None:
    octets = pair.wire()
    pair.sued.policy(direction="inbound", **fields)
    assert subject(pair.read(octets)) == expected


def test_decrypt_off_leaves_the_message_encrypted(pair: Pair) -> None:
    octets = pair.wire()
    pair.sued.policy(direction="inbound", decrypt="off")
    got = pair.read(octets)
    assert got.protected == "encrypted"
    assert b"Secret" not in got.octets


@pytest.mark.parametrize(
    ("strip", "form", "protected"),
    [
        ("never", "clear", "signed"),
        ("when_valid", "clear", "clear"),
        ("always", "opaque", "clear"),
    ],
)
def test_signature_is_stripped_only_as_policy_says(
    pair: Pair, strip: str, form: str, protected: str
) -> None:
    octets = pair.wire(encrypt=False, form=form)
    pair.sued.policy(direction="inbound", strip_signature=strip)
    got = pair.read(octets)
    assert got.protected == protected
    assert b"Secret." in got.octets or form == "opaque"
    assert subject(got) == "[SIGNIERT] Offer"


def test_opaque_that_is_not_valid_stays_as_it_is(pair: Pair) -> None:
    # A setting about signatures to strip must not turn one inside out that is to be kept.
    octets = pair.wire(encrypt=False, form="opaque")
    octets = octets.replace(b"From: alice@nord", b"From: chief@nord")
    pair.sued.policy(direction="inbound", strip_signature="when_valid")
    assert pair.read(octets).octets.endswith(octets[octets.index(b"MIME-Version") :])


def test_opaque_becomes_clear_and_still_verifies(pair: Pair) -> None:
    octets = pair.wire(encrypt=False, form="opaque")
    assert b"Secret." not in octets
    pair.sued.policy(direction="inbound", opaque="clear")
    got = pair.read(octets)
    assert b"Secret." in got.octets
    again = pair.read(got.octets)
    assert again.finding is not None
    assert again.finding.status is Status.VALID


@pytest.mark.parametrize("wrong", ["nobody", "damaged"])
def test_what_cannot_be_decrypted_is_delivered_as_it_came_or_refused(
    pair: Pair, wrong: str
) -> None:  # C4
    octets = pair.wire()
    recipient = RITA if wrong == "nobody" else PAUL
    if wrong == "damaged":
        at = len(octets) - 60
        octets = octets[:at] + (b"A" if octets[at : at + 1] != b"A" else b"B") + octets[at + 1 :]
    got = pair.read(octets, recipient)
    assert octets[octets.index(b"MIME-Version") :] in got.octets
    assert got.mark == ""
    pair.sued.policy(direction="inbound", on_undecryptable="refuse")
    (outcome,) = pair.sued.send(octets, recipient, reverse_path=ALICE)
    assert outcome.reply is not None
    assert outcome.reply.code == 550


@pytest.mark.parametrize(
    ("required", "encrypt", "sign", "taken"),
    [
        ("signed", False, True, True),
        ("signed", True, False, False),
        ("encrypted", True, False, True),
        ("encrypted", False, True, False),
    ],
)
def test_what_is_required_of_inbound_mail_is_enforced(
    pair: Pair, required: str, encrypt: bool, sign: bool, taken: bool
) -> None:
    octets = pair.wire(encrypt=encrypt, sign=sign)
    pair.sued.policy(direction="inbound", inbound_require=required)
    (outcome,) = pair.sued.send(octets, PAUL, reverse_path=ALICE)
    assert (outcome.reply is None) is taken


FORGED = (
    b"Authentication-Results: gateway.sued.example; smime=pass\r\n"
    b"authentication-results : gateway.sued.example (x); smime=pass\r\n"
    b"X-Sealmon-Signature: valid; eve@elsewhere.example\r\n"
    b"x-sealmon-signature: valid\r\n"
    b"X-Sealmon-Anything: at all\r\n"
    b"Authentication-Results: other.example; dkim=pass\r\n"
)


def test_forged_results_are_removed_and_those_of_others_stay(sued: House) -> None:  # T61, T62
    octets = FORGED + message("eve@elsewhere.example", PAUL, "[SIGNIERT] Trust me")
    got = only(sued.send(octets, PAUL))
    headers = split(got.octets).headers
    assert subject(got) == "Trust me"
    results = [one.unfolded for one in headers.all("Authentication-Results")]
    assert [b"other.example" in one for one in results] == [False, True]
    assert b"smime=none" in results[0]
    assert [one.unfolded for one in headers.all("X-Sealmon-Signature")] == [b"none"]
    assert headers.find("X-Sealmon-Anything") is None


def test_forged_results_inside_a_decrypted_message_do_not_come_out(pair: Pair) -> None:  # T60
    pair.nord.knows(pair.paul)
    pair.nord.policy(direction="outbound", sign="never", encrypt="require")
    inner = message(ALICE, PAUL, "x", "y\r\n")
    sealed = only(pair.nord.send(inner, PAUL, reverse_path=ALICE, peer=INSIDER)).octets
    got = pair.read(sealed)
    assert field(got, "X-Sealmon-Signature").startswith("none")


def test_finding_is_learned_only_where_policy_harvests(pair: Pair) -> None:
    octets = pair.wire(encrypt=False)
    learned: list[str] = []
    pair.sued.send(octets, PAUL, learn=lambda finding, *_: learned.append(finding.signer))
    assert learned == [ALICE]
    pair.sued.policy(direction="inbound", harvest="off")
    pair.sued.send(octets, PAUL, learn=lambda finding, *_: learned.append(finding.signer))
    assert learned == [ALICE]


def test_protected_subject_is_the_base_of_the_mark(pair: Pair) -> None:  # RFC 9788
    pair.nord.knows(pair.paul)
    pair.nord.policy(direction="outbound", protect_subject="on")
    octets = message(ALICE, PAUL, "Merger on Friday")
    wire = only(pair.nord.send(octets, PAUL, reverse_path=ALICE, peer=INSIDER)).octets
    assert b"Merger" not in wire
    assert split(wire).headers.text("Subject") == "[...]"
    assert subject(pair.read(wire)) == "[VERSCHLÜSSELT] [SIGNIERT] Merger on Friday"


@pytest.mark.parametrize("signed", [True, False])
def test_legacy_display_goes_where_no_signature_is_over_it(pair: Pair, signed: bool) -> None:
    # RFC 9788 §4.5.3
    pair.nord.knows(pair.paul)
    fields = {"sign": "auto" if signed else "never", "protect_subject": "on"}
    pair.nord.policy(direction="outbound", encrypt="require", profile="smime4", **fields)
    octets = message(ALICE, PAUL, "Offer", "Subject: Offer\r\n\r\nSecret.\r\n")
    field = b'\r\nContent-Type: text/plain; hp-legacy-display="1"'
    octets = octets.replace(b"\r\n\r\n", field + b"\r\n\r\n", 1)
    sent = only(pair.nord.send(octets, PAUL, reverse_path=ALICE, peer=INSIDER)).octets
    got = pair.read(sent)
    assert subject(got).endswith("] Offer")
    assert (b"\r\n\r\nSubject: Offer\r\n" in got.octets) == signed


def test_protected_subject_is_cleaned_of_forged_marks(pair: Pair) -> None:  # B9, T60
    pair.nord.knows(pair.paul)
    pair.nord.policy(direction="outbound", protect_subject="on", sign="never")
    octets = message("eve@elsewhere.example", PAUL, "[S1GNIERT] Trust me")
    wire = only(pair.nord.send(octets, PAUL, peer=INSIDER)).octets
    got = only(pair.sued.send(wire, PAUL))
    assert subject(got) == "[VERSCHLÜSSELT] Trust me"


SECRET = "0123456789abcdef0123"
CLAIMS = (
    b"X-Sealmon-Signature: valid\r\n"
    b"Authentication-Results: gateway.nord.example; smime=pass\r\n"
    b"Subject: [SIGNIERT] x\r\n"
)


@pytest.mark.parametrize("first", [b" no field\r\n", b"no field\r\n", b"\t\r\n"])
@pytest.mark.parametrize("last", [b"", b"\r\nbody\r\n"])
def test_a_body_without_a_header_section_does_not_join_our_fields(
    nord: House, first: bytes, last: bytes
) -> None:  # T61, T62
    got = only(nord.send(first + CLAIMS + last, "alice@nord.example"))
    section = split(got.octets).headers
    assert section.text("X-Sealmon-Signature") == "none"
    assert len(section.all("X-Sealmon-Signature")) == 1
    assert len(section.all("Authentication-Results")) == 1
    assert "SIGNIERT" not in section.text("Subject")
    assert section.all("Received")[-1].octets.count(b"\r\n") == 3


@pytest.mark.parametrize("name", ["X-Nord-Secret", "x-nord-secret ", "X-NORD-SECRET\t"])
def test_the_secret_of_a_relay_reaches_no_mailbox(nord: House, name: str) -> None:  # C8
    relays.add(nord.database, "198.51.100.0/24", AT, header=f"X-Nord-Secret:{SECRET}")
    nord.changed()
    octets = message("a@nord.example", "b@nord.example", "x", "y\r\n", f"{name}: {SECRET}")
    got = only(nord.send(octets, "b@nord.example", peer=Peer("198.51.100.7", helo="tenant")))
    assert SECRET.encode() not in got.octets


# B9: what stood there can be proved afterwards, and is not in the log.
def test_a_subject_that_was_cleaned_leaves_its_hash_in_the_log(
    sued: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sealmon")
    only(sued.send(message(ALICE, PAUL, "[not a mark] Offer"), PAUL))
    assert "cleaned" not in caplog.text
    only(sued.send(message(ALICE, PAUL, "[SIGNIERT] Offer"), PAUL, RITA)[:1])
    (record,) = [each for each in caplog.records if "cleaned" in each.getMessage()]
    assert hashlib.sha256(b" [SIGNIERT] Offer\r\n").hexdigest() in record.getMessage()
    assert "t" * 16 in record.getMessage()
    assert "Offer" not in caplog.text
