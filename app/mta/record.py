"""What a delivery leaves behind: a row of the trace, without content (design 3, 6)."""

from dataclasses import dataclass
from typing import Any

from app.mail.headers import split
from app.model.trace import TraceRow
from app.mta.envelope import Envelope
from app.mta.gather import author
from app.mta.machine import Delivery
from app.mta.reply import Reply
from app.smime.decrypt import Decryption
from app.smime.finding import Finding


@dataclass(frozen=True, slots=True)
class Record:
    """Which message and which recipient a row is about."""

    envelope: Envelope
    trace_id: str
    recipient: str
    direction: str


def trace_row(record: Record, delivery: Delivery | None, reply: Reply) -> TraceRow:
    """Return the row; a recipient that never entered the machine has no states."""
    envelope = record.envelope
    headers = delivery.work.headers if delivery is not None else split(envelope.octets).headers
    common: dict[str, Any] = {
        "trace_id": record.trace_id,
        "at": envelope.received_at,
        "direction": record.direction,
        "reverse_path": envelope.reverse_path,
        "recipient": record.recipient,
        "message_id": headers.text("Message-ID")[:500],
        "reply": str(reply),
    }
    if delivery is None:
        return TraceRow(**common)
    plan = delivery.plan
    return TraceRow(
        **common,
        states=tuple(delivery.states),
        settings=plan.settings.packed if plan is not None else "{}",
        plan=plan.decisions() if plan is not None else {},
        signature=finding_json(delivery.finding) if delivery.finding is not None else {},
        decryption=decryption_json(delivery.decryption) if delivery.decryption is not None else {},
        learned=delivery.learned.to_json() if delivery.learned is not None else {},
        protected=delivery.protected,
        from_address=author(delivery.work).address,
        partner_ids=plan.encrypt.partner_ids if plan is not None and plan.encrypt else (),
    )


def finding_json(finding: Finding, language: str = "en") -> dict[str, Any]:
    """Return a finding as ``try`` and ``trace`` print it."""
    return {
        "status": str(finding.status),
        "signer": finding.signer,
        "from": finding.from_address,
        "signed_at": finding.signed_at.isoformat() if finding.signed_at else "",
        "algorithm": finding.algorithm,
        "fingerprint": finding.certificate.fingerprint if finding.certificate else "",
        "reasons": [reason.text(language) for reason in finding.reasons],
    }


def decryption_json(decryption: Decryption, language: str = "en") -> dict[str, Any]:
    """Return what became of the encryption as ``try`` and ``trace`` print it."""
    return {
        "status": decryption.status,
        "algorithm": decryption.algorithm,
        "fingerprint": decryption.key_fingerprint,
        "authenticated": decryption.authenticated,
        "reasons": [reason.text(language) for reason in decryption.reasons],
    }
