"""Plain lists are told good in a hurry, everything else is left to the validator (T57, T58)."""

from collections.abc import Callable
from datetime import timedelta
from itertools import combinations, product

import pytest
from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from app.pki import responders, revocation
from app.pki.certificate import Certificate
from app.pki.engine import Parsed, within_budget
from app.pki.path import validate
from app.pki.plainlists import told_good
from tests.pki import test_pkits as pkits
from tests.pki.asking import anchors
from tests.pki.test_revocation import Store
from tests.pki.weak import sha1_list
from tests.testpki import AT, TestCA, TestIdentity, ca, dn, private_key

DAY = timedelta(days=1)
ROOT = ca("Plain Root", url="http://pki.example/root")
SUB = ca("Plain Sub", ROOT, url="http://pki.example/sub")
ALICE = SUB.issue("alice@example.org", serial=0x5EA1_0000_0001)
BAD = SUB.issue("bad@example.org", revoked="2026-01-01", serial=0x5EA1_0000_0002)
FROM = [x509.UniformResourceIdentifier("http://pki.example/sub.crl")]


def told(identity: TestIdentity, *lists: bytes, root: TestCA = ROOT) -> set[int]:
    octets = (identity.certificate, *identity.chain, root.certificate)
    path = tuple(map(Certificate.from_der, octets))
    return within_budget(lambda budget: set(told_good(path, lists, AT, Parsed(), budget)))


def test_plain_lists_tell_which_certificates_are_good() -> None:
    assert told(ALICE, SUB.crl(), ROOT.crl()) == {0, 1}
    assert told(ALICE, SUB.crl()) == {0}
    assert told(ALICE, ROOT.crl()) == {1}
    assert told(ALICE) == set()


def _idp(**words: bool) -> x509.IssuingDistributionPoint:
    flags = {
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
        **words,
    }
    return x509.IssuingDistributionPoint(
        full_name=FROM, relative_name=None, only_some_reasons=None, **flags
    )


def _with(extension: x509.ExtensionType, *, critical: bool = True) -> bytes:
    return SUB.crl(extensions=[(extension, critical)])


_UNKNOWN = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\0")
DOUBTFUL: list[tuple[str, Callable[[], bytes]]] = [
    ("of a stranger", lambda: ca("Plain Stranger").crl()),
    ("forged", lambda: SUB.crl(private=private_key("p256", "forger"))),
    ("ended", lambda: SUB.crl(at=AT - 30 * DAY)),
    ("not yet in force", lambda: SUB.crl(at=AT + 2 * DAY)),
    ("signed with SHA-1", lambda: sha1_list(SUB)),
    ("for a part", lambda: _with(_idp())),
    ("for authorities", lambda: _with(_idp(only_contains_ca_certs=True))),
    ("of others, too", lambda: _with(_idp(indirect_crl=True))),
    ("a difference", lambda: _with(x509.DeltaCRLIndicator(1))),
    (
        "with a difference elsewhere",
        lambda: _with(x509.FreshestCRL([x509.DistributionPoint(FROM, None, None, None)])),
    ),
    ("with something unknown", lambda: _with(_UNKNOWN)),
    ("with something unknown, not critical", lambda: _with(_UNKNOWN, critical=False)),
    ("with octets behind", lambda: SUB.crl() + b"\0"),
    ("cut short", lambda: SUB.crl()[:-1]),
    ("empty", lambda: b""),
    ("a certificate", lambda: SUB.certificate),
]


@pytest.mark.parametrize(("name", "make"), DOUBTFUL, ids=[name for name, _ in DOUBTFUL])
def test_one_doubtful_list_leaves_all_to_the_validator(
    name: str, make: Callable[[], bytes]
) -> None:
    assert told(ALICE, make()) == set(), name
    assert told(ALICE, ROOT.crl(), make()) == set(), name
    assert told(ALICE, make(), SUB.crl(), ROOT.crl()) == set(), name


def test_number_that_may_be_on_the_list_is_left_to_the_validator() -> None:
    assert told(BAD, SUB.crl(), ROOT.crl()) == set()
    # The end of another number: the octets are there, whoever they belong to.
    assert told(SUB.issue("part@example.org", serial=0x0002), SUB.crl()) == set()


def test_every_changed_octet_is_seen() -> None:
    octets = SUB.crl()
    assert told(ALICE, octets) == {0}
    for at in range(len(octets)):
        changed = octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :]
        assert told(ALICE, changed) == set(), at


def test_authority_that_may_sign_no_lists_is_left_to_the_validator() -> None:
    root = ca("Plain Mute", usage=("key_cert_sign",))
    assert (
        told(root.issue("a@example.org", serial=0x5EA1_0000_0009), root.crl(), root=root) == set()
    )


# RFC 5280 §6.3.3 (f): which of the two keys has signed the list is no plain question
def test_two_authorities_of_one_name_are_left_to_the_validator() -> None:
    twin = ca("Plain Root", ROOT, private=private_key("p256", "twin"))
    leaf = twin.issue("a@example.org", serial=0x5EA1_0000_0009)
    assert told(leaf, twin.crl()) == set()


def test_certificate_that_names_another_publisher_is_left_to_the_validator() -> None:
    elsewhere = x509.DirectoryName(dn("Plain Publisher"))
    points = x509.CRLDistributionPoints([x509.DistributionPoint(FROM, None, None, [elsewhere])])
    root = ca("Plain Other")
    leaf = root.issue("a@example.org", serial=0x5EA1_0000_0009, extensions=[(points, False)])
    assert told(leaf, root.crl(), root=root) == set()


def test_an_ordinary_message_needs_no_validator_for_its_lists(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(responders, "verify_crl", None)
    leaf = Certificate.from_der(ALICE.certificate)
    chain = tuple(map(Certificate.from_der, ALICE.chain))
    source = Store([SUB.crl(), ROOT.crl()])
    found = validate(leaf, chain, anchors(ROOT), at=AT, source=source)
    assert (found.status, found.revocation) == ("trusted", "good")


# Bad news from either side counts, and silence of the responder is made up for by the list.
def test_responder_is_heard_beside_plain_lists() -> None:
    root = ca("Plain Asked Root", url="http://pki.example/asked")
    mallory = root.issue("m@example.org", serial=0x5EA1_0000_0003)
    lists, good = [root.crl()], root.ocsp(mallory)
    root.revoked[mallory.x509.serial_number] = AT - 9 * DAY
    revoked = root.ocsp(mallory)
    leaf = Certificate.from_der(mallory.certificate)
    for responses, status in (
        ([good], "good"),
        ([revoked], "revoked"),
        ([b"", root.ocsp(root.issue("other@example.org"))], "good"),
    ):
        found = validate(leaf, (), anchors(root), at=AT, source=Store(lists, responses))
        assert found.revocation == status


# What the path was validated for is this very moment only.
def test_at_another_moment_the_validator_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responders, "verify_crl", None)
    leaf = Certificate.from_der(ALICE.certificate)
    chain = tuple(map(Certificate.from_der, ALICE.chain))
    source = Store([SUB.crl(), ROOT.crl()])
    found = validate(leaf, chain, anchors(ROOT), at=AT - DAY, source=source, revocation_at=AT)
    assert found.revocation == "unknown", "it would have decided"


# Any two lists together, and each certificate: in a hurry it is never anything else.
@pytest.mark.slow
def test_validator_says_the_same_of_any_two_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = [SUB.crl(), ROOT.crl(), *(make() for _, make in DOUBTFUL)]
    pairs = list(combinations(pool, 2))

    def everything() -> list[tuple[str, str]]:
        answers = []
        for identity in (ALICE, BAD):
            leaf = Certificate.from_der(identity.certificate)
            chain = tuple(map(Certificate.from_der, identity.chain))
            for pair, responses in product(pairs, ([], [SUB.ocsp(ALICE)], [SUB.ocsp(BAD)])):
                store = Store(pair, responses)
                found = validate(
                    leaf, chain, anchors(ROOT), at=AT, revocation="require", source=store
                )
                answers.append((found.status, found.revocation))
        return answers

    in_a_hurry = everything()
    assert {"good", "unknown", "revoked"} == {revocation for _, revocation in in_a_hurry}
    monkeypatch.setattr(revocation, "told_good", lambda *_: frozenset())
    assert everything() == in_a_hurry


# Two ways to the same answer, over every list and certificate of PKITS.
@pytest.mark.slow
def test_validator_says_the_same_of_everything_in_pkits(monkeypatch: pytest.MonkeyPatch) -> None:
    def everything(case: str) -> dict[str, tuple[str, tuple[str, ...], str]]:
        known = pkits.anchors()
        roots = type(known)(known.ders, f"plain {case}", known.intermediates)
        answers = {}
        for name in pkits.end_entities():
            leaf = pkits.certificates()[name + "EE"]
            found = validate(
                leaf, (), roots, at=pkits.AT, revocation="require", source=pkits.Store()
            )
            answers[name] = (found.status, found.reasons, found.revocation)
        return answers

    calls = []

    def counted(*words: object) -> frozenset[int]:
        found = told_good(*words)  # type: ignore[arg-type]
        calls.append(found)
        return found

    monkeypatch.setattr(revocation, "told_good", counted)
    in_a_hurry = everything("in a hurry")
    assert sum(map(bool, calls)) > 60, "there are plain lists in PKITS"
    monkeypatch.setattr(revocation, "told_good", lambda *_: frozenset())
    slowly = everything("by the validator")
    # asn1crypto writes a certificate with unique identifiers anew, and the validator then does not
    # know the issuer of its list again; PKITS calls this one valid.
    differing = {name for name, answer in slowly.items() if answer != in_a_hurry[name]}
    assert differing == {"ValidNameUIDsTest6"}
