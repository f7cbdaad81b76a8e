"""``sealmon try`` knows what the workers fetched, and asks nobody itself (T113)."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from app.model.snapshot import Store
from app.mta import installation
from app.pki.certificate import Certificate
from tests.cli.conftest import Command
from tests.handlers.test_revocation import signed
from tests.responders import Responders, supply_of
from tests.testpki import AT, TestIdentity


@pytest.fixture
def responders(monkeypatch: pytest.MonkeyPatch) -> Iterator[Responders]:
    """Responders that the settings of the installation let it come to."""
    made = Responders(host="127.0.0.1")
    monkeypatch.setenv("SEALMON_FETCH_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("SEALMON_FETCH_PORTS", str(made.port))
    yield made
    made.close()


def tried(command: Command, identity: TestIdentity, at: datetime = AT) -> list[str]:
    """Return status and reasons that ``try`` prints about a message to nord."""
    octets = signed(identity, "alice@sued.example").replace(b"paul@sued", b"paul@nord")
    letter = command.file("letter.eml", octets)
    before = command.fingerprint()
    row = json.loads(command.ok("try", "inbound", "--at", at.isoformat(), letter))
    command.ok("explain", "--from", "alice@sued.example", "--to", "paul@nord.example", letter)
    assert command.fingerprint() == before
    return [row["signature"]["status"], *row["signature"]["reasons"]]


def test_nobody_is_asked_and_what_is_known_counts(command: Command, responders: Responders) -> None:
    root = responders.authority("tried")
    alice = root.issue("alice@sued.example", revoked="2026-01-01")
    responders.publish(root, alice)
    command.ok("trust", "add", command.file("root.pem", root.identity.pem))
    status, *reasons = tried(command, alice)
    assert status == "valid"
    assert any("not known whether" in reason for reason in reasons)
    assert responders.requests == []
    facts = installation.load()
    worker = Store.open(facts.database, guard=facts.guard)
    issuer, leaf = map(Certificate.from_der, (root.certificate, alice.certificate))
    assert supply_of(worker).about([(leaf, issuer)], AT)[0] == [responders.answers["/tried.crl"]]
    worker.close()
    # This process remembers the path for some seconds; another one would not.
    assert tried(command, alice, AT + timedelta(minutes=1))[0] == "revoked"
