"""Revocation data in the shared database: for all workers, bounded, never in the way of mail."""

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.model import engines, revocations
from app.model.database import Database, open_database
from app.model.errors import WouldWait
from app.model.revocations import RevocationStore, count_answers, forget, list_failures
from app.pki.flights import FAILED, OURS, THEIRS, Stored
from tests.testpki import AT

URL = "http://pki.example/root.crl"
DAY = timedelta(days=1)


def answer(octets: bytes = b"list", days: int = 7, after: timedelta = timedelta(0)) -> Stored:
    return Stored(octets, AT + after, AT + days * DAY, URL)


@pytest.fixture
def cache(database: Database) -> RevocationStore:
    return RevocationStore(database)


def test_what_one_worker_fetched_another_finds(cache: RevocationStore, url: str) -> None:
    cache.put("a", answer())
    other = open_database(url)
    assert RevocationStore(other).find("a") == answer()
    assert RevocationStore(other).find("b") is None
    other.close()


def test_newer_answer_of_another_worker_is_found_after_a_minute(
    cache: RevocationStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.put("a", answer())
    newer = answer(b"newer", 14, DAY)
    RevocationStore(database).put("a", newer)
    assert cache.find("a") == answer()
    monkeypatch.setattr(revocations, "LOOK_SECONDS", -1.0)
    assert cache.find("a") == newer
    assert cache.find("a") is cache.find("a"), "octets that are known are not read again"


# T115
def test_only_what_is_in_memory_is_found_where_nobody_may_wait(
    cache: RevocationStore, database: Database
) -> None:
    cache.put("a", answer())
    with database.never_waiting():
        assert cache.find("a") == answer()
        with pytest.raises(WouldWait):
            cache.find("b")
        with pytest.raises(WouldWait):
            RevocationStore(database).find("a")


def test_lost_database_makes_answers_unknown_and_raises_nothing(
    cache: RevocationStore, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.put("a", answer())
    monkeypatch.setattr(revocations, "LOOK_SECONDS", -1.0)
    database.close()
    (tmp_path / "sealmon.db").rename(tmp_path / "gone.db")
    cache.put("b", answer(b"other"))
    cache.failed("k", URL, AT, "gone")
    assert cache.find("a") == answer(), "what was known is known"
    assert cache.find("b") == answer(b"other")
    assert cache.find("c") is None
    assert cache.claim("c") == OURS, "everybody goes by himself"


@pytest.mark.parametrize("text", ["\0", "\ud800", "x" * 5000, "'; DROP TABLE meta"])
def test_no_text_of_a_stranger_is_in_the_way(
    cache: RevocationStore, database: Database, text: str
) -> None:
    cache.failed("k", f"http://{text}", AT, text)
    cache.put("a", Stored(b"x", AT, AT + DAY, f"http://{text}"))
    cache.failed("k", text, AT, text)
    assert len(list_failures(database, AT)) == 1
    assert count_answers(database, AT) == 1


def test_what_ended_is_forgotten(cache: RevocationStore, database: Database) -> None:
    cache.put("short", answer(days=1))
    cache.put("long", answer(days=9))
    assert count_answers(database, AT + 2 * DAY) == 1
    with database.transaction():
        forget(database, AT + 2 * DAY)
    assert RevocationStore(database).find("short") is None
    assert RevocationStore(database).find("long") == answer(days=9)


@pytest.mark.parametrize(("name", "limit"), [("ANSWERS_AT_MOST", 2), ("OCTETS_AT_MOST", 8)])
def test_what_is_too_much_goes_and_the_newest_stays(
    database: Database, monkeypatch: pytest.MonkeyPatch, name: str, limit: int
) -> None:
    monkeypatch.setattr(revocations, name, limit)
    monkeypatch.setattr(revocations, "_SWEEP_SECONDS", -1.0)
    cache = RevocationStore(database)
    for number in range(5):
        cache.put(str(number), answer(after=timedelta(seconds=number)))
    fresh = RevocationStore(database)
    assert [bool(fresh.find(str(number))) for number in range(5)] == [False] * 3 + [True] * 2


# T136: whoever chooses what is fetched must not push out what says who was revoked
@pytest.mark.parametrize(("name", "limit"), [("ANSWERS_AT_MOST", 3), ("OCTETS_AT_MOST", 12)])
def test_what_strangers_had_fetched_goes_first(
    database: Database, monkeypatch: pytest.MonkeyPatch, name: str, limit: int
) -> None:
    monkeypatch.setattr(revocations, name, limit)
    monkeypatch.setattr(revocations, "_SWEEP_SECONDS", -1.0)
    cache = RevocationStore(database)
    for number in range(2):
        cache.put(f"list {number}", answer())
    for number in range(5):
        strange = replace(answer(after=timedelta(seconds=1 + number)), url="")
        cache.put(f"issuer {number}", strange)
    fresh = RevocationStore(database)
    assert all(fresh.find(f"list {number}") for number in range(2))
    assert [bool(fresh.find(f"issuer {number}")) for number in range(5)] == [False] * 4 + [True]


@pytest.mark.parametrize(("name", "limit"), [("MEMORY_ENTRIES", 2), ("MEMORY_OCTETS", 8)])
def test_memory_is_bounded(
    cache: RevocationStore,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    limit: int,
) -> None:
    monkeypatch.setattr(revocations, name, limit)
    for number in range(5):
        cache.put(str(number), answer())
        cache.put(str(number), answer())
    assert sorted(cache._memory) == ["3", "4"]
    assert cache._octets == 8
    assert cache.find("0") == answer(), "and the database has it still"


def test_failing_source_is_listed_until_it_answers(
    cache: RevocationStore, database: Database
) -> None:
    cache.failed("k", URL, AT, "the host answers 503")
    cache.failed("k", URL, AT + timedelta(hours=1), "the host cannot be reached in time")
    (row,) = list_failures(database, AT + timedelta(hours=2))
    assert (row["url"], row["since"]) == (URL, AT)
    assert row["problem"] == "the host cannot be reached in time"
    assert list_failures(database, AT + 2 * DAY) == []
    cache.put("a", answer())
    assert list_failures(database, AT) == []


def test_failures_are_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocations, "FAILURES_AT_MOST", 3)
    monkeypatch.setattr(revocations, "_SWEEP_SECONDS", -1.0)
    cache = RevocationStore(database)
    for number in range(6):
        cache.failed("k", f"http://h{number}/", AT + timedelta(seconds=number), "gone")
    rows = database.sql("SELECT url FROM revocationfailure ORDER BY url")
    assert rows == [("http://h3/",), ("http://h4/",), ("http://h5/",)]


def test_threads_share_a_cache(cache: RevocationStore) -> None:
    def work(number: int) -> None:
        for each in range(10):
            cache.put(f"{number} {each}", answer(bytes([each])))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache._octets == len(cache._memory) == 40


# T114: what two processes want, one of them fetches
def test_only_one_claims_the_way_to_an_answer(cache: RevocationStore, url: str) -> None:
    elsewhere = open_database(url)
    other = RevocationStore(elsewhere)
    assert (cache.claim("a"), other.claim("a"), other.claim("b")) == (OURS, THEIRS, OURS)
    cache.release("a")
    assert other.claim("a") == OURS
    other.put("a", answer())
    assert cache.claim("a") == OURS
    assert cache.look("a") == answer()
    elsewhere.close()


def test_what_failed_is_left_alone_by_all_for_a_while(
    cache: RevocationStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.claim("a")
    cache.failed("a", URL, AT, "gone")
    other = RevocationStore(database)
    assert other.claim("a") == FAILED
    monkeypatch.setattr(revocations, "RETRY_SECONDS", -1.0)
    cache.failed("a", URL, AT, "gone")
    assert other.claim("a") == OURS


def test_claim_of_a_process_that_died_ends_by_itself(
    cache: RevocationStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations, "LEASE_SECONDS", -1.0)
    monkeypatch.setattr(revocations, "_SWEEP_SECONDS", -1.0)
    assert cache.claim("a") == OURS
    assert RevocationStore(database).claim("a") == OURS
    cache.release("b")
    assert database.sql("SELECT name FROM fetchclaim") == [], "and it is swept away"


def test_newest_answer_is_looked_for_by_who_may_go(
    cache: RevocationStore, database: Database
) -> None:
    cache.put("a", answer())
    newer = answer(b"newer", 14, DAY)
    RevocationStore(database).put("a", newer)
    assert cache.find("a") == answer(), "a minute behind"
    assert cache.look("a") == newer
    assert cache.find("a") == newer


def claimed_at_once(url: str, threads: int = 8) -> list[str]:
    """Return what so many connections hear that claim one answer in the same moment."""
    begin, said = threading.Barrier(threads), []

    def claim() -> None:
        database = open_database(url)
        cache = RevocationStore(database)
        begin.wait(60)
        said.append(cache.claim("a"))
        cache.leave()

    running = [threading.Thread(target=claim) for _ in range(threads)]
    for each in running:
        each.start()
    for each in running:
        each.join()
    return sorted(said)


# T114
def test_of_many_that_claim_at_once_one_goes(
    cache: RevocationStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who cannot ask in time goes by himself.
    monkeypatch.setattr(engines, "BUSY_SECONDS", 60.0)
    for _ in range(5):
        assert claimed_at_once(url) == [OURS] + [THEIRS] * 7
        cache.release("a")
