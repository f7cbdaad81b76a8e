"""An own key whose file brings no authorities: they are fetched if the owner wants that (C3)."""

from collections.abc import Iterator

import pytest

from app.model.database import open_database
from app.model.stored import unpack
from tests.cli.conftest import Command
from tests.pki.test_issuers import certs_only, issuer_at
from tests.responders import Responders
from tests.testpki import TestCA, TestIdentity, ca, pem, private_key

ROOT = ca("Chain Root")


@pytest.fixture
def responders(monkeypatch: pytest.MonkeyPatch) -> Iterator[Responders]:
    """Responders that the settings of the installation let it come to."""
    made = Responders(host="127.0.0.1")
    monkeypatch.setenv("SEALMON_ISSUER_FETCH", "known")
    monkeypatch.setenv("SEALMON_FETCH_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("SEALMON_FETCH_PORTS", str(made.port))
    yield made
    made.close()


@pytest.fixture
def upper(responders: Responders) -> TestCA:
    made = ca("Chain Upper", ROOT, extensions=[issuer_at(responders.url("root.cer"))])
    responders.answers["/upper.cer"] = made.certificate
    responders.answers["/root.cer"] = ROOT.certificate
    return made


@pytest.fixture
def alice(responders: Responders, upper: TestCA) -> TestIdentity:
    where = issuer_at(responders.url("upper.cer"))
    lower = ca("Chain Lower", upper, extensions=[where])
    responders.answers["/lower.p7c"] = certs_only(lower.certificate)
    return lower.issue("alice@nord.example", extensions=[issuer_at(responders.url("lower.p7c"))])


def imported(command: Command, who: TestIdentity, *chain: bytes) -> tuple[int, list[str]]:
    """Return how many authorities go along with the key, and the warnings."""
    octets = who.key_pem + who.pem + b"".join(map(pem, chain))
    (row,) = command.ask("key", "import", command.file("alice.pem", octets))
    database = open_database(f"sqlite:///{command.folder}/sealmon.db")
    ((chain_text,),) = database.sql('SELECT chain FROM "key" WHERE id = ?', (row["id"],))
    database.close()
    return len(unpack(chain_text)), row["warnings"]


def test_chain_is_fetched_up_to_the_root(
    command: Command, responders: Responders, alice: TestIdentity
) -> None:
    assert imported(command, alice) == (2, [])
    assert responders.requests == ["/lower.p7c", "/upper.cer", "/root.cer"]


def test_what_is_known_is_not_fetched(
    command: Command, responders: Responders, alice: TestIdentity
) -> None:
    command.ok("trust", "add", command.file("root.pem", ROOT.identity.pem))
    assert imported(command, alice) == (2, [])
    assert responders.requests == ["/lower.p7c", "/upper.cer"]


def test_chain_of_the_file_is_taken_as_it_is(
    command: Command, responders: Responders, alice: TestIdentity
) -> None:
    assert imported(command, alice, alice.chain[0])[0] == 1
    assert responders.requests == []


def test_by_default_nothing_is_fetched(
    command: Command,
    responders: Responders,
    alice: TestIdentity,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SEALMON_ISSUER_FETCH", "off")
    assert imported(command, alice) == (0, [])
    assert responders.requests == []


def test_host_that_is_down_is_named_and_the_key_is_taken(
    command: Command, responders: Responders, alice: TestIdentity
) -> None:
    del responders.answers["/upper.cer"]
    count, warnings = imported(command, alice)
    assert count == 1
    (warning,) = warnings
    assert warning.startswith("its chain is not complete: http://127.0.0.1:")
    assert warning.endswith("/upper.cer: the host answers 503")


def test_another_authority_of_the_name_is_not_sent_along(
    command: Command, responders: Responders, alice: TestIdentity
) -> None:
    other = ca("Chain Lower", ROOT, private=private_key("p256", "another"))
    responders.answers["/lower.p7c"] = certs_only(other.certificate)
    count, warnings = imported(command, alice)
    assert count == 0
    assert warnings == ["its chain is not complete: none of the authorities there has issued it"]
