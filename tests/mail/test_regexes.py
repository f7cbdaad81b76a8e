"""Every expression takes linear time, and 10,000 messages come out as they went in."""

import importlib
import pkgutil
import random
import re

import pytest

import app.mail
from app.mail.headers import Headers, join, split
from tests.timing import own_time

_MODULES = [
    importlib.import_module(f"app.mail.{module.name}")
    for module in pkgutil.iter_modules(app.mail.__path__)
]
PATTERNS: dict[str, re.Pattern[str] | re.Pattern[bytes]] = {
    f"{module.__name__}.{name}": value
    for module in _MODULES
    for name, value in vars(module).items()
    if isinstance(value, re.Pattern)
}

# What makes a careless expression try every way to cut it.
UNITS = [
    *(
        "a",
        " ",
        "\t",
        "(",
        '"',
        "\\",
        "=",
        "?",
        ";",
        ":",
        "@",
        ".",
        "-",
        "*",
        "'",
        "[",
        "\r\n",
        "\n",
    ),
    *(
        "=?",
        "?=",
        "=?a?q?",
        '="',
        ';a="',
        ";a=",
        "a.",
        "a@",
        "\r\n ",
        "=\r\n",
        "=20",
        "--",
        "\r",
        "a ",
    ),
]


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_an_expression_is_linear_in_hostile_text(name: str) -> None:
    # T37
    pattern = PATTERNS[name]
    with own_time() as own:
        for unit in UNITS:
            for end in ("", "\0", "x", ";", '"'):
                text = (unit * 50_000)[:50_000] + end
                if isinstance(pattern.pattern, bytes):
                    _try(pattern, text.encode())
                else:
                    _try(pattern, text)
    # Some 150 texts of 50,000 characters; one quadratic expression takes minutes for one of them.
    assert own.seconds < 10


def _try(pattern: re.Pattern[str] | re.Pattern[bytes], text: str | bytes) -> None:
    pattern.match(text)  # type: ignore[arg-type]
    pattern.fullmatch(text)  # type: ignore[arg-type]


def test_ten_thousand_random_messages_come_out_as_they_went_in() -> None:
    # T14
    chance = random.Random(14)
    lines = [
        b".",
        b"..",
        b"",
        b"\0",
        b"a: b",
        b" c",
        b"\xff\xfe",
        b"x" * 1200,
        b"From ",
        b"\r",
        b"\n",
    ]
    for _ in range(10_000):
        message = b"\r\n".join(chance.choices(lines, k=chance.randrange(12)))
        parts = split(message)
        assert join(parts.headers, parts) == message
        assert join(Headers.of(parts.headers.fields), parts) == message
