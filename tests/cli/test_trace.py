from datetime import UTC, datetime

import pytest

from app.model.database import open_database
from app.model.trace import TraceRow, TraceWriter
from tests.cli.conftest import Command

ROWS = [
    TraceRow(
        trace_id="0123456789abcdef",
        at=datetime(2026, 6, 15, 12, tzinfo=UTC),
        direction="outbound",
        reverse_path="alice@nord.example",
        recipient="bob@sued.example",
        message_id="<1@nord.example>",
        states=("START", "CLEANED", "SIGNED", "ENCRYPTED"),
        plan={"sign": {"value": "auto", "route": "everything else"}},
        protected="signed",
        reply="250 2.0.0 relayed",
    ),
    TraceRow(
        trace_id="fedcba9876543210",
        at=datetime(2026, 6, 16, 12, tzinfo=UTC),
        direction="inbound",
        reverse_path="mallory\x1b[2J@evil.example",
        recipient="alice@nord.example",
        learned={
            "outcome": "pending",
            "fingerprint": "ab12",
            "reasons": [{"code": "expired", "detail": "2026-01-01", "text": "expired: 2026-01-01"}],
        },
        reply="451 4.3.0 later",
    ),
]


@pytest.fixture(name="traced")
def make_traced(command: Command) -> Command:
    database = open_database(f"sqlite:///{command.folder}/sealmon.db")
    writer = TraceWriter(database)
    for row in ROWS:
        writer.write(row)
    writer.close()
    database.close()
    return command


def ids(command: Command, *words: str) -> list[str]:
    return [row["id"] for row in command.ask("trace", *words)]


def test_a_row_has_the_keys_that_scripts_rely_on(traced: Command) -> None:
    row = traced.ask("trace", "--id", "0123456789abcdef")[0]
    assert set(row) >= {
        "id",
        "at",
        "direction",
        "from",
        "recipient",
        "states",
        "plan",
        "signature",
        "decryption",
        "protected",
        "reply",
    }
    assert row["at"] == "2026-06-15T12:00:00Z"
    assert row["states"][-1] == "ENCRYPTED"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), [1, 0]),
        (("--message-id", "<1@nord.example>"), [0]),
        (("--message-id", "1@nord.example"), [0]),
        (("--address", "Bob@Sued.Example"), [0]),
        (("--address", "alice@nord.example"), [1, 0]),
        (("--since", "2026-06-16T00:00:00Z"), [1]),
        (("--limit", "1"), [1]),
        (("--id", "nothing"), []),
        (("--address", "' OR 1=1 --"), []),
    ],
)
def test_rows_are_found(traced: Command, words: tuple[str, ...], expected: list[int]) -> None:
    assert ids(traced, *words) == [ROWS[at].trace_id for at in expected]


def test_a_peer_cannot_write_to_the_terminal(traced: Command) -> None:
    text = traced.ok("trace")
    assert "\x1b" not in text  # T131
    assert "mallory" in text


def test_one_row_is_told_with_its_plan(traced: Command) -> None:
    text = traced.ok("trace", "--id", "0123456789abcdef")
    assert "plan: sign" in text
    assert "route=everything else" in text


@pytest.mark.parametrize("words", [("--since", "yesterday"), ("--limit", "0"), ("--limit", "x")])
def test_wrong_usage_is_status_two(traced: Command, words: tuple[str, ...]) -> None:
    traced.refused("trace", *words, status=2)


# Issue 4, "Bad input": the reason stands in the trace
def test_what_became_of_a_certificate_is_said_in_words(traced: Command) -> None:
    (row,) = traced.ask("trace", "--id", "fedcba9876543210")
    assert row["learned"]["outcome"] == "pending"
    assert row["learned"]["reasons"][0]["code"] == "expired"
    text = traced.ok("trace", "--id", "fedcba9876543210")
    assert "outcome=pending fingerprint=ab12 reasons=expired: 2026-01-01" in text
    assert traced.ask("trace", "--id", "0123456789abcdef")[0]["learned"] == {}
