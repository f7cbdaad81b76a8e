"""Learning correspondents' certificates from verified signatures, beside the decision on the mail.

What became of a certificate, and why, is a line in the log and a part of the trace. A failure here
is a line in the log; the message is delivered all the same (behaviour B2, B5).
"""

import logging

from app.model.continuity import KEY_CHANGE
from app.model.errors import Refused, StoreUnavailable
from app.model.harvesting import DROPPED, KNOWN, Learned, foresee, harvest
from app.model.policy import Settings
from app.model.snapshot import Store
from app.smime.finding import Finding
from app.smime.harvest import choose, hindrances
from app.smime.reasons import Reason

log = logging.getLogger("sealmon.harvest")


class Learner:
    """Puts what a finding teaches into the partner book or before an administrator."""

    def __init__(self, store: Store, *, changes: bool = True) -> None:
        """Learn; without ``changes`` only say what would become of it (``sealmon try``)."""
        self._store = store
        self._changes = changes

    def __call__(self, finding: Finding, settings: Settings, message_id: str) -> Learned | None:
        """Store what is to be learned, as ``harvest_approval`` says. Never raises bad news.

        Returns what became of it, None where there was nothing to learn from.
        """
        if finding.at is None:
            return None
        try:
            return self._learn(finding, settings, message_id)
        except (Refused, StoreUnavailable) as error:
            log.warning("a certificate was not kept: %s", error)
            return None

    def _learn(self, finding: Finding, settings: Settings, message_id: str) -> Learned | None:
        assert finding.at is not None, "asked before"
        managed = self._store.snapshot().is_managed
        found = choose(finding, managed=managed)
        if found is None:
            return _nothing(finding, hindrances(finding, managed=managed))
        approval = settings.word("harvest_approval")
        if not self._changes:
            return foresee(self._store.database, found, approval, finding.at)
        learned = harvest(self._store, found, approval, finding.at, message_id)
        if learned.outcome != KNOWN:
            why = "".join(f"; {each.text()}" for each in learned.reasons)
            is_alarm = any(each.code == KEY_CHANGE for each in learned.reasons)
            level = logging.WARNING if is_alarm else logging.INFO
            log.log(level, "certificate %s: %s%s", learned.fingerprint[:16], learned.outcome, why)
        return learned


def _nothing(finding: Finding, reasons: tuple[Reason, ...]) -> Learned | None:
    signer = finding.certificate
    return Learned(DROPPED, signer.fingerprint, reasons) if signer and reasons else None


def learn_nothing(finding: Finding, settings: Settings, message_id: str) -> None:
    """Stand in for a Learner where nothing may be learned, nor foreseen."""
    del finding, settings, message_id
