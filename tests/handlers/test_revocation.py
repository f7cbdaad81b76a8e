"""What is revoked, unknown and good: what readers are told, and what is encrypted to (T58)."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count

import pytest

from app.cms.keys import load_private_key
from app.cms.signed import Signer
from app.mail.headers import split
from app.model.revocations import list_failures
from app.mta.installation import Installation
from app.mta.machine import Delivery
from app.mta.record import finding_json
from app.smime.sign import sign
from tests.houses import INSIDER, House, message, only
from tests.responders import Responders, asks, supply_of
from tests.testpki import AT, TestIdentity, ca

ALICE, PAUL = "alice@nord.example", "paul@sued.example"
_NUMBERS = count()

MODES = ("soft", "hard", "require", "off")
GOOD, REVOKED, UNKNOWN = "good", "revoked", "unknown"


class World:
    """An authority, its responders, and a signer and a reader under it."""

    def __init__(self, sued: House) -> None:
        self.sued = sued
        self.responders = Responders()
        self.name = f"revoking{next(_NUMBERS)}"
        self.root = self.responders.authority(self.name)
        self.alice = self.root.issue(ALICE)
        sued.trusts(self.root)

    @property
    def url(self) -> str:
        """The path of everything that the authority publishes."""
        return f"/{self.name}"

    def revoke(self) -> None:
        """Put the signer on the list."""
        self.root.revoked[self.alice.x509.serial_number] = AT - timedelta(days=30)

    def read(self, mode: str, at_after: timedelta = timedelta(0)) -> Delivery:
        """Return what the reader makes of a signed message."""
        self.sued.policy(direction="inbound", revocation=mode)
        asks(self.sued, self.responders)
        return only(self.sued.send(signed(self.alice), PAUL, reverse_path=ALICE, at=AT + at_after))


def signed(identity: TestIdentity, sender: str = ALICE) -> bytes:
    """Return a message that somebody signed."""
    signer = Signer(identity.certificate, load_private_key(identity.private_pkcs8), identity.chain)
    return sign(message(sender, PAUL), signer, form="clear", at=AT, token=b"=_b")


@pytest.fixture
def world(sued: House) -> Iterator[World]:
    made = World(sued)
    yield made
    made.responders.close()


def good(world: World) -> None:
    world.responders.publish(world.root, world.alice)


def revoked(world: World) -> None:
    world.revoke()
    world.responders.publish(world.root, world.alice)


def down(world: World) -> None:
    world.revoke()


def of_another(world: World) -> None:
    """Lists and responses that somebody else signed."""
    world.revoke()
    other = ca(f"{world.name} other")
    world.responders.answers[world.url + ".crl"] = other.crl(at=AT)
    world.responders.answers[world.url + ".ocsp"] = other.ocsp(other.issue(ALICE), at=AT)


def about_another(world: World) -> None:
    """A response about another serial number."""
    world.responders.answers[world.url + ".ocsp"] = world.root.ocsp(world.root.issue(ALICE), at=AT)


def stale(world: World) -> None:
    """Data that ended."""
    ago = AT - timedelta(days=60)
    world.responders.answers[world.url + ".crl"] = world.root.crl(at=ago)
    world.responders.answers[world.url + ".ocsp"] = world.root.ocsp(world.alice, at=ago)


def huge(world: World) -> None:  # T112
    """More octets than anybody reads."""
    world.responders.answers[world.url + ".crl"] = world.root.crl(at=AT) + bytes(11 << 20)
    world.responders.answers[world.url + ".ocsp"] = bytes(2 << 20)


def nonsense(world: World) -> None:
    world.responders.answers |= {world.url + ".crl": b"\x30\x00", world.url + ".ocsp": b"<html>"}


SILENT = (down, of_another, about_another, stale, huge, nonsense)
# What is known -> mode -> status, result, and what X-Sealmon-Signature says.
EXPECTED = {
    GOOD: dict.fromkeys(MODES, ("valid", "pass", "valid; ")),
    REVOKED: {
        **dict.fromkeys(MODES, ("revoked", "fail", "revoked")),
        "off": ("valid", "pass", "valid; "),
    },
    UNKNOWN: {
        "soft": ("valid", "pass", "not known whether the certificate was revoked"),
        "hard": ("untrusted", "temperror", "not known whether the certificate was revoked, and"),
        "require": ("untrusted", "temperror", "not known whether the certificate was revoked, and"),
        "off": ("valid", "pass", "valid; "),
    },
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("prepare", "known"),
    [(good, GOOD), (revoked, REVOKED), *((each, UNKNOWN) for each in SILENT)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_is_known_and_what_policy_makes_of_it(
    world: World, prepare: Callable[[World], None], known: str, mode: str
) -> None:
    prepare(world)
    status, result, said = EXPECTED[known][mode]
    got = world.read(mode)
    assert got.finding is not None
    assert got.finding.status == status
    headers = split(got.octets).headers
    assert f"smime={result}" in headers.text("Authentication-Results")
    told = " ".join(headers.text("X-Sealmon-Signature").split())
    assert said in told
    if known == GOOD or mode == "off":
        assert "revoked" not in told
    reasons = finding_json(got.finding)["reasons"]
    assert any("revoked" in text for text in reasons) == (known != GOOD and mode != "off")
    if mode == "off":
        assert world.responders.requests == []
    assert b"Good morning." in got.octets, "it is delivered, whatever is known"


def test_certificate_that_says_nothing_of_revocation_is_unknown_only_when_required(
    world: World,
) -> None:
    quiet = ca(f"{world.name} quiet")
    world.sued.trusts(quiet)
    world.alice = quiet.issue(ALICE)
    results = [world.read(mode).finding for mode in MODES]
    assert [each and each.result for each in results] == ["pass", "pass", "temperror", "pass"]


def test_approved_certificate_must_be_known_too_where_policy_says_so(world: World) -> None:
    world.sued.knows(world.alice)
    results = [world.read(mode).finding for mode in MODES]
    assert [each and each.result for each in results] == ["pass", "temperror", "temperror", "pass"]
    revoked(world)
    # A minute later in a new store: nobody remembers a failure.
    world.sued.database.sql_run("DELETE FROM fetchclaim")
    world.sued.knows(world.root.issue("x@nord.example"))
    again = World.read(world, "soft", timedelta(minutes=5)).finding
    assert again is not None
    assert again.status == "revoked"


# T114
def test_thousand_messages_of_a_signer_cause_one_fetch(world: World) -> None:
    good(world)
    asks(world.sued, world.responders)
    octets = signed(world.alice)
    for number in range(1000):
        at = AT + timedelta(seconds=2 * number)
        got = only(world.sued.send(octets, PAUL, reverse_path=ALICE, at=at))
        assert got.finding is not None
        assert got.finding.status == "valid"
    assert sorted(world.responders.requests) == [f"{world.url}.crl", f"{world.url}.ocsp"]


# T113: the guard of an installation, whatever a certificate says
@pytest.mark.parametrize(
    "host", ["169.254.169.254", "127.0.0.1", "[::1]", "2130706433", "metadata.internal"]
)
def test_nobody_at_home_is_asked(sued: House, host: str) -> None:
    root = ca(f"home {host}", url=f"http://{host}/latest/meta-data")
    sued.trusts(root)
    sued.guard = Installation().guard
    sued.changed()
    source = supply_of(sued.store)
    got = only(sued.send(signed(root.issue(ALICE)), PAUL, reverse_path=ALICE))
    assert got.finding is not None
    assert got.finding.has("revocation-unknown")
    assert not source._flights, "it was refused at once"
    problems = {row["problem"] for row in list_failures(sued.database, AT)}
    assert problems <= {"the host is not a public one", "the host has no address"}
    assert problems


@pytest.mark.parametrize("pinned", [False, True])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("prepare", "known"), [(good, GOOD), (revoked, REVOKED), (down, UNKNOWN)])
def test_partner_certificate_is_used_only_if_it_may_be(
    nord: House, world: World, prepare: Callable[[World], None], known: str, mode: str, pinned: bool
) -> None:  # T96
    world.alice = world.root.issue(PAUL)
    prepare(world)
    nord.trusts(world.root)
    nord.knows(world.alice)
    nord.database.sql_run("UPDATE partner SET is_pinned = ?", (pinned,))
    nord.policy(direction="outbound", revocation=mode, encrypt="require", sign="never")
    asks(nord, world.responders)
    (outcome,) = nord.send(message(ALICE, PAUL), PAUL, reverse_path=ALICE, peer=INSIDER)
    assert outcome.delivery is not None
    assert outcome.delivery.plan is not None
    if mode == "off" or known == GOOD or (known == UNKNOWN and mode == "soft"):
        assert outcome.reply is None
        assert outcome.delivery.protected == "encrypted"
    else:
        assert outcome.reply is not None
        assert not outcome.reply.relayed
        codes = [reason.code for reason in outcome.delivery.plan.reasons]
        assert ("revoked" if known == REVOKED else "revocation-unknown") in codes
