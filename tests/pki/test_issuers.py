"""Authorities that nobody sent are fetched if the owner wants it, and believed no more (T113)."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import AuthorityInformationAccessOID

from app.pki import fetch as fetching
from app.pki import flights, issuers, path
from app.pki.certificate import Certificate
from app.pki.guard import Guard
from app.pki.issuers import IssuerFetch, IssuerSupply
from app.pki.path import Anchors, PathResult, validate
from tests.pki.asking import anchors
from tests.pki.supplying import Memory
from tests.pki.test_fetch import moved, serving
from tests.responders import Responders
from tests.testpki import AT, TestCA, TestIdentity, ca, pem

ROOT = ca("Issuers Root", url="http://pki.example/issuers")
MAILLESS = ("server_auth",)
Extension = tuple[x509.ExtensionType, bool]


def issuer_at(*urls: str) -> Extension:
    """Return what says where the issuer's certificate is (RFC 5280 §4.2.2.1)."""
    method = AuthorityInformationAccessOID.CA_ISSUERS
    places = [x509.AccessDescription(method, x509.UniformResourceIdentifier(url)) for url in urls]
    return x509.AuthorityInformationAccess(places), False


def certs_only(*certificates: bytes) -> bytes:
    return pkcs7.serialize_certificates(
        [x509.load_der_x509_certificate(each) for each in certificates], Encoding.DER
    )


class World:
    """An authority whose certificate nobody sends, on a server that has it."""

    def __init__(self) -> None:
        self.responders = Responders()
        self.sub = ca("Issuers Sub", ROOT)
        self.alice = self.signer(self.sub)
        self.responders.answers["/sub.cer"] = self.sub.certificate
        self.memory = Memory()
        self.kept: list[Certificate] = []
        self.guard = self.responders.guard
        self.only_known = False
        self.restart()

    def signer(self, sub: TestCA, name: str = "sub.cer") -> TestIdentity:
        where = issuer_at(self.responders.url(name))
        return sub.issue("alice@example.org", extensions=[where])

    def restart(self) -> None:
        """Be another process."""
        fetch = IssuerFetch(self.guard, only_known=self.only_known)
        self.source = IssuerSupply(self.memory, fetch, self.keep)

    def keep(self, found: Sequence[Certificate], at: datetime) -> None:
        assert at == AT
        self.kept += found

    def ask(
        self,
        identity: TestIdentity | None = None,
        *others: bytes,
        roots: Anchors | None = None,
        at: datetime = AT,
    ) -> PathResult:
        return validate(
            Certificate.from_der((identity or self.alice).certificate),
            tuple(map(Certificate.from_der, others)),
            roots or anchors(ROOT),
            at=at,
            revocation="off",
            issuers=self.source,
        )

    def knowing_the_host(self) -> Anchors:
        """Return the root, with an intermediate that names the host."""
        known = ca("Issuers Known", ROOT, extensions=[issuer_at(self.responders.url("x.cer"))])
        der = Certificate.from_der(ROOT.certificate)
        key = f"known at {self.responders.port}"
        return Anchors((der,), key, (Certificate.from_der(known.certificate),))

    def settle(self) -> None:
        for _ in range(3000):
            if not len(self.source._flights):
                return
            time.sleep(0.01)
        raise AssertionError("somebody is under way for ever")

    @property
    def requests(self) -> list[str]:
        return self.responders.requests


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    # Long enough for a machine that is busy with other tests.
    monkeypatch.setattr(path, "REVOCATION_WAIT_SECONDS", 30.0)
    monkeypatch.setattr(fetching, "SECONDS", 60.0)
    made = World()
    yield made
    made.responders.close()


FORMS: list[Callable[[TestCA], bytes]] = [
    lambda sub: sub.certificate,
    lambda sub: certs_only(sub.certificate),
    lambda sub: certs_only(ROOT.certificate, ca("Issuers Other").certificate, sub.certificate),
    lambda sub: pem(sub.certificate),
]


@pytest.mark.parametrize("form", FORMS, ids=["DER", "certs-only", "several", "PEM"])
def test_missing_issuer_is_fetched_and_kept(world: World, form: Callable[[TestCA], bytes]) -> None:
    world.responders.answers["/sub.cer"] = form(world.sub)
    found = world.ask()
    assert (found.status, len(found.path)) == ("trusted", 3)
    world.settle()
    assert [each.der for each in world.kept] == [world.sub.certificate]
    assert world.requests == ["/sub.cer"]


def test_two_missing_issuers_are_fetched_one_after_the_other(world: World) -> None:
    upper = ca("Issuers Upper", ROOT)
    where = issuer_at(world.responders.url("upper.cer"))
    lower = ca("Issuers Lower", upper, extensions=[where])
    world.responders.answers |= {
        "/upper.cer": upper.certificate,
        "/lower.cer": lower.certificate,
    }
    assert world.ask(world.signer(lower, "lower.cer")).status == "trusted"
    world.settle()
    assert world.requests == ["/lower.cer", "/upper.cer"]
    assert {each.der for each in world.kept} == {upper.certificate, lower.certificate}


def test_nobody_is_asked_unless_the_owner_wants_it(world: World) -> None:
    leaf = Certificate.from_der(world.alice.certificate)
    assert validate(leaf, (), anchors(ROOT), at=AT, revocation="off").status == "untrusted"
    assert world.requests == []


def test_who_has_a_path_needs_nothing(world: World) -> None:  # T113
    assert world.ask(world.alice, world.sub.certificate).status == "trusted"
    assert world.requests == []


def test_host_that_is_down_is_asked_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.responders.answers["/sub.cer"] = None
    assert {world.ask().status for _ in range(20)} == {"untrusted"}
    assert world.requests == ["/sub.cer"]
    # Not where: any stranger could write a URL there, and fill the list of what fails.
    assert world.memory.failures == [("", "the host answers 503")]
    world.responders.answers["/sub.cer"] = world.sub.certificate
    assert world.ask().status == "untrusted", "it is left alone for a while"
    monkeypatch.setattr(flights, "RETRY_SECONDS", -1.0)
    assert world.ask().status == "trusted"


def test_slow_host_is_waited_for_once_and_briefly(  # T115
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(path, "REVOCATION_WAIT_SECONDS", 0.2)
    world.responders.gate.clear()
    began = time.monotonic()
    for _ in range(50):
        assert world.ask().status == "untrusted"
    assert time.monotonic() - began < 10
    world.responders.gate.set()
    world.settle()
    assert world.ask().status == "trusted"
    assert world.requests == ["/sub.cer"]


@pytest.mark.parametrize("only_known", [True, False])
def test_thousand_messages_of_many_threads_cause_one_fetch(  # T114
    world: World, only_known: bool
) -> None:
    world.only_known = only_known
    world.restart()
    roots = world.knowing_the_host()
    answers: list[str] = []

    def read() -> None:
        answers.extend(world.ask(roots=roots).status for _ in range(125))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(answers) == 1000
    # Of those that came meanwhile only two waited for a host that anybody could have named.
    assert answers.count("trusted") >= (1000 if only_known else 2)
    assert world.ask().status == "trusted" or only_known
    assert world.requests == ["/sub.cer"]


def test_no_more_than_two_wait_at_once(world: World) -> None:  # T115
    world.responders.gate.clear()
    waiting = [threading.Thread(target=world.ask) for _ in range(issuers.WAITING)]
    for each in waiting:
        each.start()
    while world.source._waiting._value > 0:
        time.sleep(0.01)
    began = time.monotonic()
    assert world.ask().status == "untrusted"
    assert time.monotonic() - began < 10
    assert all(each.is_alive() for each in waiting)
    world.responders.gate.set()
    for each in waiting:
        each.join()
    assert world.ask().status == "trusted"


def test_answer_is_not_fetched_by_another_process_again(world: World) -> None:
    assert world.ask().status == "trusted"
    world.settle()
    world.restart()
    assert world.ask().status == "trusted"
    assert world.requests == ["/sub.cer"]


def test_redirect_elsewhere_is_not_followed(world: World) -> None:  # T113
    for location in ("http://169.254.169.254/latest/meta-data/", "http://evil.example/sub.cer"):
        with serving(moved(location)) as server:
            world.guard = server.guard()
            world.restart()
            leaf = world.sub.issue("a@example.org", extensions=[issuer_at(server.url("/sub.cer"))])
            assert world.ask(leaf).status == "untrusted"
            world.settle()
            assert len(server.requests) == 1
    assert {why for _, why in world.memory.failures} == {"the host redirects elsewhere"}


AT_HOME = [
    "http://169.254.169.254/latest/meta-data/iam",
    "http://127.0.0.1/sub.cer",
    "http://localhost/sub.cer",
    "http://[::1]/sub.cer",
    "http://2130706433/sub.cer",
    "http://pki.example:22/sub.cer",
    "http://user@pki.example/sub.cer",
]


@pytest.mark.parametrize("url", AT_HOME)
def test_nobody_at_home_is_asked(world: World, url: str) -> None:  # T113
    world.guard = Guard()
    world.restart()
    assert world.ask(world.sub.issue("a@example.org", extensions=[issuer_at(url)])).path == ()
    world.settle()
    assert len(world.memory.failures) == 1
    assert world.kept == []


def test_other_schemes_are_no_places(world: World) -> None:  # T113
    urls = ("https://pki.example/a", "ldap://pki.example/cn=a", "file:///etc/passwd", "gopher://x/")
    assert world.ask(world.sub.issue("a@example.org", extensions=[issuer_at(*urls)])).path == ()
    assert (len(world.source._flights), world.memory.failures) == (0, [])


def test_host_is_told_and_not_what_strangers_write_behind_it(world: World) -> None:  # T136
    world.only_known = True
    world.restart()
    roots = world.knowing_the_host()
    for number in range(5):
        stranger = ca("Issuers Any").issue(
            "a@example.org", extensions=[issuer_at(world.responders.url(f"lie-{number}"))]
        )
        assert world.ask(stranger, roots=roots).status == "untrusted"
        world.settle()
    port = world.responders.port
    assert {url for url, _ in world.memory.failures} == {f"http://pki.example:{port}/"}
    assert world.ask(roots=roots).status == "trusted"
    assert [each.url for each in world.memory.stored.values()] == [f"http://pki.example:{port}/"]


def test_only_hosts_of_our_own_authorities_are_asked_if_so_wanted(world: World) -> None:
    world.only_known = True
    world.restart()
    stranger = ca("Issuers Silent")
    leaf = world.signer(ca("Issuers Silent Sub", stranger))
    assert world.ask(leaf, roots=anchors(stranger)).status == "untrusted"
    assert world.requests == []
    assert world.ask(roots=world.knowing_the_host()).status == "trusted"


USELESS_LEAVES: list[tuple[str, dict[str, object]]] = [
    ("not for mail", {"extended": MAILLESS}),
    ("ended", {"not_after": AT - timedelta(days=1)}),
    ("to come", {"not_before": AT + timedelta(days=1)}),
    ("for nothing", {"usage": ("crl_sign",)}),
]


@pytest.mark.parametrize(("name", "words"), USELESS_LEAVES, ids=str)
def test_nobody_goes_for_a_certificate_of_no_use(
    world: World, name: str, words: dict[str, object]
) -> None:
    where = issuer_at(world.responders.url("sub.cer"))
    leaf = world.sub.issue("a@example.org", extensions=[where], **words)  # type: ignore[arg-type]
    world.ask(leaf)
    assert world.requests == [], name


def test_flood_of_urls_is_not_followed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path, "REVOCATION_WAIT_SECONDS", 1.0)
    for number in range(3 * issuers.A_MINUTE):
        names = [world.responders.url(f"{number}-{each}.cer") for each in range(4)]
        leaf = world.sub.issue("a@example.org", extensions=[issuer_at(*names)])
        assert world.ask(leaf).status == "untrusted"
        world.settle()
    assert len(world.requests) == issuers.A_MINUTE


def test_where_nobody_may_wait_it_is_fetched_meanwhile(world: World) -> None:  # T115
    def refuse() -> None:
        raise BlockingIOError

    world.source._before_waiting = refuse
    with pytest.raises(BlockingIOError):
        world.ask()
    world.settle()
    assert world.ask().status == "trusted"
