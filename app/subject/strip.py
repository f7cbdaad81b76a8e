"""Clean messages of marks that are not ours: in what arrives, and in what local users send on.

A reader trusts a mark because nobody else can put one there. So everything in a subject that is a
mark, was one, or could be taken for one is cut out before ours is put on; and so are result fields
that bear our name. What needs no cleaning stays as it is, octet for octet. behaviour.md B8, B9;
RFC 8601 §5.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from operator import is_
from typing import Final

from app import patience
from app.mail.headers import Field, Headers, decode_text, encode_text, join, split, unfold
from app.mail.limits import DECODE_OCTETS
from app.mail.words import octets_to_text, raw_text
from app.model.marks import MarkTexts
from app.subject.brackets import SIDES
from app.subject.effort import Effort, TooMuch
from app.subject.forged import is_forged
from app.subject.forms import Forms
from app.subject.readings import BIDI_CONTROLS, MAY_BE_WORD, OVERRIDES, UNSURE, has_bidi, readings
from app.subject.scan import Scan
from app.subject.skeleton import AS_FOLDED, AS_SEEN, IGNORABLE, reduce
from app.subject.symbols import Symbols

# In which mail programs of some countries read octets that say nothing of their charset.
_RAW_CHARSETS: Final = ("gb18030", "big5hkscs", "cp932", "euc-jp", "cp949", "koi8-r", "cp1251")
TURNED_CHARACTERS: Final = 998  # read of a subject that is shown in another order
ROUNDS: Final = 4  # of cutting, before a subject is taken apart
_HIDES: Final = BIDI_CONTROLS | {"\x1b"}
_WORD_BEGINS: Final = re.compile(r"=[=\s]*+(?=\?)")
# Outlook copies the subject into Thread-Topic, and shows Keywords as categories.
_SHOWN: Final = frozenset(("subject", "thread-topic", "keywords", "comments"))
# Outlook shows "Sender on behalf of From".
_PEOPLE: Final = frozenset(("from", "sender"))
_LOOKED_AT: Final = _SHOWN | _PEOPLE


@lru_cache(maxsize=16)
def _forms(texts: tuple[str, ...]) -> Forms:
    return Forms(texts)


@lru_cache(maxsize=16)
def _symbols(symbols: tuple[str, ...]) -> Symbols:
    return Symbols(symbols)


class Cleaner:
    """Takes marks off. Cheap to make: what it knows about a set of mark texts is kept."""

    def __init__(self, texts: MarkTexts, symbols: bool, language: str = "") -> None:  # noqa: FBT001
        self._no_subject: Final = texts.no_subject(language)
        self._forms: Final = _forms(texts.every_text)
        self._symbols: Final = _symbols(texts.every_symbol) if symbols else None

    def clean(self, subject: str, effort: Effort | None = None) -> str:
        """Return the subject without marks and whatever is like one.

        Cleaning a cleaned subject changes nothing. If nothing is left that a reader could see, the
        words for that are returned. A subject that is not worth the effort, by default that for
        one, loses its brackets instead. behaviour.md B8, B9.
        """
        cleaned = self._in_rounds(self._capped(subject), effort or Effort())
        if cleaned != subject and not _is_visible(cleaned):
            return self._no_subject
        return cleaned

    def _in_rounds(self, text: str, effort: Effort) -> str:
        with suppress(TooMuch):
            for _ in range(ROUNDS):
                patience.tick()
                before, text = text, self._once(text, effort)
                if text == before:
                    return text
        return self._taken_apart(text)

    def clean_message(self, message: bytes, *, authserv_id: str, utf8: bool = False) -> bytes:
        """Return the message without marks, and without result fields that bear our name.

        Fields that need no cleaning stay octet for octet; the same object comes back if all do. Of
        several Subject fields the first stays. X-Sealmon-Hop goes too: whoever counts has read it
        before. With utf8, for SMTPUTF8 transactions, what is written anew is raw UTF-8.
        RFC 8601 §5, RFC 6532 §3.2.
        """
        parts = split(message)
        fields: list[Field] = []
        subjects = 0
        # A subject and all else.
        efforts = Effort(), Effort()
        for field in self._own_fields(parts.headers):
            patience.tick()
            if is_forged(field, authserv_id):
                continue
            key = field.plain_key
            if key not in _LOOKED_AT:
                # Nearly all of them; there may be tens of thousands (T36).
                fields.append(field)
                continue
            subjects += key == "subject"
            is_second = key == "subject" and subjects > 1
            if not is_second:
                effort = efforts[key != "subject"]
                fields.append(self._cleaned(field, effort, utf8=utf8))
        if len(fields) == len(parts.headers.fields) and all(map(is_, fields, parts.headers.fields)):
            return message
        cleaned = Headers.of(fields)
        return message if cleaned == parts.headers else join(cleaned, parts)

    @staticmethod
    def _own_fields(headers: Headers) -> tuple[Field, ...]:
        """Return the fields but a first line that goes on with nothing: one of ours would do."""
        fields = headers.fields
        return fields[1:] if headers.octets[:1] in {b" ", b"\t"} else fields

    def _cleaned(self, field: Field, effort: Effort, *, utf8: bool) -> Field:
        key = field.plain_key
        if key in _SHOWN:
            for text in _texts_of(field):
                cleaned = self.clean(text, effort)
                if cleaned != text:
                    name = field.name if field.name.isascii() else "Subject"
                    return self._written(name, cleaned, effort, utf8=utf8)
            return field
        if key in _PEOPLE and self._symbols:
            return self._symbols.without_in_phrase(field)
        return field

    def _written(self, name: str, text: str, effort: Effort, *, utf8: bool) -> Field:
        """Return the field of a cleaned text, clean also as it will be read.

        Writing turns control characters into spaces, which can bring the pieces of a mark together.
        """
        field = Field(name, encode_text(name, text, utf8=utf8))
        for _ in range(ROUNDS):
            read = decode_text(field.value)
            cleaned = self.clean(read, effort)
            if cleaned == read:
                break
            field = Field(name, encode_text(name, cleaned, utf8=utf8))
        return field

    def _capped(self, subject: str) -> str:
        # Nobody reads so far, but everything there would have to be read by us (T63).
        most = DECODE_OCTETS if OVERRIDES.isdisjoint(subject) else TURNED_CHARACTERS
        rest = subject[most:]
        return subject[:most] if rest and self._may_hide(rest) else subject

    def _may_hide(self, text: str) -> bool:
        """Tell whether the text has anything that a mark needs; most subjects have not."""
        if self._symbols and self._symbols.found_in(text):
            return True
        return "\x1b" in text or _has_brackets(text) or MAY_BE_WORD.search(text) is not None

    def _once(self, subject: str, effort: Effort) -> str:
        if not self._may_hide(subject):
            return subject
        effort.spend(len(subject) if MAY_BE_WORD.search(subject) else 0)
        for reading in readings(subject):
            effort.spend(len(reading) // 2)
            cleaned = self._without_marks(reading, effort)
            if cleaned != reading:
                return cleaned
        return subject

    def _without_marks(self, text: str, effort: Effort) -> str:
        if self._symbols:
            text = self._symbols.without(text)
        if not _has_brackets(text):
            return text
        is_turned = has_bidi(text)
        for letters in (AS_SEEN, AS_FOLDED):
            if is_turned or self._forms.may_be_in(reduce(text, letters)):
                text = Scan(self._forms, letters, effort, any_order=is_turned).read(text)
        return text

    def _taken_apart(self, text: str) -> str:
        """Return the text without anything that could make a mark, or hide one."""
        plain = "".join(char for char in text if char not in _HIDES and not SIDES[char])
        if self._symbols:
            plain = self._symbols.without(plain)
        # One less brings no other before a question mark.
        return _WORD_BEGINS.sub("", plain)


def _has_brackets(text: str) -> bool:
    return any(map(SIDES.__getitem__, text))


def _is_visible(text: str) -> bool:
    return any(char.isprintable() and not char.isspace() and char not in IGNORABLE for char in text)


def _texts_of(field: Field) -> Iterator[str]:
    """Give what mail programs take the octets of a field for, the likeliest first."""
    yield decode_text(field.value)
    line = unfold(field.value)[:DECODE_OCTETS]
    if UNSURE.search(raw_text(line)):
        yield raw_text(line)
    # Octets that are no UTF-8 are shown as another charset by some, and left out by others.
    partly = field.value.decode("utf-8", "ignore").encode()
    if partly != field.value:
        yield decode_text(partly)
        yield from dict.fromkeys(octets_to_text(line, charset) for charset in _RAW_CHARSETS)
