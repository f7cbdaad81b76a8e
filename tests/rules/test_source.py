"""What no line of the source may do."""

import ast
import re
from pathlib import Path

import pytest

from tests.rules.sources import ROOT, calls, imports, literals, python_files, tree

SOURCE = python_files("app", "config")
EVERYTHING = python_files("app", "config", "tools", "tests")

# Who may ask what time it is. R10.
CLOCK = "app/clock.py"
CLOCKS = re.compile(
    r"(?:.*\.)?(?:datetime\.(?:now|utcnow|today)|date\.today|time\.(?:time|time_ns|monotonic|perf_counter))"
)
# The edges: the receiver, what drives the handlers, a worker's life, and the command line.
EDGES = {
    "app/mta/session.py",
    "app/mta/data.py",
    "app/mta/transaction.py",
    "app/mta/workers.py",
    "app/cli/frame.py",
}
# T95, R35: nothing that runs or revives text.
FORBIDDEN = re.compile(
    r"(?:eval|exec|compile|__import__|print|breakpoint|input|os\.system|os\.popen)"
)
# Where a command speaks to whoever typed it.
SPEAKERS = {"app/cli/output.py"}
# Object identifiers: algorithms, and the fields of certificates where certificates are read.
OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*)){3,}")
OID_HOMES = ("app/cms/algorithms.py", "app/cms/keys.py", "app/pki/")
LINES = 400


@pytest.mark.parametrize("file", EVERYTHING, ids=str)
def test_no_file_is_longer_than_a_reader_bears(file: Path) -> None:
    assert len((ROOT / file).read_text("utf-8").splitlines()) < LINES


def test_files_are_short() -> None:
    sizes = sorted(len((ROOT / file).read_text("utf-8").splitlines()) for file in SOURCE)
    written = [size for size in sizes if size > 10]
    assert written[len(written) // 2] <= 200


def test_only_the_clock_asks_what_time_it_is() -> None:
    askers = {
        f"{file}:{call.lineno} {name}"
        for file in SOURCE
        for name, call in calls(file)
        if CLOCKS.fullmatch(name) and str(file) != CLOCK and not name.startswith("clock.")
    }
    assert askers == set()


def test_nothing_is_printed_evaluated_or_run_by_name() -> None:
    found = {
        f"{file}:{call.lineno} {name}"
        for file in SOURCE
        for name, call in calls(file)
        if FORBIDDEN.fullmatch(name) and str(file) not in SPEAKERS
    }
    assert found == set()


# T118
def test_nothing_is_unpickled_and_no_shell_is_asked() -> None:
    for file in SOURCE:
        for module, line in imports(file):
            assert module.split(".")[0] not in {"pickle", "marshal", "shelve", "dill", "ctypes"}, (
                f"{file}:{line} imports {module}"
            )
        for name, call in calls(file):
            shells = [word for word in call.keywords if word.arg == "shell"]
            assert not shells, f"{file}:{call.lineno} {name} asks a shell"


def test_only_the_edges_catch_everything() -> None:
    catchers = {
        f"{file}"
        for file in SOURCE
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ExceptHandler)
        if node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"}
        # Cleaning up and raising the same again catches nothing.
        if not (isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None)
    }
    assert catchers <= EDGES


def test_object_identifiers_stand_in_the_tables() -> None:
    astray = {
        f"{file}:{line} {text}"
        for file in SOURCE
        for text, line in literals(file)
        if OID.fullmatch(text) and not str(file).startswith(OID_HOMES)
        # Four numbers below 256 are an IPv4 address.
        if text.count(".") != 3 or not str(file).startswith("app/mta/")
    }
    assert astray == set()


# T68: "no check was done" can never read as "valid".
def test_only_the_verifier_takes_the_token_for_findings() -> None:
    users = {
        str(file)
        for file in SOURCE
        for node in ast.walk(tree(file))
        if (isinstance(node, ast.Name) and node.id == "MAKER")
        or (isinstance(node, ast.Attribute) and node.attr == "MAKER")
        or (isinstance(node, ast.alias) and node.name == "MAKER")
    }
    assert users == {"app/smime/finding.py", "app/smime/verify.py"}


# R17: who may send in clear, and who may say that octets are sealed.
@pytest.mark.parametrize(
    ("name", "makers"),
    [
        ("ClearAllowed", {"app/model/plan.py"}),
        ("Sealed", {"app/smime/encrypt.py"}),
        ("Finding", {"app/smime/finding.py", "app/smime/verify.py"}),
    ],
)
def test_what_is_guarded_by_type_is_made_in_one_place(name: str, makers: set[str]) -> None:
    found = {
        str(file) for file in SOURCE for called, _ in calls(file) if called.split(".")[-1] == name
    }
    assert found <= makers


# T95
def test_work_to_do_carries_its_number() -> None:
    for file in (*SOURCE, *python_files("tools")):
        for line in (ROOT / file).read_text("utf-8").splitlines():
            marks = re.findall(r"#.*\b(TODO|FIXME|XXX|HACK)\b(\(#\d+\):)?", line)
            assert all(mark == "TODO" and number for mark, number in marks), f"{file}: {line}"


def test_every_silenced_check_says_which() -> None:
    bare = re.compile(r"#\s*type:\s*ignore(?!\[)|#\s*noqa(?!: [A-Z])")
    for file in EVERYTHING:
        if file.parts[:2] != ("tests", "rules"):
            assert not bare.search((ROOT / file).read_text("utf-8")), file


# QUIRK: before Python 3.11.5 a possessive group that fails in the middle does not go back to where
# it began, and octets are lost (gh-106052). Debian 12 has 3.11.2. One character at a time is safe.
POSSESSIVE_GROUP = re.compile(r"(?<!\\)\)(?:[*+?]|\{[0-9,]+\})\+")


@pytest.mark.parametrize("file", SOURCE, ids=str)
def test_no_group_of_an_expression_is_possessive(file: Path) -> None:
    expressions = [
        node.value if isinstance(node.value, str) else node.value.decode("latin-1")
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    ]
    assert [text for text in expressions if POSSESSIVE_GROUP.search(text)] == []
