"""Authentication-Results fields: ours, and those that pretend to be.

A field that carries our authserv-id and came from outside is a forgery and must go before we add
our own (T62). The identifier is looked for behind comments, quotes, folds and look-alike letters;
a field that cannot be read but has our identifier somewhere is taken for one.
RFC 8601 §2.2, §5; RFC 7281 §3.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from app.mail.headers import Field, Headers

_COLUMNS: Final = 76
_TOKEN: Final = re.compile(r"[^\x00-\x20\x7f()<>@,;:\\\"/\[\]?=]+")
_PVALUE: Final = re.compile(r"(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]*@)?[A-Za-z0-9_.-]+")
_COMMENT_OR_SPACE: Final = re.compile(r"[ \t\r\n]*")


def build(authserv_id: str, result: str, reason: str, properties: Mapping[str, str]) -> bytes:
    """Return the whole field for method smime, CRLF included, in lines of at most 76 columns.

    The properties are "ptype.property" and a value, as in RFC 7281 §3: body.smime-part,
    body.smime-identifier, body.smime-serial, body.smime-issuer. Characters that may not stand in a
    header field become "?".
    """
    items = [f"smime={result}"]
    if reason:
        items.append(f"reason={_quoted(reason)}")
    items.extend(f"{name}={_pvalue(value)}" for name, value in properties.items())
    lines = [f"Authentication-Results: {_ascii(authserv_id)};"]
    for item in items:
        if len(lines[-1]) + 1 + len(item) <= _COLUMNS:
            lines[-1] += f" {item}"
        else:
            lines.append(f"\t{item}")
    return "\r\n".join((*lines, "")).encode("ascii")


def _ascii(text: str) -> str:
    return "".join(char if " " <= char <= "~" else "?" for char in text)


def _quoted(text: str) -> str:
    return '"' + re.sub(r'([\\"])', r"\\\1", _ascii(text)) + '"'


def _pvalue(value: str) -> str:
    is_plain = _PVALUE.fullmatch(value) or _TOKEN.fullmatch(value)
    return value if value.isascii() and is_plain else _quoted(value)


def is_ours(field: Field, authserv_id: str) -> bool:
    """Tell whether the field claims to be from the host of that authserv-id (RFC 8601 §5)."""
    if field.plain_key != "authentication-results":
        return False
    text = field.unfolded.decode("utf-8", "replace")
    ours = _plain(authserv_id)
    named = _authserv_id(text)
    if named is None:
        return ours in _plain(text)
    return _plain(named) == ours


def remove(headers: Headers, authserv_id: str) -> Headers:
    """Return the header section without the fields that claim to be ours (RFC 8601 §5)."""
    return headers.drop(lambda field: is_ours(field, authserv_id))


def _authserv_id(text: str) -> str | None:
    """Return the first value of the field, None if it cannot be told."""
    start = _skip_cfws(text, 0)
    if start is None:
        return None
    if text.startswith('"', start):
        quoted = re.compile(r'"((?:[^"\\]|\\.)*)"').match(text, start)
        return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else None
    token = re.compile(r"[^ \t\r\n;()\"]+").match(text, start)
    if token is None:
        return None
    after = _skip_cfws(text, token.end())
    if after is None or (after < len(text) and not re.compile(r"[0-9]+|;").match(text, after)):
        return None
    return token[0]


def _skip_cfws(text: str, at: int) -> int | None:
    """Return where comments and white space end; None for a comment that does not."""
    depth = 0
    while at < len(text):
        char = text[at]
        if depth == 0 and char not in " \t\r\n(":
            return at
        if char == "\\" and depth:
            at += 1
        depth += (char == "(") - (char == ")" and depth > 0)
        at += 1
    return None if depth else at


def _plain(text: str) -> str:
    """Return an identifier as a careless reader sees it."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    visible = (char for char in folded if unicodedata.category(char) not in {"Cc", "Cf", "Zs"})
    return "".join(visible).rstrip(".")
