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

from app.mail.domain import normalise_domain
from app.mail.errors import MalformedAddress
from app.mail.headers import Field, Headers, decode_text
from app.mail.words import LINE_COLUMNS, outside_comments

_TOKEN: Final = re.compile(r"[^\x00-\x20\x7f()<>@,;:\\\"/\[\]?=]++")
_PVALUE: Final = re.compile(r"(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]++@)?[A-Za-z0-9_.-]++")
# authserv-id and version, RFC 8601 §2.2; quoted or not is all the same.
_AUTHSERV_ID: Final = re.compile(
    r"[ \t]*+(?:\"([^\"\\]*+)\"|([^ \t;\"\\/=@<>]++))[ \t]*+(?:[0-9]++[ \t]*+)?(?:;|\Z)",
)
_BESIDE: Final = re.compile(r"[^\w.-]")
_UNSEEN: Final = frozenset(("Cc", "Cf", "Mn", "Zs"))


def build(authserv_id: str, result: str, reason: str, properties: Mapping[str, str]) -> bytes:
    """Return the whole field for method smime, CRLF included, folded at blanks to 76 columns.

    The properties are "ptype.property" and a value, as in RFC 7281 §3: body.smime-part,
    body.smime-identifier, body.smime-serial, body.smime-issuer. Characters that may not stand in a
    header field become "?".
    """
    items = [f"{_token(authserv_id)};", f"smime={_token(result)}"]
    if reason:
        items.append(f"reason={_quoted(reason)}")
    items.extend(f"{name}={_pvalue(value)}" for name, value in properties.items())
    return _folded(" ".join(("Authentication-Results:", *items)))


def _folded(line: str) -> bytes:
    """Return a field broken before blanks; those inside of quotes may be folded, too."""
    lines = [""]
    for word in re.findall(" *[^ ]+", line):
        if len(lines[-1]) + len(word) > LINE_COLUMNS and len(lines[-1]) > len(
            "Authentication-Results:"
        ):
            lines.append("")
        lines[-1] += word
    return "\r\n".join((*lines, "")).encode("ascii")


def _token(text: str) -> str:
    return text if text.isascii() and _TOKEN.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    visible = "".join(char if " " <= char <= "~" else "?" for char in text)
    return '"' + re.sub(r'([\\"])', r"\\\1", visible.strip()) + '"'


def _pvalue(value: str) -> str:
    return value if value.isascii() and _PVALUE.fullmatch(value) else _token(value)


def is_ours(field: Field, authserv_id: str) -> bool:
    """Tell whether the field claims to be from the host of that authserv-id (RFC 8601 §5)."""
    if field.plain_key != "authentication-results":
        return False
    ours = _plain(authserv_id)
    text = decode_text(field.value)
    bare = "".join(outside_comments(text))
    named = _AUTHSERV_ID.match(bare)
    if named is None:
        # It cannot be told whose it is, and another reader may think that he can.
        return ours in _plain(bare) or ours in _plain(text)
    # A port, brackets or a dot beside it make it no other host.
    return ours in _BESIDE.split(_plain(named[1] or named[2] or ""))


def remove(headers: Headers, authserv_id: str) -> Headers:
    """Return the header section without the fields that claim to be ours (RFC 8601 §5)."""
    return headers.drop(lambda field: is_ours(field, authserv_id))


def _plain(text: str) -> str:
    """Return an identifier as a careless reader sees it."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    seen = "".join(char for char in folded if unicodedata.category(char) not in _UNSEEN)
    seen = seen.replace('"', "").replace("\\", "")
    try:
        return normalise_domain(seen)
    except MalformedAddress:
        return seen.rstrip(".")
