"""The facts of one outbound message, for its plan: what it is, who sends it, what we have.

Only looks; decides nothing. What cannot be looked up raises StoreUnavailable: the message waits.
"""

from contextlib import suppress
from dataclasses import replace

from app import clock
from app.mail.address import Originator, originator
from app.mail.entity import Entity
from app.model.choice import Question
from app.model.errors import CannotLookUp, Unreadable
from app.model.facts import Addressed, Facts, Usable, signer_of
from app.model.plan import STORE_UNAVAILABLE, Plan, plan, together
from app.model.policy import Settings
from app.model.triggers import asked
from app.mta import already
from app.mta.lookup import FIRST_WAIT_SECONDS
from app.mta.machine import Work
from app.mta.peers import Standing, standing
from app.smime.kinds import Kind, Layer, recognise

_CALENDAR_PARTS = 20
"""An invitation is found in the first few parts or is none (behaviour, "Encryption decision")."""


def plans(work: Work, recipients: tuple[str, ...]) -> dict[str, Plan]:
    """Return the plan of each of these outbound recipients, made together once."""
    made = [_plan(work, recipient) for recipient in recipients]
    return dict(zip(recipients, together(made), strict=True))


def _plan(work: Work, recipient: str) -> Plan:
    addressed = Addressed(work.envelope.reverse_path, recipient)
    shared = work.once("facts", lambda: _facts(work))
    settings = outbound_settings(work, recipient)
    entries, sources = settings["triggers"].entries, settings["lookup"].entries
    headers = work.headers
    asks = asked(entries, headers.text("Subject"), headers.text) if entries else None
    if settings.word("encrypt") == "never" and not asks:
        # What it could be encrypted to changes nothing.
        return plan("outbound", addressed, shared, work.snapshot)
    partner = _usable(work, addressed)
    facts = replace(shared, partner=partner, asked=asks)
    if (
        sources
        and partner is not None
        and not partner.certificates
        and _needs_partner(work, addressed, facts)
    ):
        facts = _looked_up(work, recipient, facts)
    return plan("outbound", addressed, facts, work.snapshot)


def _needs_partner(work: Work, addressed: Addressed, facts: Facts) -> bool:
    """Whether this message would be encrypted if it could be: without that fact it is refused.

    So nobody outside hears of mail that leaves in clear anyway.
    """
    unknown = replace(facts, partner=None)
    return plan("outbound", addressed, unknown, work.snapshot).refusal == STORE_UNAVAILABLE


def _looked_up(work: Work, recipient: str, facts: Facts) -> Facts:
    """Return the facts with what on-line sources have, or with the one that did not answer."""
    settings = outbound_settings(work, recipient)
    question = Question(
        work.house.store.trust,
        work.envelope.received_at,
        settings.word("revocation"),
        post_quantum=settings.word("post_quantum") == "on",
    )
    deadline = work.once("lookup", lambda: clock.monotonic() + FIRST_WAIT_SECONDS)
    try:
        found = work.house.lookup(recipient, settings["lookup"].entries, question, deadline)
    except CannotLookUp as error:
        return replace(facts, partner=None, unanswered=str(error))
    if not found.certificates:
        known = facts.partner.reasons if facts.partner else ()
        found = Usable(reasons=(*known, *found.reasons))
    return replace(facts, partner=found)


def author(work: Work) -> Originator:
    """Return who wrote the message, by the header section it arrived with."""
    return work.once("author", lambda: originator(work.headers))


def believed_address(work: Work) -> str:
    """Return the address of the author, "" where From leaves a doubt whose it is."""
    who = author(work)
    return "" if who.problem else who.address


def client_of(work: Work) -> Standing:
    """Return what the client may do with this message."""
    peer = work.envelope.peer
    return work.once("client", lambda: standing(work.snapshot, peer, work.headers))


def root(work: Work) -> Layer:
    """Return what the message is as it arrived."""
    return work.once("root", lambda: recognise(work.envelope.octets))


def protection(work: Work) -> str:
    """Return how the client has protected the message; a label alone is no protection."""
    return work.once("protection", lambda: already.protection(root(work)))


def _facts(work: Work) -> Facts:
    """Return the facts that all recipients share; those of the partner are not among them."""
    who, layer = author(work), root(work)
    ring = work.house.store.ring
    client = client_of(work)
    from_address = believed_address(work)
    signer = signer_of(from_address, who.sender, client.account)
    return Facts(
        at=work.envelope.received_at,
        from_address=from_address,
        from_problem=who.problem,
        sender_address=who.sender,
        is_signed=protection(work) == "signed",
        is_encrypted=protection(work) == "encrypted",
        is_calendar=layer.kind is Kind.PLAIN
        and layer.root is not None
        and is_invitation(layer.root),
        account=client.account,
        relay=client.relay,
        relay_keys=work.snapshot.relay_key_ids,
        personal=ring.keys_of(signer) if signer else (),
        domain=ring.domain_keys(signer.rpartition("@")[2]) if signer else (),
    )


def outbound_settings(work: Work, recipient: str) -> Settings:
    """Return the settings for a recipient, the same that the plan goes by."""
    sender = work.envelope.reverse_path or believed_address(work)
    return work.snapshot.policy.settings("outbound", sender, recipient)


def _usable(work: Work, addressed: Addressed) -> Usable | None:
    """Return what a message to this recipient can be encrypted to now, None if that is unknown.

    Only for this recipient: an entry of the book that cannot be read stops no other mail.
    """
    with suppress(Unreadable):
        return _of_the_book(work, addressed)
    return None


def _of_the_book(work: Work, addressed: Addressed) -> Usable:
    settings = outbound_settings(work, addressed.recipient)
    return work.house.store.usable_for(
        addressed.recipient,
        at=work.envelope.received_at,
        revocation=settings.word("revocation"),
        grace_days=settings["expired_grace_days"].days,
        post_quantum=settings.word("post_quantum") == "on",
        personal_only=settings.word("encrypt_to") == "personal",
    )


def is_invitation(message: Entity) -> bool:
    """Whether a message is or holds a calendar object with a method (RFC 6047 §2.4)."""
    waiting = [message]
    for _ in range(_CALENDAR_PARTS):
        if not waiting:
            return False
        entity = waiting.pop(0)
        if _is_calendar(entity):
            return True
        waiting += entity.parts()
    return False


def _is_calendar(entity: Entity) -> bool:
    media_type = entity.media_type
    return media_type.essence == "text/calendar" and "method" in media_type.parameters
