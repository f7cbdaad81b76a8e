"""Media types: the value of Content-Type and Content-Disposition fields.

Reads parameters plain, quoted, split and charset-marked, with comments anywhere. Anything that two
readers could take differently (a parameter twice, rests behind a value, a boundary in parts) is
told of as an anomaly (T38). Linear, without recursion; nothing is raised.
RFC 2045 §5.1, RFC 2183 §2, RFC 2231 §3, §4.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from app.mail.limits import FIELD_OCTETS
from app.mail.words import octets_to_text, outside_comments, raw_text, unfold

_WORD: Final = r"[^\x00-\x20\x7f()<>@,;:\\\"/\[\]?=]++"  # a token, RFC 2045 §5.1
_TYPE: Final = re.compile(rf"({_WORD})[ \t]*+/[ \t]*+({_WORD})[ \t]*+(?=;|\Z)")
_PARAMETER: Final = re.compile(
    r"[ \t]*+;[ \t]*+"
    rf"(?:({_WORD})[ \t]*+=[ \t]*+(?:({_WORD})|\"([^\"\\]*+(?:\\.[^\"\\]*+)*)\")[ \t]*+)?"
    r"(?=;|\Z)",
)
# Parameters without blanks, escapes and parts, as nearly all are: together, and one by one.
_USUAL: Final = re.compile(rf"(?:[ \t]*+;[ \t]*+{_WORD}=(?:{_WORD}|\"[^\"\\]*+\")[ \t]*+)*")
_PAIR: Final = re.compile(rf";[ \t]*+({_WORD})=(?:({_WORD})|\"([^\"\\]*+)\")")
_ATTRIBUTE: Final = re.compile(r"([^*]+)(?:\*(0|[1-9][0-9]{0,2}))?(\*)?")
_ESCAPE: Final = re.compile(r"\\(.)")
# Parameters that decide about structure; readers without RFC 2231 do not see them in its forms.
_STRUCTURAL: Final = ("boundary", "protocol", "micalg", "smime-type")
_CACHED_OCTETS: Final = 256
_USUAL_OCTETS: Final = 1024
# What is read of one field (T35): a file name of 255 characters in the forms of RFC 2231 takes 40.
_PARAMETERS: Final = 64


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type with its parameters; type and names in lower case, values as they are meant."""

    type: str
    subtype: str
    parameters: Mapping[str, str]
    anomalies: tuple[str, ...] = ()
    essence: str = field(init=False, repr=False, compare=False)
    """Type and subtype, "text/plain"."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "essence", f"{self.type}/{self.subtype}")


PLAIN_TEXT: Final = MediaType("text", "plain", {"charset": "us-ascii"})
"""What an entity without a Content-Type field is (RFC 2045 §5.2)."""
ATTACHED_MESSAGE: Final = MediaType("message", "rfc822", {})
"""What it is inside of a multipart/digest (RFC 2046 §5.1.5)."""


def parse_media_type(value: bytes) -> MediaType | None:
    """Return the media type of a Content-Type value, folded or not; None if it is none."""
    if len(value) <= _CACHED_OCTETS:
        return _cached(value)
    return _parse(value) if len(value) <= FIELD_OCTETS else None


def _parse(value: bytes) -> MediaType | None:
    text = _text_of(value)
    head = _TYPE.match(text)
    if head is None:
        return None
    parameters, anomalies = _usual_parameters(text, head.end()) or _parameters(text, head.end())
    return MediaType(head[1].lower(), head[2].lower(), parameters, anomalies)


_cached: Final = lru_cache(maxsize=1024)(_parse)


def parse_disposition(value: bytes) -> tuple[str, Mapping[str, str]]:
    """Return the disposition in lower case and the parameters of a Content-Disposition value."""
    if len(value) > FIELD_OCTETS:
        return "", {}
    text = _text_of(value)
    kind, semicolon, _ = text.partition(";")
    return kind.strip().lower(), _parameters(text, len(kind))[0] if semicolon else {}


def _text_of(value: bytes) -> str:
    text = raw_text(unfold(value))
    return "".join(outside_comments(text)) if "(" in text else text


def _usual_parameters(text: str, at: int) -> tuple[dict[str, str], tuple[str, ...]] | None:
    """Return what _parameters does where nothing needs a closer look, else None."""
    if len(text) > _USUAL_OCTETS or "*" in text or _USUAL.fullmatch(text, at) is None:
        return None
    pairs = _PAIR.findall(text, at)
    found = {name.lower(): word or quoted for name, word, quoted in pairs}
    return (found, ()) if len(found) == len(pairs) <= _PARAMETERS else None


def _parameters(text: str, at: int) -> tuple[dict[str, str], tuple[str, ...]]:
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    anomalies: list[str] = []
    twice: dict[str, None] = {}
    count = 0
    while at < len(text):
        count += 1
        if count > _PARAMETERS:
            anomalies.append(f"more than {_PARAMETERS} parameters")
            break
        found = _PARAMETER.match(text, at)
        if found is None:
            anomalies.append("parameter that cannot be read")
            at = _next_semicolon(text, at + 1)
            continue
        at = found.end()
        if found[1] is None:
            continue
        value = found[2] if found[2] is not None else _ESCAPE.sub(r"\1", found[3])
        name, number, is_encoded = _name_of(found[1].lower())
        if name in plain or (sections and number in sections.get(name, {})):
            twice[name] = None
        elif number < 0:
            plain[name] = value
        else:
            sections.setdefault(name, {})[number] = value, is_encoded
    anomalies.extend(f"parameter {name} in parts" for name in _STRUCTURAL if name in sections)
    twice |= {name: None for name in sections if name in plain}
    anomalies.extend(f"parameter {name} twice" for name in twice)
    # Readers that know RFC 2231 prefer its forms where both are there (RFC 6266 §4.3).
    joined = {name: _joined(numbered) for name, numbered in sections.items()}
    return plain | joined, tuple(dict.fromkeys(anomalies))


def _next_semicolon(text: str, at: int) -> int:
    found = text.find(";", at)
    return found if found >= 0 else len(text)


def _name_of(attribute: str) -> tuple[str, int, bool]:
    """Return name, section (-1 for a plain parameter) and whether the value is percent-encoded."""
    found = _ATTRIBUTE.fullmatch(attribute) if "*" in attribute else None
    if found is None:
        return attribute, -1, False
    is_encoded = found[3] is not None
    if found[2] is None:
        return found[1], 0 if is_encoded else -1, is_encoded
    return found[1], int(found[2]), is_encoded


def _joined(numbered: Mapping[int, tuple[str, bool]]) -> str:
    """Return the value of a split parameter; sections after a gap are left out (RFC 2231 §3)."""
    charset = "us-ascii"
    octets: list[bytes] = []
    for number in range(len(numbered)):
        if number not in numbered:
            break
        value, is_encoded = numbered[number]
        if is_encoded and number == 0 and value.count("'") >= 2:
            charset, _, value = value.split("'", 2)
        octets.append(unquote_to_bytes(value) if is_encoded else value.encode("utf-8", "replace"))
    return octets_to_text(b"".join(octets), charset)
