"""A running gateway and a certificate that would send it home: mail goes on, nobody is asked."""

import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.mail.headers import split
from tests.handlers.test_revocation import signed
from tests.responders import Responders
from tests.testpki import TestCA
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


def test_switched_off_nobody_is_asked_at_all(tmp_path: Path, responders: Responders) -> None:
    root = responders.authority("scenario off")
    with gateway(tmp_path / "sued", root, revocation_fetch="off") as house:
        send(house, signed(root.issue("alice@nord.example")))
        assert len(house.mailbox()) == 1
        assert house.ask("status")["revocation_failures"] == 0
