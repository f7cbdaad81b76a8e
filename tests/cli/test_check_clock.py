"""T135: by a wrong clock everything is judged wrongly, and nobody sees it."""

from datetime import UTC, datetime, timedelta

import pytest

from app import clock
from app.model.database import open_database
from app.model.stored import stamp
from app.model.tables import Trace
from tests.cli.conftest import Command
from tests.cli.test_check import found


def test_a_clock_that_stands_before_this_version_is_wrong(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 5, 31, tzinfo=UTC))
    assert "before this version was made" in found(command)["clock"]["what"]


@pytest.mark.parametrize(("seconds", "is_wrong"), [(-5, False), (55, False), (90, True)])
def test_a_clock_that_went_back_is_wrong(command: Command, seconds: int, is_wrong: bool) -> None:
    database = open_database(f"sqlite:///{command.folder}/sealmon.db")
    values = dict.fromkeys(
        ("trace_id", "direction", "sender", "author", "recipient", "message_id", "details"), "x"
    )
    database.insert(Trace, {**values, "at": stamp(clock.now() + timedelta(seconds=seconds))})
    database.close()
    report = found(command).get("clock-stepped")
    assert (report is not None) == is_wrong
    assert report is None or (report["level"] == "wrong" and "timedatectl" in report["remedy"])
