"""Mail on its way through the gateway while certificates are looked up, in real servers too."""

import asyncio
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.mta import gather, lookup_ldap, lookup_smimea, machine, reply
from app.mta.envelope import Envelope
from app.mta.learn import learn_nothing
from app.mta.lookup import Asker
from app.mta.lookup_smimea import owner_name
from app.mta.nexthop import NextHop
from app.mta.relay import Relay
from app.mta.reply import Reply
from app.mta.transaction import Gateway, Hops
from app.smime.kinds import Kind, recognise
from tests import slapd, zones
from tests.houses import INSIDER, House, authority, message
from tests.mta.ldapserver import Scripted
from tests.slapd import BASE, TLS_ROOT, Directory, Person
from tests.testpki import AT, pem
from tests.zones import Zones

ALICE, PAUL, QUITTA = "alice@nord.example", "paul@sued.example", "Quitta@sued.example"
ROOT = authority("Way")
PAULS, QUITTAS = ROOT.issue(PAUL, key="rsa2048"), ROOT.issue(QUITTA, key="rsa2048")
NOBODY = ("127.0.0.1", 1)


class Way:
    """A gateway that delivers into a Maildir."""

    def __init__(
        self,
        house: House,
        folder: Path,
        asker: Asker,
        after_ten: Callable[[], None] = lambda: None,
    ) -> None:
        self._house = machine.House(house.store, "gateway.example", "de", learn_nothing, asker)
        self._folder = folder
        self._after_ten = after_ten
        self.ticks = 0

    def send(self, recipient: str) -> Reply:
        return asyncio.run(self._send(recipient))

    async def _send(self, recipient: str) -> Reply:
        hop = NextHop.parse(f"maildir:{self._folder}")
        ticking = asyncio.create_task(self._tick())
        with ThreadPoolExecutor(2) as threads:
            gateway = Gateway(self._house, Hops(hop, hop), Relay("gateway.example"), threads)
            octets = message(ALICE, recipient)
            (said,) = await gateway.deliver(Envelope(ALICE, (recipient,), octets, INSIDER, AT))
        ticking.cancel()
        return said

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.01)
            self.ticks += 1
            if self.ticks == 10:
                self._after_ten()

    def kinds(self) -> list[Kind]:
        """Return what lies in the Maildir."""
        files = sorted((self._folder / "new").iterdir())
        return [recognise(each.read_bytes().replace(b"\n", b"\r\n")).kind for each in files]


@pytest.fixture
def house(nord: House) -> House:
    nord.trusts(ROOT)
    return nord


def policy(house: House, *sources: str) -> None:
    house.apply(
        'direction = "outbound"\nto = "(any)@(host)"\nsign = "never"\nencrypt = "require"\n'
        f"lookup = {list(sources)}\n"
    )


def test_the_event_loop_goes_on_while_a_message_waits(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "FIRST_WAIT_SECONDS", 30.0)
    monkeypatch.setattr(lookup_ldap, "SECONDS", 30.0)
    with Scripted([], drip=9) as silent:
        policy(house, f"ldap://127.0.0.1:{silent.port}/{BASE}")
        asker = Asker(house.store, NOBODY)
        # The server goes when the loop has turned ten times; if it does not, the time is over.
        way = Way(house, tmp_path, asker, silent.let_go)
        began = time.monotonic()
        assert way.send(PAUL) == reply.SOURCE_UNAVAILABLE
        assert time.monotonic() - began < 30
    assert way.ticks >= 10
    asker.close()


@pytest.mark.interop
def test_mail_is_encrypted_to_what_a_directory_and_the_dns_have(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "FIRST_WAIT_SECONDS", 60.0)
    monkeypatch.setattr(lookup_ldap, "SECONDS", 60.0)
    monkeypatch.setattr(lookup_smimea, "SECONDS", 60.0)
    if slapd.program() is None or zones.programs() is None:
        pytest.skip(f"{slapd.INSTALL}; {zones.INSTALL}")
    people = [Person("paul", [PAUL], [PAULS.certificate, *PAULS.chain])]
    records = [
        (str(owner_name(QUITTA)), f"SMIMEA 3 0 0 {QUITTAS.certificate.hex()}"),
        (str(owner_name(QUITTA)), f"SMIMEA 0 0 0 {QUITTAS.chain[0].hex()}"),
    ]
    zone = {"sued.example.": records}
    with Directory(people) as directory, Zones(zone, signed=["sued.example."]) as names:
        policy(house, f"ldaps://127.0.0.1:{directory.secure}/{BASE}", "smimea")
        tls = ssl.create_default_context(cadata=pem(TLS_ROOT.root).decode())
        asker = Asker(house.store, names.resolver, tls=tls)
        way = Way(house, tmp_path, asker)
        assert way.send(PAUL).relayed
        assert way.send(QUITTA).relayed
        assert way.send(QUITTA.lower()) == reply.CANNOT_ENCRYPT
        directory.stop()
        assert way.send(PAUL).relayed, "kept"
        assert way.send("new@sued.example") == reply.SOURCE_UNAVAILABLE
        asker.close()
    assert way.kinds() == [Kind.ENVELOPED] * 3
