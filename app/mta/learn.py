"""Learning correspondents' certificates from verified signatures, beside the decision on the mail.

A failure here is a line in the log; the message is delivered all the same (behaviour B2).
"""

import logging

from app.model.errors import Refused, StoreUnavailable
from app.model.harvesting import DROPPED, KNOWN, harvest
from app.model.policy import Settings
from app.model.snapshot import Store
from app.smime.finding import Finding
from app.smime.harvest import choose

log = logging.getLogger("sealmon.harvest")


class Learner:
    """Puts what a finding teaches into the partner book or before an administrator."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, finding: Finding, settings: Settings, message_id: str) -> None:
        """Store what is to be learned, as ``harvest_approval`` says. Never raises bad news."""
        if finding.at is None:
            return
        try:
            found = choose(finding, managed=self._store.snapshot().is_managed)
            if found is None:
                return
            outcome = harvest(
                self._store, found, settings.word("harvest_approval"), finding.at, message_id
            )
        except (Refused, StoreUnavailable) as error:
            log.warning("a certificate was not kept: %s", error)
            return
        if outcome not in {KNOWN, DROPPED}:
            log.info("certificate %s: %s", found.certificate.fingerprint[:16], outcome)


def learn_nothing(finding: Finding, settings: Settings, message_id: str) -> None:
    """Stand in for a Learner where nothing may change: ``sealmon try``."""
    del finding, settings, message_id
