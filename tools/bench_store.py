"""Measure the partner book at its full size: import, choice, harvest, lists, and the start.

``python -m tools.bench_store`` fills a database of its own in a temporary folder, SQLite and, where
it is installed, PostgreSQL, and prints each measurement beside its goal. Nothing here is a test:
the machine is shared, and a slow minute is no fault of the program.
"""

import argparse
import hashlib
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from app.model import harvesting, partners
from app.model.database import PARTNERS, Database, open_database
from app.model.keyindex import issuer_serial
from app.model.partnerrows import HARVESTED, MANUAL, Entry, row_values
from app.model.setup import initialise
from app.model.snapshot import Store
from app.pki.certificate import Certificate
from app.pki.sealing import MasterKey, new_master_key
from app.smime.harvest import Harvest
from tests.model.postgresql import PostgreSQL, programs
from tests.testpki import AT, ca, pem

TEMPLATE = "m00000000@partner.example"
_SERIAL = 1 << 120
_BATCH = 5_000
_MASTER = MasterKey.load(new_master_key())


@dataclass(frozen=True)
class Book:
    """Certificates of one authority, by number; only the first is signed, to be made quickly."""

    der: bytes
    issuer_der: bytes

    def address(self, number: int) -> str:
        """Return the address of a certificate."""
        return f"m{number:08d}@partner.example"

    def certificate(self, number: int) -> bytes:
        """Return a certificate of its own address and serial number."""
        changed = self.der.replace(TEMPLATE.encode(), self.address(number).encode())
        return changed.replace(_SERIAL.to_bytes(16), (_SERIAL + number).to_bytes(16))


def new_book() -> Book:
    """Return a book whose certificates have a usual size and a P-256 key."""
    der = ca("Bench Root").issue(TEMPLATE, serial=_SERIAL).certificate
    return Book(der, Certificate.from_der(der).issuer_der)


def fill(database: Database, book: Book, size: int) -> None:
    """Write so many rows of the book as an import would, without reading each certificate."""
    certificate = Certificate.from_der(book.der)
    entry = Entry(name="", is_domain=False, certificate=certificate, source=MANUAL, at=AT)
    values = row_values(entry)
    statement = f"INSERT INTO partner ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})"  # noqa: S608 - our own column names
    for start in range(0, size, _BATCH):
        rows = []
        for number in range(start, min(start + _BATCH, size)):
            der = book.certificate(number)
            values["name"] = book.address(number)
            values["certificate"] = der
            values["fingerprint"] = hashlib.sha256(der).hexdigest()
            values["issuer_serial"] = issuer_serial(book.issuer_der, _SERIAL + number)
            values["not_after"] += 1_000_000
            rows.append(tuple(values.values()))
        with database.change(PARTNERS):
            database.sql_many(statement, rows)


class Times:
    """How many milliseconds each call took, sorted: by the wall, and of this thread's own work.

    On a machine that others use, the last hundredth by the wall is the time of waiting for a core.
    """

    def __init__(self, work: Callable[[int], object], numbers: Sequence[int]) -> None:
        wall, own = [], []
        for number in numbers:
            began, own_began = time.perf_counter(), time.thread_time()
            work(number)
            own.append((time.thread_time() - own_began) * 1000)
            wall.append((time.perf_counter() - began) * 1000)
        self._wall, self._own = sorted(wall), sorted(own)

    def __str__(self) -> str:
        last = int(len(self._wall) * 0.99)
        p50, p99, own = self._wall[len(self._wall) // 2], self._wall[last], self._own[last]
        return f"p50 {p50:.3f}  p99 {p99:.3f}  own work p99 {own:.3f} ms"


def seconds(work: Callable[[], object]) -> float:
    """Return how many seconds one call took."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def show(what: str, value: str, goal: str = "") -> None:
    """Print one line of the result."""
    print(f"  {what:<44} {value:>48}   {goal}", flush=True)


def start(url: str) -> float:
    """Return how many milliseconds a worker takes to open its store and read the settings."""

    def opened() -> None:
        store = Store.open(url, _MASTER)
        store.snapshot()
        store.close()

    return min(seconds(opened) for _ in range(5)) * 1000


def measure(url: str, size: int) -> None:
    """Fill the database of a URL and print what it can do."""
    database, book = open_database(url), new_book()
    initialise(database, _MASTER.public)
    show("start, empty book", f"{start(url):.1f} ms")
    took = seconds(lambda: fill(database, book, size))
    show(f"{size:,} entries written", f"{took:.0f} s")
    show("start, full book", f"{start(url):.1f} ms", "unaffected")
    lists(database, book)
    imports(database, book, size)
    store = Store.open(url, _MASTER)
    choices(store, book, size)
    harvests(store, book, size + 2 * _BATCH)
    store.close()
    database.close()


def imports(database: Database, book: Book, size: int) -> None:
    """Import two files of new certificates, as ``sealmon partner import`` does."""
    for turn in range(2):
        first = size + turn * _BATCH
        octets = b"".join(pem(book.certificate(first + each)) for each in range(_BATCH))
        own_began = time.thread_time()
        took = seconds(lambda octets=octets: partners.import_partner(database, octets, AT))  # type: ignore[misc]
        own = time.thread_time() - own_began
        rates = f"{_BATCH / took:,.0f}/s  own work {_BATCH / own:,.0f}/s"
        show(f"import of {_BATCH:,} in one PEM file", rates, ">= 2,000/s")


def choices(store: Store, book: Book, size: int) -> None:
    """Choose for recipients that no cache knows, half of the time for one without certificate."""
    chance = random.Random(4)  # noqa: S311 - the same recipients on every run
    known = chance.sample(range(size), min(size, 4_000))
    store.snapshot()
    found = Times(lambda number: store.partners_for(book.address(number)), known[:2_000])
    show("choose, not in the cache", str(found), "p99 <= 1 ms")
    found = Times(lambda number: store.partners_for(f"x{number}@nobody.example"), known[:2_000])
    show("choose, nothing there", str(found), "p99 <= 1 ms")
    found = Times(
        lambda number: store.usable_for(book.address(number), at=AT, revocation="off"),
        known[2_000:],
    )
    show("choose and judge the path, not in the cache", str(found))


def harvests(store: Store, book: Book, first: int) -> None:
    """Take over new certificates, as after a signed message."""

    def learn(number: int) -> None:
        certificate = Certificate.from_der(book.certificate(number))
        found = Harvest(certificate, book.address(number), (), (), None, (), ())
        learned = harvesting.harvest(store, found, "on_error", AT)
        assert learned.outcome == harvesting.STORED

    show("harvest of a new correspondent", str(Times(learn, range(first, first + 50))))
    count = store.database.sql("SELECT COUNT(*) FROM partner WHERE source = ?", (HARVESTED,))
    assert count[0][0] == 50


def lists(database: Database, book: Book) -> None:
    """List the book as the command does."""
    early = Certificate.from_der(book.der).not_after + timedelta(seconds=100)
    took = seconds(lambda: partners.list_partners(database, expires_before=early))
    show("expiry list of the next 100", f"{took * 1000:.0f} ms")
    took = seconds(lambda: partners.list_partners(database, name=book.address(7)))
    show("list of one name", f"{took * 1000:.0f} ms")
    took = seconds(lambda: partners.list_partners(database))
    show("list of the first 10,000", f"{took * 1000:.0f} ms")


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """Give the URL of an empty database for each engine that is installed."""
    with tempfile.TemporaryDirectory(prefix="sealmon-bench-") as folder:
        urls = {"SQLite": f"sqlite:///{Path(folder) / 'sealmon.db'}"}
        there = programs()
        if there is None:
            yield urls
            return
        with PostgreSQL(there, durable=True) as server:
            yield {**urls, "PostgreSQL": server.url("bench")}


def main() -> None:
    """Run every measurement and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000, help="entries of the book")
    options = parser.parse_args()
    with databases() as urls:
        for name, url in urls.items():
            print(f"{name}, a book of {options.size:,}")
            measure(url, options.size)


if __name__ == "__main__":
    main()
