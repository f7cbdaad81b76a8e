"""A house that asks directories which say what a test wants them to say."""

from datetime import timedelta

from app.mta import machine
from app.mta.envelope import Envelope
from app.mta.learn import learn_nothing
from app.mta.lookup import Asker
from app.mta.transaction import Outcome, process
from tests.houses import INSIDER, House, authority, message
from tests.mta.ldapserver import DONE, Operation, Scripted, entry
from tests.slapd import BASE
from tests.testpki import AT

ALICE, PAUL = "alice@nord.example", "paul@sued.example"
ROOT = authority("Look-up")
NOBODY = ("127.0.0.1", 1)


def answer(*certificates: bytes, mail: str = PAUL) -> list[Operation]:
    values = [*certificates, *ROOT.chain]
    return [entry("cn=paul", mail=[mail], userCertificate=values), DONE]


class Asking:
    """A house that asks directories."""

    def __init__(self, house: House, *servers: Scripted) -> None:
        self.house = house
        self.entries = [f"ldap://127.0.0.1:{each.port}/{BASE}" for each in servers]
        self._askers: list[Asker] = []

    def policy(self, **fields: str) -> None:
        lines = "".join(f'{name} = "{value}"\n' for name, value in fields.items())
        self.house.apply(
            f'direction = "outbound"\nto = "(any)@(host)"\nlookup = {self.entries}\n{lines}'
        )

    def send(
        self, *recipients: str, octets: bytes = b"", after: timedelta | None = None
    ) -> list[Outcome]:
        asker = Asker(self.house.store, NOBODY)
        self._askers.append(asker)
        home = machine.House(self.house.store, "gateway.nord.example", "de", learn_nothing, asker)
        octets = octets or message(ALICE, PAUL)
        at = AT + (after or timedelta(0))
        envelope = Envelope(ALICE, recipients or (PAUL,), octets, INSIDER, at)
        return process(home, envelope, "t" * 16)

    def close(self) -> None:
        for each in self._askers:
            each.close()
