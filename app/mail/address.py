"""Addresses: one normal form for look-ups, a strict one for the verdict, and who wrote a message.

``normalise`` is forgiving about case and script, so that a partner's certificate is found however his
address is written. ``strict_addr_spec`` and ``same_mailbox`` forgive nothing: they decide what a
signature says, and white space, quotes or look-alikes in a certificate's address make it count for
nothing (T50). RFC 5321 §4.1.2, RFC 5322 §3.4, RFC 5890 §2.3, RFC 6531 §3.3, RFC 6532 §3.2.
"""

import ipaddress
import re
import unicodedata
from functools import lru_cache
from typing import Final

import idna

from app.mail.mailboxes import (
    Mailbox,
    MalformedAddress,
    Originator,
    originator,
    parse_mailboxes,
)

__all__ = [
    "Mailbox",
    "MalformedAddress",
    "Originator",
    "domain_of",
    "normalise",
    "normalise_domain",
    "originator",
    "parse_mailboxes",
    "registrable_problem",
    "same_mailbox",
    "strict_addr_spec",
]

_ADDRESS_OCTETS: Final = 320  # local part 64, "@", domain 255: RFC 5321 §4.5.3.1
_DOMAIN_OCTETS: Final = 253
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_ATEXT: Final = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-"
_DOT_ATOM: Final = re.compile(rf"[{_ATEXT}]+(?:\.[{_ATEXT}]+)*")
_QUOTED: Final = re.compile(r'"((?:[^"\\\x00-\x1f\x7f]|\\[ -~])*)"')
_WHITE_SPACE: Final = " \t\r\n"
# Suffixes under which strangers register: certificates or keys for a whole one would be for all of them.
_PUBLIC_SUFFIXES: Final = frozenset(
    [
        "co.uk",
        "org.uk",
        "ac.uk",
        "gov.uk",
        "me.uk",
        "ltd.uk",
        "plc.uk",
        "net.uk",
        "sch.uk",
        "nhs.uk",
        "co.at",
        "or.at",
        "gv.at",
        "ac.at",
        "com.au",
        "net.au",
        "org.au",
        "edu.au",
        "gov.au",
        "id.au",
        "co.nz",
        "net.nz",
        "org.nz",
        "govt.nz",
        "ac.nz",
        "co.jp",
        "ne.jp",
        "or.jp",
        "ac.jp",
        "go.jp",
        "co.kr",
        "or.kr",
        "go.kr",
        "com.br",
        "net.br",
        "org.br",
        "gov.br",
        "com.cn",
        "net.cn",
        "org.cn",
        "gov.cn",
        "edu.cn",
        "com.tw",
        "org.tw",
        "com.hk",
        "com.sg",
        "com.my",
        "com.tr",
        "org.tr",
        "gov.tr",
        "com.mx",
        "com.ar",
        "co.za",
        "org.za",
        "gov.za",
        "co.in",
        "net.in",
        "org.in",
        "gov.in",
        "com.pl",
        "net.pl",
        "org.pl",
        "com.ua",
        "com.ru",
        "co.il",
        "org.il",
        "com.es",
        "com.pt",
        "com.gr",
        "co.hu",
        "com.ro",
        "com.cy",
        "com.mt",
        "eu.com",
        "de.com",
        "uk.com",
        "us.com",
        "co.com",
        "github.io",
        "gitlab.io",
        "herokuapp.com",
        "azurewebsites.net",
        "cloudfront.net",
        "amazonaws.com",
        "appspot.com",
        "blogspot.com",
        "pages.dev",
        "workers.dev",
        "netlify.app",
        "vercel.app",
        "onmicrosoft.com",
        "myshopify.com",
        "dyndns.org",
    ],
)


@lru_cache(maxsize=4096)
def normalise(address: str) -> str:
    """Return N(address), the form for look-ups; the same for what it returned.

    White space at the ends goes; the domain becomes lower-case A-labels without a last dot, the local
    part NFC, case-folded, and unquoted where it needs no quotes. Raises MalformedAddress for anything
    that is not one addr-spec: display names, source routes, control characters, more than 320 octets.
    """
    text = address.strip(_WHITE_SPACE)
    local, domain = _parts(text)
    local = _unquoted(local)
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFD", local).casefold())
    if _DOT_ATOM.fullmatch(folded) is None:
        folded = '"' + re.sub(r'([\\"])', r"\\\1", folded) + '"'
    return f"{folded}@{normalise_domain(domain)}"


def domain_of(address: str) -> str:
    """Return the domain of an address, normalised; raises MalformedAddress."""
    return normalise(address).rpartition("@")[2]


def _parts(text: str) -> tuple[str, str]:
    if len(text.encode("utf-8", "replace")) > _ADDRESS_OCTETS:
        raise MalformedAddress(f"address over {_ADDRESS_OCTETS} octets")
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        raise MalformedAddress("not an addr-spec")
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in text):
        raise MalformedAddress("control character in an address")
    return local, domain


def _unquoted(local: str) -> str:
    """Return what a local part stands for; the quotes are no part of it (RFC 5321 §4.1.2)."""
    if _DOT_ATOM.fullmatch(local):
        return local
    quoted = _QUOTED.fullmatch(local)
    if quoted is None:
        raise MalformedAddress("local part that is neither a dot-atom nor quoted")
    return re.sub(r"\\(.)", r"\1", quoted[1])


@lru_cache(maxsize=4096)
def normalise_domain(domain: str) -> str:
    """Return a domain as lower-case A-labels without a last dot, or an address literal.

    Raises MalformedAddress for what is neither.
    """
    text = domain.strip(_WHITE_SPACE).lower()
    if text.startswith("["):
        return _literal(text)
    if not text.isascii():
        text = _a_labels(text)
    text = text.removesuffix(".")
    if len(text) > _DOMAIN_OCTETS or not all(map(_LABEL.fullmatch, text.split("."))):
        raise MalformedAddress("not a domain name")
    return text


def _a_labels(text: str) -> str:
    # IDNA is quadratic in the length of a label in places; nothing longer can be a domain anyway.
    if len(text) > _DOMAIN_OCTETS:
        raise MalformedAddress("not a domain name")
    try:
        return idna.encode(text, uts46=True, transitional=False).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise MalformedAddress("domain name that IDNA does not allow") from None


def _literal(text: str) -> str:
    try:
        inner = text.removeprefix("[").removesuffix("]")
        address = ipaddress.ip_address(inner.removeprefix("ipv6:"))
    except ValueError:
        raise MalformedAddress("not an address literal") from None
    if not text.endswith("]") or (address.version == 6) != inner.startswith("ipv6:"):
        raise MalformedAddress("not an address literal")
    return f"[ipv6:{address.compressed}]" if address.version == 6 else f"[{address}]"


def strict_addr_spec(text: str) -> str | None:
    """Return an address that is written plainly, its domain in lower case; None for any other.

    Plain is a dot-atom, "@" and a domain name of LDH labels, with nothing around: no white space,
    quotes, comments, last dot, control or invisible characters, and no character that stands for
    another (NFKC). For addresses in certificates; RFC 9598 §3 has A-labels only there.
    """
    local, at, domain = text.partition("@")
    if not at or len(text) > _ADDRESS_OCTETS or not _is_plain_local(local):
        return None
    domain = domain.lower() if domain.isascii() else ""
    labels = domain.split(".")
    if len(domain) > _DOMAIN_OCTETS or not all(map(_LABEL.fullmatch, labels)):
        return None
    return f"{local}@{domain}"


def _is_plain_local(local: str) -> bool:
    if _DOT_ATOM.fullmatch(local) is None:
        return False
    if local.isascii():
        return True
    return unicodedata.normalize("NFKC", local) == local and all(
        unicodedata.category(char)[0] in "LMNPS" and not _is_ignorable(char) for char in local
    )


def _is_ignorable(char: str) -> bool:
    # Letters and marks that show nothing: Hangul fillers, variation selectors, combining grapheme joiner.
    return char in "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0" or (
        0xFE00 <= ord(char) <= 0xFE0F or 0xE0100 <= ord(char) <= 0xE01EF
    )


def same_mailbox(first: str, second: str) -> bool:
    """Tell whether two addresses are the same for the verdict (T47, T50).

    Both must be plain; the domains are compared as A-labels, the local parts without ASCII case.
    """
    ours, theirs = _comparable(first), _comparable(second)
    return bool(ours) and ours == theirs


def _comparable(address: str) -> str:
    local, _, domain = address.partition("@")
    if not domain.isascii():
        # From fields of SMTPUTF8 messages carry U-labels; IDNA 2008 without any mapping.
        try:
            domain = idna.encode(domain[:_DOMAIN_OCTETS], strict=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return ""
    plain = strict_addr_spec(f"{local}@{domain}")
    if plain is None:
        return ""
    local, _, domain = plain.partition("@")
    return "".join(char.lower() if char.isascii() else char for char in local) + "@" + domain


def registrable_problem(domain: str) -> str:
    """Return "" for a domain that may be managed or a partner, else why it may not (D2)."""
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
    if name in _PUBLIC_SUFFIXES:
        return "a public suffix: strangers register below it"
    return ""
