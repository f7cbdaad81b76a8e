"""What an operator meets is written down: settings, replies, templates."""

import re
from pathlib import Path

import pytest
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.model.fields import FIELDS
from app.model.marks import KEYS, LANGUAGES, MarkTexts
from app.mta.reply import NAMED, Reply
from app.smime.profiles import PROFILES
from app.subject.render import preview
from config import settings
from tests.rules.sources import ROOT

SETTINGS = {
    name: value
    for name, value in vars(settings).items()
    if not name.startswith("_") and isinstance(value, (str, int, float, bool, tuple, list))
}
TEMPLATES = sorted((ROOT / "templates").rglob("*.j2"))


def table(document: str) -> dict[str, list[str]]:
    """Return the rows of the tables of a document by what stands in their first cell."""
    text = (ROOT / "docs" / document).read_text("utf-8")
    rows: dict[str, list[str]] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("| "))]
        if line.startswith("|"):
            for name in re.findall(r"`([^`]+)`", cells[0]):
                rows[name] = cells
    return rows


def test_there_are_settings() -> None:
    assert len(SETTINGS) > 10


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_every_setting_has_unit_default_and_consequence(name: str) -> None:
    row = table("settings.md").get(name)
    assert row is not None, f"docs/settings.md does not explain {name}"
    _, unit, default, consequence = row
    assert unit
    assert consequence
    value = SETTINGS[name]
    assert str(value) in default if value != "" else "empty" in default


def test_no_setting_is_explained_that_does_not_exist() -> None:
    rows = {name for name, row in table("settings.md").items() if len(row) == 4}
    assert rows <= set(SETTINGS)


@pytest.mark.parametrize("name", FIELDS)
def test_every_policy_field_has_its_values_and_what_they_do(name: str) -> None:
    row = table("operating.md").get(name)
    assert row is not None, f"docs/operating.md does not explain {name}"
    _, values, direction, consequence = row
    field = FIELDS[name]
    # The default stands first, as everywhere.
    assert tuple(re.findall(r"`([^`]+)`", values)) == field.values or not field.values
    assert direction == ("both" if len(field.directions) == 2 else field.directions[0])
    assert consequence


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_says_what_it_writes(name: str) -> None:
    row = table("operating.md").get(name)
    assert row is not None, f"docs/operating.md does not explain {name}"
    _, ciphers, unknown, transport, signature = (cell.replace("`", "") for cell in row)
    profile = PROFILES[name]
    assert tuple(ciphers.split(", ")) == profile.ciphers
    assert (unknown, transport) == (profile.unknown, profile.rsa)
    assert signature == profile.rsa_signature


@pytest.mark.parametrize("name", sorted(NAMED))
def test_every_reply_is_explained(name: str) -> None:
    reply = NAMED[name]
    explained = {**table("replies.md"), **table("operating.md")}
    row = explained.get(f"{reply.code} {reply.enhanced} {reply.text}")
    assert row is not None, f"docs/replies.md does not explain {reply}"
    assert len(row) > 1
    assert row[1]


def test_no_reply_is_explained_that_is_never_given() -> None:
    given = {str(reply) for reply in NAMED.values()}
    assert set(table("replies.md")) <= given


# R3: three outcomes, and what is our own fault is temporary.
def test_every_reply_has_an_outcome_and_its_enhanced_code_agrees() -> None:
    for reply in NAMED.values():
        assert isinstance(reply, Reply)
        assert reply.enhanced.startswith(str(reply.code)[0]), reply
        assert reply.relayed + reply.temporary + reply.permanent == 1


def test_there_are_templates() -> None:
    assert TEMPLATES


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_every_template_is_well_formed(file: Path) -> None:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(ROOT / "templates"), undefined=StrictUndefined
    )
    environment.get_template(str(file.relative_to(ROOT / "templates")))


@pytest.mark.parametrize("display", ["text", "symbol"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", KEYS)
def test_every_mark_renders_in_every_language(key: str, language: str, display: str) -> None:
    shown = preview(MarkTexts(), key, display, language)
    assert shown
    assert "{" not in shown
    assert "\n" not in shown
    texts = MarkTexts()
    mark = texts.text(key, language) if display == "text" else texts.symbol(key)
    assert shown[:1] == (mark or shown)[:1]


# What the gateway cannot help is said (T84, T85, T94), and what the owner has to see to (C9).
@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("security.md", "HTML that shows other things to other readers"),
        ("security.md", "a signature says who wrote, not to whom"),
        ("security.md", "they are visible on the wire"),
        ("operating.md", "it lets nobody relay anonymously"),
        ("operating.md", "ms-Exch-SMTP-Accept-Any-Sender"),
    ],
)
def test_what_nobody_but_the_owner_can_see_to_is_written_down(document: str, words: str) -> None:
    assert words in (ROOT / "docs" / document).read_text("utf-8")
