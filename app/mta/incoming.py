"""The steps of inbound mail: open it, find out who signed it, tell the reader (behaviour A–D).

Each step returns its outcome for the trace. What several recipients share is done once. When
something cannot be opened or checked the message is delivered as it came, with a field that says
so; only the store's silence defers it.
"""

import hashlib
import logging

from app.mail.headers import split
from app.model.facts import Addressed, Facts
from app.model.plan import Plan, plan
from app.mta import reply
from app.mta.gather import author
from app.mta.machine import Delivery
from app.mta.peers import without_secrets
from app.mta.reply import Refusal
from app.mta.stamp import on_top, results, stamp
from app.smime.content import opaque_to_clear, strip_signature
from app.smime.decrypt import not_encrypted
from app.smime.finding import NO_SIGNATURE, Finding, worst
from app.smime.kinds import ENCRYPTED, SIGNED, Layer, recognise
from app.smime.legacy_display import without_legacy_display
from app.smime.peel import Circumstances, peel
from app.smime.shown import protected_subject
from app.smime.verify import verify as verify_layer
from app.subject.render import mark, put_on
from app.subject.strip import Cleaner

log = logging.getLogger("sealmon.subject")

NOT_OPENED = frozenset({"no-key", "failed", "unsupported"})


def decrypt(delivery: Delivery) -> str:
    """Open what is encrypted to this recipient, with the recipient's own keys only (C4, T75)."""
    settings = _plan(delivery).settings
    if settings.word("decrypt") == "off":
        delivery.decryption = not_encrypted(delivery.octets)
        delivery.peeled = None
        return "off"
    keys = delivery.house.store.ring.decryption_keys(delivery.recipient, settings["delimiter"].text)
    by = Circumstances(
        author(delivery.work),
        delivery.house.store.trust,
        delivery.at,
        settings.word("revocation"),
        settings.word("legacy_decrypt"),
    )
    names = tuple(key.certificate.fingerprint for key in keys)
    peeled = delivery.work.once(
        ("peeled", names, by.revocation, by.legacy), lambda: peel(delivery.octets, keys, by)
    )
    delivery.octets, delivery.decryption = peeled.message, peeled.decryption
    delivery.peeled = peeled
    status = peeled.decryption.status
    if status in NOT_OPENED and settings.word("on_undecryptable") == "refuse":
        raise Refusal(reply.UNDECRYPTABLE)
    return peeled.decryption.algorithm if status == "decrypted" else status


def _plan(delivery: Delivery) -> Plan:
    """Return the inbound plan, and take note of its permit."""
    addressed = Addressed(delivery.work.envelope.reverse_path, delivery.recipient)
    facts = Facts(at=delivery.at, from_address=author(delivery.work).address)
    made = plan("inbound", addressed, facts, delivery.work.snapshot)
    delivery.plan, delivery.permit = made, made.clear
    return made


def verify(delivery: Delivery) -> str:
    """Find out who signed the message, and learn the correspondent's certificate (B1–B5)."""
    assert delivery.plan is not None, "the plan is made in the first step"
    assert delivery.decryption is not None, "decryption comes first"
    settings = delivery.plan.settings
    if settings.word("verify") == "off":
        delivery.finding = NO_SIGNATURE(author(delivery.work).address)
    else:
        delivery.finding = _finding(delivery, settings.word("revocation"))
        if settings.word("harvest") == "on":
            message_id = delivery.work.headers.text("Message-ID")
            delivery.learned = delivery.house.harvest(delivery.finding, settings, message_id)
    required = settings.word("inbound_require")
    if required == "signed" and not delivery.finding.is_pass:
        raise Refusal(reply.UNSIGNED)
    if required == "encrypted" and delivery.decryption.status != "decrypted":
        raise Refusal(reply.UNENCRYPTED)
    return "off" if settings.word("verify") == "off" else delivery.finding.status


def _finding(delivery: Delivery, revocation: str) -> Finding:
    """Return the finding for the whole message, from all its layers."""
    octets, peeled = delivery.octets, delivery.peeled
    layer = _layer(delivery)
    who, trust = author(delivery.work), delivery.house.store.trust

    def look() -> Finding:
        innermost = verify_layer(octets, layer, who, trust, at=delivery.at, revocation=revocation)
        outer = peeled.outer if peeled is not None else ()
        return worst([*outer, innermost])

    return delivery.work.once(("finding", id(octets), revocation), look)


def tag(delivery: Delivery) -> str:
    """Put the marks on, and the fields that say the same to programs (B7–B9, C5)."""
    assert delivery.plan is not None, "the plan is made in the first step"
    settings = delivery.plan.settings
    how = tuple(map(settings.word, ("display", "domain_mark", "opaque", "strip_signature")))
    key = ("tagged", id(delivery.octets), id(delivery.finding), how)
    delivery.octets, delivery.mark, delivery.protected = delivery.work.once(
        key, lambda: _tagged(delivery, *how)
    )
    return delivery.mark or "none"


def _tagged(
    delivery: Delivery, display: str, domain_mark: str, opaque: str, strip: str
) -> tuple[bytes, str, str]:
    finding, decryption, house = delivery.finding, delivery.decryption, delivery.house
    assert finding is not None, "verification comes before"
    assert decryption is not None, "decryption comes before"
    octets, layer = _reshaped(delivery, finding, opaque, strip)
    texts = delivery.work.snapshot.marks
    utf8 = delivery.work.envelope.smtputf8
    cleaner = Cleaner(texts, symbols=display == "symbol", language=house.language)
    before = split(octets).headers.find("Subject")
    octets = cleaner.clean_message(octets, authserv_id=house.hostname, utf8=utf8)
    after = split(octets).headers.find("Subject")
    if before and (after is None or after.octets != before.octets):
        _note_cleaned(delivery, before.value)
    octets = without_secrets(octets, delivery.work.snapshot)
    text = mark(finding, decryption, texts, display, house.language, domain_mark=domain_mark)
    shown = protected_subject(finding, decryption, split(octets).headers)
    if shown is not None and layer.kind not in SIGNED:
        octets = without_legacy_display(octets, shown)
    base = cleaner.clean(shown) if shown is not None else None
    if shown is not None and base != shown:
        _note_cleaned(delivery, shown.encode("utf-8", "replace"))
    octets = put_on(octets, text, base_subject=base, utf8=utf8)
    top = results(finding, decryption, house.hostname) + stamp(delivery.work)
    # Marks and result fields change nothing of what the root is.
    return on_top(top, octets), text, protection(layer)


def _note_cleaned(delivery: Delivery, subject: bytes) -> None:
    """Log what a forged mark was taken off, as a hash: nobody reads subjects in the log (B9)."""
    digest = hashlib.sha256(subject).hexdigest()
    log.info("subject cleaned: message %s, SHA-256 %s", delivery.work.trace_id, digest)


def _layer(delivery: Delivery) -> Layer:
    """Return what the root of the message is, as far as it was opened."""
    peeled, octets = delivery.peeled, delivery.octets
    if peeled is not None:
        return peeled.layer
    return delivery.work.once(("layer", id(octets)), lambda: recognise(octets))


def _reshaped(delivery: Delivery, finding: Finding, opaque: str, strip: str) -> tuple[bytes, Layer]:
    """Return the message without its signature, or opaque turned clear, as policy says.

    Beside it, what its root is then.
    """
    octets, layer = delivery.octets, _layer(delivery)
    strips = strip == "always" or (strip == "when_valid" and finding.is_pass)
    clears = opaque == "clear" and finding.is_pass
    if not (strips or clears) or layer.kind not in SIGNED:
        return octets, layer
    if strips:
        reshaped = strip_signature(octets, layer)
    else:
        reshaped = opaque_to_clear(octets, layer) or octets
    return reshaped, layer if reshaped is octets else recognise(reshaped)


def protection(layer: Layer) -> str:
    """Return how a message with this root is protected."""
    if layer.kind in ENCRYPTED:
        return "encrypted"
    return "signed" if layer.kind in SIGNED else "clear"
