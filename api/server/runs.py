"""Runs: questions and investigations that are under way, each with a log of events that any number of streams may follow.

A run has a thread of a bounded pool. Its events are numbered from 1 and kept until some time after its end, so that a
stream that broke resumes where it was. A run that nobody follows any more is stopped after a grace, unless it is detached.
Runs work only once whoever came along with them has had a first event: threads that compute keep the loop from speaking.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

from agent.approvals.people import Person
from agent.nodes import RunStoppedError
from api.server.problems import BusyError, NotFoundError, problem_of
from telemetry.errors import OnCalmError

_log = logging.getLogger(__name__)
RunState = Literal["queued", "running", "done", "failed", "cancelled"]
OVER: frozenset[str] = frozenset({"done", "failed", "cancelled"})
GRACE = 5.0
"""Seconds that a run goes on after its last follower left."""
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


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``id`` counts from 1."""

    id: int
    name: str
    data: dict[str, Any]


@dataclass(eq=False)
class Run:
    """One run. ``say`` is for its thread, everything else for the loop's."""

    id: str
    person: Person
    kind: str
    detached: bool
    loop: asyncio.AbstractEventLoop
    state: RunState = "queued"
    events: list[Event] = field(default_factory=list)
    result: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None
    ended: float = 0.0
    followers: set[Follower] = field(default_factory=set)
    future: Future[None] = field(default_factory=Future)
    """Done when its thread is, or will never be needed."""
    heard: Callable[[], None] = lambda: None
    """Called when its first event was sent, or its first follower has left."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, name: str, data: dict[str, Any]) -> None:
        """Add an event, unless it is over. Any thread may."""
        self._add(name, data, None)

    def finish(self, state: RunState, name: str, data: dict[str, Any]) -> None:
        """Add the last event, and note how it ended; how it ended first is what counts. Any thread may."""
        self._add(name, data, state)

    def _add(self, name: str, data: dict[str, Any], state: RunState | None) -> None:
        with self._lock:
            if self.state in OVER:
                return
            self.events.append(Event(len(self.events) + 1, name, data))
            if state is not None:
                self.state, self.ended = state, time.monotonic()
        if state is None and not any(one.eager for one in self.followers.copy()):
            return  # to wake the loop for nobody costs the thread that computes its turn
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody follows
            self.loop.call_soon_threadsafe(self._wake)

    def begin(self) -> bool:
        """It works now, unless it was stopped before."""
        if not self.future.set_running_or_notify_cancel():
            return False
        with self._lock:
            if self.state == "queued":
                self.state = "running"
        return True

    def stopped(self) -> bool:
        """Whether it should end."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask it to end. Any thread may."""
        self._stop.set()
        if self.future.cancel():
            self.end_stopped("it was stopped before it began")

    def end_stopped(self, why: str) -> None:
        """It was stopped: its stream is told, then it is over."""
        self.finish("cancelled", "error", {"problem": {"type": "about:blank", "title": "Stopped", "status": 409, "detail": why, "where": f"run {self.id}", "remedy": "ask again"}})

    def fail(self, problem: dict[str, Any]) -> None:
        """It broke: its stream is told, then it is over."""
        self.problem = problem
        self.finish("failed", "error", {"problem": problem})

    @contextmanager
    def following(self, after: int = 0, *, eager: bool = True) -> Iterator[Follower]:
        """Follow it from behind event ``after``; who leaves last leaves it to its grace. Not ``eager``: the end is what matters."""
        one = Follower(self, after, eager=eager)
        self.followers.add(one)
        try:
            yield one
        finally:
            self.heard()
            self.followers.discard(one)
            if not self.followers and not self.detached and self.state not in OVER:
                self.loop.call_later(GRACE, self.left)

    def left(self) -> None:
        """Stop it when nobody follows."""
        if not self.followers and self.state not in OVER:
            self.stop()

    def _wake(self) -> None:
        for one in self.followers:
            one.wake()


class Follower:
    """One who reads the events of a run as they come."""

    def __init__(self, run: Run, after: int, *, eager: bool = True) -> None:
        self._run, self._after, self._left, self.eager = run, after, False, eager
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There is something."""
        self._woken.set()

    def leave(self) -> None:
        """End, whatever may still come."""
        self._left = True
        self._woken.set()

    async def next(self, seconds: float) -> list[Event] | None:
        """The events that came, at least one; none after so many seconds without any; None once it is over.

        To ask for the next is to say that the last were sent.
        """
        run = self._run
        if self._after:
            run.heard()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._left:
                    self._woken.clear()
                    over = run.state in OVER  # before the events are read: the last one comes first
                    if coming := run.events[self._after :]:
                        self._after += len(coming)
                        return coming
                    if over:
                        return None
                    await self._woken.wait()
        return None if self._left else []


Work = Callable[[Run], dict[str, Any]]
"""What a run does in its thread: says events, looks at ``stopped``, gives the result."""


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
            loop.call_later(GRACE, run.left)
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
