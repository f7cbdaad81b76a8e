"""Each line of the log is one JSON object, whatever is logged (T131)."""

import io
import json
import logging
import logging.config

import pytest

from config.logs import CHARACTERS_AT_MOST, configuration

HOSTILE = "a\r\nb\x1b[31m\x00 {} \N{RIGHT-TO-LEFT OVERRIDE}" + "x" * 2000


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    settings = configuration("INFO")
    settings["handlers"]["stderr"]["stream"] = stream
    logging.config.dictConfig(settings)
    monkeypatch.setattr(logging.getLogger("sealmon"), "propagate", True)
    return stream


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_hostile_text_stays_one_capped_ascii_object(written: io.StringIO, level: str) -> None:
    getattr(logging.getLogger("sealmon.test"), level)("said %s", HOSTILE)
    (line,) = written.getvalue().splitlines()
    assert line.isascii()
    assert line.isprintable()
    found = json.loads(line)
    assert found["level"] == level
    assert len(found["event"]) == CHARACTERS_AT_MOST + 1


def test_failure_is_one_line_too(written: io.StringIO) -> None:
    try:
        raise ValueError("why")
    except ValueError:
        logging.getLogger("sealmon.test").exception("failed")
    (line,) = written.getvalue().splitlines()
    assert "ValueError: why" in json.loads(line)["exception"]


def test_other_libraries_are_silent_below_a_warning(written: io.StringIO) -> None:
    logging.getLogger("mail.log").info("RCPT TO:<alice@nord.example>")
    assert written.getvalue() == ""
