"""What the verifier asks of the store: anchors, approvals and certificates that it knows."""

from collections.abc import Sequence
from typing import Protocol

from app.pki.certificate import Certificate
from app.pki.path import Anchors, IssuerSource
from app.pki.revocation import RevocationSource


class TrustView(Protocol):
    """One consistent view of everything an administrator trusts; the store implements it."""

    @property
    def anchors(self) -> Anchors:
        """The trust anchors that are enabled for mail."""
        ...

    @property
    def intermediates(self) -> Sequence[Certificate]:
        """CA certificates seen earlier, which only help to build paths."""
        ...

    @property
    def revocation_source(self) -> RevocationSource | None:
        """Where revocation data are read from; who has to wait for them waits once and briefly."""
        ...

    @property
    def issuer_source(self) -> IssuerSource | None:
        """Where missing authorities are asked for, if the owner wants that; believed no more."""
        ...

    def is_pinned(self, fingerprint: str, address: str) -> bool:
        """Tell whether an administrator bound this certificate to this normalised address."""
        ...

    def domain_certificates(self, domain: str) -> frozenset[str]:
        """Return the fingerprints of the certificates registered for a normalised domain."""
        ...

    def certificates_by_id(
        self, issuer_der: bytes | None, serial: int | None, ski: bytes | None
    ) -> Sequence[Certificate]:
        """Return the known certificates of this issuer and serial number, or of this key id."""
        ...
