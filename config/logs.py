"""One JSON object per line on stderr: escaped, capped, without content (T131, R34)."""

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

CHARACTERS_AT_MOST = 500
"""Of each value (T131)."""


def _capped(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if isinstance(value, str) and name != "exception" and len(value) > CHARACTERS_AT_MOST:
            event[name] = value[:CHARACTERS_AT_MOST] + "…"
    return event


def _cause(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    record = event.get("_record")
    if isinstance(record, logging.LogRecord):
        event["pid"] = record.process
    return event


def configuration(level: str) -> dict[str, Any]:
    """Return the configuration of the standard library's logging."""
    shared = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _cause,
        structlog.processors.format_exc_info,
        _capped,
    ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.JSONRenderer(ensure_ascii=True),
                ],
            }
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": "json",
            }
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {"sealmon": {"level": level}},
    }
