"""The key ring: what is taken in, who may use it, and that a stolen database opens nothing."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from app.model import accounts, domains, keys, relays
from app.model.database import Database
from app.model.errors import Refused, StoreUnavailable
from app.model.keyring import KeyRing, sealing_context
from app.model.keyrows import OF_AUTHORITY
from app.model.schema import public_half
from app.model.snapshot import Store
from app.model.tables import Key
from app.pki.certificate import Certificate
from app.pki.sealing import seal
from tests.model.conftest import look_again
from tests.model.house import ALICE, DAY, NORD, person, root
from tests.testpki import AT, TestIdentity, ca, pem

CAROL = "carol@nord.example"


def pem_of(*people: TestIdentity) -> bytes:
    """Return keys, certificates and chains as one PEM file."""
    return b"".join(
        each.key_pem + each.pem + b"".join(pem(one) for one in each.chain) for each in people
    )


def taken(database: Database, who: TestIdentity) -> dict[str, Any]:
    return keys.import_keys(database, pem_of(who), None, AT)[0]


def test_an_imported_key_signs_and_decrypts(store: Store) -> None:
    row = taken(store.database, person(ALICE))
    assert row["addresses"] == [ALICE]
    assert row["id"] == Certificate.from_der(person(ALICE).certificate).fingerprint[:16]
    store.snapshot()
    assert [each.id for each in store.ring.signing_keys(ALICE)] == [row["id"]]
    assert store.ring.signer(row["id"]).certificate == person(ALICE).certificate
    (found,) = store.ring.decryption_keys("ALICE@Nord.Example")
    assert found.certificate.der == person(ALICE).certificate
    assert found.key.private_numbers() == person(ALICE).key.private_numbers()  # type: ignore[union-attr]


def test_the_chain_goes_along_without_the_root(store: Store) -> None:
    below = ca("Issuing", parent=root())
    alice = below.issue(ALICE)
    row = taken(store.database, alice)
    store.snapshot()
    assert store.ring.signer(row["id"]).chain == (below.certificate,)
    # A second import without the chain does not take it away, and an export has it.
    keys.import_keys(store.database, alice.key_pem + alice.pem, None, AT)
    assert store.ring.chain(row["id"]) == (below.certificate,)
    exported = pkcs12.load_pkcs12(keys.export(store.ring, store.database, row["id"], "x"), b"x")
    assert len(exported.additional_certs) == 1


# RFC 8550 §2.3
def test_a_chain_that_the_file_lacks_is_taken_from_what_is_known(store: Store) -> None:
    upper = ca("Upper", parent=root())
    lower = ca("Lower", parent=upper)
    taken(store.database, upper.issue("x@nord.example"))
    taken(store.database, lower.issue("y@nord.example"))
    alice = lower.issue(ALICE)
    (row,) = keys.import_keys(store.database, alice.key_pem + alice.pem, None, AT)
    assert store.ring.chain(row["id"]) == (lower.certificate, upper.certificate)


# T129
def test_a_stolen_database_shows_no_key(store: Store, tmp_path: Path) -> None:
    taken(store.database, person(ALICE))
    request = keys.new_request(store.database, [CAROL], AT, kind="ec-p256")
    store.database.close()
    secret = person(ALICE).private_pkcs8
    scalar = person(ALICE).key.private_numbers().private_value.to_bytes(32, "big")
    dump = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert secret not in dump
    assert scalar not in dump
    assert b"PRIVATE KEY" not in dump
    assert request["request"].startswith("-----BEGIN CERTIFICATE REQUEST")


# T129
def test_a_sealed_key_opens_only_in_its_own_place(store: Store) -> None:
    alice, carol = taken(store.database, person(ALICE)), taken(store.database, person(CAROL))
    sealed = {row["id"]: bytes(row["sealed"]) for row in store.database.rows(Key.select())}
    with store.database.change():
        swapped = Key.update(sealed=sealed[carol["id"]]).where(Key.id == alice["id"])
        store.database.run(swapped)
    store.snapshot()
    with pytest.raises(StoreUnavailable, match="master key"):
        store.ring.signer(alice["id"])


def test_without_the_master_key_a_ring_lists_and_opens_nothing(database: Database) -> None:
    row = taken(database, person(ALICE))
    ring = KeyRing(database, None)
    assert [each.id for each in ring.signing_keys(ALICE)] == [row["id"]]
    with pytest.raises(StoreUnavailable, match="not at hand"):
        ring.signer(row["id"])


# C3: keys are filed by issuer and serial number, never by public key or address
def test_a_renewal_with_the_same_key_keeps_the_old_one(store: Store) -> None:
    old = person(ALICE)
    new = root().issue(ALICE, private=old.key, not_before=AT - DAY)
    first, second = taken(store.database, old), taken(store.database, new)
    assert first["id"] != second["id"]
    store.snapshot()
    found = {each.certificate.der for each in store.ring.decryption_keys(ALICE)}
    assert found == {old.certificate, new.certificate}
    assert [each.id for each in store.ring.signing_keys(ALICE)] == [second["id"], first["id"]]


# C3
def test_an_expired_certificate_is_taken_and_decrypts(store: Store) -> None:
    row = taken(store.database, person(ALICE, not_after=AT - 100 * DAY))
    store.snapshot()
    assert len(store.ring.decryption_keys(ALICE)) == 1
    assert store.ring.signing_keys(ALICE)[0].signing_problems(AT)[0].startswith("expired")
    assert row["state"] == "active"


def test_a_retired_key_decrypts_only(store: Store) -> None:
    row = taken(store.database, person(ALICE))
    assert keys.retire(store.database, row["id"])["state"] == "retired"
    store.snapshot()
    assert store.ring.signing_keys(ALICE) == ()
    assert len(store.ring.decryption_keys(ALICE)) == 1
    assert store.ring.keys_of(ALICE)[0].signing_problems(AT) == ("retired",)


# C4, D5
def test_a_recipient_gets_personal_and_domain_keys_and_nobody_elses(store: Store) -> None:
    database = store.database
    domains.add(database, NORD, AT)
    alice, carol = taken(database, person(ALICE)), taken(database, person(CAROL))
    old = keys.new(database, [], AT, domain=NORD, kind="ec-p256")
    new = keys.new(database, [], AT, domain=NORD, kind="ec-p256")
    domains.use_key(database, NORD, old["id"])
    domains.use_key(database, NORD, new["id"])
    snapshot = store.snapshot()
    assert snapshot.domains[NORD].key_ids == (new["id"],)
    assert snapshot.domains[NORD].retired_key_ids == (old["id"],)

    def ids(address: str, delimiter: str = "") -> set[str]:
        found = store.ring.decryption_keys(address, delimiter)
        return {each.certificate.fingerprint[:16] for each in found}

    assert ids(ALICE) == {alice["id"], new["id"], old["id"]}
    assert ids(CAROL) == {carol["id"], new["id"], old["id"]}
    assert ids("x@other.example") == set()
    assert ids("alice+tag@nord.example") == {new["id"], old["id"]}
    assert ids("alice+tag@nord.example", "+") == {alice["id"], new["id"], old["id"]}
    assert ids("+tag@nord.example", "+") == {new["id"], old["id"]}
    retired = [each.is_retired for each in store.ring.domain_keys(NORD)]
    assert sorted(retired) == [False, True]


def test_an_administrator_binds_a_key_to_an_alias(store: Store) -> None:
    row = taken(store.database, person(ALICE))
    keys.bind(store.database, row["id"], "info@nord.example")
    assert keys.bind(store.database, row["id"], "info@nord.example")["addresses"] == [
        ALICE,
        "info@nord.example",
    ]
    store.snapshot()
    assert store.ring.keys_of("info@nord.example")[0].addresses == {ALICE, "info@nord.example"}


def p12(password: bytes = b"secret", who: TestIdentity | None = None) -> bytes:
    who = who or person(ALICE)
    return pkcs12.serialize_key_and_certificates(
        b"x", who.key, who.x509, None, serialization.BestAvailableEncryption(password)
    )


@cache
def dsa_key() -> dsa.DSAPrivateKey:
    """Return a key that RFC 8551 has no use for."""
    return dsa.generate_private_key(1024)


def dsa_pem() -> bytes:
    """Return that key with a certificate."""
    key = dsa_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Old")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    made = made.public_key(key.public_key()).serial_number(7)
    made = made.not_valid_before(AT - DAY).not_valid_after(AT + DAY)
    certificate = made.sign(key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


BAD: list[tuple[str, Callable[[], bytes], str | None, str]] = [
    ("wrong password", p12, "wrong", "password"),
    ("no password", p12, None, "password"),
    ("nothing", lambda: b"", None, "no private key"),
    ("a certificate alone", lambda: person(ALICE).pem, None, "no private key"),
    ("a key alone", lambda: person(ALICE).key_pem, None, "no certificate"),
    ("another's certificate", lambda: person(ALICE).key_pem + person(CAROL).pem, None, "fits"),
    ("half a PKCS#12", lambda: p12()[:200], "secret", ""),
    ("a DSA key", dsa_pem, None, "neither signs nor decrypts"),
    ("one good, one bad", lambda: pem_of(person(CAROL)) + dsa_pem(), None, "neither signs"),
]


@pytest.mark.parametrize(
    ("what", "make", "password", "why"),
    BAD,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_key_says_so_in_one_line_and_stores_nothing(
    database: Database, what: str, make: Callable[[], bytes], password: str | None, why: str
) -> None:
    before = database.version()
    with pytest.raises(Refused) as refused:
        keys.import_keys(database, make(), password, AT)
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)
    assert keys.list_keys(database) == []
    assert database.version() == before
    assert database.sql("SELECT COUNT(*) FROM intermediate") == [(0,)]


# C3, D1: openssl req -x509 makes CA:TRUE unless told otherwise
def test_the_key_of_an_authority_decrypts_with_a_warning(store: Store) -> None:
    authority = (x509.BasicConstraints(ca=True, path_length=None), True)
    identity = person(ALICE, "authority", extensions=(authority,))
    (row,) = keys.import_keys(store.database, pem_of(identity), None, AT)
    assert row["warnings"] == [OF_AUTHORITY]
    store.snapshot()
    (key,) = store.ring.decryption_keys(ALICE)
    assert key.certificate.der == identity.certificate


def test_a_key_that_cannot_be_loaded_does_not_poison_the_address(store: Store) -> None:
    good = taken(store.database, person(ALICE))
    bad = taken(store.database, person(ALICE, "another"))
    private = dsa_key().private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    context = sealing_context(bad["id"], ALICE)
    sealed = seal(public_half(store.database), private, context=context)
    with store.database.change():
        store.database.run(Key.update(sealed=sealed).where(Key.id == bad["id"]))
    store.snapshot()
    found = store.ring.decryption_keys(ALICE)
    assert [each.certificate.fingerprint[:16] for each in found] == [good["id"]]
    assert store.ring.find_useless(bad["id"]) == "a private key of an unknown kind"
    assert store.ring.find_useless(good["id"]) == ""
    with pytest.raises(Refused, match="unknown kind"):
        store.ring.signer(bad["id"])


def test_a_pkcs12_is_taken_and_given_out_again(store: Store) -> None:
    (row,) = keys.import_keys(store.database, p12(), "secret", AT)
    store.snapshot()
    again = keys.export(store.ring, store.database, row["id"], "other")
    assert keys.import_keys(store.database, again, "other", AT)[0]["id"] == row["id"]
    with pytest.raises(Refused, match="password"):
        keys.export(store.ring, store.database, row["id"], "")
    with pytest.raises(Refused, match="no key"):
        keys.export(store.ring, store.database, "nonsense", "other")


def test_importing_twice_changes_nothing(database: Database) -> None:
    first = taken(database, person(ALICE))
    keys.retire(database, first["id"])
    assert taken(database, person(ALICE))["state"] == "retired"
    assert len(keys.list_keys(database)) == 1


def test_a_request_waits_for_its_answer(store: Store) -> None:
    row = keys.new_request(store.database, [CAROL], AT, kind="ec-p256")
    assert row["state"] == "requested"
    store.snapshot()
    assert store.ring.decryption_keys(CAROL) == ()
    with pytest.raises(Refused, match="no waiting request"):
        keys.answer(store.database, person(ALICE).pem, AT)
    answer = _issue(x509.load_pem_x509_csr(row["request"].encode()))
    done = keys.answer(store.database, pem(answer), AT)
    assert (done["id"], done["state"], done["addresses"]) == (row["id"], "active", [CAROL])
    look_again(store).snapshot()
    assert store.ring.signer(row["id"]).certificate == answer
    with pytest.raises(Refused, match="no waiting request"):
        keys.answer(store.database, pem(answer), AT)


def _issue(csr: Any) -> bytes:
    """Return a certificate for the public key of a request."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(csr.subject)
        .issuer_name(root().name)
        .public_key(csr.public_key())
        .serial_number(4711)
        .not_valid_before(AT - DAY)
        .not_valid_after(AT + DAY)
    )
    for extension in csr.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    der: bytes = builder.sign(root().key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    return der


NEW: list[tuple[list[str], dict[str, Any], str]] = [
    ([], {}, "give an address"),
    (["nonsense"], {}, "is no address"),
    (["a b@x.example"], {}, "no"),
    ([ALICE], {"days": 0}, "1 to"),
    ([ALICE], {"days": 40_000}, "1 to"),
    ([ALICE], {"kind": "rsa-1024"}, "no such kind"),
    ([], {"domain": "com"}, "single label"),
    ([], {"domain": "co.uk"}, "public suffix"),
]


@pytest.mark.parametrize(("addresses", "how", "why"), NEW)
def test_a_certificate_that_cannot_be_made_is_refused(
    database: Database, addresses: list[str], how: dict[str, Any], why: str
) -> None:
    with pytest.raises(Refused, match=why):
        keys.new(database, addresses, AT, **how)
    assert keys.list_keys(database) == []


# D1
def test_a_domain_certificate_bears_both_names(database: Database) -> None:
    row = keys.new(database, [], AT, domain=NORD, kind="ec-p256")
    assert row["addresses"] == [
        "domain-signing-authority@nord.example",
        "domain-confidentiality-authority@nord.example",
    ]


# T100
def test_a_key_pair_that_two_owners_share_is_reported(database: Database) -> None:
    taken(database, person(ALICE))
    taken(database, root().issue(CAROL, private=person(ALICE).key))
    warnings = [row["warnings"] for row in keys.list_keys(database)]
    assert all("is also that of" in each[0] for each in warnings)


def test_a_key_shows_where_it_is_used(database: Database) -> None:
    row = taken(database, person(ALICE))
    domains.add(database, NORD, AT)
    domains.use_key(database, NORD, row["id"])
    relays.add_key(database, row["id"])
    accounts.add(database, "alice", "a good password", AT)
    accounts.assign(database, "alice", row["id"])
    found = keys.get_key(database, row["id"])
    assert (found["domains"], found["accounts"], found["relay"]) == ([NORD], ["alice"], True)
    with pytest.raises(Refused, match="there is no key"):
        keys.get_key(database, "nonsense")
