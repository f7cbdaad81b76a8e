"""A signer whose authority sends nobody along: what readers are told, and what is kept (T113)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from app.cms.keys import load_private_key
from app.cms.signed import Signer
from app.model import fetched
from app.model.fetched import keep_issuers
from app.model.revocations import list_failures
from app.pki.certificate import Certificate
from app.pki.issuers import IssuerFetch
from app.smime.sign import sign
from tests.houses import House, message, only
from tests.pki.test_issuers import certs_only, issuer_at
from tests.responders import Responders
from tests.testpki import AT, TestIdentity, ca

ALICE, PAUL = "alice@nord.example", "paul@sued.example"


class World:
    """A reader who believes a root, and a signer under an authority that nobody sends along."""

    def __init__(self, sued: House) -> None:
        self.sued = sued
        self.responders = Responders()
        self.root = ca("Missing Root")
        self.sub = ca("Missing Sub", self.root)
        where = issuer_at(self.responders.url("sub.p7c"))
        self.alice = self.sub.issue(ALICE, extensions=[where])
        self.responders.answers["/sub.p7c"] = certs_only(self.sub.certificate)
        sued.trusts(self.root)

    def wants(self, fetch: IssuerFetch | None) -> None:
        self.sued.issuers = fetch
        self.sued.changed()

    def read(self, after: timedelta = timedelta(0), who: TestIdentity | None = None) -> str:
        identity = who or self.alice
        signer = Signer(identity.certificate, load_private_key(identity.private_pkcs8), ())
        octets = sign(message(ALICE, PAUL), signer, form="clear", at=AT, token=b"=_b")
        delivery = only(self.sued.send(octets, PAUL, reverse_path=ALICE, at=AT + after))
        assert delivery.finding is not None
        return str(delivery.finding.status)

    def intermediates(self) -> list[bytes]:
        rows = self.sued.database.sql("SELECT certificate FROM intermediate")
        return [bytes(der) for (der,) in rows]


@pytest.fixture
def world(sued: House) -> Iterator[World]:
    made = World(sued)
    yield made
    made.responders.close()


def test_authority_that_is_missing_is_fetched_and_kept_for_everybody(world: World) -> None:
    assert world.read() == "untrusted"
    assert world.responders.requests == [], "by default nobody goes"
    world.wants(IssuerFetch(world.responders.guard, only_known=False))
    # Longer than the path is remembered.
    assert world.read(timedelta(minutes=5)) == "valid"
    assert world.intermediates() == [world.sub.certificate]
    world.responders.close()
    world.wants(None)
    assert world.read(timedelta(minutes=10)) == "valid"
    assert world.responders.requests == ["/sub.p7c"]


def test_partner_whose_authority_is_missing_can_be_encrypted_to(world: World) -> None:
    world.wants(IssuerFetch(world.responders.guard, only_known=False))
    leaf = Certificate.from_der(world.alice.certificate)
    view = world.sued.store.trust
    assert view.issuer_source is not None
    found = view.issuer_source.above((leaf,), view.anchors, AT, 30)
    assert [each.der for each in found] == [world.sub.certificate]


@pytest.mark.parametrize("only_known", [True, False])
def test_host_that_is_down_is_told_if_it_is_one_of_ours(world: World, only_known: bool) -> None:
    world.responders.answers.clear()
    # The host is known from the certificate of an authority of ours.
    known = ca("Missing Known", world.root, extensions=[issuer_at(world.responders.url("x"))])
    keep_issuers(world.sued.database, [Certificate.from_der(known.certificate)], AT)
    world.wants(IssuerFetch(world.responders.guard, only_known=only_known))
    assert {world.read(timedelta(minutes=each)) for each in range(3)} == {"untrusted"}
    assert world.responders.requests == ["/sub.p7c"]
    told = [(row["url"], row["problem"]) for row in list_failures(world.sued.database, AT)]
    url = world.responders.url("")
    assert told == ([(url, "the host answers 503")] if only_known else [])


@pytest.mark.parametrize(("name", "limit"), [("NEW_A_DAY", 3), ("INTERMEDIATES_AT_MOST", 3)])
def test_no_more_are_kept_than_the_quota(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, limit: int
) -> None:
    monkeypatch.setattr(fetched, name, limit)
    for number in range(6):
        below = ca(f"Missing {number}", world.root)
        keep_issuers(world.sued.database, [Certificate.from_der(below.certificate)], AT)
    assert len(world.intermediates()) == limit


def test_keeping_moves_the_settings_once(world: World) -> None:
    before = world.sued.database.version()
    sub = Certificate.from_der(world.sub.certificate)
    for _ in range(3):
        keep_issuers(world.sued.database, [sub], AT)
    assert world.sued.database.version() == (before[0] + 1, before[1])
