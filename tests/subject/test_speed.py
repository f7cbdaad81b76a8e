"""No subject takes long, whoever wrote it (T36, T63)."""

from functools import partial

import pytest

from app.mail.limits import DECODE_OCTETS
from app.model.marks import MarkTexts
from app.subject.effort import MOST, Effort
from app.subject.forms import Forms
from app.subject.scan import Scan
from app.subject.skeleton import AS_SEEN, reduce
from app.subject.strip import Cleaner
from tests.subject import forgeries
from tests.timing import least_seconds, own_time

TEXT = Cleaner(MarkTexts(), symbols=False)
FORMS = Forms(MarkTexts().every_text)
SYMBOL = Cleaner(MarkTexts(), symbols=True)
MOST_SECONDS = 0.1

# What a hostile subject is made of: brackets of every kind, the beginnings and the ends of marks,
# what is not seen, what changes the order, what some read as encoded words.
UNITS = {
    "three kinds": "|<[",
    "bars": "|",
    "all kinds": "".join(forgeries.PAIRS),
    "pairs": "[]",
    "pairs with letters": "[sig]",
    "letters and bars": "s|",
    "bars around letters": "|s|",
    "bars around beginnings": "|sig|",
    "beginnings": "[sig",
    "long beginnings": "[signed by ",
    "ends": "ned] ",
    "ends in bars": "d|g|",
    "words": "signed by ] ",
    "single letters": "s s s]",
    "round and square": "(s]",
    "angles": "[signed b a@b>",
    "addresses": "a@]",
    "blanks": " ]",
    "nested": "[SIG[SIGNED]NED]",
    "nested halves": "[[SIGNED] ]",
    "empty pairs": "[[SIGNED]",
    "combining": "\u0301|",
    "zero-width": "\u200bs\u200b|",
    "homoglyphs": "[ѕіɡ",
    "full-width": "［ｓｉｇ］",
    "mathematics": "[𝕤𝕚𝕘]",
    "overrides": "\u202e[sig]\u202c",
    "isolates": "\u2067s|]",
    "marks of order": "]\u200f",
    "encoded": "=?utf-8?q?=5Bsig=5D?=",
    "encoded twice": "=?utf-8?q?=3D=3Futf-8=3Fq=3F=5Bsig=5D=3F=3D?=",
    "not closed": "=?a?q?",
    "equals signs": "=?",
    "symbols": "🔏",
    "symbols and letters": "🔏x",
    "symbols and blanks": "🔏 x",
    "Japanese": "\x1b$B!N\x1b(B",
}
# A mark begins far in front, or the order is not that of the characters.
BEFORE = ("", "signed by a@b ", "\u2067sig ")


def seconds(subject: str, cleaner: Cleaner = TEXT) -> float:
    """Return the time of this thread that cleaning takes; the best of some, others work here."""
    return least_seconds(lambda: cleaner.clean(subject), MOST_SECONDS)


def filled(before: str, unit: str, characters: int) -> str:
    """Return a subject of so many characters."""
    return (before + unit * characters)[: characters - 1] + "]"


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS.keys())
def test_no_subject_takes_long(unit: str) -> None:
    for before in BEFORE:
        assert seconds(filled(before, unit, DECODE_OCTETS)) < MOST_SECONDS
        assert seconds(filled(before, unit, DECODE_OCTETS), SYMBOL) < MOST_SECONDS
        # Beyond what is read, more of it costs nothing to speak of.
        assert seconds(filled(before, unit, 6 * DECODE_OCTETS), SYMBOL) < MOST_SECONDS


@pytest.mark.slow
@pytest.mark.parametrize("any_order", [False, True], ids=["as written", "any order"])
@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS.keys())
def test_one_reading_takes_linear_time(unit: str, any_order: bool) -> None:
    def taken(before: str, characters: int) -> float:
        text = filled(before, unit, characters)
        with own_time() as own:
            Scan(FORMS, AS_SEEN, Effort(10**9), any_order=any_order).read(text)
        return own.seconds

    def ratio(before: str) -> float:
        long, short = (min(taken(before, n) for _ in range(2)) for n in (4_000, 1_000))
        return long / max(short, 0.0002)

    for before in BEFORE[:2]:
        # Four times as much: linear is 4, quadratic 16. Others work on this machine, too.
        assert any(ratio(before) < 9 for _ in range(10))


# B9
@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS.keys())
def test_what_is_not_worth_the_effort_comes_out_clean(unit: str) -> None:
    for before in BEFORE:
        for units in (0, MOST // 10, MOST):
            cleaned = TEXT.clean(filled(before, unit, DECODE_OCTETS - 20), Effort(units))
            assert TEXT.clean(cleaned) == cleaned
            assert TEXT.clean(f"{cleaned} [SIGNED]", Effort(10**9)).split() == cleaned.split()


@pytest.mark.parametrize(
    ("subject", "left"),
    [
        ("[SIGNED] Angebot (2)", "SIGNED Angebot 2"),
        ("=\x1b?utf-8?q?=5BSIGNED=5D?= (x)", "?utf-8?q?=5BSIGNED=5D?= x"),
        ("==??utf-8?q?=5BSIGNED=5D?= (x)", "??utf-8?q?=5BSIGNED=5D?= x"),
        ("=[?utf-8?q?=5BSIGNED=5D?= (x)", "?utf-8?q?=5BSIGNED=5D?= x"),
        ("=\u202e?utf-8?q?=5BSIGNED=5D?= (x)", "?utf-8?q?=5BSIGNED=5D?= x"),
    ],
)
def test_nothing_hides_in_what_was_taken_apart(subject: str, left: str) -> None:
    assert TEXT.clean(subject, Effort(0)) == left
    assert TEXT.clean(left) == left


# T30: so many fields, and each takes as long as may be.
@pytest.mark.parametrize("name", [b"Subject", b"Thread-Topic"])
def test_many_fields_take_no_longer_than_two(name: bytes) -> None:
    value = filled("sig ", "|s|", DECODE_OCTETS - 10).encode()
    message = b"".join(b"%s: %s\r\n" % (name, value) for _ in range(25)) + b"\r\n"
    most = 5 * MOST_SECONDS
    clean = partial(TEXT.clean_message, message, authserv_id="gw.example")
    assert least_seconds(clean, most) < most
    once = clean()
    assert TEXT.clean_message(once, authserv_id="gw.example") == once


def test_a_usual_subject_is_read_to_the_end() -> None:
    names = " ".join(f"[{name}] (Teil {name})" for name in range(80))
    subject = f"Re: [signiert-liste] {names}"
    assert len(subject) > 998
    assert TEXT.clean(f"[SIGNED] {subject} [SIGNIERT]") == subject
    assert reduce(TEXT.clean(subject)) == reduce(subject)


@pytest.mark.parametrize(
    "value", ["🔏" * 10_000, "🔏" * 10_000 + "@x", "<🔏@" * 9_000, "=?🔏" * 8_000]
)
def test_no_display_name_takes_long(value: str) -> None:
    message = f"From: {value}\r\n\r\n".encode()
    most = 2 * MOST_SECONDS
    clean = partial(SYMBOL.clean_message, message, authserv_id="gw.example")
    assert least_seconds(clean, most) < most
