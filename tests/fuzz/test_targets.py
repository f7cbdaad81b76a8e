"""Every target holds over its seeds and a few hundred changed ones, the same each time."""

import random
import time
from collections.abc import Iterator, Sequence

import pytest

from tests import forge
from tests.fuzz.targets import TARGETS, message
from tools.fuzz import SCOPES, in_time

CHANGES = 300
ENDS = (b"\r\n", b"\n", b"\r", b"\0", b"\xff", b"\r\n\r\n", b"--x", b"=?utf-8?q?", b"\x30\x80")


def changed(seeds: Sequence[bytes], token: str) -> Iterator[bytes]:
    """Yield seeds with octets changed, cut out, doubled, or put in."""
    chance = random.Random(token)
    for _ in range(CHANGES):
        octets = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(octets) + 1)
            end = min(len(octets), at + chance.randint(1, 40))
            piece = (
                bytes([chance.randrange(256)]),
                b"",
                bytes(octets[at:end]) * 2,
                chance.choice(ENDS) + bytes(octets[at:end]),
            )[chance.randrange(4)]
            octets[at:end] = piece
        yield bytes(octets)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_target_holds_over_its_seeds_and_changed_ones(name: str) -> None:
    target = TARGETS[name]
    seeds = sorted(set(target.seeds()), key=len)[:60]
    assert len(seeds) >= 8
    for octets in (b"", *seeds, *changed(seeds, name)):
        target.run(octets)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_target_is_offered_by_the_tool_with_seeds_that_fit(name: str) -> None:
    scope = SCOPES[name]
    assert any(len(octets) <= scope.octets_at_most for octets in TARGETS[name].seeds())


@pytest.mark.slow
def test_a_message_whose_header_section_was_made_clean_is_no_false_pass() -> None:
    odd = next(
        case.octets for case in forge.forged(kind="rsa2048") if "encrypted-t38-bare-cr" in case.name
    )
    message(odd.replace(b"X-A: b\rc\r\n", b""))


def test_what_takes_a_second_of_the_processor_is_a_find(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((5.0, 6.5, 8.0, 8.9))
    monkeypatch.setattr(time, "thread_time", lambda: next(clock))
    seen: list[bytes] = []
    with pytest.raises(AssertionError, match=r"takes 1\.5 s"):
        in_time(seen.append)(b"slow")
    in_time(seen.append)(b"quick")
    assert seen == [b"slow", b"quick"]
