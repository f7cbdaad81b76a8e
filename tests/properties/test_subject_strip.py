"""Whatever the subject: it comes out clean, and cleaning it again changes nothing."""

from hypothesis import given
from hypothesis import strategies as st

from app.mail.headers import split
from app.model.marks import LOOKALIKES, SHIPPED, MarkTexts
from app.subject.render import put_on
from app.subject.skeleton import reduce, skeleton
from app.subject.strip import Cleaner
from tests.examples import examples
from tests.subject.looks import letters, renders_like

TEXTS = MarkTexts()
CLEANERS = [Cleaner(TEXTS, symbols=False), Cleaner(TEXTS, symbols=True)]
MARKS = frozenset(
    letters(text) for text in (*SHIPPED.values(), *LOOKALIKES) if text and "{" not in text
)

PIECES = (
    "[", "]", "(", ")", "<", ">", "【", "］", "«", "|", " ", "\u00a0", "\u200b", "\u202e", "\u202c",
    "\u200f", "\u2067", "\u2069", "\r\n", "\x00", "\x1b$B", "SIG", "NED", "signed", "SIGNIERT",
    "[SIGNED]", "[SIGNED BY <", "[SIGNIERT VON <*@x.example>]", "by a@b.example", "VERSCHLÜSSELT",
    "ЅIG", "ｎｅｄ", "ENCRYPTED", "=?utf-8?q?", "=5BSIGNED=5D", "?=", "=?utf-8?b?W1NJR05FRF0=?=",
    "=?utf-8?b?W1NJ=R05FRF0=?=", "=?unicode?b?WwA=?=", "=?ibm1047?b?uuLJx9XFxLs=?=", "= ?utf-8?q?",
    "?", "=", "◄", "║", "׀", "SIGNED, ENCRYPTED", "\u2066", "\u202b",
    "=?", "Re: ", "Angebot", "🔏", "🔒\ufe0f", "\u0301", "x", "1", ".",
)  # fmt: skip
hostile = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
anything = st.one_of(
    hostile, st.text(max_size=60), st.lists(st.one_of(hostile, st.text())).map("".join)
)


@given(anything, st.sampled_from(CLEANERS))
@examples(300)
def test_cleaning_twice_is_cleaning_once(subject: str, cleaner: Cleaner) -> None:
    cleaned = cleaner.clean(subject)
    assert cleaner.clean(cleaned) == cleaned


# T63. The eye of the test and the cleaner are two judges; where they part is found by longer runs.
@given(anything)
@examples(300, derandomize=True)
def test_no_cleaned_subject_renders_like_a_mark(subject: str) -> None:
    cleaned = CLEANERS[0].clean(subject)
    assert renders_like(cleaned, MARKS) == ""
    if any(control in cleaned for control in "\u202e\u202d"):
        assert renders_like(cleaned[::-1], MARKS) == ""


@given(hostile)
@examples(150)
def test_a_mark_put_on_comes_off_again(subject: str) -> None:
    message = put_on(
        b"From: a@b.example\r\n\r\n", "[SIGNIERT]", base_subject=CLEANERS[0].clean(subject)
    )
    shown = split(message).headers.text("Subject")
    assert shown.startswith("[SIGNIERT]")
    assert renders_like(CLEANERS[0].clean(shown), MARKS) == ""


@given(st.binary(max_size=200), st.binary(max_size=80))
@examples(150)
def test_no_octets_stop_the_cleaner(section: bytes, value: bytes) -> None:
    for message in (section, b"Subject: " + value + b"\r\nFrom: " + value + b"\r\n\r\n" + section):
        for cleaner in CLEANERS:
            once = cleaner.clean_message(message, authserv_id="gw.example")
            assert once.endswith(split(message).rest)
            put_on(once, "[SIGNIERT]")


@given(st.text(max_size=40))
@examples(150)
def test_skeletons_are_stable(text: str) -> None:
    assert skeleton(skeleton(text)) == skeleton(text)
    assert reduce(text).isalnum() or not reduce(text)
