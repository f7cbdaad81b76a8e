"""The key ring as the mail path uses it: which own keys sign, which decrypt.

A private key is opened once in a process and kept, because loading costs more than a signature.
Keys are found by what their certificates name, never by their public key: a renewal with the same
key is a key of its own, and old mail still names the old certificate (C3).
"""

from typing import Any, Final

from app.cms.errors import MalformedCms, UnsupportedCms
from app.cms.keys import PrivateKey, load_private_key
from app.cms.signed import Signer
from app.mail.address import MalformedAddress, normalise
from app.model.cache import VersionedCache
from app.model.database import Database
from app.model.errors import Refused, StoreUnavailable, Unreadable
from app.model.facts import KeyInfo
from app.model.readable import find_certificate
from app.model.stored import unpack
from app.pki.certificate import Certificate
from app.pki.errors import CannotUnseal
from app.pki.sealing import MasterKey
from app.smime.decrypt import DecryptionKey

_KEYS_IN_MEMORY: Final = 20_000

_BY_ADDRESS: Final = """
SELECT k.id, k.certificate, k.state FROM "key" k
WHERE k.certificate IS NOT NULL AND k.id IN (SELECT a."key" FROM "keyaddress" a WHERE a.address = ?)
"""
_BY_DOMAIN: Final = """
SELECT k.id, k.certificate, CASE WHEN d.is_active THEN k.state ELSE 'retired' END
FROM "key" k JOIN "domainkey" d ON d."key" = k.id
WHERE k.certificate IS NOT NULL AND d.domain = ?
"""
_ADDRESSES: Final = 'SELECT address FROM "keyaddress" WHERE "key" = ?'
_SEALED: Final = 'SELECT id, owner, sealed, certificate, chain FROM "key" WHERE id = ?'
_CHAIN: Final = "SELECT certificate FROM intermediate WHERE fingerprint = ?"


def sealing_context(key_id: str, owner: str) -> bytes:
    """Return what a sealed key is bound to: nobody can put it under another name (T129)."""
    return f"{key_id}\n{owner}".encode()


class KeyRing:
    """The own keys of an installation."""

    def __init__(self, database: Database, master_key: MasterKey | None) -> None:
        """Build a ring; without the master key it can list keys and open none."""
        self._database = database
        self._master_key = master_key
        self._privates: dict[str, PrivateKey] = {}
        self._signers: VersionedCache[str, Signer] = VersionedCache(_KEYS_IN_MEMORY)
        self._decryption: VersionedCache[str, DecryptionKey | None] = VersionedCache(
            _KEYS_IN_MEMORY
        )
        self._by_address: VersionedCache[str, tuple[KeyInfo, ...]] = VersionedCache()
        self._by_domain: VersionedCache[str, tuple[KeyInfo, ...]] = VersionedCache()
        self._version = 0

    def settle(self, version: int) -> None:
        """Take note of the store's version: what was read before it is read again."""
        self._version = version

    def keys_of(self, address: str) -> tuple[KeyInfo, ...]:
        """Return the keys that name an address, retired ones included, newest first."""
        return self._by_address.get(self._version, _normalised(address), self._read_address)

    def signing_keys(self, address: str) -> tuple[KeyInfo, ...]:
        """Return the keys that may sign as an address, newest first; dates are not looked at."""
        return tuple(key for key in self.keys_of(address) if not key.is_retired)

    def domain_keys(self, domain: str) -> tuple[KeyInfo, ...]:
        """Return the keys of a managed domain, retired ones included, newest first."""
        return self._by_domain.get(self._version, domain, self._read_domain)

    def decryption_keys(self, address: str, delimiter: str = "") -> tuple[DecryptionKey, ...]:
        """Return all keys that may decrypt for a recipient: personal and domain keys (C4).

        With a delimiter ``user+tag@`` also gets the keys of ``user@``. Neither dates nor revocation
        matter: old mail must open. A key that cannot be used any more is left out, so that it
        does not hold up the mail that the others open; ``find_useless`` tells of it.
        """
        name = _normalised(address)
        local, _, domain = name.rpartition("@")
        found = list(self.keys_of(name))
        base, separator, _ = local.partition(delimiter) if delimiter else (local, "", "")
        if separator and base:
            found += self.keys_of(f"{base}@{domain}")
        found += self.domain_keys(domain)
        opened = (self._decryption_key(key.id) for key in dict.fromkeys(found))
        return tuple(key for key in opened if key is not None)

    def signer(self, key_id: str) -> Signer:
        """Return what signs with a key.

        Raises Refused if there is no such key, StoreUnavailable if the master key does not open it.
        """
        return self._signers.get(self._version, key_id, self._read_signer)

    def find_useless(self, key_id: str) -> str:
        """Return why a key can neither sign nor decrypt here, empty if it can."""
        try:
            row = self._sealed(key_id)
            _certificate(row)
            self._private(row)
        except (UnsupportedCms, MalformedCms, StoreUnavailable) as error:
            return str(error)
        return ""

    def _decryption_key(self, key_id: str) -> DecryptionKey | None:
        return self._decryption.get(self._version, key_id, self._read_decryption_key)

    def private_key(self, key_id: str) -> bytes:
        """Return a private key as PKCS#8 DER, for ``sealmon key export`` only."""
        row = self._sealed(key_id)
        return self._unseal(row)

    def chain(self, key_id: str) -> tuple[bytes, ...]:
        """Return the certificates above a key's, without the root, as DER."""
        return self._chain(unpack(self._sealed(key_id)[4]))

    def _read_signer(self, key_id: str) -> Signer:
        row = self._sealed(key_id)
        try:
            private = self._private(row)
        except (UnsupportedCms, MalformedCms) as error:
            raise Refused(f"key {key_id}: {error}") from error
        return Signer(_certificate(row).der, private, self._chain(unpack(row[4])))

    def _read_decryption_key(self, key_id: str) -> DecryptionKey | None:
        row = self._sealed(key_id)
        try:
            return DecryptionKey(_certificate(row), self._private(row))
        except (UnsupportedCms, MalformedCms):
            return None

    def _private(self, row: tuple[Any, ...]) -> PrivateKey:
        private = self._privates.get(row[0])
        if private is None:
            private = load_private_key(self._unseal(row))
            if len(self._privates) >= _KEYS_IN_MEMORY:
                self._privates.clear()
            self._privates[row[0]] = private
        return private

    def _sealed(self, key_id: str) -> tuple[Any, ...]:
        rows = self._database.sql(_SEALED, (key_id,))
        if not rows:
            raise Refused(f"there is no key {key_id}: see sealmon key list")
        return rows[0]

    def _unseal(self, row: tuple[Any, ...]) -> bytes:
        if self._master_key is None:
            raise StoreUnavailable("the master key is not at hand in this process")
        try:
            return self._master_key.open(bytes(row[2]), context=sealing_context(row[0], row[1]))
        except CannotUnseal as error:
            raise StoreUnavailable(
                f"key {row[0]}: {error}; is it the master key of this database?"
            ) from error

    def _chain(self, fingerprints: list[str]) -> tuple[bytes, ...]:
        rows = (self._database.sql(_CHAIN, (each,)) for each in fingerprints)
        return tuple(bytes(found[0][0]) for found in rows if found)

    def _read_address(self, address: str) -> tuple[KeyInfo, ...]:
        return self._infos(self._database.sql(_BY_ADDRESS, (address,)))

    def _read_domain(self, domain: str) -> tuple[KeyInfo, ...]:
        return self._infos(self._database.sql(_BY_DOMAIN, (domain,)))

    def _infos(self, rows: list[tuple[Any, ...]]) -> tuple[KeyInfo, ...]:
        """Return the keys of rows. Raises Unreadable if one in use is.

        It may be the one that has to sign, or that the mail is encrypted to. A retired one is left
        out, as one that cannot be used any more.
        """
        found = []
        for key_id, der, state in rows:
            certificate = find_certificate(der, f"key {key_id}")
            if certificate is None and state == "active":
                raise Unreadable(_unreadable(key_id))
            if certificate is None:
                continue
            addresses = frozenset(name for (name,) in self._database.sql(_ADDRESSES, (key_id,)))
            found.append(KeyInfo(key_id, certificate, addresses, is_retired=state != "active"))
        found.sort(key=lambda key: (key.certificate.not_before, key.id), reverse=True)
        return tuple(found)


def _certificate(row: tuple[Any, ...]) -> Certificate:
    if row[3] is None:
        raise Refused(f"key {row[0]} has no certificate yet: answer its request first")
    found = find_certificate(row[3], f"key {row[0]}")
    if found is None:
        raise Unreadable(_unreadable(row[0]))
    return found


def _unreadable(key_id: str) -> str:
    return f"its certificate cannot be read: sealmon key retire {key_id}, and import it again"


def _normalised(address: str) -> str:
    try:
        return normalise(address)
    except MalformedAddress:
        return ""
