"""Look-alikes: the skeleton of UTS 39 and the coarser reduction."""

import pytest

from app.subject.skeleton import AS_FOLDED, AS_SEEN, KEPT, Letters, reduce, skeleton


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("paypal", "раураl"),
        ("Il1|", "lIll"),
        ("scope", "ѕсоре"),
        ("m", "rn"),
        ("ﬁ", "fi"),
        ("a\u200bb", "ab"),
        ("Å", "A\u030a"),
        ("ℌ", "H"),
    ],
)
def test_texts_that_look_alike_have_one_skeleton(first: str, second: str) -> None:
    assert skeleton(first) == skeleton(second)


@pytest.mark.parametrize(("first", "second"), [("a", "b"), ("signed", "singed"), ("O", "Q")])
def test_other_texts_have_other_skeletons(first: str, second: str) -> None:
    assert skeleton(first) != skeleton(second)


@pytest.mark.parametrize(
    "text",
    [
        "SIGNED", "signed", "S1GNED", "SİGNED", "sıgned", "S|GNED", "ЅІGΝЕD", "ｓｉｇｎｅｄ",
        "𝕊𝕀𝔾ℕ𝔼𝔻", "🅂🄸🄶🄽🄴🄳", "🆂🅸🅶🅽🅴🅳", "🇸🇮🇬🇳🇪🇩", "ꜱɪɢɴᴇᴅ", "S.I.G.N.E.D", "S I G N E D",
        "S\u00a0I\u200bG\u2060N\u00adE\u202eD", "S̲I̲G̲N̲E̲D̲", "ŠĪĜŇĘĐ", "ʂɨɠɳɛɗ", "5IGИED",
        "S\ue000IGNED", "⒮⒤⒢⒩⒠⒟", "SIGNED😀", "sіɡոеԁ",
    ],
)  # fmt: skip
def test_a_glance_sees_the_same_letters(text: str) -> None:
    assert reduce(text) == "signed"


def test_case_folding_first_shows_other_letters() -> None:
    assert (reduce("Ν", AS_SEEN), reduce("Ν", AS_FOLDED)) == ("n", "v")
    assert reduce("sornebody", AS_FOLDED) == reduce("somebody", AS_FOLDED)


def test_what_is_remembered_is_bounded() -> None:
    letters = Letters(fold_first=False)
    for code in range(0x4E00, 0x4E00 + KEPT + 10):
        letters[chr(code)]
    assert len(letters) <= KEPT
