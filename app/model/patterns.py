"""Address patterns in Salmon's language: ``(account)@(host)`` with captures.

What stands outside of a capture is literal; a capture is a regular expression of which only a part
is allowed, so that no pattern an administrator can write takes long on any address (T37, T138):
single characters, classes and one of them repeated; alternatives; no groups. Nothing crosses the
``@``: a dot and a negated class never match ``@`` or white space.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from salmon.routing import RoutingBase, route

from app.mail.address import MalformedAddress, normalise, normalise_domain
from app.model.errors import Refused

ANYTHING: Final = r"[^@\s]+"
"""What a capture matches when nobody says otherwise."""

_NAME = re.compile(r"\(([a-z][a-z0-9_]{0,31})\)")
_LITERAL = re.compile(r"[A-Za-z0-9.!#$%&'*/=?^_`{|}~+-]*")
_CLASS_ITEM = r"(?:[A-Za-z0-9._%+=&'~!#$/-]|\\[.\-_+\\dws\[\]^])"
_ATOM = re.compile(
    rf"(?P<dot>\.)|(?P<class>\[(?P<not>\^?)(?P<items>(?:@|{_CLASS_ITEM}){{1,80}})\])"
    r"|(?P<escape>\\[.+*?^$()\[\]{}|\\/\-_dws])|(?P<letter>[A-Za-z0-9_%=&'~!#/-])"
)
_REPEAT = re.compile(r"[*+?]|\{\d{1,3}(?:,\d{0,3})?\}")
_UNFIT = re.compile(r"[@\s\x00-\x1f\x7f]")

_CAPTURE_CHARACTERS: Final = 4000
_ADDRESS_CHARACTERS: Final = 320
_COST_AT_MOST: Final = 256 * 256 * 16
"""Steps that a hopeless match of one half of a pattern may take, about 20 ms."""


def matchable(address: str) -> str:
    """Return the form of an address that patterns meet: always one ``@``, no white space.

    It is N(address) with odd characters of a quoted local part replaced, so that no spelling of an
    address slips past a route that names its domain (T104).
    """
    try:
        local, _, domain = normalise(address).rpartition("@")
    except MalformedAddress:
        local, _, domain = address.strip().casefold().rpartition("@")
        with suppress(MalformedAddress):
            domain = normalise_domain(domain)
    return f"{_fit(local)}@{_fit(domain.rstrip('.'))}"


def _fit(text: str) -> str:
    return _UNFIT.sub("_", text[-_ADDRESS_CHARACTERS:]) or "_"


class Pattern:
    """A compiled pattern."""

    def __init__(self, text: str, captures: Mapping[str, str]) -> None:
        """Compile a pattern. Raises Refused with what is wrong."""
        self.text = text
        literal = _escape(text)
        rules = {name: _bounded(name, captures.get(name)) for name in _NAME.findall(text)}
        _check_cost(text, captures)
        self._table = RoutingBase()
        try:
            self._table.register_route(route(literal, **rules).format, _nothing)
        except re.error as error:
            raise Refused(f"{text!r}: {error}") from error

    def match(self, address: str) -> Mapping[str, str] | None:
        """Return the captures of a ``matchable`` address, None if the pattern does not match."""
        for _, captures in self._table.match(address):
            return captures
        return None


def _nothing() -> None:
    """Stand where RoutingBase expects a handler; the table is only asked whether it matches."""


def _escape(text: str) -> str:
    """Return the pattern with its literal text escaped and its captures as they are."""
    if text.count("@") != 1:
        raise Refused(f"{text!r} must have one @, as in (any)@(host)")
    names = _NAME.findall(text)
    if len(set(names)) != len(names) or len(names) > 4:
        raise Refused(f"{text!r} may have four captures, each name once")
    for half in text.split("@"):
        if not half:
            raise Refused(f"{text!r} needs something on both sides of the @")
        for literal in _NAME.sub("\n", half).split("\n"):
            if not _LITERAL.fullmatch(literal) or "*" in literal:
                raise Refused(
                    f"{text!r}: {literal!r} is no part of an address; captures look like (any)"
                )
    pieces = re.split(r"(\([a-z][a-z0-9_]{0,31}\))", text)
    return "".join(piece if _NAME.fullmatch(piece) else re.escape(piece) for piece in pieces)


def _check_cost(text: str, captures: Mapping[str, str]) -> None:
    """Raise Refused for a pattern whose captures together could take long."""
    for half in text.split("@"):
        cost = 1
        for name in _NAME.findall(half):
            cost *= _cost(captures.get(name, ANYTHING))
        if cost > _COST_AT_MOST:
            raise Refused(f"{text!r} has too many repetitions or alternatives on one side of the @")


def _cost(rule: str) -> int:
    total = 0
    for alternative in rule.split("|"):
        bare = re.sub(r"\\.", "", alternative)
        repeats = sum(map(bare.count, "*+{"))
        total += 256**repeats * 2 ** bare.count("?")
    return total


def _bounded(name: str, rule: str | None) -> str:
    """Return the rule of a capture, its dots and negated classes kept on their side of the @."""
    if rule is None or rule == ANYTHING:
        return ANYTHING
    if not rule or len(rule) > _CAPTURE_CHARACTERS:
        raise Refused(f"capture {name}: 1 to {_CAPTURE_CHARACTERS} characters")
    alternatives = [_alternative(name, each) for each in re.split(r"(?<!\\)\|", rule)]
    return f"(?:{'|'.join(alternatives)})"


def _alternative(name: str, text: str) -> str:
    at, pieces = 0, []
    while at < len(text):
        atom = _ATOM.match(text, at)
        if atom is None:
            hint = "write the A-label" if ord(text[at]) > 126 else "groups and look-arounds are not"
            raise Refused(f"capture {name}: {text[at]!r} at {at} is not allowed here ({hint})")
        repeat = _REPEAT.match(text, atom.end())
        at = repeat.end() if repeat else atom.end()
        if repeat and _REPEAT.match(text, at):
            raise Refused(f"capture {name}: two repetitions in a row at {at}")
        pieces.append(_own_side(atom) + (repeat[0] if repeat else ""))
    if not pieces:
        raise Refused(f"capture {name}: an alternative is empty")
    return "".join(pieces)


def _own_side(atom: re.Match[str]) -> str:
    if atom["dot"]:
        return r"[^@\s]"
    if atom["class"]:
        items = atom["items"].replace("@", "")
        if atom["not"]:
            return rf"[^@\s{items}]"
        return f"[{items}]" if items else r"[^\s\S]"
    return atom[0]
