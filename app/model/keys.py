"""The key ring as the administrator sees it: import, make, request, list, retire.

Importing is the approval: an own key needs no certification path to sign or to decrypt, and an
expired one is taken, because old mail is opened with it (C3). Each private key is sealed here to
the public half of the master key, so that this module never needs the other half (T129).
"""

import hashlib
import warnings
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from app.cms.errors import MalformedCms, UnsupportedCms
from app.cms.keys import load_private_key
from app.mail.address import MalformedAddress
from app.model.database import Database
from app.model.errors import Refused
from app.model.keyring import KeyRing, sealing_context
from app.model.keyrows import fingerprint_id, key_json, store_addresses, store_chain
from app.model.names import read_address, read_domain
from app.model.readable import certificates, find_certificate
from app.model.schema import public_half
from app.model.stored import stamp
from app.model.tables import Key, KeyAddress
from app.pki.certificate import Certificate, load_certificates
from app.pki.errors import MalformedCertificate, MalformedKeyFile, WrongPassword
from app.pki.issue import KEY_KINDS, matches, request, self_signed
from app.pki.keyfile import KeyEntry, dump_pkcs12, load_keys
from app.pki.sealing import seal

__all__ = [
    "KeyRing",
    "answer",
    "bind",
    "export",
    "get_key",
    "import_keys",
    "list_keys",
    "new",
    "new_request",
    "retire",
]

_DAYS_AT_MOST: Final = 3650


def import_keys(
    database: Database, octets: bytes, password: str | None, at: datetime
) -> list[dict[str, Any]]:
    """Take the keys of a file into the ring, all or none. Raises Refused with one line."""
    try:
        entries = load_keys(octets, password)
    except (WrongPassword, MalformedKeyFile) as error:
        raise Refused(str(error)) from error
    with database.change():
        ids = dict.fromkeys(_store(database, entry, at) for entry in entries)
    if len(ids) == 1:
        return [get_key(database, each) for each in ids]
    rows = {row["id"]: row for row in list_keys(database)}
    return [rows[each] for each in ids]


def new(
    database: Database,
    addresses: Sequence[str],
    at: datetime,
    *,
    domain: str | None = None,
    days: int = 1095,
    kind: str = "rsa-3072",
) -> dict[str, Any]:
    """Make a key with a certificate that vouches for itself, for addresses or a domain (D1)."""
    names = [read_address(each) for each in addresses]
    if not names and domain is None:
        raise Refused("give an address, or a domain with --domain")
    if not 1 <= days <= _DAYS_AT_MOST:
        raise Refused(f"{days} days: a certificate is valid for 1 to {_DAYS_AT_MOST} days")
    named = read_domain(domain, is_ours=True) if domain is not None else None
    entry = _made(lambda: self_signed(names, at=at, domain=named, days=days, key=_kind(kind)))
    with database.change():
        key_id = _store(database, entry, at)
    return get_key(database, key_id)


def new_request(
    database: Database, addresses: Sequence[str], at: datetime, *, kind: str = "rsa-3072"
) -> dict[str, Any]:
    """Make a key and a request for its certificate; it stands under ``request``, as PEM."""
    names = [read_address(each) for each in addresses]
    if not names:
        raise Refused("give at least one address")
    made = _made(lambda: request(names, _kind(kind)))
    key_id = "r" + hashlib.sha256(made.csr_pem).hexdigest()[:15]
    values = {
        "id": key_id,
        "owner": names[0],
        "state": "requested",
        "sealed": _sealed(database, made.private_pkcs8, key_id, names[0]),
        "spki": "",
        "request": made.csr_pem,
        "added_at": stamp(at),
    }
    with database.change():
        database.insert(Key, values)
        store_addresses(database, key_id, names)
    return get_key(database, key_id)


def answer(database: Database, octets: bytes, at: datetime) -> dict[str, Any]:
    """Take the certificate that answers a request; it is matched by its public key (C3)."""
    certificates = _loaded(octets)
    waiting = database.rows(Key.select().where(Key.state == "requested"))
    for row in waiting:
        for certificate in certificates:
            if matches(bytes(row["request"]), certificate):
                return _complete(database, row["id"], (certificate, *certificates), at)
    raise Refused("no waiting request has the public key of this certificate: see sealmon key list")


def list_keys(database: Database) -> list[dict[str, Any]]:
    """Return all keys, newest first."""
    return key_json(database, Key.select().order_by(Key.not_before.desc(), Key.id))


def get_key(database: Database, key_id: str) -> dict[str, Any]:
    """Return one key. Raises Refused if there is none of this id."""
    found = key_json(database, Key.select().where(Key.id == key_id))
    if not found:
        raise Refused(f"there is no key {key_id}: see sealmon key list")
    return found[0]


def retire(database: Database, key_id: str) -> dict[str, Any]:
    """Let a key sign no more; it goes on decrypting."""
    found = get_key(database, key_id)
    if found["state"] == "requested":
        raise Refused(f"key {key_id} waits for its certificate and signs nothing yet")
    with database.change():
        database.run(Key.update(state="retired").where(Key.id == key_id))
    return get_key(database, key_id)


def bind(database: Database, key_id: str, address: str) -> dict[str, Any]:
    """Let a key also sign and decrypt for an address that its certificate does not name (C4)."""
    name = read_address(address)
    found = get_key(database, key_id)
    if name not in found["addresses"]:
        with database.change():
            database.insert(KeyAddress, {"key": key_id, "address": name, "is_bound": True})
    return get_key(database, key_id)


def export(ring: KeyRing, database: Database, key_id: str, password: str) -> bytes:
    """Return a key as PKCS#12. The only way out of the ring; it needs the master key."""
    row = database.row(Key.select().where(Key.id == key_id))
    if row is None or row["certificate"] is None:
        raise Refused(f"there is no key {key_id} with a certificate: see sealmon key list")
    if not password:
        raise Refused("a private key leaves only with a password")
    certificate = find_certificate(row["certificate"], f"key {key_id}")
    if certificate is None:
        raise Refused(f"the certificate of key {key_id} cannot be read: see sealmon check")
    chain = tuple(certificates((f"the chain of key {key_id}", each) for each in ring.chain(key_id)))
    return dump_pkcs12(KeyEntry(ring.private_key(key_id), certificate, chain), password)


def _kind(kind: str) -> str:
    if kind not in KEY_KINDS:
        raise Refused(f"{kind}: no such kind of key; there are {', '.join(KEY_KINDS)}")
    return kind


def _made(make: Any) -> Any:  # noqa: ANN401 - a KeyEntry or a Request
    try:
        return make()
    except (MalformedAddress, ValueError) as error:
        raise Refused(f"no certificate can be made for this: {error}") from error


def _loaded(octets: bytes) -> tuple[Certificate, ...]:
    try:
        return load_certificates(octets)
    except MalformedCertificate as error:
        raise Refused(str(error)) from error


def _sealed(database: Database, private: bytes, key_id: str, owner: str) -> bytes:
    return seal(public_half(database), private, context=sealing_context(key_id, owner))


def _check_use(entry: KeyEntry) -> None:
    """Refuse a key that can neither sign nor decrypt, such as one for DSA or Diffie-Hellman.

    What its certificate says is no hindrance: to decrypt, a private key is enough (C3, D1).
    """
    try:
        # cryptography warns of old kinds when it loads one; here they are refused in words.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            load_private_key(entry.private_pkcs8)
    except (UnsupportedCms, MalformedCms) as error:
        raise Refused(
            f"{entry.certificate.subject}: a key of this kind neither signs nor decrypts mail;"
            " use RSA, an elliptic curve, ML-DSA or ML-KEM"
        ) from error


def _store(database: Database, entry: KeyEntry, at: datetime) -> str:
    """Store a key and return its id; one that is there only gets its chain."""
    certificate = entry.certificate
    _check_use(entry)
    chain = store_chain(database, certificate, entry.chain, at)
    key_id = fingerprint_id(certificate)
    if database.row(Key.select(Key.id).where(Key.id == key_id)):
        if entry.chain:
            database.run(Key.update(chain=chain).where(Key.id == key_id))
        return key_id
    owner = certificate.addresses[0] if certificate.addresses else certificate.fingerprint
    values = {
        "id": key_id,
        "owner": owner,
        "state": "active",
        "sealed": _sealed(database, entry.private_pkcs8, key_id, owner),
        "certificate": certificate.der,
        "chain": chain,
        "fingerprint": certificate.fingerprint,
        "spki": certificate.spki_fingerprint,
        "not_before": stamp(certificate.not_before),
        "not_after": stamp(certificate.not_after),
        "added_at": stamp(at),
    }
    database.insert(Key, values)
    store_addresses(database, key_id, certificate.addresses)
    return key_id


def _complete(
    database: Database, key_id: str, found: Sequence[Certificate], at: datetime
) -> dict[str, Any]:
    """Make a key of a request: the first certificate is its own, the others may be above it."""
    certificate = found[0]
    if certificate.is_ca:
        raise Refused(f"{certificate.subject}: the answer is a certificate authority's certificate")
    intermediates = [each for each in found if each.is_ca and not each.is_self_signed]
    with database.change():
        values = {
            "state": "active",
            "certificate": certificate.der,
            "chain": store_chain(database, certificate, intermediates, at),
            "fingerprint": certificate.fingerprint,
            "spki": certificate.spki_fingerprint,
            "not_before": stamp(certificate.not_before),
            "not_after": stamp(certificate.not_after),
        }
        database.run(Key.update(values).where(Key.id == key_id))
        # What counts is what the authority certified, not what was asked for.
        database.run(KeyAddress.delete().where(KeyAddress.key == key_id))
        store_addresses(database, key_id, certificate.addresses)
    return get_key(database, key_id)
