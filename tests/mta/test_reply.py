"""Replies: three outcomes, one table, and nothing of a hostile server's text gets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mta import reply
from app.mta.reply import CONFUSED, NAMED, Refusal, Reply, parse_reply, sanitise


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("250 2.0.0 Ok: queued as 4F", Reply(250, "2.0.0", "Ok: queued as 4F")),
        ("250 Ok", Reply(250, "2.0.0", "Ok")),
        ("250", Reply(250, "2.0.0", "")),
        ("250-2.0.0 one\r\n250 2.0.0 two", Reply(250, "2.0.0", "one two")),
        ("550-5.7.1 no\r\n550-because\r\n550 5.7.1 spam", Reply(550, "5.7.1", "no because spam")),
        ("452 4.3.1 full\r\n", Reply(452, "4.3.1", "full")),
        # A status of another class than the code counts for nothing.
        ("451 2.0.0 ok", Reply(451, "4.0.0", "2.0.0 ok")),
        ("550 5.1.10 null mx", Reply(550, "5.1.10", "null mx")),
    ],
)
def test_reply_is_read_as_it_was_meant(said: str, expected: Reply) -> None:
    assert parse_reply(said) == expected


@pytest.mark.parametrize(
    "said",
    [
        "",
        "354 go on",
        "150 wait",
        "650 what",
        "25 ok",
        "2500 ok",
        "ok",
        "250ok",
        "250-ok\r\n550 no",
        "250 ok\r\nnonsense",
        "\u0662\u0665\u0660 digits of another script",
    ],
)
def test_what_is_no_outcome_is_temporary(said: str) -> None:
    answer = parse_reply(said)
    assert (answer.code, answer.enhanced) == (CONFUSED.code, CONFUSED.enhanced)


@given(st.text() | st.from_regex(r"[2345][0-9]{2}[ -][^\n]*", fullmatch=True))
def test_every_text_has_an_outcome_that_is_one_clean_line(said: str) -> None:
    # T33
    answer = parse_reply(said)
    line = str(answer)
    assert line.isascii()
    assert line.isprintable()
    assert len(line) <= 512
    assert (answer.relayed, answer.temporary, answer.permanent).count(True) == 1
    assert not answer.relayed or said.startswith("2")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\n250 ok", "a 250 ok"),
        ("\x1b[31mred\x1b[0m", "?[31mred?[0m"),
        ("\u202egnp.exe", "?gnp.exe"),
        ("  wide   space ", "wide space"),
        ("x" * 1_000_000, "x" * 500),
        ("\0", "?"),
    ],
)
def test_text_of_others_is_cleaned(text: str, expected: str) -> None:
    assert sanitise(text) == expected


def test_table_has_the_names_a_plan_writes() -> None:
    assert NAMED["cannot-encrypt"] is reply.CANNOT_ENCRYPT
    assert NAMED["relaying-denied"].code == 550
    assert NAMED["store-unavailable"].temporary


@pytest.mark.parametrize("name", sorted(NAMED))
def test_row_of_the_table_is_in_order(name: str) -> None:
    row = NAMED[name]
    assert parse_reply(str(row)) == row
    assert row.enhanced[0] == str(row.code)[0]


def test_refusal_carries_its_reply_past_the_router() -> None:
    refusal = Refusal(reply.NO_ROUTE)
    assert refusal.reply is reply.NO_ROUTE
    assert str(refusal) == "451 4.3.5 no route for this recipient"


def test_refusal_never_says_yes() -> None:
    with pytest.raises(AssertionError):
        Refusal(reply.RELAYED)
