"""Who signs: the authorisation of behaviour C6 and the choice of a key. Pure; deny by default.

A message is signed only for a client that authenticated or that the owner listed, only as the one
mailbox it may speak for, and only with a key that it may use. The reverse-path authorises nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.model.facts import POST_QUANTUM_OFF, Facts, KeyInfo, ManagedDomain
from app.model.policy import Settings
from app.smime.reasons import Reason


@dataclass(frozen=True, slots=True)
class SignDecision:
    """Which key signs, and in which form."""

    key_id: str
    fingerprint: str
    form: str
    """"clear" or "opaque"."""
    kind: str
    """"personal" or "domain"."""


@dataclass(frozen=True, slots=True)
class SignQuestion:
    """What the decision is made from."""

    facts: Facts
    settings: Settings
    recipient: str
    """Normalised."""
    is_null_path: bool
    domains: Mapping[str, ManagedDomain]


def decide_signature(question: SignQuestion) -> tuple[SignDecision | None, tuple[Reason, ...]]:
    """Return the key that signs, or None and why nobody does."""
    hindrance = _hindrance(question) or _unauthorised(question.facts)
    if hindrance is not None:
        return None, (hindrance,)
    choice = _choose_key(question)
    if choice is None:
        return None, _no_key(question)
    key, kind = choice
    return SignDecision(key.id, key.fingerprint, question.settings.word("form"), kind), ()


def _hindrance(question: SignQuestion) -> Reason | None:
    """Return why this message is signed by nobody, whoever sends it."""
    facts, settings = question.facts, question.settings
    if settings.word("sign") == "never":
        return Reason("policy", settings["sign"].route)
    if question.is_null_path:
        return Reason("null-reverse-path")
    if facts.from_problem or not facts.from_address:
        return Reason("from", facts.from_problem or "none")
    if facts.is_encrypted:
        return Reason("already-encrypted")
    if facts.is_signed and settings.word("strip_existing_signature") == "off":
        return Reason("already-signed")
    is_exempt = facts.is_calendar and settings.word("calendar") == "exempt"
    return Reason("calendar") if is_exempt and settings.word("sign") != "require" else None


def _unauthorised(facts: Facts) -> Reason | None:
    """Return why this client may not have anything signed, None if it may."""
    if facts.account is not None:
        if not facts.account.may_send:
            return Reason("account-may-not-send", facts.account.login)
        if facts.signer_address not in facts.account.addresses | facts.account.delegations:
            return Reason("not-your-address", facts.signer_address)
        return None
    return None if facts.relay is not None else Reason("not-authorised")


def _choose_key(question: SignQuestion) -> tuple[KeyInfo, str] | None:
    with_ = question.settings.word("sign_with")
    kinds = {"personal": ("personal", "domain"), "domain": ("domain",)}.get(
        with_, ("domain", "personal")
    )
    for kind in kinds:
        keys = _personal_keys(question) if kind == "personal" else _domain_keys(question)
        if question.settings.word("post_quantum") == "off":
            keys = (key for key in keys if not key.certificate.is_post_quantum)
        key = newest(keys, question.facts.at, question.settings["overlap_days"].days)
        if key is not None:
            return key, kind
    return None


def _personal_keys(question: SignQuestion) -> Iterable[KeyInfo]:
    facts = question.facts
    allowed = facts.account.key_ids if facts.account is not None else facts.relay_keys
    return (
        key for key in facts.personal if key.id in allowed and facts.signer_address in key.addresses
    )


def _domain_keys(question: SignQuestion) -> Iterable[KeyInfo]:
    """Return the keys of the signer's domain, if it signs to this recipient (D6)."""
    signer = question.facts.signer_address
    domain = question.domains.get(signer.rpartition("@")[2])
    if domain is None or not domain.signs_to(question.recipient):
        return ()
    return (key for key in question.facts.domain if key.id in domain.key_ids)


def newest(keys: Iterable[KeyInfo], at: datetime, overlap_days: int) -> KeyInfo | None:
    """Return the key that signs at this moment, None if none can.

    It is the newest by notBefore, but a key that is in use stays until overlap_days before its end,
    so that partners learn the new one while the old one still opens their mail (C6).
    """
    usable = [key for key in keys if not key.signing_problems(at)]
    usable.sort(key=lambda key: (key.certificate.not_before, _later(key), key.id))
    for key in usable:
        if key.certificate.not_after - at > timedelta(days=overlap_days):
            return key
    last = [
        key for key in usable if key.certificate.not_before == usable[-1].certificate.not_before
    ]
    return last[0] if last else None


def _later(key: KeyInfo) -> timedelta:
    """Order keys of one notBefore by the latest notAfter (C6)."""
    return key.certificate.not_before - key.certificate.not_after


def _no_key(question: SignQuestion) -> tuple[Reason, ...]:
    facts, is_off = question.facts, question.settings.word("post_quantum") == "off"
    found = [Reason("no-signing-key", facts.signer_address)]
    for key in (*facts.personal, *facts.domain):
        problems = key.signing_problems(facts.at)
        if problems:
            found.append(Reason("key-not-usable", f"{key.id}: {problems[0]}"))
        elif key.certificate.is_post_quantum and is_off:
            found.append(Reason(POST_QUANTUM_OFF, key.id))
    return tuple(found)
