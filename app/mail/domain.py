"""Domain names in addresses: one form for all ways to write them.

The form is lower-case A-labels without a last dot, as DNS and certificates have it. IDNA is only
asked about names that are not ASCII and not too long.
RFC 5890 §2.3.2, RFC 5321 §4.1.2, §4.1.3.
"""

import ipaddress
import re
from functools import lru_cache
from typing import Final

import idna

from app.mail.errors import MalformedAddress
from app.mail.suffixes import is_public_suffix

DOMAIN_OCTETS: Final = 253  # RFC 1035 §2.3.4, without the length octets
INPUT_OCTETS: Final = 512  # nothing longer is looked at, white space at the ends included
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


@lru_cache(maxsize=4096)
def normalise_domain(domain: str) -> str:
    """Return a domain as lower-case A-labels without a last dot, or an address literal.

    White space at the ends goes. Raises MalformedAddress for what is neither.
    """
    if len(domain) > INPUT_OCTETS:
        raise MalformedAddress("not a domain name")
    text = domain.strip(" \t\r\n").lower()
    if text.startswith("["):
        return _literal(text)
    if not text.isascii():
        text = _a_labels(text)
    text = text.removesuffix(".")
    if not is_ldh(text):
        raise MalformedAddress("not a domain name")
    return text


def is_ldh(domain: str) -> bool:
    """Tell whether this is a lower-case domain name of letters, digits and hyphens.

    QUIRK: underscores occur in domains of real addresses and are taken, too.
    """
    return len(domain) <= DOMAIN_OCTETS and all(map(_LABEL.fullmatch, domain.split(".")))


def strict_a_labels(domain: str) -> str:
    """Return a domain as A-labels without any mapping, "" if IDNA 2008 does not allow it."""
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain[: DOMAIN_OCTETS + 1], strict=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return ""


def _a_labels(text: str) -> str:
    if not text.isprintable():
        # The mapping of UTS 46 would drop what nobody sees.
        raise MalformedAddress("invisible character in a domain name")
    try:
        return idna.encode(text, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise MalformedAddress("domain name that IDNA does not allow") from None


def _literal(text: str) -> str:
    inner = text[1:-1] if text.endswith("]") else ""
    try:
        if inner.startswith("ipv6:"):
            return f"[ipv6:{ipaddress.IPv6Address(inner[5:]).compressed}]"
        return f"[{ipaddress.IPv4Address(inner)}]"
    except ValueError:
        raise MalformedAddress("not an address literal") from None


def registrable_problem(domain: str, *, is_ours: bool = False) -> str:
    """Return "" for a domain that may be a partner, or ours, else why it may not (D2)."""
    if "@" in domain:
        return "give the domain alone, without a local part"
    if "*" in domain:
        return "give the domain itself, without *"
    try:
        name = normalise_domain(domain)
    except MalformedAddress as problem:
        return str(problem)
    if name.startswith("["):
        return "an address literal is no domain"
    if "." not in name:
        return "a single label is no registered domain"
    is_public = is_public_suffix(name, is_ours=is_ours)
    return "a public suffix: strangers register below it" if is_public else ""
