"""The supervisor: binds the sockets, keeps N worker processes on them, and ends with them.

Workers are forked and share the listening sockets. Everything else they open themselves, after the
fork: no database connection, thread or event loop crosses it. A pipe ties each worker to the
supervisor; when the supervisor is gone, however it went, the pipe closes, the workers stop
listening at once and leave when what is under way is done. The next start finds its ports free.

After a crash: of a worker, the supervisor starts another, more slowly each time it dies young; of
the supervisor, see above. Clients that got no reply send again. A worker whose loop is stuck for a
minute is no better than a dead one, and is killed.
"""

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn, Protocol

from app import clock
from app.mta.listener import Listener
from app.mta.receiver import DRAIN_SECONDS

log = logging.getLogger("sealmon.workers")

Bound = Sequence[tuple[Listener, socket.socket]]

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
BIND_SECONDS: Final = 5
"""How long a start waits for the workers of a killed supervisor to let go of a port."""
FIRST_DELAY_SECONDS: Final = 0.1
LAST_DELAY_SECONDS: Final = 30
STUCK_SECONDS: Final = 60
"""A worker that gave no sign of life for so long is killed (F27)."""
BEAT_SECONDS: Final = 5
GROWN_UP_SECONDS: Final = 10
"""A worker that lived so long did not die of how it was started."""


class Worker(Protocol):
    """What one process does."""

    async def run(self, bound: Bound, stop: asyncio.Event) -> None:
        """Serve the sockets until stop is set, then finish what is under way."""


@dataclass(slots=True)
class _Place:
    """One of the N places for a worker."""

    index: int
    pid: int = 0
    since: float = 0
    seen: float = 0
    """When it last gave a sign of life."""
    delay: float = FIRST_DELAY_SECONDS
    due: float = 0
    """When the next worker is started here."""
    beats: int = -1
    """The pipe in which the worker writes that it lives."""


class Supervisor:
    """Salmon's ``settings.receiver``: ``start`` serves until a signal says to stop."""

    def __init__(
        self, listeners: Sequence[Listener], workers: int, build: Callable[[int], Worker]
    ) -> None:
        assert workers > 0
        self._listeners = tuple(listeners)
        self._build = build
        self._places = [_Place(index) for index in range(workers)]
        self._bound: list[tuple[Listener, socket.socket]] = []
        self._pipe = (-1, -1)

    def start(self) -> None:
        """Bind, fork, and keep the workers alive; return when all have ended after a signal.

        Raises OSError if a place to listen cannot be had.
        """
        for listener in self._listeners:
            try:
                self._bound.append((listener, _bind(listener)))
            except OSError as error:
                error.strerror = f"{listener}: {error.strerror or error}"
                raise
            log.info("listening on %s", listener)
        self._pipe = os.pipe()
        with _signals_held() as wanted:
            while True:
                self._fill_places()
                came = signal.sigtimedwait(wanted, self._pause())
                self._reap()
                self._kill_stuck()
                if came is not None and came.si_signo in STOP_SIGNALS:
                    break
            self._stop(wanted)
        self._let_go()

    def _fill_places(self) -> None:
        now = clock.monotonic()
        for place in self._places:
            if not place.pid and place.due <= now:
                place.since = place.seen = now
                place.beats, beats = os.pipe()
                os.set_blocking(place.beats, False)
                os.set_blocking(beats, False)
                place.pid = os.fork()
                if not place.pid:
                    self._be_worker(place.index, beats)
                os.close(beats)

    def _pause(self) -> float:
        """Return how long nothing has to be done unless a signal comes."""
        due = [place.due for place in self._places if not place.pid]
        return min(BEAT_SECONDS, max(0.0, min(due) - clock.monotonic())) if due else BEAT_SECONDS

    def _reap(self) -> None:
        """Note which workers have ended, and when their places are filled again."""
        now = clock.monotonic()
        for place in self._places:
            if not place.pid or os.waitpid(place.pid, os.WNOHANG)[0] == 0:
                continue
            log.warning("worker %d (pid %d) has ended", place.index, place.pid)
            os.close(place.beats)
            young = now - place.since < GROWN_UP_SECONDS
            place.delay = min(2 * place.delay, LAST_DELAY_SECONDS) if young else FIRST_DELAY_SECONDS
            place.pid, place.due = 0, now + place.delay

    def _kill_stuck(self) -> None:
        """Kill the workers whose loop does not turn; SIGCHLD will tell that they have ended."""
        now = clock.monotonic()
        for place in self._places:
            if not place.pid:
                continue
            with contextlib.suppress(BlockingIOError):
                if os.read(place.beats, 4096):
                    place.seen = now
            if now - place.seen > STUCK_SECONDS:
                log.error("worker %d (pid %d) is stuck", place.index, place.pid)
                os.kill(place.pid, signal.SIGKILL)

    def _stop(self, wanted: set[signal.Signals]) -> None:
        """End the workers: by word, and by force when the time is over or ^C comes again."""
        log.info("stopping")
        self._close_sockets()
        self._tell(signal.SIGTERM)
        deadline = clock.monotonic() + DRAIN_SECONDS + 5
        while any(place.pid for place in self._places):
            left = deadline - clock.monotonic()
            came = signal.sigtimedwait(wanted, min(BEAT_SECONDS, max(0.0, left)))
            if left <= 0 or (came is not None and came.si_signo == signal.SIGINT):
                self._tell(signal.SIGKILL)
            self._kill_stuck()
            self._reap()

    def _tell(self, number: signal.Signals) -> None:
        for place in self._places:
            if place.pid:
                os.kill(place.pid, number)

    def _close_sockets(self) -> None:
        for _, sock in self._bound:
            sock.close()

    def _let_go(self) -> None:
        for end in self._pipe:
            os.close(end)
        for listener in self._listeners:
            if listener.path:
                Path(listener.path).unlink(missing_ok=True)

    def _be_worker(self, index: int, beats: int) -> NoReturn:
        """Run as a worker, in the child of a fork; never return to what the parent was doing."""
        status = 1
        try:
            os.close(self._pipe[1])
            for number in (*STOP_SIGNALS, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            asyncio.run(self._serve(index, beats))
            status = 0
        except BaseException:  # whatever it was, the child must not go on as a supervisor
            log.exception("worker %d failed", index)
        finally:
            logging.shutdown()
            sys.stdout.flush()
            os._exit(status)

    async def _serve(self, index: int, beats: int) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, stop.set)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*STOP_SIGNALS, signal.SIGCHLD})
        # Nothing is ever written: the pipe becomes readable when the supervisor is gone.
        loop.add_reader(self._pipe[0], stop.set)
        worker = self._build(index)
        beating = asyncio.ensure_future(_beat(beats))
        try:
            await worker.run(self._bound, stop)
        finally:
            beating.cancel()


async def _beat(pipe: int) -> None:
    """Tell the supervisor that the loop turns, for as long as there is one."""
    while True:
        # A full pipe says it just as well.
        with contextlib.suppress(BlockingIOError):
            os.write(pipe, b".")
        await asyncio.sleep(BEAT_SECONDS)


@contextlib.contextmanager
def _signals_held() -> Iterator[set[signal.Signals]]:
    """Hold the signals back so that they are waited for, not handled in the middle of something."""
    wanted = {*STOP_SIGNALS, signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
    # An ignored SIGCHLD would not be queued, and children would vanish unseen.
    child = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield wanted
    finally:
        signal.signal(signal.SIGCHLD, child)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _bind(listener: Listener) -> socket.socket:
    deadline = clock.monotonic() + BIND_SECONDS
    while True:
        try:
            return listener.bind()
        except OSError as problem:
            if problem.errno != errno.EADDRINUSE or clock.monotonic() > deadline:
                raise
        time.sleep(0.05)
