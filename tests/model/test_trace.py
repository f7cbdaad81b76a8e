"""The trace is written beside the mail path and never in its way."""

import logging
import sqlite3
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.model import partners
from app.model.database import Database, open_database
from app.model.snapshot import Store
from app.model.trace import Search, TraceRow, TraceWriter, find_traces
from tests.model.house import ALICE, BOB, DAY, person
from tests.testpki import AT
from tests.timing import own_time


def row(number: int = 1, **what: Any) -> TraceRow:
    return TraceRow(
        **{
            "trace_id": f"t{number}",
            "at": AT + number * DAY,
            "direction": "outbound",
            "reverse_path": ALICE,
            "recipient": BOB,
            "message_id": f"<{number}@nord.example>",
            "states": ("START", "CLEANED", "SIGNED", "ENCRYPTED"),
            "plan": {"sign": {"value": "auto", "route": "everything else"}},
            "protected": "signed",
            "reply": "250 2.0.0 relayed",
            "from_address": "info@nord.example",
            **what,
        }
    )


def written(database: Database, *rows: TraceRow) -> None:
    writer = TraceWriter(database)
    for each in rows:
        writer.write(each)
    writer.close()


def ids(database: Database, **search: Any) -> list[str]:
    return [each["id"] for each in find_traces(database, Search(**search))]


def test_a_row_has_what_the_design_promises(database: Database) -> None:
    written(database, row())
    (found,) = find_traces(database, Search())
    assert found["id"] == "t1"
    assert found["at"] == AT + DAY
    assert (found["direction"], found["from"], found["recipient"]) == ("outbound", ALICE, BOB)
    assert found["states"] == ["START", "CLEANED", "SIGNED", "ENCRYPTED"]
    assert found["plan"]["sign"]["route"] == "everything else"
    assert found["signature"] == found["decryption"] == {}
    assert (found["protected"], found["reply"]) == ("signed", "250 2.0.0 relayed")


def test_rows_are_found_newest_first_by_what_is_known_of_them(database: Database) -> None:
    written(
        database,
        row(1),
        row(2, recipient="carol@partner.example"),
        row(3, reverse_path="", recipient="Postmaster"),
        row(4, reverse_path="BOB@Partner.Example", recipient=ALICE, from_address=BOB),
    )
    assert ids(database) == ["t4", "t3", "t2", "t1"]
    assert ids(database, limit=2) == ["t4", "t3"]
    assert ids(database, limit=0) == ["t4"]
    assert ids(database, trace_id="t2") == ["t2"]
    assert ids(database, message_id="<2@nord.example>") == ["t2"]
    assert ids(database, message_id="2@nord.example") == ["t2"]
    assert ids(database, address=BOB) == ["t4", "t1"]
    assert ids(database, address="Alice@NORD.example") == ["t4", "t2", "t1"]
    assert ids(database, address="info@nord.example") == ["t3", "t2", "t1"]
    assert ids(database, address="Postmaster") == ["t3"]
    assert ids(database, since=AT + 3 * DAY) == ["t4", "t3"]
    assert ids(database, address="nobody@x.example") == []


# T127, T131
@pytest.mark.parametrize(
    "text", ["\0", "\ud800", "'; DROP TABLE trace; --", "\u202e", "x" * 10**6, "ä\n"]
)
def test_whatever_a_peer_writes_can_be_kept(database: Database, text: str) -> None:
    written(database, row(1, reverse_path=text, recipient=text, message_id=text, reply=text))
    assert len(find_traces(database, Search())) == 1
    find_traces(database, Search(address=text, message_id=text, trace_id="x"))


def test_rows_are_there_within_a_second(database: Database) -> None:
    def seconds(number: int) -> float:
        writer = TraceWriter(database)
        writer.write(row(number))
        begin = time.monotonic()
        while f"t{number}" not in ids(database) and time.monotonic() - begin < 60:
            time.sleep(0.02)
        took = time.monotonic() - begin
        writer.close()
        return took

    # A machine that is busy keeps one of them for longer, but not all.
    assert any(seconds(number) < 1 for number in range(10))


def test_a_row_is_kept_though_nothing_old_can_be_forgotten(database: Database) -> None:
    database.sql_run("DROP TABLE intermediate")
    written(database, row(1))
    assert ids(database) == ["t1"]


def test_the_thread_begins_with_the_first_row(database: Database) -> None:
    before = threading.active_count()
    writer = TraceWriter(database)
    assert threading.active_count() == before
    writer.close()
    writer.write(row())
    assert threading.active_count() == before + 1
    writer.close()
    assert threading.active_count() == before
    assert ids(database) == ["t1"]


def test_a_row_with_an_odd_value_is_kept_and_the_next_one_too(database: Database) -> None:
    written(database, row(1, signature={"signed_at": AT, "reasons": {"a"}}), row(2))
    assert ids(database) == ["t2", "t1"]


def test_a_row_that_cannot_be_written_costs_itself_and_no_mail(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    circle: dict[str, Any] = {"secret": "what the message says"}
    circle["again"] = circle
    written(database, row(1, plan=circle), row(2))
    assert ids(database) == ["t2"]
    assert "trace row lost" in caplog.text
    assert "what the message says" not in caplog.text


def test_many_rows_are_written_in_their_order(database: Database) -> None:
    written(database, *(row(number, at=AT + timedelta(seconds=number)) for number in range(1234)))
    assert ids(database, limit=2000) == [f"t{number}" for number in reversed(range(1234))]


def test_a_writer_that_died_is_replaced(database: Database) -> None:
    writer = TraceWriter(database)
    dead = threading.Thread(target=lambda: None)
    dead.start()
    dead.join()
    writer._thread = dead
    writer.write(row())
    writer.close()
    assert ids(database) == ["t1"]


def test_writing_never_waits_for_the_database(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = sqlite3.connect(tmp_path / "sealmon.db")
    other.execute("BEGIN IMMEDIATE")
    quick = open_database(database.url)
    writer = TraceWriter(quick)
    quick.engine._pragmas = [("busy_timeout", 50)]
    with own_time() as own:
        for number in range(2000):
            writer.write(row(number))
    assert own.seconds < 0.5
    with caplog.at_level(logging.ERROR, "sealmon.model"):
        writer.close()
    other.close()
    assert writer.lost > 0
    assert "trace rows lost" in caplog.text


# T136
def test_rows_are_forgotten_after_ninety_days(database: Database) -> None:
    written(database, row(1, at=AT - 91 * DAY), row(2, at=AT - 89 * DAY), row(3, at=AT))
    assert ids(database) == ["t3", "t2"]


# T8
def test_a_lost_database_costs_rows_and_nothing_else(database: Database, tmp_path: Path) -> None:
    writer = TraceWriter(database)
    database.close()
    (tmp_path / "sealmon.db").unlink()
    writer.write(row())
    writer.close()
    assert writer.lost == 1


def test_the_last_use_of_a_certificate_is_noted(store: Store) -> None:
    (entry,) = partners.import_partner(store.database, person(BOB).pem, AT)
    assert entry["used_at"] is None
    before = store.database.version()
    store.trace.write(row(1, partner_ids=(entry["id"], 4711)))
    store.trace.close()
    assert partners.get_partner(store.database, entry["id"])["used_at"] == AT + DAY
    assert store.database.version() == before, "no worker reads again for this"
