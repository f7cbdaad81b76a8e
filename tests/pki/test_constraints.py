"""Name constraints on mail addresses (T54): sixty and more cases of our own.

A case is: what the authority permits, what it excludes, the addresses of the leaf, and whether the
path holds. RFC 5280 §4.2.1.10, RFC 9598 §6.
"""

from collections.abc import Sequence

import pytest
from cryptography import x509

from app.cms import der
from app.pki.certificate import Certificate
from app.pki.constraints import problem
from app.pki.reasons import NAME_CONSTRAINTS
from tests.pki.asking import ROOT, codes, path_of
from tests.testpki import ca, dn, mailbox, name_constraints, subtree

Case = tuple[list[str], list[str], list[str], bool]

MAILBOX: list[Case] = [
    (["alice@example.org"], [], ["alice@example.org"], True),
    (["alice@example.org"], [], ["alice@EXAMPLE.org"], True),
    (["alice@EXAMPLE.ORG"], [], ["alice@example.org"], True),
    (["alice@example.org"], [], ["Alice@example.org"], False),
    (["alice@example.org"], [], ["bob@example.org"], False),
    (["alice@example.org"], [], ["alice@sub.example.org"], False),
    (["alice@example.org"], [], ["alice@example.org", "bob@example.org"], False),
    (["alice@example.org", "bob@example.org"], [], ["alice@example.org", "bob@example.org"], True),
    (["alice@example.org"], [], ["xalice@example.org"], False),
    (["alice@example.org"], [], ["alice@example.org.evil.net"], False),
    ([], ["alice@example.org"], ["alice@example.org"], False),
    ([], ["alice@example.org"], ["Alice@Example.org"], False),
    ([], ["alice@example.org"], ["bob@example.org"], True),
    ([], ["alice@example.org"], ["bob@example.org", "alice@example.org"], False),
    ([], ["alice@example.org"], ["alice@sub.example.org"], True),
]

HOST: list[Case] = [
    (["example.org"], [], ["alice@example.org"], True),
    (["example.org"], [], ["Alice@EXAMPLE.ORG"], True),
    (["EXAMPLE.ORG"], [], ["alice@example.org"], True),
    (["example.org"], [], ["alice@sub.example.org"], False),
    (["example.org"], [], ["alice@notexample.org"], False),
    (["example.org"], [], ["alice@example.org.evil.net"], False),
    (["example.org"], [], ["alice@example.net"], False),
    (["example.org"], [], ["example.org@evil.net"], False),
    (["sub.example.org"], [], ["alice@example.org"], False),
    (["example.org", "example.net"], [], ["alice@example.org", "alice@example.net"], True),
    (["example.org", "example.net"], [], ["alice@example.org", "alice@example.com"], False),
    (["xn--bcher-kva.example"], [], ["a@xn--bcher-kva.example"], True),
    (["xn--bcher-kva.example"], [], ["a@bcher.example"], False),
    ([], ["example.org"], ["alice@example.org"], False),
    ([], ["example.org"], ["ALICE@Example.Org"], False),
    ([], ["example.org"], ["alice@sub.example.org"], True),
    ([], ["example.org"], ["alice@notexample.org"], True),
    ([], ["example.org"], ["alice@example.net", "alice@example.org"], False),
    (["example.org"], ["alice@example.org"], ["alice@example.org"], False),
    (["example.org"], ["alice@example.org"], ["bob@example.org"], True),
    (["org"], [], ["alice@org"], True),
    (["org"], [], ["alice@example.org"], False),
]

DOMAIN: list[Case] = [
    ([".example.org"], [], ["alice@sub.example.org"], True),
    ([".example.org"], [], ["alice@a.b.c.example.org"], True),
    ([".example.org"], [], ["alice@SUB.Example.org"], True),
    ([".example.org"], [], ["alice@example.org"], False),
    ([".example.org"], [], ["alice@notexample.org"], False),
    ([".example.org"], [], ["alice@sub.example.org.evil.net"], False),
    ([".example.org", "example.org"], [], ["alice@example.org", "bob@sub.example.org"], True),
    ([], [".example.org"], ["alice@sub.example.org"], False),
    ([], [".example.org"], ["alice@a.b.example.org"], False),
    ([], [".example.org"], ["alice@example.org"], True),
    ([], [".example.org"], ["alice@notexample.org"], True),
    (["example.org", ".example.org"], [".secret.example.org"], ["a@x.secret.example.org"], False),
    (["example.org", ".example.org"], [".secret.example.org"], ["a@public.example.org"], True),
    ([".org"], [], ["alice@example.org"], True),
]

INTERNATIONAL: list[Case] = [
    # A SmtpUTF8Mailbox is bound by the same rfc822Name constraints (RFC 9598 §6).
    (["example.org"], [], ["jörg@example.org"], True),
    (["example.org"], [], ["jörg@example.net"], False),
    ([".example.org"], [], ["jörg@sub.example.org"], True),
    ([".example.org"], [], ["jörg@example.org"], False),
    ([], ["example.org"], ["jörg@example.org"], False),
    ([], [".example.org"], ["jörg@sub.example.org"], False),
    ([], ["example.org"], ["jörg@example.net"], True),
    (["alice@example.org"], [], ["jörg@example.org"], False),
    (["example.org"], [], ["alice@example.org", "jörg@evil.net"], False),
]

NONE_OR_DOUBTFUL: list[Case] = [
    (["example.org"], [], [], True),  # no address: nothing that could be outside
    ([], ["example.org"], [], True),
    ([""], [], ["alice@example.org"], False),  # an empty host is not defined
    ([], [""], ["alice@example.org"], False),
    (["."], [], ["alice@example.org"], False),
    ([], ["."], ["alice@example.org"], False),
    (["@example.org"], [], ["alice@example.org"], False),
    ([], ["@example.org"], ["alice@example.org"], False),
    (["exam ple.org"], [], ["alice@example.org"], False),
    ([], ["exam ple.org"], ["alice@example.org"], False),
    (["example.org "], [], ["alice@example.org"], False),
    (["*.example.org"], [], ["alice@sub.example.org"], False),
    (["*@example.org"], [], ["alice@example.org"], False),
    # Odd addresses under a constraint could be anything.
    (["example.org"], [], ["alice@evil.net@example.org"], False),
    (["example.org"], [], ["alice@evil.net\0@example.org"], False),
    (["example.org"], [], ['"alice@evil.net"@example.org'], False),
    ([], ["evil.net"], ["alice@evil.net "], False),
    ([], ["evil.net"], ["alice@evil.net."], False),
    ([], ["evil.net"], ["alice"], False),
]

CASES = MAILBOX + HOST + DOMAIN + INTERNATIONAL + NONE_OR_DOUBTFUL


def test_there_are_sixty_cases() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize(("permitted", "excluded", "addresses", "holds"), CASES)
def test_leaf_is_bound_by_its_authority(
    permitted: list[str], excluded: list[str], addresses: list[str], holds: bool
) -> None:
    sub = ca("Bound", ROOT, permitted=permitted, excluded=excluded)
    result = path_of(sub.issue(addresses), ROOT)
    assert (result.status == "trusted") is holds
    assert codes(result) == ([] if holds else [NAME_CONSTRAINTS])


@pytest.mark.parametrize(("permitted", "excluded", "addresses", "holds"), CASES[::7])
def test_leaf_is_bound_by_the_anchor(
    permitted: list[str], excluded: list[str], addresses: list[str], holds: bool
) -> None:  # RFC 5937 §3
    root = ca("Bound Root", permitted=permitted, excluded=excluded)
    assert (path_of(root.issue(addresses), root).status == "trusted") is holds


@pytest.mark.parametrize(("permitted", "excluded", "addresses", "holds"), CASES[::5])
def test_constraint_holds_when_it_is_not_critical(
    permitted: list[str], excluded: list[str], addresses: list[str], holds: bool
) -> None:
    trees = name_constraints([*map(subtree, permitted)], [*map(subtree, excluded)])
    sub = ca("Mildly Bound", ROOT, extensions=[(trees, False)])
    assert (path_of(sub.issue(addresses), ROOT).status == "trusted") is holds


CHAINS = [
    # The constraints of all authorities hold together.
    (["example.org", "example.net"], ["example.org"], "alice@example.org", True),
    (["example.org", "example.net"], ["example.org"], "alice@example.net", False),
    (["example.org"], ["example.org", "example.net"], "alice@example.net", False),
    (["example.org"], ["example.net"], "alice@example.net", False),
    (["example.org"], ["example.net"], "alice@example.org", False),
    ([".example.org"], ["sub.example.org"], "alice@sub.example.org", True),
    ([".example.org"], ["sub.example.org"], "alice@other.example.org", False),
    (["example.org"], ["alice@example.org"], "alice@example.org", True),
    (["alice@example.org"], ["example.org"], "bob@example.org", False),
]


@pytest.mark.parametrize(("upper", "lower", "address", "holds"), CHAINS)
def test_constraints_on_the_way_down_are_intersected(
    upper: list[str], lower: list[str], address: str, holds: bool
) -> None:
    below = ca("Lower", ca("Upper", ROOT, permitted=upper), permitted=lower)
    assert (path_of(below.issue(address), ROOT).status == "trusted") is holds


def test_exclusion_above_outlives_permission_below() -> None:
    upper = ca("Upper X", ROOT, excluded=["example.org"])
    below = ca("Lower X", upper, permitted=["example.org", "example.net"])
    assert path_of(below.issue("alice@example.org"), ROOT).status == "untrusted"
    assert path_of(below.issue("alice@example.net"), ROOT).status == "trusted"


def test_address_of_the_subject_is_bound_where_it_counts() -> None:
    sub = ca("Subject Bound", ROOT, permitted=["example.org"])
    inside = sub.issue(subject=dn("A", email="alice@example.org"))
    outside = sub.issue(subject=dn("A", email="alice@evil.net"))
    # A host name in the alternative name does not hide the subject's address from the constraint:
    # certvalidator, as RFC 5280 has it, would not look at the subject then.
    dns = x509.SubjectAlternativeName([x509.DNSName("www.example.org")])
    hidden = sub.issue(subject=dn("A", email="alice@evil.net"), san=dns)
    beside = sub.issue("alice@example.org", subject=dn("A", email="alice@evil.net"))
    assert path_of(inside, ROOT).status == "trusted"
    assert path_of(outside, ROOT).status == "untrusted"
    assert path_of(hidden, ROOT).status == "untrusted"
    # Beside an address in the alternative name the subject's is no address of anybody (T51).
    assert path_of(beside, ROOT).status == "trusted"
    assert Certificate.from_der(beside.certificate).addresses == ("alice@example.org",)


OTHER_KINDS: list[tuple[x509.GeneralName, Sequence[x509.GeneralName], bool]] = [
    (x509.DNSName("example.org"), [mailbox("alice@evil.net")], True),
    (x509.DNSName("example.org"), [x509.DNSName("www.example.org")], True),
    (x509.DNSName("example.org"), [x509.DNSName("www.evil.net")], False),
    (x509.DNSName("example.org"), [x509.DNSName("*.example.org")], False),
    (x509.DNSName("example.org"), [x509.DNSName(".example.org")], False),
    (x509.DirectoryName(dn("", organization="Us")), [mailbox("alice@evil.net")], False),
    (x509.UniformResourceIdentifier(".example.org"), [mailbox("alice@evil.net")], True),
]


@pytest.mark.parametrize(("tree", "names", "holds"), OTHER_KINDS)
def test_constraints_on_other_names_hold_too(
    tree: x509.GeneralName, names: Sequence[x509.GeneralName], holds: bool
) -> None:
    sub = ca("Other Kinds", ROOT, extensions=[(name_constraints([tree]), True)])
    leaf = sub.issue("x", san=x509.SubjectAlternativeName(list(names)))
    assert (path_of(leaf, ROOT).status == "trusted") is holds


RAW = [
    der.tlv(der.SEQUENCE),  # empty: forbidden
    der.tlv(der.SEQUENCE, der.tlv(0xA0)),
    der.tlv(der.SEQUENCE, der.tlv(0xA0), der.tlv(0xA1)),
    # minimum 1, which RFC 5280 does not know
    der.tlv(
        der.SEQUENCE,
        der.tlv(0xA0, der.tlv(der.SEQUENCE, der.tlv(0x81, b"example.org"), der.tlv(0x80, b"\1"))),
    ),
    der.tlv(der.SEQUENCE, der.tlv(0xA0, der.tlv(der.SEQUENCE, der.tlv(0x81, b"ex\xe4mple.org")))),
    der.tlv(der.SEQUENCE, der.tlv(0xA2, der.tlv(der.SEQUENCE, der.tlv(0x81, b"example.org")))),
    der.tlv(der.SEQUENCE, der.tlv(0xA0, der.tlv(der.SEQUENCE, der.tlv(0xA0, b"junk")))),
    b"\x30\x80\0\0",
    b"junk",
    b"",
]


@pytest.mark.parametrize("octets", RAW, ids=bytes.hex)
def test_constraint_that_is_not_understood_is_not_kept_by_anybody(octets: bytes) -> None:
    raw = x509.UnrecognizedExtension(x509.NameConstraints.oid, octets)
    sub = ca("Raw", ROOT, extensions=[(raw, True)])
    assert path_of(sub.issue("alice@example.org"), ROOT).status == "untrusted"


def test_self_issued_authority_between_is_not_bound() -> None:  # RFC 5280 §6.1.3 (b)
    name = dn("Self Issued", email="ca@elsewhere.net")
    upper = ca(name, ROOT, permitted=["example.org"])
    lower = ca(name, upper)
    leaf = lower.issue("alice@example.org")
    path = [Certificate.from_der(each) for each in (leaf.certificate, *leaf.chain, leaf.root)]
    assert problem(path) == ""
    assert path_of(leaf, ROOT).status == "trusted"
