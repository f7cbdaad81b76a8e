"""A change is whole or not there, everybody hears of it, and a lost database says so."""

import sqlite3
import threading
from pathlib import Path

import pytest

from app.model.database import PARTNERS, SETTINGS, Database, open_database
from app.model.errors import Refused, StoreUnavailable
from app.model.revtables import FetchClaim, Revocation, RevocationFailure
from app.model.schema import STEPS, is_initialised, migrate, public_half
from app.model.setup import initialise
from app.model.snapshot import Store
from app.model.stored import moment, stamp
from app.model.tables import Domain, LookedUp
from app.pki.sealing import MasterKey, new_master_key
from tests.model.conftest import master_key
from tests.testpki import AT


def names(database: Database) -> list[str]:
    return [row["name"] for row in database.rows(Domain.select().order_by(Domain.name))]


def row(name: str) -> dict[str, object]:
    return {"name": name, "added_at": 0}


# R13
def test_sqlite_is_durable_and_checks_its_keys(database: Database) -> None:
    pragmas = {
        name: database.sql(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous")
    }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}
    assert database.sql("PRAGMA foreign_keys") == [(1,)]
    assert database.sql("PRAGMA busy_timeout") == [(5000,)]


def test_a_change_moves_its_counter_and_no_other(database: Database) -> None:
    settings, partners = database.version()
    with database.change():
        database.insert(Domain, row("a.example"))
    assert database.version() == (settings + 1, partners)
    with database.change(PARTNERS):
        pass
    assert database.version() == (settings + 1, partners + 1)
    with database.change(SETTINGS, PARTNERS):
        pass
    assert database.version() == (settings + 2, partners + 2)


def test_a_change_that_fails_leaves_nothing(database: Database) -> None:
    before = database.version()

    def half(name: str) -> None:
        with database.change():
            database.insert(Domain, row(name))
            database.insert(Domain, row(name))

    with pytest.raises(Refused, match="somebody else"):
        half("a.example")
    assert names(database) == []
    assert database.version() == before


def test_the_same_thing_twice_is_a_refusal_and_not_a_fault(database: Database) -> None:
    with database.change():
        database.insert(Domain, row("a.example"))
    with pytest.raises(Refused, match="somebody else"), database.change():
        database.insert(Domain, row("a.example"))


def test_each_thread_has_a_connection_of_its_own(database: Database) -> None:
    found = []

    def add(number: int) -> None:
        for each in range(20):
            with database.change():
                database.insert(Domain, row(f"d{number}-{each}.example"))
        found.append(len(names(database)))
        database.close()

    # On a slow disk one of eight may wait longer for the others than mail waits.
    database.engine._pragmas = [*database.engine._pragmas, ("busy_timeout", 60_000)]
    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(names(database)) == 160
    assert database.version()[0] >= 160


# T8
def test_a_locked_database_is_unavailable(database: Database, tmp_path: Path) -> None:
    database.engine.execute_sql("PRAGMA busy_timeout=50")
    other = sqlite3.connect(tmp_path / "sealmon.db")
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreUnavailable, match="does not answer"), database.change():
            pass
        assert names(database) == [], "reading goes on"
    finally:
        other.close()
    with database.change():
        database.insert(Domain, row("a.example"))
    assert names(database) == ["a.example"]


# T8
@pytest.mark.parametrize("content", [b"not a database" * 500, b"\0" * 4096])
def test_a_ruined_file_is_unavailable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ruined.db").write_bytes(content)
    with pytest.raises((StoreUnavailable, Refused)):
        Store.open(f"sqlite:///{tmp_path}/ruined.db").snapshot()


# T8: an open connection outlives its file, so the file is looked at
def test_a_database_that_is_taken_away_is_unavailable_until_it_is_back(
    database: Database, tmp_path: Path
) -> None:
    with database.change():
        database.insert(Domain, row("a.example"))
    file, gone = tmp_path / "sealmon.db", tmp_path / "gone.db"
    database.close()
    file.rename(gone)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="no file"):
            database.version()
        with pytest.raises(StoreUnavailable, match="no file"), database.change():
            database.insert(Domain, row("b.example"))
    assert not file.exists(), "nothing is made in its place"
    gone.rename(file)
    assert names(database) == ["a.example"]


# T8
def test_a_database_that_is_replaced_is_read_anew(database: Database, tmp_path: Path) -> None:
    other = open_database(f"sqlite:///{tmp_path}/other.db")
    initialise(other, master_key().public)
    with other.change():
        other.insert(Domain, row("restored.example"))
    other.close()
    assert names(database) == []
    for file in tmp_path.glob("sealmon.db*"):
        file.unlink()
    (tmp_path / "other.db").rename(tmp_path / "sealmon.db")
    assert names(database) == ["restored.example"]


def test_the_file_is_its_owners_alone(database: Database, tmp_path: Path) -> None:
    assert (tmp_path / "sealmon.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("url", ["mysql://localhost/x", "sealmon.db", "sqlite://relative"])
def test_another_kind_of_database_is_refused(url: str) -> None:
    with pytest.raises(Refused, match="unknown kind"):
        open_database(url)


def test_a_store_is_made_once(database: Database) -> None:
    assert is_initialised(database)
    with pytest.raises(Refused, match="already"):
        initialise(database, master_key().public)
    assert public_half(database) == master_key().public


def test_a_store_with_a_bad_first_policy_is_not_made(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/new.db")
    with pytest.raises(Refused, match="not TOML"):
        initialise(database, master_key().public, policy="nonsense")
    assert not is_initialised(database)


def test_a_store_opens_only_with_its_own_master_key(database: Database, url: str) -> None:
    with pytest.raises(Refused, match="not the one of this database"):
        Store.open(url, MasterKey.load(new_master_key()))


def test_a_store_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="sealmon init"):
        Store.open(f"sqlite:///{tmp_path}/none.db")
    assert list(tmp_path.iterdir()) == [], "asking makes no file"


def test_steps_are_done_once_and_in_order(database: Database) -> None:
    done: list[str] = []
    steps = [*STEPS, lambda _: done.append("one"), lambda _: done.append("two")]
    assert migrate(database, steps) == len(STEPS) + 2
    assert migrate(database, steps) == len(STEPS) + 2
    assert done == ["one", "two"]
    with pytest.raises(Refused, match="upgrade Sealmon"):
        migrate(database)


def test_a_store_of_the_first_version_gets_the_tables_it_lacks(database: Database) -> None:
    added = [
        each._meta.table_name for each in (LookedUp, Revocation, RevocationFailure, FetchClaim)
    ]
    for table in added:
        database.sql_run(f"DROP TABLE {table}")
    columns = {
        "partner": ("is_only", "grace_days"),
        "anchor": ("source", "distrust_after"),
        "pending": ("chain",),
        "intermediate": ("not_after",),
    }
    for table, names_ in columns.items():
        for column in names_:
            database.sql_run(f"ALTER TABLE {table} DROP COLUMN {column}")
    database.sql_run("DROP INDEX pending_state_added_at")
    database.sql_run("UPDATE meta SET number = 0 WHERE name = 'schema'")
    assert migrate(database) == len(STEPS)
    assert all(database.has(table) for table in added)
    indexes = [each.name for each in database.engine.get_indexes("pending")]
    assert "pending_state_added_at" in indexes
    for table, names_ in columns.items():
        assert database.sql(f"SELECT {', '.join(names_)} FROM {table}") == []


def test_looking_for_steps_takes_no_lock(database: Database, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "sealmon.db")
    other.execute("BEGIN IMMEDIATE")
    assert migrate(database) == len(STEPS)
    other.close()


def test_counters_move_in_one_order(database: Database) -> None:
    # T8: PostgreSQL would see a deadlock between two that move them in different orders
    said: list[str] = []
    database.sql("SELECT 1")
    database.engine.connection().set_trace_callback(said.append)
    with database.change("settings", "partners"):
        pass
    with database.change("partners", "settings"):
        pass
    moved = [each.rpartition("=")[2].strip() for each in said if each.startswith("UPDATE")]
    assert moved == ["'partners'", "'settings'"] * 2


# T132
def test_no_message_shows_the_password_of_a_url() -> None:
    database = open_database("postgresql://sealmon:s3cret@db.example/sealmon")
    assert database.url == "postgresql://sealmon:…@db.example/sealmon"
    database = open_database("postgresql://db.example/sealmon?user=sealmon&password=s3cret")
    assert database.url == "postgresql://db.example/sealmon?…"
    with pytest.raises(StoreUnavailable) as unavailable:
        Store.open("postgresql://sealmon:s3cret@127.0.0.1:1/sealmon")
    assert "s3cret" not in str(unavailable.value)


def test_a_step_that_fails_is_not_counted(database: Database) -> None:
    def fails(database: Database) -> None:
        database.insert(Domain, row("half.example"))
        raise Refused("no")

    with pytest.raises(Refused):
        migrate(database, [*STEPS, fails])
    assert names(database) == []
    assert migrate(database) == len(STEPS)


# T8: what the driver says of many rows is said as it is of one
def test_many_rows_fail_as_one_does(database: Database, tmp_path: Path) -> None:
    insert = "INSERT INTO domain (name, sign_to, added_at) VALUES (?, '[]', 0)"
    with pytest.raises(Refused, match="somebody else"), database.transaction():
        database.sql_many(insert, [("a.example",), ("a.example",)])
    assert names(database) == []
    with pytest.raises(StoreUnavailable), database.transaction():
        database.sql_many("INSERT INTO nowhere VALUES (?)", [("a.example",)])
    other = sqlite3.connect(tmp_path / "sealmon.db")
    other.execute("BEGIN IMMEDIATE")
    quick = open_database(database.url)
    quick.engine._pragmas = [("busy_timeout", 50)]
    with pytest.raises(StoreUnavailable):
        quick.sql_many(insert, [("a.example",)])
    quick.close()
    other.close()


def test_a_moment_comes_back_as_it_was_stored() -> None:
    assert moment(stamp(AT.replace(microsecond=123456))) == AT.replace(microsecond=123456)
