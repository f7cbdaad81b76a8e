"""Every reason that can be given has words in both languages."""

import ast
import re
from pathlib import Path

import pytest

from app.model.marks import ENCRYPTED, KEYS
from app.pki import reasons as codes
from app.smime.details import DETAILS
from app.smime.finding import Status
from app.smime.reasons import Reason
from app.smime.texts import TEXTS
from tests.vectors.cases import vectors

APP = Path(__file__).parents[2] / "app"
GIVEN = re.compile(r'Reason\(\s*"([a-z-]+)"|return \d, "([a-z-]+)"|\("(damage-[a-z-]+)"')


def given() -> set[str]:
    """Return every code that the source names."""
    found: set[str] = set()
    for path in sorted(APP.rglob("*.py")):
        for match in GIVEN.finditer(path.read_text("utf-8")):
            found.update(code for code in match.groups() if code)
    return found


def test_every_code_of_the_source_has_words() -> None:
    assert given() - set(TEXTS) == set()


def test_every_code_of_paths_has_words() -> None:
    words = {
        value for name, value in vars(codes).items() if name.isupper() and isinstance(value, str)
    }
    assert words - set(TEXTS) == set()


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_words_differ_between_the_languages(code: str) -> None:
    english, german = TEXTS[code]
    assert english != german
    assert english[0].islower()
    assert Reason(code, "x").text("de") == f"{german}: x"
    assert Reason(code, "x").text("en") == f"{english}: x"


# Where sentences of our own become the detail of a reason.
READERS = tuple(
    f"{place}.py"
    for place in (
        *("mail/originator", "mail/mailboxes", "mail/addr_spec", "mail/fields", "mail/section"),
        *("mail/entity", "mail/delimiters", "smime/kinds"),
    )
)


def sentences(path: str) -> set[str]:
    """Return the sentences in a module, {} for what is filled in; no docstrings, no comments."""
    tree = ast.parse((APP / path).read_text("utf-8"))
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr | ast.Assert)
        for part in ast.walk(node)
        if part is not node
    }
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and id(node) not in inside:
            parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            found.add("".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and id(node) not in docstrings | inside:
            found.add(str(node.value))
    return {each for each in found if re.fullmatch(r"[A-Za-z8][\w /{}:,-]* [\w /{}-]+", each)}


@pytest.mark.parametrize("path", READERS)
def test_every_sentence_of_the_readers_has_german(path: str) -> None:
    assert sentences(path) - set(DETAILS) == set()


def test_the_sentences_are_found() -> None:
    assert len({each for path in READERS for each in sentences(path)}) > 45


@pytest.mark.parametrize(
    ("reason", "german"),
    [
        (Reason("from", "several From fields"), "das From-Feld: mehrere From-Felder"),
        (
            Reason("from", "From cannot be read: stray ','"),
            "das From-Feld: From ist nicht zu lesen: ',' am falschen Ort",
        ),
        (
            Reason("header-anomaly", "bare CR, several from fields"),
            "der Kopf der Nachricht ist nicht einwandfrei: einzelnes CR, mehrere Felder from",
        ),
        (
            Reason("from-differs", "mallory@evil.example, x@y.example"),
            "das Zertifikat gehört jemand anderem: mallory@evil.example, x@y.example",
        ),
    ],
)
def test_details_of_our_own_are_german_too(reason: Reason, german: str) -> None:
    assert reason.text("de") == german
    assert reason.detail in reason.text("en")


def test_every_status_can_be_reached_and_has_its_word() -> None:
    reached = {vector.expected["signature"] for vector in vectors()} | {"valid-domain"}
    assert reached == set(Status)
    assert {key for key in KEYS if key != ENCRYPTED} == set(Status) - {"none"}
