"""The wiring: Salmon imports this, finds ``settings.receiver`` and starts it.

Bad settings and a missing store end here with one line, before anything listens.
"""

import logging.config
import sys

from app.cms.transport import self_test
from app.model.errors import Refused, StoreUnavailable
from app.mta import installation, machine
from app.mta.installation import BadSettings, Installation
from app.mta.listener import Listener
from app.mta.worker import Worker
from app.mta.workers import Supervisor
from config import settings
from config.logs import configuration


def _listeners(facts: Installation) -> list[Listener]:
    places = (("lmtp", facts.listen_lmtp), ("smtp", facts.listen_smtp))
    return [Listener.parse(text, protocol) for protocol, text in places if text]


class Receiver:
    """What Salmon calls a receiver: start() serves until a signal says to stop."""

    def __init__(self, facts: Installation) -> None:
        self._facts = facts

    def start(self) -> None:
        """Serve. A place that cannot be listened on ends with one line."""
        facts = self._facts
        supervisor = Supervisor(_listeners(facts), facts.worker_count, lambda _index: Worker(facts))
        try:
            supervisor.start()
        except OSError as error:
            sys.exit(f"cannot listen: {error.strerror or error}; is another gateway running?")


def _boot() -> Installation:
    """Read the settings, and see that the store opens. Nothing that is opened crosses a fork."""
    try:
        facts = installation.load()
        Worker(facts).close()
    except (BadSettings, Refused, StoreUnavailable) as error:
        sys.exit(f"sealmon: {error}")
    if not self_test():
        # Every wrong padding would be told from a right one (T76, R28).
        sys.exit("sealmon: this cryptography library lacks implicit rejection; install a newer one")
    return facts


_facts = _boot()
logging.config.dictConfig(configuration(_facts.log_level))
if _facts.next_hop.startswith("maildir:"):
    logging.getLogger("sealmon").warning(
        "mail is written to %s and goes no further; set next_hop for earnest use", _facts.next_hop
    )
machine.install()
settings.receiver = Receiver(_facts)  # type: ignore[attr-defined]
settings.relay = None  # type: ignore[attr-defined]
