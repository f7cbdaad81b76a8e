"""SMIMEA counts only when a validating resolver says that it is genuine (T116)."""

import socket
import threading
from collections.abc import Iterator
from typing import Self

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from app.model.errors import CannotLookUp
from app.mta import lookup_smimea
from app.mta.lookup_smimea import ask_dns, owner_name
from tests import zones
from tests.testpki import ca
from tests.zones import Zones

ROOT = ca("SMIMEA Root")
PAUL, QUITTA = "paul@sued.example", "Quitta@sued.example"
PAULS, QUITTAS = ROOT.issue(PAUL, key="rsa2048"), ROOT.issue(QUITTA)
AUTHORITY = ROOT.certificate
MUCH = [ROOT.issue(PAUL, key="rsa2048").certificate for _ in range(4)]


def record(usage: int, selector: int, matching: int, octets: bytes) -> str:
    return f"SMIMEA {usage} {selector} {matching} {octets.hex()}"


def whole(usage: int, octets: bytes) -> str:
    return record(usage, 0, 0, octets)


def smimea(address: str, *records: str) -> list[tuple[str, str]]:
    return [(str(owner_name(address)), each) for each in records]


SIGNED = [
    *smimea(PAUL, whole(3, PAULS.certificate)),
    *smimea(QUITTA, whole(1, QUITTAS.certificate)),
    *smimea(
        "all@sued.example",
        whole(0, AUTHORITY),
        whole(1, QUITTAS.certificate),
        whole(2, QUITTAS.certificate + b"x"),
        whole(3, PAULS.certificate),
        whole(4, b"usage 4"),
        whole(255, b"private use"),
        record(3, 1, 0, b"a key"),
        record(3, 0, 1, b"d" * 32),
        record(3, 1, 1, b"d" * 32),
        record(3, 0, 2, b"d" * 64),
    ),
    *smimea("digest@sued.example", record(3, 0, 1, b"d" * 32)),
    *smimea("junk@sued.example", whole(3, b"no certificate")),
    *smimea("mixed@sued.example", whole(3, AUTHORITY), whole(2, PAULS.certificate)),
    # More than a datagram holds.
    *smimea("much@sued.example", *(whole(3, each) for each in MUCH)),
    (str(owner_name("alias@sued.example")), f"CNAME {owner_name(PAUL)}"),
    (str(owner_name("away@sued.example")), f"CNAME {owner_name('paul@unsigned.example')}"),
]
UNSIGNED = smimea("paul@unsigned.example", whole(3, PAULS.certificate))
FORGED = smimea("paul@forged.example", whole(3, PAULS.certificate))


@pytest.fixture(autouse=True)
def has_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every resolver long enough for a machine that is busy with other tests."""
    monkeypatch.setattr(lookup_smimea, "SECONDS", 60.0)


@pytest.fixture(scope="module")
def resolver() -> Iterator[tuple[str, int]]:
    if zones.programs() is None:
        pytest.skip(f"no nsd or no unbound: {zones.INSTALL}")
    served = {"sued.example.": SIGNED, "unsigned.example.": UNSIGNED, "forged.example.": FORGED}
    signed = ["sued.example.", "forged.example."]
    with Zones(served, signed=signed, forged=["forged.example."]) as servers:
        yield servers.resolver


# RFC 8162 §3, its example.
def test_the_owner_name_is_that_of_the_standard() -> None:
    label = "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6"
    assert str(owner_name("hugh@example.com")) == f"{label}._smimecert.example.com."
    assert owner_name("Hugh@example.com") != owner_name("hugh@example.com"), "as written"


@pytest.mark.interop
@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (PAUL, [PAULS.certificate]),
        (QUITTA, [QUITTAS.certificate]),
        (QUITTA.lower(), []),
        ("alias@sued.example", [PAULS.certificate]),
        ("nobody@sued.example", []),
        ("digest@sued.example", []),
        ("junk@sued.example", []),
        ("mixed@sued.example", []),
    ],
)
def test_validated_records_give_their_certificates(
    resolver: tuple[str, int], address: str, expected: list[bytes]
) -> None:
    assert list(ask_dns(resolver, address)) == expected


@pytest.mark.interop
def test_only_whole_certificates_of_known_usages_count(resolver: tuple[str, int]) -> None:
    found = set(ask_dns(resolver, "all@sued.example"))
    assert found == {AUTHORITY, QUITTAS.certificate, PAULS.certificate}


@pytest.mark.interop
def test_a_long_answer_comes_by_tcp(resolver: tuple[str, int]) -> None:
    assert set(ask_dns(resolver, "much@sued.example")) == set(MUCH)


# T116
@pytest.mark.interop
@pytest.mark.parametrize(
    "address", ["paul@unsigned.example", "nobody@unsigned.example", "away@sued.example"]
)
def test_what_nobody_signed_is_not_there(resolver: tuple[str, int], address: str) -> None:
    assert ask_dns(resolver, address) == ()


@pytest.mark.interop
def test_what_was_forged_is_no_answer(resolver: tuple[str, int]) -> None:
    with pytest.raises(CannotLookUp, match="SERVFAIL"):
        ask_dns(resolver, "paul@forged.example")


class Liar:
    """A resolver that answers as it is told."""

    def __init__(self, *, flags: int = 0, rcode: int = dns.rcode.NOERROR, raw: bytes = b"") -> None:
        self._flags = flags
        self._rcode = dns.rcode.Rcode(rcode)
        self._raw = raw
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.at = ("127.0.0.1", int(self._socket.getsockname()[1]))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.at)
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while octets := self._socket.recvfrom(65536):
            if not octets[0]:
                return
            self._socket.sendto(self._raw or self._answer(octets[0]), octets[1])

    def _answer(self, octets: bytes) -> bytes:
        query = dns.message.from_wire(octets)
        answer = dns.message.make_response(query)
        answer.flags |= self._flags
        answer.set_rcode(self._rcode)
        if self._rcode == dns.rcode.NOERROR:
            owner = query.question[0].name
            answer.answer.append(
                dns.rrset.from_text(owner, 60, "IN", *whole(3, PAULS.certificate).split(" ", 1))
            )
        return answer.to_wire()


def test_the_ad_bit_decides() -> None:
    with Liar(flags=dns.flags.AD) as liar:
        assert ask_dns(liar.at, PAUL) == (PAULS.certificate,)
    with Liar() as liar:
        assert ask_dns(liar.at, PAUL) == ()


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.NOTIMP])
def test_a_refusal_is_no_answer(rcode: int) -> None:
    with Liar(flags=dns.flags.AD, rcode=rcode) as liar, pytest.raises(CannotLookUp):
        ask_dns(liar.at, PAUL)


@pytest.mark.parametrize("raw", [b"x", b"\0" * 12, b"\xff" * 100])
def test_what_is_no_dns_is_no_answer(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    monkeypatch.setattr(lookup_smimea, "SECONDS", 0.3)
    with Liar(raw=raw) as liar, pytest.raises(CannotLookUp):
        ask_dns(liar.at, PAUL)


def test_a_resolver_that_is_silent_gives_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup_smimea, "SECONDS", 0.2)
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(CannotLookUp):
            ask_dns(("127.0.0.1", int(silent.getsockname()[1])), PAUL)


@pytest.mark.parametrize(
    "address",
    [f"a@{'b' * 64}.example", f"a@{'.'.join(['b' * 60] * 4)}", "a@..", "a@", "\ud800@a.example"],
)
def test_what_can_have_no_name_has_no_record(address: str) -> None:
    assert ask_dns(("127.0.0.1", 1), address) == ()
