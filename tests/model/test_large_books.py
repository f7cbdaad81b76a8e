"""A full book on PostgreSQL: no question of the mail path, and no import, reads all of it.

A server that has just been filled, or restored, knows nothing about its tables until its
autovacuum comes by, and guesses. So these tests never let it look by itself.
"""

from collections.abc import Callable

import pytest

from app.model import partners
from app.model.choice import find_partners
from app.model.database import Database
from app.model.partnerrows import find_entries
from app.model.snapshot import Store
from tests.model.conftest import look_again
from tests.model.test_postgresql import server, url
from tests.testpki import AT, pem
from tools.bench_store import Book, fill, new_book

__all__ = ["server", "url"]

pytestmark = pytest.mark.interop

SIZE = 20_000


@pytest.fixture(scope="module")
def book() -> Book:
    return new_book()


@pytest.fixture
def full(database: Database, book: Book) -> Database:
    database.sql_run("ALTER TABLE partner SET (autovacuum_enabled = off)")
    fill(database, book, SIZE)
    return database


def rows_read(database: Database, work: Callable[[], object]) -> int:
    """Return how many rows of the book the server looked at."""
    counts = (
        "SELECT seq_tup_read + idx_tup_fetch AS read FROM pg_stat_xact_user_tables"
        " WHERE relname = 'partner'"
    )
    with database.transaction():
        # The counts of earlier transactions may still be among these.
        before = database.sql(counts)[0][0]
        work()
        return int(database.sql(counts)[0][0] - before)


def test_a_choice_reads_only_what_it_finds(full: Database, book: Book) -> None:
    assert rows_read(full, lambda: find_partners(full, book.address(7))) == 1
    assert rows_read(full, lambda: find_partners(full, "nobody@a.b.c.elsewhere.example")) == 0


def test_what_an_import_asks_for_is_found_by_the_index(full: Database, book: Book) -> None:
    wanted = full.sql("SELECT name, fingerprint FROM partner ORDER BY id DESC LIMIT 20")
    pairs = [(str(name), str(fingerprint)) for name, fingerprint in wanted]
    assert rows_read(full, lambda: find_entries(full, [*pairs, ("x@y.example", "0")])) == 20
    assert len(find_entries(full, pairs)) == 20


def test_after_a_large_import_the_server_knows_the_size_of_the_book(
    full: Database, book: Book
) -> None:
    def known() -> float:
        return float(full.sql("SELECT reltuples FROM pg_class WHERE relname = 'partner'")[0][0])

    def imported(first: int, count: int) -> None:
        octets = b"".join(pem(book.certificate(first + each)) for each in range(count))
        partners.import_partner(full, octets, AT)

    imported(SIZE, 10)
    assert known() < SIZE
    imported(SIZE + 10, 1_000)
    assert known() == SIZE + 1_010
    imported(SIZE + 1_010, 1_000)
    assert known() == SIZE + 1_010, "the little that is new changes no plan"


def test_a_worker_that_began_with_an_empty_book_does_not_keep_its_plan(
    store: Store, book: Book
) -> None:
    database = store.database
    database.sql_run("ALTER TABLE partner SET (autovacuum_enabled = off)")
    for number in range(20):
        assert find_partners(database, f"x{number}@partner.example").personal == ()
    octets = b"".join(pem(book.certificate(each)) for each in range(2_000))
    partners.import_partner(database, octets, AT)
    assert rows_read(database, lambda: find_partners(database, book.address(7))) == 1
    assert look_again(store).partners_for(book.address(7)).personal
