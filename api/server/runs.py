"""Runs: questions and investigations that are under way, each with a log of events that any number of streams may follow.

A run has a thread of a bounded pool. Its events are numbered from 1 and kept until some time after its end, so that a
stream that broke resumes where it was. A run that nobody follows any more is stopped after a grace, unless it is detached.
Runs work only once whoever came along with them has had a first event: threads that compute keep the loop from speaking.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from agent.approvals.people import Person
from agent.nodes import RunStoppedError
from api.errors import BusyError, NotFoundError
from api.server.problems import problem_of
from api.server.run import Run, Work
from telemetry.errors import OnCalmError

_log = logging.getLogger(__name__)
QUIET = 0.002
"""Seconds without a new run after which the others begin to work."""
ALONE = 0.1
"""Seconds without a new run before one after which it begins at once: it is no part of a crowd."""
GREETING = 0.5
"""Seconds that a run waits at most for first events to be sent."""
KEPT = 600.0
"""Seconds that the events of a finished run may be fetched."""
MOST_WAITING = 1_000
_MOST_KEPT = 2_000
_MOST_EVENTS = 200_000
"""Events of finished runs: a run has some dozens, of a few hundred bytes to some kilobytes each."""


class Runs:
    """All runs of one process. Methods are for the loop's thread."""

    def __init__(self, at_once: int = 4) -> None:
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="run")
        self._held: dict[str, Run] = {}
        self._pending: dict[str, tuple[Run, Work]] = {}
        """Those that wait for first events to be sent, and then for a thread."""
        self._unheard: set[str] = set()
        self._queued: set[str] = set()
        self._over: deque[Run] = deque()
        self._events = 0
        self._started, self._latest, self._crowd = 0, -ALONE, False
        self._waking = False
        self._closing = False

    @property
    def counts(self) -> dict[str, int]:
        """How many are in each state."""
        found = dict.fromkeys(("queued", "running", "done", "failed", "cancelled"), 0)
        for one in list(self._held.values()):
            found[one.state] += 1
        return found

    @property
    def ending(self) -> bool:
        """Whether nothing new is taken any more."""
        return self._closing

    @property
    def streams(self) -> int:
        """How many streams follow."""
        return sum(len(one.followers) for one in list(self._held.values()))

    def start(self, kind: str, person: Person, work: Work, *, detached: bool = False, ident: str | None = None, first: dict[str, Any] | None = None) -> Run:
        """Begin a run, or queue it; ``first`` is its first event. Raises BusyError when too many wait, or the server ends."""
        if self._closing:
            raise BusyError("the server is ending", where="run", remedy="ask again in a moment")
        self._forget()
        if len(self._queued) >= MOST_WAITING:
            raise BusyError(f"{MOST_WAITING} runs wait already", where="run", remedy="ask again later")
        loop = asyncio.get_running_loop()
        run = Run(ident or uuid4().hex, person, kind, detached, loop)
        self._held[run.id], self._pending[run.id] = run, (run, work)
        self._queued.add(run.id)
        self._started += 1
        now = time.monotonic()
        self._crowd, self._latest = now - self._latest < ALONE, now
        run.future.add_done_callback(lambda _: self._done(run))
        run.say("run", {"run": run.id, **(first or {})})
        if detached:
            self._release()
        else:
            self._unheard.add(run.id)
            run.heard = lambda: self._heard(run)
            run.expect_follower()
        loop.call_later(GREETING, self._submit, run.id)
        return run

    def find(self, ident: str, person: Person) -> Run:
        """A run of this person (an admin's view: of anybody). Raises NotFoundError."""
        run = self._held.get(ident)
        if run is None or not (run.person.id == person.id or person.may("admin")):
            raise NotFoundError("there is no such run, or it is over for long", where=f"run {ident[:40]}", remedy="ask again")
        return run

    async def close(self, seconds: float = 10.0) -> None:
        """Take nothing new; give what runs some seconds, then ask it to stop, and say so in its stream."""
        self._closing = True
        until = time.monotonic() + seconds
        while any(one.state == "running" for one in self._held.values()) and time.monotonic() < until:
            await asyncio.sleep(0.05)
        for run in list(self._held.values()):
            run.end_stopped("the server is ending; the run was stopped")
            run.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)
        await asyncio.sleep(0)

    def _heard(self, run: Run) -> None:
        self._unheard.discard(run.id)
        self._release()

    def _release(self) -> None:
        """Give threads to all that wait, once everybody was greeted and nobody else comes."""
        if not self._waking and self._pending and not self._unheard:
            if not self._crowd and len(self._pending) == 1:
                self._submit(next(iter(self._pending)))
                return
            self._waking = True
            asyncio.get_running_loop().call_later(QUIET, self._wake, self._started)

    def _wake(self, started: int) -> None:
        self._waking = False
        if started != self._started:
            self._release()
        elif not self._unheard:
            for ident in list(self._pending):
                self._submit(ident)

    def _submit(self, ident: str) -> None:
        self._unheard.discard(ident)
        run, work = self._pending.pop(ident, (None, None))
        if run is not None and work is not None and not self._closing:
            self._pool.submit(self._work, run, work)

    def _work(self, run: Run, work: Work) -> None:
        if not run.begin():
            return
        self._queued.discard(run.id)
        try:
            _worked(run, work)
        finally:
            run.future.set_result(None)

    def _done(self, run: Run) -> None:
        self._queued.discard(run.id)
        with contextlib.suppress(RuntimeError):  # the loop has ended
            run.loop.call_soon_threadsafe(self._ended, run)

    def _ended(self, run: Run) -> None:
        self._pending.pop(run.id, None)
        self._over.append(run)
        self._events += len(run.events)

    def _forget(self) -> None:
        """Drop what is over for long, and the oldest where there is too much; never what is being read."""
        now = time.monotonic()
        for _ in range(len(self._over)):
            run = self._over[0]
            if now - run.ended <= KEPT and len(self._over) <= _MOST_KEPT and self._events <= _MOST_EVENTS:
                return
            self._over.popleft()
            if run.followers:
                self._over.append(run)
            else:
                del self._held[run.id]
                self._events -= len(run.events)


def _worked(run: Run, work: Work) -> None:
    """Do the work; whatever becomes of it is told in its stream."""
    try:
        run.result = work(run)
        run.finish("done", "answer", run.result)
    except RunStoppedError as error:
        run.end_stopped("it was stopped" if run.stopped() else error.what)
    except OnCalmError as error:
        run.fail(problem_of(error))
    except Exception as error:  # noqa: BLE001 - told in its stream and in the log
        _log.exception("run %s broke down", run.id)
        run.fail({"type": "about:blank", "title": "Internal Server Error", "status": 500, "detail": f"a defect of OnCalm: {type(error).__name__}",
                  "where": f"run {run.id}", "remedy": "look into the server's log"})
