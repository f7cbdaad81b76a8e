"""The plan: what is done with one message for one recipient, and who said so. Pure.

``plan`` reads its arguments and nothing else, so that every decision can be repeated, tested by the
million and explained: each setting carries the route that set it, each certificate its fingerprint.

Clear text is guarded here: only ``plan`` makes a ClearAllowed, and an outbound one only where no
encryption was decided and none was required. A fact that is missing refuses; it never allows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from app.mail.address import MalformedAddress, normalise
from app.model.facts import (
    ONLY_THIS_ONE,
    WITHIN_GRACE,
    Addressed,
    Facts,
    ManagedDomain,
    Usable,
    reasons_json,
)
from app.model.fields import Direction
from app.model.policy import Policy, Setting, Settings
from app.model.signing import SignDecision, SignQuestion, decide_signature
from app.pki.certificate import Certificate
from app.smime.profiles import get_profile
from app.smime.reasons import Reason

__all__ = [
    "Addressed",
    "ClearAllowed",
    "EncryptDecision",
    "Facts",
    "Plan",
    "SignDecision",
    "plan",
    "together",
]

CANNOT_SIGN: Final = "cannot-sign"
CANNOT_ENCRYPT: Final = "cannot-encrypt"
STORE_UNAVAILABLE: Final = "store-unavailable"
SOURCE_UNAVAILABLE: Final = "source-unavailable"
# Names of replies in the table of mta/reply.py.


class _Maker:
    """The token that a ClearAllowed's constructor asks for."""


_MAKER: Final = _Maker()


@dataclass(frozen=True, slots=True)
class ClearAllowed:
    """The permit to relay what we did not encrypt, to one recipient. Only plan() makes it."""

    recipient: str
    """As in the envelope."""
    rule: str
    """The route that allows it."""
    maker: _Maker = field(repr=False, compare=False, default_factory=_Maker)

    def __post_init__(self) -> None:
        if self.maker is not _MAKER:
            raise TypeError("only plan() makes a ClearAllowed")


@dataclass(frozen=True, slots=True)
class EncryptDecision:
    """To which certificates one recipient's copy is encrypted."""

    certificates: tuple[Certificate, ...]
    profile: str
    kind: str
    """"personal" or "domain"."""
    capabilities: tuple[str, ...] | None = None
    partner_ids: tuple[int, ...] = ()

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """SHA-256 of each certificate, in hexadecimal."""
        return tuple(each.fingerprint for each in self.certificates)


@dataclass(frozen=True, slots=True)
class Plan:
    """A decision: there is a refusal, or the message leaves encrypted, or ``clear`` allows it."""

    direction: str
    recipient: str
    settings: Settings
    sign: SignDecision | None = None
    encrypt: EncryptDecision | None = None
    refusal: str = ""
    """The name of a reply in the table; "" if there is none."""
    reasons: tuple[Reason, ...] = ()
    clear: ClearAllowed | None = None

    def word(self, name: str) -> str:
        """Return the value of a setting that is a word."""
        return self.settings.word(name)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as ``explain``, ``try`` and the trace show it: each field with its route.

        ``sign`` and ``encrypt`` also say what was decided.
        """
        return {**self.settings.as_json, **self.decisions()}

    def decisions(self) -> dict[str, Any]:
        """Return what ``to_json`` says beyond the settings, or in their place."""
        settings = self.settings.as_json
        found: dict[str, Any] = {}
        if self.sign is not None:
            found["sign"] = settings["sign"] | {
                "key": self.sign.key_id,
                "fingerprint": self.sign.fingerprint,
                "form": self.sign.form,
                "kind": self.sign.kind,
            }
        if self.encrypt is not None:
            found["encrypt"] = settings["encrypt"] | {
                "fingerprints": list(self.encrypt.fingerprints),
                "profile": self.encrypt.profile,
                "kind": self.encrypt.kind,
            }
        found["refusal"] = self.refusal
        found["reasons"] = reasons_json(self.reasons)
        found["clear"] = self.clear.rule if self.clear else ""
        return found


class World(Protocol):
    """What a plan needs of a Snapshot."""

    @property
    def policy(self) -> Policy:
        """The routes."""

    @property
    def domains(self) -> Mapping[str, ManagedDomain]:
        """The managed domains by name."""


def plan(direction: Direction, addressed: Addressed, facts: Facts, snapshot: World) -> Plan:
    """Return what is done with a message for one recipient. Only the envelope counts (T89)."""
    sender = addressed.reverse_path or facts.from_address
    settings = snapshot.policy.settings(direction, sender, addressed.recipient)
    if direction == "inbound":
        permit = _permit(addressed, settings["verify"])
        return Plan(direction, addressed.recipient, settings, clear=permit)
    settings = _with_triggers(settings, facts)
    sign, reasons = decide_signature(
        SignQuestion(
            facts,
            settings,
            _normalised(addressed.recipient),
            not addressed.reverse_path,
            snapshot.domains,
        )
    )
    decided = Plan(direction, addressed.recipient, settings, sign, reasons=reasons)
    if sign is None and settings.word("sign") == "require" and not _is_signed(facts, settings):
        return replace(decided, refusal=CANNOT_SIGN)
    return _encryption(decided, addressed, facts)


def _permit(addressed: Addressed, setting: Setting) -> ClearAllowed:
    return ClearAllowed(addressed.recipient, setting.route, _MAKER)


def _normalised(recipient: str) -> str:
    try:
        return normalise(recipient)
    except MalformedAddress:
        return recipient


def _is_signed(facts: Facts, settings: Settings) -> bool:
    """Return whether the client has signed, and its signature stays."""
    return facts.is_signed and settings.word("strip_existing_signature") == "off"


def _encryption(decided: Plan, addressed: Addressed, facts: Facts) -> Plan:
    """Return the plan with encryption, with a permit for clear text, or with a refusal."""
    wanted = decided.settings["encrypt"]
    is_required = wanted.value in {"require", "require-all"}
    permit = _permit(addressed, wanted)
    if facts.is_encrypted:
        return _because(decided, Reason("already-encrypted"), sign=None, clear=permit)
    if wanted.value == "never":
        return _because(decided, Reason("policy", wanted.route), clear=permit)
    if facts.is_calendar and decided.word("calendar") == "exempt" and not is_required:
        return _because(decided, Reason("calendar"), clear=permit)
    # T88: nobody looked for a certificate, or the look-up failed. That is never "there is none".
    if facts.unanswered:
        reason = Reason("source-unavailable", facts.unanswered)
        return _refuse(decided, SOURCE_UNAVAILABLE, (reason,))
    if facts.partner is None:
        return _refuse(decided, STORE_UNAVAILABLE, ())
    if facts.partner.certificates:
        return _encrypted(decided, facts.partner)
    if is_required:
        return _refuse(decided, CANNOT_ENCRYPT, facts.partner.reasons)
    return _because(decided, *facts.partner.reasons, clear=permit)


def _encrypted(decided: Plan, partner: Usable) -> Plan:
    profile = decided.word("profile")
    most = 1 if get_profile(profile).one_certificate else None
    encryption = EncryptDecision(
        partner.certificates[:most],
        profile,
        partner.kind,
        partner.capabilities,
        partner.partner_ids[:most],
    )
    because = [each for each in partner.reasons if each.code in {ONLY_THIS_ONE, WITHIN_GRACE}]
    if partner.source:
        because.append(Reason("looked-up", partner.source))
    return _because(decided, *because, encrypt=encryption)


def _because(decided: Plan, *reasons: Reason, **changes: Any) -> Plan:  # noqa: ANN401 - fields of Plan
    """Return the plan with these changes and, once each, these reasons."""
    fresh = (each for each in reasons if each not in decided.reasons)
    return replace(decided, reasons=(*decided.reasons, *fresh), **changes)


def _refuse(decided: Plan, refusal: str, reasons: tuple[Reason, ...]) -> Plan:
    return _because(decided, *reasons, sign=None, encrypt=None, clear=None, refusal=refusal)


def _with_triggers(settings: Settings, facts: Facts) -> Settings:
    """Return the settings with what the message itself asks for.

    A trigger raises to ``require``; it lowers only what policy leaves open (T95), and only for a
    client that is known.
    """
    if not facts.asked:
        return settings
    is_known = facts.account is not None or facts.relay is not None
    found = Settings(settings)
    for name, value in facts.asked.items():
        now = settings.word(name)
        raises = value == "require" and now != "require-all"
        lowers = value == "never" and now == "auto" and is_known
        if name in {"sign", "encrypt"} and (raises or lowers):
            found[name] = Setting(value, "trigger")
    return found


def together(plans: Sequence[Plan]) -> tuple[Plan, ...]:
    """Return the plans of one message; under ``require-all`` one that fails refuses all.

    One that waits makes all wait: what has left cannot be taken back when the answer is no.
    """
    failed = {each.refusal for each in plans if each.word("encrypt") == "require-all"}
    for refusal in (CANNOT_ENCRYPT, SOURCE_UNAVAILABLE):
        if refusal in failed:
            return tuple(_like_another(each, refusal) for each in plans)
    return tuple(plans)


def _like_another(each: Plan, refusal: str) -> Plan:
    """Return a plan that is refused because another one is."""
    if each.refusal not in {"", SOURCE_UNAVAILABLE} or each.refusal == refusal:
        return each
    return _refuse(each, refusal, (Reason("another-recipient-refused"),))
