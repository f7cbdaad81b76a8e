"""Print which tests prove what: each threat and each behaviour with the tests that cite it.

    python -m tools.threats              the whole table
    python -m tools.threats T63 B9       these only
    python -m tools.threats --missing    what no test cites

A test cites a number in a comment: above it, in it, or beside a row of its table. What the
docstring or a comment at the top of a file cites holds for the whole file.
"""

import ast
import io
import re
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
KNOWN = {"T": 138, "A": 8, "B": 9, "C": 9, "D": 7}
# T47, and T47-T50 or T47-50 with any dash.
CITED = re.compile(r"\b([TABCD])([1-9][0-9]{0,2})(?:\s?[-\u2013]\s?\1?([1-9][0-9]{0,2}))?\b")


def numbers(text: str) -> Iterator[str]:
    """Give every threat and behaviour that a text cites."""
    for letter, first, last in CITED.findall(text):
        for number in range(int(first), int(last or first) + 1):
            if number <= KNOWN[letter]:
                yield f"{letter}{number}"


def comments(text: str) -> Iterator[tuple[int, str]]:
    """Give every comment with its line."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def spans(tree: ast.Module) -> list[tuple[int, int, str]]:
    """Return first line, last line and name of each test; the first is that of its decorators."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("test_"):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            found.append((first, node.end_lineno or node.lineno, node.name))
    return sorted(found)


def owner(line: int, lines: list[str], tests: list[tuple[int, int, str]]) -> str:
    """Return the test that a comment belongs to, "" for the whole file."""
    for first, last, name in tests:
        if first <= line <= last:
            return name
        # A block of comments directly above the test.
        between = lines[line : first - 1]
        if line < first and all(text.startswith("#") for text in between):
            return name
    return ""


def citations(file: Path) -> Iterator[tuple[str, str]]:
    """Give every number that a test file cites, with the test."""
    text = file.read_text("utf-8")
    tree = ast.parse(text)
    tests, lines = spans(tree), text.splitlines()
    for number in numbers(ast.get_docstring(tree) or ""):
        yield number, ""
    for line, comment in comments(text):
        for number in numbers(comment):
            yield number, owner(line, lines, tests)


@cache
def table() -> dict[str, list[str]]:
    """Return number -> tests, as pytest names them."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for number, test in citations(file):
            name = str(file.relative_to(ROOT))
            found[number].add(f"{name}::{test}" if test else name)
    return {number: sorted(found[number]) for number in everything()}


def everything() -> list[str]:
    """Return every known number, in order."""
    return [f"{letter}{n}" for letter, last in KNOWN.items() for n in range(1, last + 1)]


def main(arguments: list[str]) -> int:
    """Print the table, or the part that was asked for."""
    rows = table()
    if "--missing" in arguments:
        missing = [number for number, tests in rows.items() if not tests]
        sys.stdout.write(f"{len(missing)} of {len(rows)} uncited: {' '.join(missing)}\n")
        return 0
    wanted = arguments or list(rows)
    for number in wanted:
        tests = rows.get(number, [])
        sys.stdout.write(f"{number:5} {len(tests):3}  {tests[0] if tests else '-'}\n")
        sys.stdout.writelines(f"{'':10} {test}\n" for test in tests[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
