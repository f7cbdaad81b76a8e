"""T50, T104: what a name of a correspondent can be taken for."""

import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.cli.named import beside
from app.model import domains, partners
from app.model.database import Database, open_database
from app.model.partnerrows import each_name
from app.model.setup import initialise
from app.pki.sealing import MasterKey, new_master_key
from app.subject import likeness
from app.subject.likeness import (
    HIDDEN,
    KNOWN,
    LATIN,
    MIXED,
    OURS,
    as_unicode,
    find_likenesses,
    find_named,
    oddities,
)
from tests.model.house import person
from tests.testpki import AT
from tests.timing import own_time

KNOWN_NAMES = ("bob@sued.example", "paul.miller@bank.example", "xn--mnchen-3ya.example")


@pytest.fixture(name="book", scope="module")
def make_book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """nord.example is ours; two people and a whole domain of others are known."""
    folder = tmp_path_factory.mktemp("book")
    database = open_database(f"sqlite:///{folder}/sealmon.db")
    initialise(database, MasterKey.load(new_master_key()).public)
    domains.add(database, "nord.example", AT)
    for name in KNOWN_NAMES:
        partners.import_partner(database, person("bob@sued.example").pem, AT, name=name)
    yield database
    database.close()


def a_label(label: str) -> str:
    return "xn--" + label.encode("punycode").decode("ascii")


# What comes, and why it is no plain name: the code, and whom it is like.
LIKE: list[tuple[str, list[tuple[str, str]]]] = [
    # a domain of ours in other letters: digits, a capital I, Cyrillic, Greek, Armenian
    ("alice@n0rd.example", [(OURS, "nord.example")]),
    (f"alice@{a_label('nоrd')}.example", [(MIXED, "nоrd"), (OURS, "nord.example")]),
    (f"alice@{a_label('nοrd')}.example", [(MIXED, "nοrd"), (OURS, "nord.example")]),
    (f"alice@{a_label('nօrd')}.example", [(MIXED, "nօrd"), (OURS, "nord.example")]),
    ("n0rd.example", [(OURS, "nord.example")]),
    ("a@mail.n0rd.example", [(OURS, "nord.example")]),
    # a partner's domain
    ("eve@5ued.example", []),
    ("eve@süed.example", []),
    (f"eve@{a_label('ѕued')}.example", [(MIXED, "ѕued"), (KNOWN, "sued.example")]),
    ("eve@bаnk.example", [(MIXED, "bаnk"), (KNOWN, "bank.example")]),
    (f"eve@{a_label('münсhen')}.example", [(MIXED, "münсhen"), (KNOWN, KNOWN_NAMES[2])]),
    # a partner himself: l for i, rn for m, Cyrillic
    ("paul.mlller@bank.example", [(KNOWN, "paul.miller@bank.example")]),
    ("paul.rniller@bank.example", [(KNOWN, "paul.miller@bank.example")]),
    ("раul.miller@bank.example", [(MIXED, "раul"), (KNOWN, "paul.miller@bank.example")]),
    ("b0b@sued.example", [(KNOWN, "bob@sued.example")]),
    ("b\u3164ob@sued.example", [(HIDDEN, ""), (KNOWN, "bob@sued.example")]),
    ("bo\ufe0fb@sued.example", [(HIDDEN, ""), (KNOWN, "bob@sued.example")]),
    # whole words in an alphabet that looks Latin
    (f"it@{a_label('аррӏе')}.com", [(LATIN, "аррӏе")]),
    # what is plain: the known ones, others, and honest names of other languages
    *((name, []) for name in KNOWN_NAMES),
    ("alice@nord.example", []),
    ("bob@mail.sued.example", []),
    ("bob@bank.example", []),
    ("eve@north.example", []),
    (f"jürgen@{a_label('köln')}.example", []),
    (f"иван@{a_label('почта')}.{a_label('рф')}", []),
    (f"山田taro@{a_label('日本')}.example", []),
    (f"דוד@{a_label('דואר')}.example", []),
    ("a.b-c_d+e@x1.example", []),
    ("xn--a@xn--.example", []),
]


@pytest.mark.parametrize(("name", "expected"), LIKE, ids=[ascii(each[0]) for each in LIKE])
def test_a_name_is_told_from_those_that_are_known(
    book: Database, name: str, expected: list[tuple[str, str]]
) -> None:
    found = [(each.code, each.of) for each in find_likenesses(book, [name])[name]]
    assert [code for code, _ in found] == [code for code, _ in expected]
    assert all(of in of_found for (_, of_found), (_, of) in zip(found, expected, strict=True))


def test_what_is_said_of_a_name_is_ascii(book: Database) -> None:
    for name, expected in LIKE:
        for each in find_likenesses(book, [name])[name]:
            assert each.text().isascii()
            assert each.text().isprintable()
            assert each.to_json()["text"] == each.text()
        assert len(find_likenesses(book, [name, name])) == 1, expected


def test_many_names_are_compared_at_once(book: Database) -> None:
    names = [name for name, _ in LIKE]
    at_once = find_likenesses(book, names)
    assert list(at_once) == names
    for name in names:
        assert at_once[name] == find_likenesses(book, [name])[name]
    assert find_likenesses(book, []) == {}


def test_a_domain_is_shown_as_mail_programs_show_it() -> None:
    assert as_unicode("a@xn--mnchen-3ya.example") == "a@münchen.example"
    assert as_unicode("xn--80ak6aa92e.com") == "аррӏе.com"
    assert as_unicode("a@xn--99999999999.example") == "a@xn--99999999999.example"


def test_the_book_is_read_to_its_end(book: Database) -> None:
    for size in (1, 2, 3, 4, 20_000):
        assert sorted(each_name(book, size)) == sorted(KNOWN_NAMES)


LABELS = st.one_of(
    st.text(max_size=20),
    st.text("abcdefghijklmnopqrstuvwxyz0123456789-", max_size=30).map(lambda text: f"xn--{text}"),
)


# T36: whatever stands in a queue or in a certificate can be shown.
@settings(max_examples=500, deadline=None)
@given(local=st.text(max_size=20), labels=st.lists(LABELS, min_size=1, max_size=4))
def test_no_name_is_too_odd_to_be_shown(local: str, labels: list[str]) -> None:
    for name in (f"{local}@{'.'.join(labels)}", ".".join(labels), local):
        found = likeness._Search.of([name]).found[name]
        found += find_named(name, [name + "x", "bob@sued.example"])
        assert all(each.text().isascii() for each in found)
        shown = beside(name)
        assert not any(unicodedata.category(char)[0] == "C" for char in shown)
        assert not any(unicodedata.bidirectional(char) in {"R", "AL", "AN"} for char in shown)
        for code, word in oddities(name):
            assert code in {HIDDEN, MIXED}
            assert word


# T110: whoever fills the queue from one domain, of which many are known.
@pytest.mark.parametrize("domain", ["gmail.example", "gmai1.example"])
def test_many_of_one_domain_cost_no_more_than_each(domain: str) -> None:
    search = likeness._Search.of([f"{number}@{domain}" for number in range(10_000)])
    with own_time() as own:
        for number in range(20_000):
            search.compare(f"x{number}@gmail.example")
    assert own.seconds < 5
    assert bool(search.found[f"7@{domain}"]) == (domain != "gmail.example")
