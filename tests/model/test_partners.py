"""The partner book: what is taken in, what is refused with the reason, and what is used."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509

from app.cms.certs_only import build_certs_only
from app.cms.keys import load_private_key
from app.cms.signed import Signer
from app.model import domains, partners, trust
from app.model.database import Database
from app.model.errors import Refused
from app.model.snapshot import Store
from app.pki.certificate import Certificate
from app.smime.sign import sign
from tests.model.conftest import look_again
from tests.model.house import ALICE, BOB, DAY, NORD, certificate, person, root
from tests.testpki import AT, TestIdentity, ca, pem

PARTNER = "partner.example"


def taken(database: Database, octets: bytes, **how: Any) -> list[dict[str, Any]]:
    return partners.import_partner(database, octets, AT, **how)


FORMS: list[tuple[str, Callable[[], bytes]]] = [
    ("PEM", lambda: person(BOB).pem),
    ("DER", lambda: person(BOB).certificate),
    (".p7b", lambda: build_certs_only([person(BOB).certificate])),
    (".p7c as PEM", lambda: pem(build_certs_only([person(BOB).certificate]), "PKCS7")),
    ("PEM with text around", lambda: b"Bob's:\n" + person(BOB).pem + b"\nregards\n"),
]


@pytest.mark.parametrize(("what", "make"), FORMS)
def test_every_form_of_a_certificate_is_taken(
    database: Database, what: str, make: Callable[[], bytes]
) -> None:
    (row,) = taken(database, make())
    assert (row["name"], row["source"], row["status"]) == (BOB, "manual", "enabled")
    assert row["fingerprint"] == certificate(BOB).fingerprint
    assert partners.list_partners(database)[0]["id"] == row["id"]


def ended(address: str) -> bytes:
    return person(address, not_after=AT - DAY).pem


def odd() -> bytes:
    """Return a certificate with something critical that nobody knows."""
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"x")
    return person("x@y.example", "odd", extensions=((unknown, True),)).pem


REFUSED: list[tuple[str, Callable[[], bytes], dict[str, Any], str]] = [
    ("nothing", lambda: b"", {}, ""),
    ("nonsense", lambda: b"\x30\x03\x02\x01\x01", {}, ""),
    ("text", lambda: b"hello", {}, ""),
    ("an authority", lambda: root().identity.pem, {}, "certificate authority"),
    ("an unknown extension", odd, {}, "the certificate demands what is not known"),
    ("without address", lambda: root().issue().pem, {}, "names no address"),
    ("an odd address", lambda: root().issue("bob @partner.example").pem, {}, "names no address"),
    ("one of ours", lambda: person(ALICE).pem, {}, "is one of ours"),
    ("for one of ours", lambda: person(BOB).pem, {"name": ALICE}, "is one of ours"),
    ("for our domain", lambda: person(BOB).pem, {"name": NORD}, "is one of ours"),
    ("for a public suffix", lambda: person(BOB).pem, {"name": "co.uk"}, "public suffix"),
    ("for a rare suffix", lambda: person(BOB).pem, {"name": "xn--55qx5d.cn"}, "public suffix"),
    ("for a label", lambda: person(BOB).pem, {"name": "com"}, "single label"),
    ("for a wildcard", lambda: person(BOB).pem, {"name": "*@partner.example"}, "without *@"),
    ("for no address", lambda: person(BOB).pem, {"name": "a b@partner.example"}, "no"),
    ("for nothing", lambda: person(BOB).pem, {"name": ""}, ""),
    (
        "two, one bad",
        lambda: person(BOB).pem + odd(),
        {},
        "the certificate demands what is not known",
    ),
    ("a message", lambda: b"From: a@b.example\r\n\r\nhello\r\n", {}, ""),
]


@pytest.mark.parametrize(("what", "make", "how", "why"), REFUSED, ids=[each[0] for each in REFUSED])
def test_what_cannot_be_a_partner_is_refused_in_one_line_and_nothing_stored(
    database: Database, what: str, make: Callable[[], bytes], how: dict[str, Any], why: str
) -> None:
    domains.add(database, NORD, AT)
    before = database.version()
    with pytest.raises(Refused) as refused:
        taken(database, make(), **how)
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)
    assert partners.list_partners(database) == []
    assert database.version() == before


WARNED: list[tuple[str, Callable[[], bytes], str]] = [
    ("an expired one", lambda: ended(BOB), "expired"),
    ("a weak one", lambda: person(BOB, key="rsa1024").pem, "the key is too weak"),
    (
        "not for mail",
        lambda: person(BOB, extended=("server_auth",)).pem,
        "the certificate is not for mail",
    ),
]


# B3: warn on expired, weak, no e-mail usage
@pytest.mark.parametrize(("what", "make", "why"), WARNED, ids=[each[0] for each in WARNED])
def test_what_is_not_used_to_encrypt_is_taken_with_a_warning(
    store: Store, what: str, make: Callable[[], bytes], why: str
) -> None:
    (row,) = taken(store.database, make())
    assert row["warnings"][0].startswith(f"not used to encrypt: {why}")
    assert look_again(store).usable_for(BOB, at=AT).certificates == ()


def test_a_certificate_may_be_filed_under_another_name(database: Database) -> None:
    (row,) = taken(database, root().issue().pem, name="Info@Partner.Example")
    assert (row["name"], row["is_domain"]) == ("info@partner.example", False)


# D2
def test_a_domain_is_filed_as_its_a_label(database: Database) -> None:
    (row,) = taken(database, person(BOB).pem, name="Bücher.Example")
    assert (row["name"], row["is_domain"]) == ("xn--bcher-kva.example", True)


def test_the_authorities_of_a_file_are_kept_and_not_trusted(database: Database) -> None:
    below = ca("Below", parent=root())
    bob = below.issue(BOB)
    taken(database, bob.pem + pem(below.certificate))
    assert database.sql("SELECT COUNT(*) FROM intermediate") == [(1,)]
    assert trust.list_anchors(database) == []


def test_several_names_of_a_certificate_are_several_entries(database: Database) -> None:
    rows = taken(database, root().issue([BOB, "info@partner.example"]).pem)
    assert [row["name"] for row in rows] == [BOB, "info@partner.example"]


def test_a_certificate_that_only_signs_is_kept_with_a_warning(database: Database) -> None:
    (row,) = taken(database, person(BOB, usage=("digital_signature",)).pem)
    (warning,) = row["warnings"]
    assert warning.startswith("not used to encrypt: the key is not for encryption")


def test_a_certificate_that_begins_later_is_kept_with_a_warning(database: Database) -> None:
    (row,) = taken(database, person(BOB, not_before=AT + DAY).pem)
    assert row["warnings"][0].startswith("not used yet: not yet valid: ")


def test_what_there_is_already_is_not_stored_twice(database: Database) -> None:
    first, second = taken(database, person(BOB).pem), taken(database, person(BOB).pem)
    assert first[0]["id"] == second[0]["id"]
    assert len(partners.list_partners(database)) == 1


def test_new_and_known_ones_of_one_file_are_told_in_its_order(database: Database) -> None:
    (known,) = taken(database, person(BOB).pem)
    others = [person(f"p{number}@{PARTNER}") for number in range(2)]
    file = others[0].pem + person(BOB).pem + others[1].pem + others[1].pem
    rows = taken(database, file)
    assert [row["name"] for row in rows] == [f"p0@{PARTNER}", BOB, f"p1@{PARTNER}"]
    assert rows[1]["id"] == known["id"]
    assert len(partners.list_partners(database)) == 3


def test_of_a_file_with_a_disabled_one_or_one_of_ours_nothing_is_stored(
    database: Database,
) -> None:
    (known,) = taken(database, person(BOB).pem)
    partners.disable(database, known["id"])
    domains.add(database, NORD, AT)
    for unwanted in (person(BOB), person(ALICE)):
        with pytest.raises(Refused):
            taken(database, person(f"p0@{PARTNER}").pem + unwanted.pem)
    assert [row["name"] for row in partners.list_partners(database)] == [BOB]


# B4
def test_disabled_stays_and_is_not_used_and_removed_is_gone(store: Store) -> None:
    (row,) = taken(store.database, person(BOB).pem)
    assert len(store.partners_for(BOB).personal) == 1
    assert partners.disable(store.database, row["id"])["status"] == "disabled"
    assert look_again(store).partners_for(BOB).personal == ()
    with pytest.raises(Refused, match=f"partner enable {row['id']}"):
        taken(store.database, person(BOB).pem)
    partners.enable(store.database, row["id"])
    assert len(look_again(store).partners_for(BOB).personal) == 1
    partners.remove(store.database, row["id"])
    assert look_again(store).partners_for(BOB).personal == ()
    for verb in (partners.get_partner, partners.enable, partners.disable, partners.remove):
        with pytest.raises(Refused, match="no entry"):
            verb(store.database, row["id"])


def test_what_ends_soon_is_listed(database: Database) -> None:
    taken(database, person(BOB).pem)
    taken(database, person("soon@partner.example", not_after=AT + 10 * DAY).pem)
    soon = partners.list_partners(database, expires_before=AT + 30 * DAY)
    assert [row["name"] for row in soon] == ["soon@partner.example"]
    assert [row["name"] for row in partners.list_partners(database, name=BOB)] == [BOB]


def signed(who: TestIdentity, form: str = "clear", sender: bytes = b"bob@partner.example") -> bytes:
    """Return a signed message of Bob's."""
    message = b"From: %s\r\nSubject: x\r\nMIME-Version: 1.0\r\n" % sender
    message += b"Content-Type: text/plain\r\n\r\nHello\r\n"
    signer = Signer(who.certificate, load_private_key(who.private_pkcs8), who.chain)
    return sign(message, signer, form=form, at=AT, token=b"=_0123")


# B3, also as a mail client saves it
@pytest.mark.parametrize("form", ["clear", "opaque"])
@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_a_signed_message_brings_its_signer(database: Database, form: str, line_end: bytes) -> None:
    (row,) = taken(database, signed(person(BOB), form).replace(b"\r\n", line_end))
    assert (row["name"], row["fingerprint"]) == (BOB, certificate(BOB).fingerprint)


def chosen(store: Store, address: str, **how: Any) -> tuple[str, list[str], list[str]]:
    """Return the kind, the certificates and the reasons of what a message would be encrypted to."""
    found = look_again(store).usable_for(address, **{"at": AT, **how})
    return (
        found.kind,
        [each.fingerprint for each in found.certificates],
        [each.code for each in found.reasons],
    )


def prints(*found: Certificate) -> list[str]:
    return [each.fingerprint for each in found]


# "Encryption decision", D3
def test_personal_before_domain_before_parent(store: Store) -> None:
    database = store.database
    everybody, boss, personal = (
        certificate(f"{name}@{PARTNER}", name) for name in ("all", "boss", "bob")
    )
    assert chosen(store, BOB) == ("", [], ["no-partner-certificate"])
    taken(database, everybody.der, name=PARTNER, include_subdomains=True)
    assert chosen(store, BOB) == ("domain", prints(everybody), [])
    assert chosen(store, "x@sub.partner.example") == ("domain", prints(everybody), [])
    assert chosen(store, "x@notpartner.example")[0] == ""
    taken(database, boss.der, name="sub.partner.example")
    assert chosen(store, "x@sub.partner.example") == ("domain", prints(boss), [])
    assert chosen(store, "x@deep.sub.partner.example") == ("domain", prints(everybody), [])
    taken(database, personal.der)
    assert chosen(store, BOB) == ("personal", prints(personal), [])
    assert chosen(store, "BOB@Partner.Example.") == ("personal", prints(personal), [])  # T104
    assert chosen(store, f"other@{PARTNER}") == ("domain", prints(everybody), [])


# D3
def test_where_policy_wants_personal_certificates_that_of_the_domain_is_not_used(
    store: Store,
) -> None:
    taken(store.database, certificate(f"all@{PARTNER}").der, name=PARTNER, include_subdomains=True)
    for address in (BOB, "x@sub.partner.example"):
        found = look_again(store).usable_for(address, at=AT, personal_only=True)
        assert found.certificates == ()
        assert [each.code for each in found.reasons] == ["no-partner-certificate"]
    taken(store.database, certificate(BOB).der)
    found = look_again(store).usable_for(BOB, at=AT, personal_only=True)
    assert (found.kind, len(found.certificates)) == ("personal", 1)


def test_a_domain_entry_without_the_box_ticked_covers_no_subdomain(store: Store) -> None:
    taken(store.database, certificate(BOB).der, name=PARTNER)
    assert chosen(store, "x@sub.partner.example")[0] == ""


# "Encryption decision": all usable ones with distinct keys, newest first, at most five
def test_all_keys_of_a_recipient_newest_first_at_most_five(store: Store) -> None:
    found = [
        Certificate.from_der(
            root()
            .issue(BOB, private=person(f"k{n}@x.example").key, not_before=AT - n * DAY)
            .certificate
        )
        for n in range(1, 8)
    ]
    twin = Certificate.from_der(
        root().issue(BOB, private=person("k1@x.example").key, not_before=AT - 9 * DAY).certificate
    )
    for each in (*found, twin):
        taken(store.database, each.der)
    assert chosen(store, BOB)[1] == prints(*found[:5])


# T96
UNUSABLE: list[tuple[dict[str, Any], str]] = [
    ({"not_after": AT + DAY}, "expired"),
    ({"usage": ("digital_signature",)}, "key-usage-not-encryption"),
]


@pytest.mark.parametrize(("how", "why"), UNUSABLE)
def test_what_cannot_encrypt_is_not_used_and_the_reason_is_named(
    store: Store, how: dict[str, Any], why: str
) -> None:
    taken(store.database, person(BOB, **how).pem)
    assert chosen(store, BOB, at=AT + 2 * DAY) == ("", [], [why])


def test_the_domain_helps_where_the_personal_one_has_ended(store: Store) -> None:
    taken(store.database, person(BOB, not_after=AT + DAY).pem)
    taken(store.database, certificate(f"all@{PARTNER}").der, name=PARTNER)
    kind, found, reasons = chosen(store, BOB, at=AT + 2 * DAY)
    assert (kind, found, reasons) == ("domain", prints(certificate(f"all@{PARTNER}")), ["expired"])


def test_grace_lets_an_ended_certificate_be_used_for_so_many_days(store: Store) -> None:
    taken(store.database, person(BOB, not_after=AT + DAY).pem)
    assert chosen(store, BOB, at=AT + 3 * DAY, grace_days=1)[0] == ""
    assert chosen(store, BOB, at=AT + 3 * DAY, grace_days=2)[0] == "personal"


# T104
@pytest.mark.parametrize(
    "address", ["", "bob", "@partner.example", "bob@", '"b ob"@partner.example', "\0", "ä"]
)
def test_an_odd_recipient_finds_nothing_and_raises_nothing(store: Store, address: str) -> None:
    taken(store.database, certificate(BOB).der)
    assert chosen(store, address)[0] == ""
