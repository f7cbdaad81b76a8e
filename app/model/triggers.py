"""Triggers: words of the subject and header fields by which one message asks for protection.

An entry of the policy field ``triggers`` reads ``encrypt=require if subject [secret]`` or
``sign=never if header X-Newsletter: yes``. A word counts at the start or the end of the subject,
case and white space aside; one that asks for less counts at the start only, because a stranger's
word comes back behind ``Re:`` in every reply (T95). How far a trigger may go: see plan.py.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from app.model.errors import Refused

REQUIRE: Final = "require"
NEVER: Final = "never"

_ENTRY: Final = re.compile(
    r"(?P<field>sign|encrypt)=(?P<value>require|never) if "
    r"(?:subject (?P<word>\S.*)|header (?P<name>[!-9;-~]+): ?(?P<text>\S.*))"
)
_WORD_CHARACTERS: Final = 3
"""A shorter word would be met by chance."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One entry."""

    field: str
    """"sign" or "encrypt"."""
    value: str
    """"require" or "never"."""
    word: str = ""
    """Of the subject; "" if it is about a header field."""
    name: str = ""
    text: str = ""


@lru_cache(1000)
def parse_trigger(entry: str) -> Trigger:
    """Return an entry of the policy. Raises Refused with what it must look like."""
    found = _ENTRY.fullmatch(entry)
    if found is None:
        raise Refused(
            f"{entry!r} is not like 'encrypt=require if subject [secret]'"
            " or 'sign=never if header X-Newsletter: yes'"
        )
    word = found["word"] or ""
    if word and len(_folded(word)) < _WORD_CHARACTERS:
        raise Refused(f"{entry!r}: a word has at least {_WORD_CHARACTERS} characters")
    return Trigger(found["field"], found["value"], word, found["name"] or "", found["text"] or "")


def asked(
    entries: Sequence[str], subject: str, find: Callable[[str], str]
) -> Mapping[str, str] | None:
    """Return what a message asks of ``sign`` and ``encrypt``, None if nothing.

    ``subject`` is decoded; ``find`` gives the decoded text of a header field, "" if there is none.
    Where entries differ the one that asks for more wins.
    """
    found: dict[str, str] = {}
    for trigger in map(parse_trigger, entries):
        if found.get(trigger.field) == REQUIRE:
            continue
        if _is_met(trigger, subject, find):
            found[trigger.field] = trigger.value
    return found or None


def without_words(entries: Sequence[str], subject: str) -> str:
    """Return the subject without the trigger words at its start and end."""
    words = [trigger.word for trigger in map(parse_trigger, entries) if trigger.word]
    changed = True
    while changed:
        changed = False
        for word in words:
            for start, end in _places(word, subject):
                subject = (subject[:start] + subject[end:]).strip()
                changed = True
                break
    return subject


def field_names(entries: Sequence[str]) -> tuple[str, ...]:
    """Return the private (``X-``) fields that triggers look at; they leave no message (R19)."""
    names = (trigger.name for trigger in map(parse_trigger, entries) if trigger.name)
    return tuple(dict.fromkeys(name for name in names if name.lower().startswith("x-")))


def _is_met(trigger: Trigger, subject: str, find: Callable[[str], str]) -> bool:
    if trigger.name:
        return _folded(find(trigger.name)) == _folded(trigger.text)
    places = list(_places(trigger.word, subject))
    if trigger.value == NEVER:
        places = [place for place in places if place[0] == 0]
    return bool(places)


def _places(word: str, subject: str) -> Iterator[tuple[int, int]]:
    """Give the places of a word at the start (from 0) and at the end (to the last character)."""
    wanted = _folded(word)
    start = _length(wanted, subject)
    if start:
        yield 0, start
    end = _length(wanted[::-1], subject[::-1])
    if end:
        yield len(subject) - end, len(subject)


def _length(wanted: str, text: str) -> int:
    """Return how many characters of the text make up a folded word at its start, else 0."""
    seen = ""
    for at, character in enumerate(text, 1):
        if len(seen) > len(wanted):
            return 0
        seen += "" if character.isspace() else character.casefold()
        if seen == wanted:
            return at
        if not wanted.startswith(seen):
            return 0
    return 0


def _folded(text: str) -> str:
    return "".join(text.split()).casefold()
