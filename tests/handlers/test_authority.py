"""Nobody outside can relay or get a signature; inside, only for one's own address (C6–C8, T27)."""

import pytest

from app.mail.headers import split
from app.model import accounts, relays
from app.mta.envelope import Peer
from app.mta.transaction import Outcome
from tests.houses import INSIDER, STRANGER, House, authority, message
from tests.testpki import AT

ALICE, BERND, PAUL = "alice@nord.example", "bernd@nord.example", "paul@sued.example"
MTA = Peer("127.0.0.1", helo="mx.nord.example")
SECRET = "correct horse battery staple"


@pytest.fixture
def house(nord: House) -> House:
    """Alice and Bernd have keys that sign for listed relays."""
    root = authority()
    nord.own(root.issue(ALICE))
    nord.own(root.issue(BERND))
    return nord


def sent(house: House, octets: bytes, peer: Peer, reverse_path: str = ALICE) -> Outcome:
    (outcome,) = house.send(octets, PAUL, reverse_path=reverse_path, peer=peer)
    return outcome


def is_signed(outcome: Outcome) -> bool:
    return outcome.delivery is not None and outcome.delivery.protected == "signed"


def by_mta(**said: str) -> Peer:
    return Peer(MTA.address, xforward=said)


@pytest.mark.parametrize(
    "peer",
    [
        STRANGER,
        Peer("203.0.113.5", helo="client.nord.example"),
        Peer("203.0.113.5", xforward={"ADDR": INSIDER.address}),
        Peer("203.0.113.5", xforward={"LOGIN": "alice"}),
        Peer("203.0.113.5", login="nobody-we-know"),
        Peer("192.0.2.11"),
        Peer("2001:db8::10"),
        Peer("not an address"),
    ],
    ids=str,
)
@pytest.mark.parametrize("reverse_path", [ALICE, "", PAUL])
def test_stranger_can_neither_relay_nor_get_a_signature(
    house: House, peer: Peer, reverse_path: str
) -> None:
    outcome = sent(house, message(ALICE, PAUL), peer, reverse_path)
    assert outcome.reply is not None
    assert str(outcome.reply) == "550 5.7.1 relaying denied"
    assert outcome.delivery is None


@pytest.mark.parametrize(
    "recipient",
    ["paul%sued.example@elsewhere.example", "PAUL@SUED.EXAMPLE", "x@sub.nord.example"],
)
def test_stranger_finds_no_way_around_the_managed_domains(house: House, recipient: str) -> None:
    (outcome,) = house.send(message(ALICE, PAUL), recipient, reverse_path=ALICE)
    assert outcome.reply is not None
    assert outcome.reply.code == 550


def test_mail_to_ourselves_that_says_it_is_from_us_is_not_signed(house: House) -> None:
    (outcome,) = house.send(message(ALICE, BERND), BERND, reverse_path=ALICE, peer=STRANGER)
    assert outcome.delivery is not None
    assert outcome.delivery.protected == "clear"
    assert outcome.delivery.mark == ""


def test_listed_relay_gets_its_senders_signature(house: House) -> None:
    assert is_signed(sent(house, message(ALICE, PAUL), INSIDER))


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (message("eve@elsewhere.example", PAUL), "no key of ours"),
        (message(f"{ALICE}, {BERND}", PAUL), "two mailboxes"),
        (message("", PAUL), "no mailbox"),
        (message(f"Team: {ALICE};", PAUL), "a group"),
        (b"From: %b\r\n" % BERND.encode() + message(ALICE, PAUL), "two fields"),
        (b"To: x\r\n\r\nhello\r\n", "no From"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_message_without_one_author_of_ours_is_relayed_unsigned(
    house: House, octets: bytes, why: str
) -> None:  # T47, T49, T83
    del why
    outcome = sent(house, octets, INSIDER)
    assert outcome.reply is None
    assert not is_signed(outcome)


def test_sender_that_differs_is_the_one_who_signs(house: House) -> None:  # C6
    outcome = sent(house, message(ALICE, PAUL, "x", "y\r\n", f"Sender: {BERND}"), INSIDER)
    assert outcome.delivery is not None
    assert outcome.delivery.plan is not None
    assert outcome.delivery.plan.sign is not None
    key = house.store.ring.keys_of(BERND)[0]
    assert outcome.delivery.plan.sign.fingerprint == key.fingerprint


def test_null_reverse_path_is_never_signed(house: House) -> None:  # C6
    assert not is_signed(sent(house, message(ALICE, PAUL), INSIDER, reverse_path=""))


def test_key_that_is_not_for_relays_is_not_used(nord: House) -> None:
    nord.own(authority().issue(ALICE), relay=False)
    assert not is_signed(sent(nord, message(ALICE, PAUL), INSIDER))


class TestBehindTheOwnMta:
    """127.0.0.1 relays for everybody; what counts is whom it names."""

    @pytest.fixture
    def house(self, house: House) -> House:
        relays.add(house.database, "127.0.0.1/32", AT, xforward=True)
        house.changed()
        return house

    @pytest.mark.parametrize(
        ("said", "signed"),
        [
            ({}, False),
            ({"ADDR": INSIDER.address}, True),
            ({"ADDR": STRANGER.address}, False),
            ({"ADDR": "127.0.0.1"}, False),
            ({"ADDR": "[UNAVAILABLE]"}, False),
            ({"ADDR": ""}, False),
            ({"NAME": "client.nord.example"}, False),
        ],
    )
    def test_trust_is_that_of_the_client_it_names(
        self, house: House, said: dict[str, str], signed: bool
    ) -> None:  # T31
        outcome = sent(house, message(ALICE, PAUL), by_mta(**said))
        assert outcome.reply is None
        assert is_signed(outcome) is signed

    def test_where_a_signature_is_required_its_absence_is_refused(self, house: House) -> None:
        house.policy(direction="outbound", sign="require")
        outcome = sent(house, message(ALICE, PAUL), by_mta())
        assert outcome.reply is not None
        assert outcome.reply.code == 550

    def test_login_that_it_hands_over_signs_with_the_keys_of_that_account(
        self, house: House
    ) -> None:  # C7
        accounts.add(house.database, "alice", "a long password, really", AT)
        accounts.group(house.database, "alice", "system-mail")
        accounts.assign(house.database, "alice", house.store.ring.keys_of(ALICE)[0].id)
        house.changed()
        assert is_signed(sent(house, message(ALICE, PAUL), by_mta(LOGIN="alice")))
        assert not is_signed(sent(house, message(BERND, PAUL), by_mta(LOGIN="alice")))


class TestSharedNetwork:
    """A relay whose network strangers share must also show a secret."""

    CLOUD = Peer("198.51.100.7")

    @pytest.fixture
    def house(self, house: House) -> House:
        relays.add(house.database, "198.51.100.0/24", AT, header=f"X-Our-Tenant: {SECRET}")
        house.changed()
        return house

    @pytest.mark.parametrize(
        "fields",
        [
            (),
            ("X-Our-Tenant: guess",),
            ("X-Our-Tenant:",),
            (f"X-Our-Tenant: {SECRET}", "X-Our-Tenant: guess"),
            (f"X-Other: {SECRET}",),
        ],
    )
    def test_without_the_secret_it_may_not_even_relay(
        self, house: House, fields: tuple[str, ...]
    ) -> None:
        outcome = sent(house, message(ALICE, PAUL, "x", "y\r\n", *fields), self.CLOUD)
        assert outcome.reply is not None
        assert outcome.reply.code == 550

    def test_the_secret_is_believed_and_leaves_no_message(self, house: House) -> None:
        octets = message(ALICE, PAUL, "x", "y\r\n", f"X-Our-Tenant: {SECRET}")
        outcome = sent(house, octets, self.CLOUD)
        assert is_signed(outcome)
        assert outcome.delivery is not None
        assert split(outcome.delivery.octets).headers.find("X-Our-Tenant") is None
        assert SECRET.encode() not in outcome.delivery.octets

    def test_a_relay_without_need_of_it_does_not_leak_it_either(self, house: House) -> None:
        octets = message(ALICE, PAUL, "x", "y\r\n", f"X-Our-Tenant: {SECRET}")
        outcome = sent(house, octets, INSIDER)
        assert outcome.delivery is not None
        assert SECRET.encode() not in outcome.delivery.octets
