"""Whether a message is signed by whom it says: the only maker of findings.

``verify`` looks at the MIME root and at what directly fills it. It asks ``signature`` whether the
mathematics hold, ``judge`` whether they may be believed, and makes the Finding. It fails closed:
every way out that is not "everything was checked and good" is another status than valid. It never
raises for what a message holds.

RFC 8551 §3.5, RFC 8550, RFC 5652 §5; behaviour "Signature status"; threats T38-T71.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from app import patience
from app.cms.errors import MalformedCms, TooLarge, UnsupportedCms
from app.cms.signed import parse_signed
from app.mail.address import Originator, same_mailbox, spelled_out
from app.mail.limits import SMIME_LAYERS
from app.pki.certificate import Certificate
from app.pki.path import PathResult, validate
from app.smime.content import may_hold_layer, opaque_to_clear, signed_content, strip_signature
from app.smime.decrypt import expand
from app.smime.diagnose import diagnose
from app.smime.finding import MAKER, NO_SIGNATURE, Finding, Status, worst
from app.smime.judge import Case, Verdict, judge
from app.smime.kinds import ENCRYPTED, SIGNED, Kind, Layer, recognise
from app.smime.protect import Protected, unwrap
from app.smime.reasons import Reason
from app.smime.signature import Checked, check, signed_span
from app.smime.trust import TrustView

# Of further certificates of one kind; each may cost a whole search for a path (T110).
_LOOKED_AT = 4

__all__ = ["TrustView", "opaque_to_clear", "signed_content", "strip_signature", "verify"]


class _By(NamedTuple):
    """By what a message is judged; the same for all of its layers."""

    originator: Originator
    trust: TrustView
    at: datetime
    revocation: str


def verify(  # noqa: PLR0913 - each is a fact of its own
    message: bytes,
    layer: Layer,
    originator: Originator,
    trust: TrustView,
    *,
    at: datetime,
    revocation: str = "soft",
    will_open: bool = False,
) -> Finding:
    """Return the finding about a signed message.

    ``layer`` is what ``recognise`` said of the same octets. ``originator`` is the From of the
    message as the reader will see it. ``at`` is the time of receipt, and decides. Signatures that
    directly enclose one another are all checked, and the worst of them counts. If they stand around
    ciphertext they say nothing of what the reader's client will find in there, unless ``will_open``
    promises that it is opened and judged next (T66).
    """
    by = _By(originator, trust, at, revocation)
    findings: list[Finding] = []
    for depth in range(1, SMIME_LAYERS + 1):
        patience.tick()
        finding, may_go_on = _verify_layer(message, layer, by)
        findings.append(finding if depth == 1 else finding.at_layer(depth))
        if not may_go_on:
            return worst(findings)
        inner = strip_signature(message, layer)
        # The very same message comes back where the content cannot be one.
        is_same = inner is message
        inner_layer = Layer(Kind.PLAIN) if is_same else recognise(inner, is_scanned=True)
        if not will_open and _is_ciphertext(inner, inner_layer):
            findings.append(NO_SIGNATURE(originator.address))
        if inner_layer.kind not in SIGNED:
            return worst(findings)
        message, layer = inner, inner_layer
    return _plainly(Status.UNSUPPORTED, Reason("over-limit", "layers"), originator)


def _is_ciphertext(message: bytes, layer: Layer) -> bool:
    """Whether a client would have to decrypt what a signature encloses, or expand and decrypt.

    What is compressed and cannot be looked into, by a limit or a fault, may hold ciphertext.
    """
    if layer.kind is Kind.COMPRESSED:
        opened = expand(message, layer)
        return opened is None or recognise(opened, is_scanned=True).kind in ENCRYPTED
    return layer.kind in ENCRYPTED


def _verify_layer(message: bytes, layer: Layer, by: _By) -> tuple[Finding, bool]:
    """Return the finding about one layer, and whether its content may be signed again."""
    if layer.kind not in SIGNED:
        return _unsigned(layer, by.originator), False
    try:
        signed = layer.signed or parse_signed(layer.cms)
    except MalformedCms as error:
        return _plainly(Status.INVALID, Reason("malformed", str(error)), by.originator), False
    except TooLarge as error:
        return _plainly(Status.UNSUPPORTED, Reason("over-limit", str(error)), by.originator), False
    except UnsupportedCms as error:
        return _plainly(Status.UNSUPPORTED, Reason("structure", str(error)), by.originator), False
    checked = check(message, layer, signed, by.trust)
    if checked.status is not Status.VALID or checked.certificate is None or checked.info is None:
        return _not_good(checked, by.originator, _damage(message, layer, checked)), False
    case = Case(
        checked.certificate,
        checked.bag,
        signed.crls,
        checked.info,
        checked.weak,
        by.originator,
        by.at,
        by.revocation,
    )
    verdict = judge(case, by.trust)
    for anomaly in layer.anomalies:
        verdict.lower(Status.UNTRUSTED, Reason("header-anomaly", anomaly))
    source, start, end = signed_span(message, layer, signed)
    protected = _protected(unwrap(source, start, end), verdict, by.originator)
    finding = _good(case, verdict, by.trust, protected)
    return finding, may_hold_layer(message, layer)


def _protected(
    protected: Protected | None, verdict: Verdict, originator: Originator
) -> Protected | None:
    """Return the protected header section; a From in there that differs is never a pass (T60)."""
    if protected is None:
        return None
    inner = protected.originator
    if inner.problem or not same_mailbox(inner.address, originator.address):
        verdict.lower(
            Status.VALID_OTHER, Reason("protected-from-differs", spelled_out(inner.address))
        )
    return protected


def _damage(message: bytes, layer: Layer, checked: Checked) -> tuple[Reason, ...]:
    """Return what transport did to a content whose attributes are truly signed."""
    info = checked.info
    if info is None or layer.kind is not Kind.CLEAR or checked.reasons[0].code != "digest-differs":
        return ()
    content = message[layer.signed_from : layer.signed_to]
    found = diagnose(content, info.digest, info.attributes.message_digest)
    return (found,) if found else ()


def _unsigned(layer: Layer, originator: Originator) -> Finding:
    """Return the finding about a layer that is no signature."""
    if layer.kind is Kind.MALFORMED:
        return _plainly(Status.INVALID, Reason("malformed", layer.problem), originator)
    if layer.kind is Kind.OTHER:
        return _plainly(Status.UNSUPPORTED, Reason("structure", layer.problem), originator)
    if layer.partial:
        return _plainly(Status.PARTIAL, Reason("part-signed"), originator)
    if layer.kind is Kind.OVER_LIMIT:
        return _plainly(Status.NONE, Reason("over-limit", layer.problem), originator)
    if layer.kind is Kind.CERTS_ONLY:
        return _plainly(Status.NONE, Reason("certs-only"), originator)
    return NO_SIGNATURE(originator.address)


def _plainly(status: Status, reason: Reason, originator: Originator) -> Finding:
    return Finding(MAKER, status, (reason,), from_address=originator.address)


def _not_good(checked: Checked, originator: Originator, damage: tuple[Reason, ...]) -> Finding:
    """Return the finding about a signature that does not hold; it names who it claims to be."""
    status = checked.status if checked.status is not Status.VALID else Status.INVALID
    info, certificate = checked.info, checked.certificate
    return Finding(
        MAKER,
        status,
        (*checked.reasons, *damage),
        signer=certificate.addresses[0] if certificate and certificate.addresses else "",
        from_address=originator.address,
        signed_at=info.attributes.signing_time if info else None,
        algorithm=info.scheme if info else "",
        certificate=certificate,
    )


def _good(case: Case, verdict: Verdict, trust: TrustView, protected: Protected | None) -> Finding:
    others = tuple([each for each in case.bag if each.der != case.certificate.der])
    preference = _preference(case, others, trust)
    companions = _companions(case, others, trust)
    return Finding(
        MAKER,
        verdict.status,
        tuple(dict.fromkeys(verdict.reasons)),
        signer=verdict.signer,
        from_address=case.originator.address,
        signed_at=case.info.attributes.signing_time,
        algorithm=case.info.scheme,
        certificate=case.certificate,
        others=others,
        capabilities=case.info.attributes.capabilities,
        preference=preference,
        companions=companions,
        unsure=_unsure((preference, *companions), case, trust),
        protected=protected,
        domain=verdict.domain,
        at=case.at,
    )


def _preference(case: Case, others: Sequence[Certificate], trust: TrustView) -> Certificate | None:
    """Return the certificate the signer asks to be used for encryption (RFC 8551 §2.5.3).

    The attribute is signed, the bag is not: anybody may add a certificate that bears the issuer
    and serial number asked for. So only one with a trusted path of its own is returned (T97).
    """
    attributes = case.info.attributes
    wanted, ski = attributes.encryption_preference, attributes.encryption_preference_ski

    def is_wanted(each: Certificate) -> bool:
        return (each.issuer_der, each.serial) == wanted or bool(ski and each.ski == ski)

    if is_wanted(case.certificate):
        return case.certificate
    named = [each for each in others if is_wanted(each)]
    return next((each for each in named[:_LOOKED_AT] if _is_trusted(each, case, trust)), None)


def _companions(
    case: Case, others: Sequence[Certificate], trust: TrustView
) -> tuple[Certificate, ...]:
    """Return further certificates of the signer's subject with a trusted path (RFC 8551 §2.5.3.1).

    They are looked for only where the signer's own cannot be encrypted to.
    """
    found = [
        each
        for each in others
        if not each.is_ca and each.subject_der == case.certificate.subject_der
    ]
    if not found or not case.certificate.encryption_problems(case.at):
        return ()
    return tuple(each for each in found[:_LOOKED_AT] if _is_trusted(each, case, trust))


def _is_trusted(certificate: Certificate, case: Case, trust: TrustView) -> bool:
    """Tell whether a further certificate of the message has a trusted path."""
    return _path(certificate, case, trust).status == "trusted"


def _unsure(
    found: Sequence[Certificate | None], case: Case, trust: TrustView
) -> tuple[Certificate, ...]:
    """Return those of which nobody knows if they were revoked; their paths are remembered."""
    return tuple(
        [
            each
            for each in found
            if each is not None
            and each != case.certificate
            and _path(each, case, trust).revocation == "unknown"
        ]
    )


def _path(certificate: Certificate, case: Case, trust: TrustView) -> PathResult:
    return validate(
        certificate,
        (*case.bag, *trust.intermediates),
        trust.anchors,
        at=case.at,
        revocation=case.revocation,
        crls=case.crls,
        source=trust.revocation_source,
    )
