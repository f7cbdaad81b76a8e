"""Names of correspondents that can be taken for others: addresses and domains.

Somebody who wants his certificate approved comes under a name that looks like one we know, or that
holds what nobody sees. What a person is shown about a name is found here; what is done with the
mail never depends on it. Names are compared by their skeletons (UTS 39 §4), without case: a
capital I in From is an l to its reader. Scripts are told by the names of the characters, which say
what UTS 39 §5.1 needs to know.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from app.mail.address import spelled_out
from app.model.database import Database
from app.model.partnerrows import each_name
from app.subject.skeleton import IGNORABLE, skeleton

OURS: Final = "looks-like-ours"
KNOWN: Final = "looks-like-partner"
LATIN: Final = "looks-latin"
MIXED: Final = "mixed-scripts"
HIDDEN: Final = "hidden-characters"
NAMED: Final = "looks-like-named"

_OF_ONE_NAME: Final = 5
_UNSEEN: Final = frozenset(("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"))
# Scripts that are written together and whose letters nobody takes for one another (UTS 39 §5.2).
_TOGETHER: Final = (
    frozenset(("CJK", "HIRAGANA", "KATAKANA", "LATIN")),
    frozenset(("CJK", "BOPOMOFO", "LATIN")),
    frozenset(("CJK", "HANGUL", "LATIN")),
)


@dataclass(frozen=True, slots=True)
class Likeness:
    """Why a name can be taken for another one."""

    name: str
    code: str
    of: str = ""
    """The name that is known, or the word that is odd."""

    def text(self) -> str:
        """Return it in words that follow the name, in ASCII."""
        of = spelled_out(self.of)
        return {
            OURS: f"looks like {of}, which is ours, and is another domain",
            KNOWN: f"looks like {of}, of whom certificates are known, and is somebody else",
            NAMED: f"looks like {of}, which the certificate names, and is another address",
            LATIN: f"seems to be written in Latin letters and is not: {of}",
            MIXED: f"has letters of several alphabets in one word: {of}",
            HIDDEN: f"holds what nobody sees: {of}",
        }[self.code]

    def to_json(self) -> dict[str, Any]:
        """Return it for programs; the name is as it stands in the row."""
        return {"name": self.name, "code": self.code, "of": self.of, "text": self.text()}


def as_unicode(name: str) -> str:
    """Return an address or domain as a mail program shows it: with A-labels decoded."""
    local, at, domain = name.rpartition("@")
    return local + at + ".".join(map(_u_label, domain.split(".")))


def _u_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def oddities(text: str) -> Iterator[tuple[str, str]]:
    """Give what is odd in the words of any text, whatever else is known: code and word."""
    if text.isascii() and text.isprintable():
        return
    for word in unicodedata.normalize("NFC", text).split():
        if any(char in IGNORABLE or unicodedata.category(char) in _UNSEEN for char in word):
            yield HIDDEN, word
    for word in _words(text):
        found = {script for char in word if (script := _script(char))}
        if len(found) > 1 and not any(found <= each for each in _TOGETHER):
            yield MIXED, word


def find_likenesses(database: Database, names: Iterable[str]) -> dict[str, list[Likeness]]:
    """Return, for each normalised address or domain, why it can be taken for another one.

    They are compared with the managed domains and with all names of the partner book, which is
    read once for all of them: seconds where it holds a million. Raises StoreUnavailable.
    """
    search = _Search.of(names)
    if not search.found:
        return {}
    for (domain,) in database.sql("SELECT name FROM domain"):
        search.compare_domain(domain, OURS)
    for name in each_name(database):
        search.compare(name)
    return {name: found[:_OF_ONE_NAME] for name, found in search.found.items()}


def find_named(name: str, addresses: Iterable[str]) -> list[Likeness]:
    """Return whom of those that its certificate names a name looks like, without being one."""
    addresses = list(addresses)
    if name in addresses:
        return []
    key = _key(name)
    return [Likeness(name, NAMED, each) for each in addresses if _key(each) == key][:_OF_ONE_NAME]


@dataclass(slots=True)
class _Search:
    """The names that are asked about, by their skeletons."""

    found: dict[str, list[Likeness]] = field(default_factory=dict)
    addresses: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    domains: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    """By its skeleton: the name, and the domain of it that looks so, which may be a parent."""
    here: set[str] = field(default_factory=set)
    """The domains of the addresses themselves."""
    compared: set[tuple[str, str]] = field(default_factory=set)
    """The domains that were compared already, with the code."""

    @classmethod
    def of(cls, names: Iterable[str]) -> "_Search":
        search = cls()
        for name in dict.fromkeys(names):
            search.found[name] = [
                Likeness(name, code, word) for code, word in dict.fromkeys(_in_itself(name))
            ]
            domain = name.rpartition("@")[2]
            if domain != name:
                search.addresses[_key(name)].append(name)
                search.here.add(domain)
            for each in _with_parents(domain):
                search.domains[_domain_key(each)].append((name, each))
        return search

    def compare(self, known: str) -> None:
        """Note whose names look like this one of the partner book."""
        domain = known.rpartition("@")[2]
        self.compare_domain(domain, KNOWN)
        if domain != known and domain in self.here:
            for name in self.addresses.get(_key(known), ()):
                if name != known and name.endswith(f"@{domain}"):
                    self._note(Likeness(name, KNOWN, known))

    def compare_domain(self, domain: str, code: str) -> None:
        """Note whose domains look like this one, the first time that it comes."""
        alike = self.domains.get(_domain_key(domain))
        if alike is None or (domain, code) in self.compared:
            return
        self.compared.add((domain, code))
        for name, looks_so in alike:
            if looks_so != domain:
                self._note(Likeness(name, code, domain))

    def _note(self, likeness: Likeness) -> None:
        if likeness not in self.found[likeness.name]:
            self.found[likeness.name].append(likeness)


def _in_itself(name: str) -> Iterator[tuple[str, str]]:
    """Give what is odd in a name of itself."""
    shown = as_unicode(name)
    odd = list(oddities(shown))
    yield from odd
    if not odd:
        for word in _words(shown):
            if not word.isascii() and skeleton(word).isascii():
                yield LATIN, word


def _with_parents(domain: str) -> Sequence[str]:
    """Return a domain and those above it, but for the last label."""
    labels = domain.split(".")
    return [".".join(labels[at:]) for at in range(max(1, len(labels) - 1))]


def _key(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{_folded(local)}@{_domain_key(domain)}"


@lru_cache(maxsize=65_536)
def _domain_key(domain: str) -> str:
    return _folded(as_unicode(domain))


def _folded(text: str) -> str:
    # What looks like a capital is folded after the look, and i stands for its capital.
    return skeleton(skeleton(text.casefold()).casefold()).replace("i", "l")


def _words(text: str) -> Iterator[str]:
    """Give the words of a text: what of it are letters, marks and digits."""
    if text.isascii():
        return
    parts = (
        char if unicodedata.category(char)[0] in "LMN" else " "
        for char in unicodedata.normalize("NFC", text)
    )
    yield from "".join(parts).split()


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    """Return the script of a letter, "" for what belongs to all scripts."""
    if unicodedata.category(char)[0] != "L":
        return ""
    # Full-width and mathematical letters are those that they stand for.
    name = unicodedata.name(unicodedata.normalize("NFKC", char)[0], "")
    return name.partition(" ")[0].partition("-")[0]
