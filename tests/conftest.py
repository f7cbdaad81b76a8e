"""What every test may ask for."""

import gc
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from app.pki import fetch, path
from tests.houses import House

LOOPBACK = ("127.", "::1", "::ffff:127.", "localhost")


def _stay_at_home(event: str, arguments: tuple[object, ...]) -> None:
    """Keep every test on this machine, whatever the code under test tries."""
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
        raise PermissionError(f"a test wants to leave this machine: {address}")


sys.addaudithook(_stay_at_home)

# Machines are shared: how long an example takes, or to think of one, says nothing about the
# code. What lands is judged by the same examples every time; at home they are others each time.
BY_WORK: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow],
    "derandomize": bool(os.environ.get("CI")),
}
settings.register_profile("sealmon", **BY_WORK)
settings.register_profile("quick", **BY_WORK, max_examples=20)
settings.load_profile("sealmon")


def pytest_collection_finish() -> None:
    """Let no later collection of garbage look at all the tests again, as a worker does at start.

    It took a third of a second, which fell on whichever test came along.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def others_have_time() -> Iterator[None]:
    """Wait for the servers of a test as long as a machine may take that is busy with other tests.

    A test of what is left in time sets its own.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fetch, "SECONDS", 60.0)
        patched.setattr(path, "REVOCATION_WAIT_SECONDS", 30.0)
        yield


@pytest.fixture
def nord(tmp_path: Path) -> Iterator[House]:
    """nord.example, with nobody in it yet."""
    house = House(tmp_path / "nord", "nord.example")
    yield house
    house.close()


@pytest.fixture
def sued(tmp_path: Path) -> Iterator[House]:
    """sued.example, with nobody in it yet."""
    house = House(tmp_path / "sued", "sued.example")
    yield house
    house.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that is skipped in CI: a program or the test material is absent."""
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped in CI: {reason}"
    return report
