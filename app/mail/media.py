"""Media types: the value of Content-Type and Content-Disposition fields.

Reads parameters plain, quoted, split and charset-marked, with comments anywhere. Anything that two
readers could take differently (a parameter twice, rests behind a value) is told of as an anomaly.
Linear, without recursion; nothing is raised. RFC 2045 §5.1, RFC 2183 §2, RFC 2231 §3, §4.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from app.mail.limits import FIELD_OCTETS
from app.mail.words import octets_to_text, unfold

_TOKEN: Final = r"[^\x00-\x20\x7f()<>@,;:\\\"/\[\]?=]+"
_TYPE: Final = re.compile(rf"({_TOKEN})/({_TOKEN})[ \t]*(?=;|\Z)")
_PARAMETER: Final = re.compile(
    rf"[ \t]*;[ \t]*(?:({_TOKEN})[ \t]*=[ \t]*(?:({_TOKEN})|\"((?:[^\"\\]|\\.)*)\"))?[ \t]*(?=;|\Z)",
)
_PART: Final = re.compile(r"([^*]+)(?:\*(0|[1-9][0-9]{0,2}))?(\*)?")
_ESCAPE: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type with its parameters; types and names in lower case, values as they are meant."""

    type: str
    subtype: str
    parameters: Mapping[str, str]
    anomalies: tuple[str, ...] = ()

    @property
    def essence(self) -> str:
        """Type and subtype, "text/plain"."""
        return f"{self.type}/{self.subtype}"


PLAIN_TEXT: Final = MediaType("text", "plain", {"charset": "us-ascii"})
"""What an entity without a Content-Type field is (RFC 2045 §5.2)."""


def parse_media_type(value: bytes) -> MediaType | None:
    """Return the media type of a Content-Type value, folded or not; None if it is none."""
    if len(value) > FIELD_OCTETS:
        return None
    text = _without_comments(_text_of(value))
    head = _TYPE.match(text)
    if head is None:
        return None
    parameters, anomalies = _parameters(text, head.end())
    return MediaType(head[1].lower(), head[2].lower(), parameters, anomalies)


def parse_disposition(value: bytes) -> tuple[str, Mapping[str, str]]:
    """Return the disposition type in lower case and the parameters of a Content-Disposition value."""
    if len(value) > FIELD_OCTETS:
        return "", {}
    text = _without_comments(_text_of(value))
    kind, semicolon, _ = text.partition(";")
    return kind.strip().lower(), _parameters(text, len(kind))[0] if semicolon else {}


def _text_of(value: bytes) -> str:
    line = unfold(value)
    return line.decode("ascii") if line.isascii() else octets_to_text(line)


def _without_comments(text: str) -> str:
    """Return the text with each comment outside of quotes replaced by a blank (RFC 5322 §3.2.2)."""
    if "(" not in text:
        return text
    return "".join(_outside_comments(text))


def _outside_comments(text: str) -> Iterator[str]:
    depth = 0
    quoted = escaped = False
    for char in text:
        if escaped:
            escaped = False
        elif char == "\\" and (quoted or depth):
            escaped = True
        elif char == '"' and not depth:
            quoted = not quoted
        elif char == "(" and not quoted:
            depth += 1
            yield " "
            continue
        elif char == ")" and depth:
            depth -= 1
            continue
        if not depth:
            yield char


def _parameters(text: str, at: int) -> tuple[dict[str, str], tuple[str, ...]]:
    anomalies: list[str] = []
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    while at < len(text):
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
        if number < 0:
            if name in plain:
                anomalies.append(f"parameter {name} twice")
            plain.setdefault(name, value)
            continue
        if number in sections.setdefault(name, {}):
            anomalies.append(f"parameter {name} twice")
        sections[name].setdefault(number, (value, is_encoded))
    for name, numbered in sections.items():
        if name in plain:
            anomalies.append(f"parameter {name} twice")
        plain[name] = _joined(numbered)
    return plain, tuple(dict.fromkeys(anomalies))


def _next_semicolon(text: str, at: int) -> int:
    found = text.find(";", at)
    return found if found >= 0 else len(text)


def _name_of(attribute: str) -> tuple[str, int, bool]:
    """Return name, section (-1 for a plain parameter) and whether the value is percent-encoded."""
    found = _PART.fullmatch(attribute)
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
    whole = b"".join(octets)
    return octets_to_text(whole, charset if not whole.isascii() else "us-ascii")
