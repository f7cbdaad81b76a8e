"""The steps of outbound mail: clean it, sign it, encrypt it (behaviour A1, B8, C6, D6).

Each step returns its outcome for the trace. A step that was decided and fails is a temporary
refusal; nothing here ever falls back to less protection (T87, T88).
"""

import os
from dataclasses import dataclass

from app.cms.errors import MalformedCms, UnsupportedCms
from app.mail.errors import MalformedMessage
from app.mail.headers import encode_text, join, split
from app.model.errors import Refused, StoreUnavailable
from app.model.plan import Plan
from app.model.triggers import field_names, without_words
from app.mta import reply
from app.mta.gather import outbound_settings, plans, protection
from app.mta.machine import Delivery, Work
from app.mta.peers import secret_fields
from app.mta.reply import Refusal
from app.mta.stamp import on_top, stamp
from app.smime.content import strip_signature
from app.smime.encrypt import CannotEncrypt
from app.smime.encrypt import encrypt as encrypt_message
from app.smime.kinds import SIGNED, recognise
from app.smime.profiles import signer_for
from app.smime.sign import sign as sign_message
from app.subject.strip import Cleaner

BLIND_FIELDS = ("Bcc", "Resent-Bcc")
"""What no recipient may see of another (RFC 5322 §3.6.3; T91)."""


def clean(delivery: Delivery) -> str:
    """Remove marks, result fields, blind copies, secrets of relays and triggers (B8, T91, R19)."""
    work = delivery.work
    entries = outbound_settings(work, delivery.recipient)["triggers"].entries
    settings = work.snapshot.policy.settings(
        "inbound", delivery.recipient, work.envelope.reverse_path
    )
    symbols = settings.word("display") == "symbol"
    delivery.octets = work.once(
        ("cleaned", symbols, entries), lambda: _cleaned(work, entries, symbols=symbols)
    )
    return "none" if delivery.octets == work.envelope.octets else "cleaned"


def _cleaned(work: Work, entries: tuple[str, ...], *, symbols: bool) -> bytes:
    utf8 = work.envelope.smtputf8
    cleaner = Cleaner(work.snapshot.marks, symbols=symbols, language=work.house.language)
    octets = cleaner.clean_message(work.envelope.octets, authserv_id=work.house.hostname, utf8=utf8)
    unwanted = (*BLIND_FIELDS, *secret_fields(work.snapshot), *field_names(entries))
    parts = split(octets)
    headers = parts.headers
    if any(headers.find(name) for name in unwanted):
        headers = headers.without(*unwanted)
    subject = headers.text("Subject") if entries else ""
    if subject and (rest := without_words(entries, subject)) != subject:
        field = encode_text("Subject", rest, utf8=utf8)
        headers = headers.replace_first("Subject", field)
    return octets if headers is parts.headers else join(headers, parts)


def decide(delivery: Delivery) -> Plan:
    """Return the plan for this recipient. Raises Refusal where policy refuses."""
    if delivery.plan is None:
        work = delivery.work
        recipients = tuple(
            dict.fromkeys(
                name
                for name in work.envelope.recipients
                if "@" in name and not work.snapshot.is_managed(name)
            )
        )
        made = work.once("plans", lambda: plans(work, recipients or (delivery.recipient,)))
        delivery.plan = (
            made.get(delivery.recipient) or plans(work, (delivery.recipient,))[delivery.recipient]
        )
    if delivery.plan.refusal:
        raise Refusal(reply.NAMED[delivery.plan.refusal])
    return delivery.plan


def signs_for_domain(delivery: Delivery) -> bool:
    """Whether the domain's key signs rather than the sender's own."""
    signing = decide(delivery).sign
    return signing is not None and signing.kind == "domain"


def encrypts_to_domain(delivery: Delivery) -> bool:
    """Whether the recipient's domain opens the message rather than the recipient."""
    encryption = decide(delivery).encrypt
    return encryption is not None and encryption.kind == "domain"


def sign(delivery: Delivery) -> str:
    """Sign with the key of the plan, once for all recipients with the same key and form."""
    made = decide(delivery)
    signing = made.sign
    if signing is None:
        delivery.protected = protection(delivery.work)
        return "none"
    how = Signing(
        signing.key_id,
        signing.form,
        made.word("profile"),
        _protection(made),
        strip=made.word("strip_existing_signature") == "on",
    )
    delivery.octets = delivery.work.once(
        ("signed", how, id(delivery.octets)), lambda: _signed(delivery, how)
    )
    delivery.protected = "signed"
    return f"{signing.kind} {signing.key_id}"


@dataclass(frozen=True, slots=True)
class Signing:
    """How a message is signed; recipients for whom it is the same share one signature."""

    key_id: str
    form: str
    profile: str
    protection: str
    strip: bool


def _protection(made: Plan) -> str:
    """Return how the header section goes inside: "cipher", "clear", or "" for not at all."""
    if made.word("protect_subject") == "off":
        return ""
    return "clear" if made.encrypt is None else "cipher"


def _signed(delivery: Delivery, how: Signing) -> bytes:
    octets = delivery.octets
    if how.strip:
        layer = recognise(octets)
        octets = strip_signature(octets, layer) if layer.kind in SIGNED else octets
    try:
        signer = signer_for(how.profile, delivery.house.store.ring.signer(how.key_id))
        token = b"=_" + os.urandom(16).hex().encode("ascii")
        return sign_message(
            octets,
            signer,
            form=how.form,
            at=delivery.at,
            token=token,
            protection=how.protection,
        )
    except (Refused, StoreUnavailable, MalformedCms, UnsupportedCms, MalformedMessage) as error:
        raise Refusal(reply.SIGNING_FAILED) from error


def encrypt(delivery: Delivery) -> str:
    """Encrypt to the certificates of the plan: one CMS for this recipient alone (T91)."""
    made = decide(delivery)
    encryption = made.encrypt
    if encryption is None:
        delivery.permit = made.clear
        return "none"
    try:
        sealed = encrypt_message(
            delivery.octets,
            encryption.certificates,
            profile=encryption.profile,
            capabilities=encryption.capabilities,
            # A signature that was made here has the header section inside already.
            protection="" if made.sign is not None else _protection(made),
        )
    except (CannotEncrypt, MalformedMessage) as error:
        raise Refusal(reply.ENCRYPTION_FAILED) from error
    delivery.octets, delivery.permit = sealed.octets, sealed
    delivery.protected = "signed+encrypted" if delivery.protected == "signed" else "encrypted"
    return sealed.cipher


def finish(delivery: Delivery) -> None:
    """Put the trace fields on top of what leaves."""
    work = delivery.work
    delivery.octets = on_top(work.once("stamp", lambda: stamp(work)), delivery.octets)
