"""Several processes on one store: nothing is lost, and a kill leaves whole changes only."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.model import domains, policies
from app.model.database import Database, open_database
from app.model.setup import initialise
from app.model.snapshot import Store
from app.model.trace import Search, find_traces
from tests.model.conftest import master_key

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

WRITER = """
import sys
from app.model import domains, engines, trace
from app.model.snapshot import Store
from tests.model.test_trace import row
from tests.testpki import AT

url, name = sys.argv[1:]
# On a slow disk one of three may wait longer for the others than mail waits.
engines.BUSY_SECONDS = trace._CLOSE_SECONDS = 60.0
store = Store.open(url)
for number in range(50):
    store.trace.write(row(number, trace_id=f"{name}-{number}"))
    domains.add(store.database, f"d{number}.{name}.example", AT)
store.close()
"""

FLAPPER = """
import sys
from app.model import policies
from app.model.database import open_database
from tests.model.test_routes import BANK, LAST

database = open_database(sys.argv[1])
long = "".join(BANK.replace('"bank"', f'"bank {number}"', 1) for number in range(50)) + LAST
print("ready", flush=True)
while True:
    policies.apply(database, long)
    policies.apply(database, LAST)
"""


def started(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def test_processes_write_at_the_same_time_and_lose_nothing(database: Database, url: str) -> None:
    before = database.version()[0]
    running = [started(WRITER, url, name) for name in ("one", "two", "three")]
    assert [each.communicate(timeout=200)[0] for each in running] == [""] * 3
    assert [each.returncode for each in running] == [0, 0, 0]
    assert len(domains.list_domains(database)) == 150
    assert len(find_traces(database, Search(limit=1000))) == 150
    assert database.version()[0] == before + 150


def test_a_kill_leaves_the_old_policy_or_the_new_one(tmp_path: Path) -> None:
    chance = random.Random(9)
    for turn in range(8):
        url = f"sqlite:///{tmp_path}/{turn}.db"
        database = open_database(url)
        initialise(database, master_key().public)
        database.close()
        flapper = started(FLAPPER, url)
        assert flapper.stdout is not None
        flapper.stdout.readline()
        time.sleep(chance.uniform(0.05, 0.4))
        os.kill(flapper.pid, signal.SIGKILL)
        flapper.wait()
        flapper.stdout.close()
        assert len(policies.show(database)) in {1, 51}
        assert database.sql("PRAGMA integrity_check") == [("ok",)]
        store = Store.open(url, master_key())
        assert store.snapshot().policy.rows[-1].name == "everything else"
        store.close()
