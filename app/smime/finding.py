"""What is known about the signature of a message, and how several such findings become one.

A Finding is made by ``verify`` and by nobody else: its constructor asks for a token that only
``app/smime/verify.py`` takes, so that "no check was done" can never read as "valid" (T68). A rule
test searches the source for other takers. Nothing here decides whether a signature is good.

RFC 8601 §2.7, RFC 7281 (results), RFC 2634 §1.1 (layers).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from app.pki.certificate import Certificate
from app.smime.protect import Protected
from app.smime.reasons import Reason

__all__ = ["MAKER", "NO_SIGNATURE", "Finding", "Reason", "Status", "worst"]


class Status(StrEnum):
    """The nine answers to "is this message signed?" (behaviour.md, signature status)."""

    NONE = "none"
    VALID = "valid"
    VALID_DOMAIN = "valid-domain"
    VALID_OTHER = "valid-other"
    UNTRUSTED = "untrusted"
    REVOKED = "revoked"
    INVALID = "invalid"
    PARTIAL = "partial"
    UNSUPPORTED = "unsupported"


_RESULTS = {
    Status.NONE: "none",
    Status.VALID: "pass",
    Status.VALID_DOMAIN: "pass",
    Status.VALID_OTHER: "policy",
    Status.UNTRUSTED: "policy",
    Status.REVOKED: "fail",
    Status.INVALID: "fail",
    Status.PARTIAL: "neutral",
    Status.UNSUPPORTED: "neutral",
}

# From the best to the worst of the layers that cover the whole message. A layer that is none or
# partial says nothing about the layers around it, so these two count only where nothing else does.
_SEVERITY = {
    status: rank
    for rank, status in enumerate(
        (
            Status.NONE,
            Status.PARTIAL,
            Status.VALID,
            Status.VALID_DOMAIN,
            Status.VALID_OTHER,
            Status.UNSUPPORTED,
            Status.UNTRUSTED,
            Status.REVOKED,
            Status.INVALID,
        )
    )
}

_SAYS_NOTHING = frozenset({Status.NONE, Status.PARTIAL})
_BELIEVED = frozenset({Status.VALID, Status.VALID_DOMAIN, Status.VALID_OTHER})


class _Maker:
    """The token that a Finding's constructor asks for."""


MAKER = _Maker()


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one SignedData, with the facts it rests on."""

    maker: _Maker = field(repr=False, compare=False)
    status: Status
    reasons: tuple[Reason, ...] = ()
    signer: str = ""
    # The certificate's address: the one equal to From if there is one, else its first.
    from_address: str = ""
    signed_at: datetime | None = None
    # The signer's word, never used as the time of validation (RFC 8550 §6).
    algorithm: str = ""
    certificate: Certificate | None = None
    others: tuple[Certificate, ...] = ()
    # The rest of the certificates in the message, in their order.
    capabilities: tuple[str, ...] = ()
    preference: Certificate | None = None
    # The certificate that the signer asks to be used for encryption, if it is in the message and
    # has a trusted path of its own.
    companions: tuple[Certificate, ...] = ()
    # Others of the signer's subject with trusted paths, if his own cannot be encrypted to.
    unsure: tuple[Certificate, ...] = ()
    # Those among the preference and the companions of which nobody knows whether they were revoked.
    protected: Protected | None = None
    # The protected header section inside the signature (RFC 9788); a claim of the signer.
    domain: str = ""
    # The From domain whose registered domain certificate signed.
    at: datetime | None = None
    # The moment of every validity check: the time of receipt.
    layer: int = 1
    # Counted from the outside, 1 is the root.

    def __post_init__(self) -> None:
        """Refuse everybody but the verifier."""
        if self.maker is not MAKER:
            raise TypeError("only the verifier makes a Finding")

    @property
    def result(self) -> str:
        """Return the word of Authentication-Results (RFC 8601 §2.7)."""
        if self.has("revocation-required"):
            return "temperror"
        return _RESULTS[self.status]

    @property
    def is_pass(self) -> bool:
        """Tell whether the message may be shown as signed by its From."""
        return self.status in {Status.VALID, Status.VALID_DOMAIN}

    def has(self, code: str) -> bool:
        """Tell whether a reason of this code was given."""
        return any(reason.code == code for reason in self.reasons)

    def at_layer(self, layer: int) -> "Finding":
        """Return the same finding, counted as this layer."""
        return replace(self, layer=layer)


def NO_SIGNATURE(from_address: str = "") -> Finding:
    """Return the finding about a message that nobody signed."""
    return Finding(MAKER, Status.NONE, from_address=from_address)


def worst(findings: Sequence[Finding]) -> Finding:
    """Return the finding for a whole message from those of its layers, the outermost first.

    The last one is about the payload, after every layer has come off. The worst counts; of equals
    the innermost, because that layer is the nearest to the content. If nobody signed the payload,
    the signatures that came off stood around ciphertext: they say who sent it, not who wrote what
    is in it, and the result is partial at best (T66). RFC 2634 §1.1, RFC 9787 §4.
    """
    if not findings:
        return NO_SIGNATURE()
    chosen = findings[0]
    for finding in findings[1:]:
        if _SEVERITY[finding.status] >= _SEVERITY[chosen.status]:
            chosen = finding
    if findings[-1].status not in _SAYS_NOTHING or chosen.status not in _BELIEVED:
        return chosen
    reasons = (*chosen.reasons, Reason("only-ciphertext-signed"))
    return replace(chosen, status=Status.PARTIAL, reasons=reasons)
