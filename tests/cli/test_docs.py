"""What the documentation tells people to type, and to set, exists."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from app.cli.main import sealmon
from app.mta.installation import PREFIX, Installation

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(page for page in DOCS.glob("*.md"))
_ROW = re.compile(r"^\| (`[^|]*`) \| ([^|]*) \| ([^|]*) \| ([^|]+) \|$", re.MULTILINE)


def commands(page: Path) -> Iterator[str]:
    """Give every command line of sealmon in the blocks of a page."""
    for block in re.findall(
        r"^```sh\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
    ):
        for line in block.splitlines():
            if line.startswith("sealmon "):
                yield line


LINES = sorted({line for page in PAGES for line in commands(page)})


@pytest.mark.parametrize("line", LINES)
def test_every_command_of_the_documentation_is_right_usage(line: str) -> None:
    words = shlex.split(line.partition(" > ")[0], comments=True)[1:]
    group: click.Command = sealmon
    with click.Context(sealmon, info_name="sealmon") as context:
        while isinstance(group, click.Group):
            word = words.pop(0)
            found = group.get_command(context, word)
            assert found is not None, word
            group = found
        group.make_context(group.name, words, parent=context)


def test_there_are_commands_in_the_documentation() -> None:
    assert len(LINES) > 20


def settings_rows() -> dict[str, tuple[str, str, str]]:
    """Return unit, default and consequence of each setting in the table."""
    rows: dict[str, tuple[str, str, str]] = {}
    for names, *cells in _ROW.findall((DOCS / "settings.md").read_text("utf-8")):
        for name in re.findall(r"`(\w+)`", names):
            rows[name] = (cells[0].strip(), cells[1].strip(), cells[2].strip())
    return rows


def test_every_setting_has_a_row_and_every_row_a_setting() -> None:
    assert set(settings_rows()) == set(Installation.model_fields)


@pytest.mark.parametrize("name", sorted(Installation.model_fields))
def test_a_row_says_unit_default_and_consequence(name: str) -> None:
    unit, default, consequence = settings_rows()[name]
    value = str(Installation.model_fields[name].default)
    assert unit
    assert (f"`{value}`" if value else "empty") in default
    assert len(consequence) > 20


def test_the_prefix_of_the_variables_is_the_documented_one() -> None:
    assert f"`{PREFIX}`" in (DOCS / "settings.md").read_text("utf-8")
