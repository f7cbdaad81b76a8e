"""Every standard that the source cites stands in docs/standards.md, with the sections it cites."""

import re
from collections import defaultdict
from functools import cache

import pytest

from tests.rules.sources import ROOT, prose, python_files

STANDARDS = ROOT / "docs" / "standards.md"
SOURCE = python_files("app", "config")
# The one form of a citation: RFC 8551 §3.1.1, RFC 5322 §2.1, §2.2.
CITED = re.compile(r"RFC (\d+)((?:,? ?(?:and )?§[0-9A-Z]+(?:\.[0-9]+)*(?:\([0-9a-z]\))?)*)")
SECTION = re.compile(r"§([0-9A-Z]+(?:\.[0-9]+)*)")
ROW = re.compile(r"\| \[?RFC (\d+)\]?[^|]*\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|")
STATUSES = {"Yes", "Partial", "No", "Read"}


@cache
def cited() -> dict[str, dict[str, set[str]]]:
    """Return number -> section -> modules; the section "" for a citation without one."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for file in SOURCE:
        for text in prose(file):
            for number, sections in CITED.findall(text):
                for section in SECTION.findall(sections) or [""]:
                    found[number][section].add(str(file))
    return found


@cache
def listed() -> dict[str, tuple[str, str, str, str]]:
    """Return number -> status, sections, modules, deviations, from the table."""
    rows = {}
    for line in STANDARDS.read_text("utf-8").splitlines():
        row = ROW.match(line)
        if row:
            status, sections, modules, deviations = (cell.strip() for cell in row.groups()[1:])
            rows[row[1]] = (status, sections, modules, deviations)
    return rows


def test_the_source_cites_its_standards() -> None:
    assert len(cited()) > 60


def test_every_cited_rfc_is_listed() -> None:
    missing = {
        f"RFC {number}": sorted(cited()[number]) for number in cited().keys() - listed().keys()
    }
    assert missing == {}


@pytest.mark.parametrize("number", sorted(map(int, listed())))
def test_every_row_says_what_is_so(number: int) -> None:
    status, sections, modules, _ = listed()[str(number)]
    assert status in STATUSES
    if status in {"Yes", "Partial"}:
        assert modules, "where is it done?"
    for name in re.findall(r"`([^`]+)`", modules):
        assert (ROOT / "app" / name).exists(), f"app/{name} is not there"
    for section in re.findall(r"§([0-9A-Z]+(?:\.[0-9]+)*)", sections):
        assert section


def test_every_cited_section_is_listed_or_below_a_listed_one() -> None:
    missing = []
    for number, sections in cited().items():
        named = SECTION.findall(listed().get(number, ("", "", "", ""))[1])
        for section, files in sections.items():
            if section and not any(f"{section}.".startswith(f"{each}.") for each in named):
                missing.append(f"RFC {number} §{section} in {', '.join(sorted(files))}")
    assert missing == []


def test_every_deviation_of_the_source_is_listed() -> None:
    """The prose around a DEVIATION: names a standard, and its row says what it is."""
    for file in SOURCE:
        for text in prose(file):
            if "DEVIATION:" in text:
                numbers = re.findall(r"RFC (\d+)", text)
                assert numbers, f"{file}: {text} names no standard"
                rows = [listed().get(number, ("", "", "", "")) for number in numbers]
                assert any(row[3] for row in rows), f"{file}: {text}"
