"""Addresses: one normal form for look-ups, and a strict one for the verdict.

``normalise`` is forgiving about case and script, so that a partner's certificate is found however
his address is written. ``strict_addr_spec`` and ``same_mailbox`` forgive nothing: they decide what
a signature says, and white space, quotes or look-alikes in a certificate's address make it count
for nothing (T50).
RFC 5321 §4.1.2, RFC 5322 §3.4.1, RFC 6531 §3.3, RFC 9598 §3.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from app.mail.domain import INPUT_OCTETS, is_ldh, normalise_domain, strict_a_labels
from app.mail.errors import MalformedAddress

ADDRESS_OCTETS: Final = 320  # local part 64, "@", domain 255: RFC 5321 §4.5.3.1
_ATEXT: Final = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-"
_DOT_ATOM: Final = re.compile(rf"[{_ATEXT}]++(?:\.[{_ATEXT}]++)*")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE: Final = re.compile(r"\\(.)")
# What an address may be shown with: atext (RFC 5322 §3.2.3) but what looks like a bracket or could
# begin an encoded word, the dot and the at sign.
_TELLING: Final = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+/=^_`~-.@"
)
_UNSEEN: Final = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def split_addr_spec(text: str) -> tuple[str, str]:
    """Return local part and domain of an addr-spec as they are written.

    Raises MalformedAddress for anything else: a local part that is neither dot-atom nor quoted, a
    missing domain, control characters, more than 320 octets.
    """
    if len(text.encode("utf-8", "replace")) > ADDRESS_OCTETS:
        raise MalformedAddress(f"address over {ADDRESS_OCTETS} octets")
    if not text.isprintable() and any(unicodedata.category(char) in _UNSEEN for char in text):
        raise MalformedAddress("control or invisible character in an address")
    local, at, domain = text.rpartition("@")
    if not at or not domain or any(map(str.isspace, domain)):
        raise MalformedAddress("not an addr-spec")
    if _DOT_ATOM.fullmatch(local) is None and _QUOTED.fullmatch(local) is None:
        raise MalformedAddress("local part that is neither a dot-atom nor quoted")
    return local, domain


@lru_cache(maxsize=4096)
def normalise(address: str) -> str:
    """Return N(address), the form for look-ups; what it returned stays as it is (T104).

    White space at the ends goes; the domain becomes lower-case A-labels without a last dot; the
    local part becomes NFC, case-folded, and loses quotes that it does not need. Raises
    MalformedAddress for anything that is not one addr-spec: display names, source routes, control
    characters.
    """
    if len(address) > INPUT_OCTETS:
        raise MalformedAddress("address that is too long")
    local, domain = split_addr_spec(address.strip(" \t\r\n"))
    domain = normalise_domain(domain)
    quoted = _QUOTED.fullmatch(local)
    plain = _ESCAPE.sub(r"\1", quoted[1]) if quoted else local
    folded = _folded(plain)
    if _DOT_ATOM.fullmatch(folded) is None:
        folded = '"' + re.sub(r'([\\"])', r"\\\1", folded) + '"'
    return f"{folded}@{domain}"


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def domain_of(address: str) -> str:
    """Return the domain of an address, normalised; raises MalformedAddress."""
    return normalise(address).rpartition("@")[2]


def strict_addr_spec(text: str) -> str | None:
    """Return an address that is written plainly, its domain in lower case; None for any other.

    Plain is a dot-atom, "@" and a domain name in ASCII, with nothing around: no white space,
    quotes, comments, last dot, control or invisible characters, and none that stands for another
    (NFKC). For addresses in certificates (T50); RFC 9598 §3 has only A-labels there.
    """
    local, at, domain = text.partition("@")
    if not at or len(text) > ADDRESS_OCTETS or not _is_plain(local):
        return None
    if not domain.isascii() or not is_ldh(domain.lower()):
        return None
    return f"{local}@{domain.lower()}"


def _is_plain(local: str) -> bool:
    if _DOT_ATOM.fullmatch(local) is None:
        return False
    if local.isascii():
        return True
    return (
        local.isprintable()
        and unicodedata.normalize("NFKC", local) == local
        and not any(map(_is_ignorable, local))
    )


def _is_ignorable(char: str) -> bool:
    # Printable characters that show nothing: fillers, joiners and variation selectors (UAX #44).
    return char in "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0" or (
        "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"
    )


def spelled_out(address: str) -> str:
    r"""Return an address as people may be shown it: in ASCII, whatever it is made of.

    Every character that could be taken for another, or for an end of the address, stands as its
    number, \u0430 or \U0001d41a: no plain address has a backslash. Only for people (T50).
    """
    return "".join(char if char in _TELLING else _numbered(char) for char in address)


def _numbered(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def same_mailbox(first: str, second: str) -> bool:
    """Tell whether two addresses are the same for the verdict (T47, T50).

    Both must be plain. The domains are compared as A-labels, the local parts without ASCII case.
    """
    ours = _comparable(first)
    return bool(ours) and ours == _comparable(second)


def _comparable(address: str) -> str:
    # From fields of SMTPUTF8 messages carry U-labels; certificates do not (RFC 9598 §3).
    local, _, domain = address.partition("@")
    plain = strict_addr_spec(f"{local}@{strict_a_labels(domain)}")
    if plain is None:
        return ""
    return "".join(char.lower() if char.isascii() else char for char in plain)
