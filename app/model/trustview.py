"""What the verifier may ask of the store: anchors, approvals and certificates that it knows."""

from collections.abc import Sequence

from app.model.cache import VersionedCache
from app.model.choice import find_partners
from app.model.database import Database
from app.model.keyindex import issuer_serial, key_identifier
from app.model.readable import certificates
from app.pki.certificate import Certificate
from app.pki.path import Anchors, IssuerSource
from app.pki.revocation import RevocationSource

_BY_NAME = """
SELECT fingerprint FROM partner WHERE name = ? AND is_enabled AND is_pinned
"""
_BY_ISSUER = "SELECT id, certificate FROM partner WHERE issuer_serial = ? AND is_enabled LIMIT 20"
_BY_SKI = "SELECT id, certificate FROM partner WHERE ski = ? AND is_enabled LIMIT 20"


class StoreTrust:
    """One consistent view of everything an administrator trusts; a smime TrustView."""

    def __init__(
        self,
        database: Database,
        anchors: Anchors,
        source: RevocationSource | None = None,
        issuers: IssuerSource | None = None,
    ) -> None:
        self._database = database
        self.anchors = anchors
        self.intermediates: Sequence[Certificate] = ()
        """None but those in the anchors, which are indexed once and not with every question."""
        self.revocation_source = source
        self.issuer_source = issuers
        self._pinned: VersionedCache[str, frozenset[str]] = VersionedCache()
        self._registered: VersionedCache[str, frozenset[str]] = VersionedCache()
        self._version = 0

    def settle(self, version: int) -> None:
        """Take note of the version of the partner book."""
        self._version = version

    def is_pinned(self, fingerprint: str, address: str) -> bool:
        """Return whether an administrator bound this certificate to this normalised address."""
        return fingerprint in self._pinned.get(self._version, address, self._read_pinned)

    def domain_certificates(self, domain: str) -> frozenset[str]:
        """Return the fingerprints of the certificates registered for a normalised domain (D4)."""
        return self._registered.get(self._version, domain, self._read_registered)

    def certificates_by_id(
        self, issuer_der: bytes | None, serial: int | None, ski: bytes | None
    ) -> Sequence[Certificate]:
        """Return the known certificates of this issuer and serial number, or of this key id.

        An anchor is among them: that it signed a message itself is worth saying, if not believing.
        """
        rows: list[tuple[int, bytes]] = []
        if issuer_der and serial is not None:
            rows = self._database.sql(_BY_ISSUER, (issuer_serial(issuer_der, serial),))
        elif ski:
            rows = self._database.sql(_BY_SKI, (key_identifier(ski),))
        known = list(certificates((f"partner {row_id}", der) for row_id, der in rows))
        known += [
            each
            for each in self.anchors.ders
            if (each.issuer_der, each.serial) == (issuer_der, serial) or (ski and each.ski == ski)
        ]
        return tuple(dict.fromkeys(known))

    def _read_pinned(self, address: str) -> frozenset[str]:
        return frozenset(value for (value,) in self._database.sql(_BY_NAME, (address,)))

    def _read_registered(self, domain: str) -> frozenset[str]:
        choice = find_partners(self._database, f"any@{domain}")
        return frozenset(
            each.certificate.fingerprint
            for each in (*choice.domain, *choice.parents)
            if each.is_pinned
        )
