"""The paths and parameters of MAIL and RCPT, by a grammar that lets nothing through but addresses.

Letters stay as they came. Dots at odd places of a local part are taken, because mailboxes with them
exist; control characters, spaces outside quotes and stray brackets are not. RFC 5321 §4.1.2, RFC
6531 §3.3.
"""

import re
from typing import Final

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]"
_LOCAL = rf'(?:{_ATEXT}|\.)+|"(?:[ !#-\[\]-~\u00a0-\U0010ffff]|\\[ -~])*"'
_LETTER = r"A-Za-z0-9_\u0080-\U0010ffff"
_LABEL = rf"[{_LETTER}](?:[{_LETTER}\-]*[{_LETTER}])?"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*\.?|\[[A-Za-z0-9.:\-]+\]"
_ROUTE = rf"(?:@(?:{_DOMAIN})(?:,@(?:{_DOMAIN}))*:)?"
_PATH = re.compile(rf"<{_ROUTE}(?P<mailbox>(?:{_LOCAL})@(?:{_DOMAIN})|(?i:postmaster)|)>")
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~]+))?")

_C1 = re.compile("[\x80-\x9f]")
_ONWARDS: Final = frozenset("@%!")

LOCAL_PART_OCTETS: Final = 256
"""RFC 5321 §4.5.3.1.1 asks for 64; VERP and SRS addresses are longer."""
DOMAIN_OCTETS: Final = 255


def parse_path(text: str) -> tuple[str, str] | None:
    """Return the address in angle brackets and the text after it; None if there is none.

    "" is the null reverse-path. A source route is left out, as RFC 5321 §4.1.1.3 asks.
    """
    found = _PATH.match(text)
    if found is None:
        return None
    mailbox, rest = found["mailbox"], text[found.end() :]
    local, _, domain = mailbox.rpartition("@")
    too_long = len(local.encode()) > LOCAL_PART_OCTETS or len(domain.encode()) > DOMAIN_OCTETS
    if too_long or (rest and rest[0] != " ") or _C1.search(mailbox):
        return None
    return mailbox, rest.strip(" ")


def names_a_way(address: str) -> bool:
    """Return whether the local part says where a server may pass it on to (RFC 1123 §5.2.16).

    DEVIATION: nobody's mail is taken for ``user%host@ours``, ``host!user@ours`` and
    ``"user@host"@ours``. Postfix follows them for a client that it trusts, which a gateway is: a
    stranger could relay, and mail for which policy requires encryption could leave as inbound.
    """
    return not _ONWARDS.isdisjoint(address.rpartition("@")[0])


def parse_parameters(text: str) -> dict[str, str] | None:
    """Return keywords in capitals to their values as they came; None if one is malformed.

    One that is said twice is malformed.
    """
    found: dict[str, str] = {}
    for word in text.split():
        parameter = _PARAMETER.fullmatch(word)
        if parameter is None or parameter[1].upper() in found:
            return None
        found[parameter[1].upper()] = parameter[2] or ""
    return found


_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_ATTRIBUTES: Final = frozenset(
    {"NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE", "LOGIN"}
)
"""LOGIN is XCLIENT's; a front that authenticates its clients hands it over with the others (C7)."""


def parse_xforward(text: str) -> dict[str, str] | None:
    """Return the attributes of an XFORWARD command, None if one is malformed or unknown.

    What the client calls unavailable is left out, and an IPv6 address loses its prefix. Postfix's
    XFORWARD_README, RFC 3461 §4 for xtext.
    """
    found: dict[str, str] = {}
    for word in text.split():
        name, sign, coded = word.partition("=")
        value = _XTEXT.sub(lambda octet: chr(int(octet[1], 16)), coded)
        if not sign or name.upper() not in _ATTRIBUTES or not value.isprintable():
            return None
        if value.upper() not in {"[UNAVAILABLE]", "[TEMPUNAVAIL]", ""}:
            found[name.upper()] = value
    if found.get("ADDR", "").upper().startswith("IPV6:"):
        found["ADDR"] = found["ADDR"][5:]
    return found
