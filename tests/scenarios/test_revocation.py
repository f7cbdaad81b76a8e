"""A running gateway and a certificate that would send it home: mail goes on, nobody is asked."""

import smtplib
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from app import clock
from app.mail.headers import split
from tests.handlers.test_revocation import signed
from tests.pki.test_issuers import certs_only, issuer_at
from tests.responders import Responders
from tests.scenarios.test_approval import only
from tests.scenarios.test_approval import workers as children
from tests.testpki import TestCA, ca
from tools.organisation import Organisation

pytestmark = pytest.mark.slow

PAUL = "paul@sued.example"


@pytest.fixture
def responders() -> Iterator[Responders]:
    made = Responders()
    yield made
    made.close()


def gateway(folder: Path, root: TestCA, **settings: str) -> Organisation:
    """Return a gateway of sued.example that believes an authority."""
    folder.mkdir(parents=True)
    (folder / "root.pem").write_bytes(root.identity.pem)
    house = Organisation(folder, workers=2, **settings)
    house.sealmon("init")
    house.sealmon("domain", "add", "sued.example")
    house.sealmon("trust", "add", folder / "root.pem")
    return house


def send(house: Organisation, octets: bytes) -> None:
    with smtplib.LMTP("127.0.0.1", house.lmtp_port) as session:
        assert session.sendmail("alice@nord.example", [PAUL], octets) == {}


# T113, T114: what a certificate says does not lead a worker to our own network
def test_workers_ask_nobody_at_home_and_mail_goes_on(
    tmp_path: Path, responders: Responders
) -> None:
    root = responders.authority("scenario")
    root.url = f"http://127.0.0.1:{responders.port}/scenario"
    with gateway(tmp_path / "sued", root) as house:
        octets = signed(root.issue("alice@nord.example"))
        for _ in range(20):
            send(house, octets)
        letters = house.mailbox()
        failing = [row for row in house.ask("check") if row["id"] == "revocation-source"]
        status = house.ask("status")
    assert len(letters) == 20
    for letter in letters:
        told = " ".join(split(letter).headers.text("X-Sealmon-Signature").split())
        assert told.startswith("valid; ")
        assert "not known whether the certificate was revoked" in told
    assert responders.requests == []
    assert {row["about"] for row in failing} == {root.url + ".crl", root.url + ".ocsp"}
    assert (status["revocation_answers"], status["revocation_failures"]) == (0, 2)


def told(octets: bytes) -> str:
    return split(octets).headers.text("X-Sealmon-Signature").partition(";")[0]


# T114: a thousand messages of one signer, two processes, one fetch of each thing
def test_what_two_workers_want_is_fetched_once(tmp_path: Path) -> None:
    # Mail waits two seconds for an answer, and a busy machine takes longer now and then.
    assert any(valid_of_a_thousand(tmp_path / str(number)) > 900 for number in range(4))


def valid_of_a_thousand(tmp_path: Path) -> int:
    """Return how many of them were valid; each thing was fetched once, however many that are."""
    responders = Responders(host="127.0.0.1")
    # The anchor names the host, so that it is known.
    named = [issuer_at(responders.url("own.cer"))]
    root = ca("Own Root", url=responders.url("own"), extensions=named)
    sub = ca("Own Sub", root, url=responders.url("sub"))
    where = issuer_at(responders.url("sub.p7c"))
    alice = sub.issue("alice@nord.example", extensions=[where])
    now = clock.now()
    responders.answers |= {
        "/sub.p7c": certs_only(sub.certificate),
        "/sub.crl": sub.crl(at=now),
        "/own.crl": root.crl(at=now),
        "/own.ocsp": root.ocsp(sub.identity, at=now),
    }
    letter = signed(replace(alice, chain=()))
    facts = {"fetch_networks": "127.0.0.0/8", "fetch_ports": str(responders.port)}

    def send_many(session: smtplib.LMTP) -> None:
        with session:
            for _ in range(125):
                assert session.sendmail("alice@nord.example", [PAUL], letter) == {}

    with gateway(tmp_path / "own", root, issuer_fetch="known", **facts) as house:
        sessions = []
        for worker in (workers := children(house)):
            with only(worker, house):
                sessions += [smtplib.LMTP("127.0.0.1", house.lmtp_port) for _ in range(4)]
        # Both workers begin at once, before anybody has fetched anything.
        responders.gate.clear()
        with ThreadPoolExecutor(8) as pool:
            sending = [pool.submit(send_many, session) for session in sessions]
            until = time.monotonic() + 60
            while not responders.requests and time.monotonic() < until:
                time.sleep(0.01)
            # Time for the other worker to come as far; nothing fails if it does not.
            time.sleep(0.5)
            responders.gate.set()
            for each in sending:
                each.result()
        letters = house.mailbox()
        status = house.ask("status")
    asked = Counter(responders.requests)
    responders.close()
    assert (len(workers), len(letters)) == (2, 1000)
    statuses = Counter(map(told, letters))
    assert asked == dict.fromkeys(("/sub.p7c", "/sub.crl", "/own.crl", "/own.ocsp"), 1)
    assert (status["intermediates"], status["revocation_failures"]) == (1, 0)
    return statuses["valid"]


def test_switched_off_nobody_is_asked_at_all(tmp_path: Path, responders: Responders) -> None:
    root = responders.authority("scenario off")
    with gateway(tmp_path / "sued", root, revocation_fetch="off") as house:
        send(house, signed(root.issue("alice@nord.example")))
        assert len(house.mailbox()) == 1
        assert house.ask("status")["revocation_failures"] == 0
