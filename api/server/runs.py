"""Runs: questions and investigations that are under way, each with a log of events that any number of streams may follow.

A run has a thread of a bounded pool. Its events are numbered from 1 and kept until some time after its end, so that a
stream that broke resumes where it was. A run that nobody follows any more is stopped after a grace, unless it is detached.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
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
KEPT = 600.0
"""Seconds that the events of a finished run may be fetched."""
MOST_WAITING = 1_000
_MOST_KEPT = 2_000


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
    followers: int = 0
    future: Future[None] | None = None
    _waiting: set[asyncio.Event] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, name: str, data: dict[str, Any]) -> None:
        """Add an event. Any thread may."""
        with self._lock:
            self.events.append(Event(len(self.events) + 1, name, data))
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody follows
            self.loop.call_soon_threadsafe(self._wake)

    def stopped(self) -> bool:
        """Whether it should end."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask it to end."""
        self._stop.set()
        if self.future is not None and self.future.cancel():
            self.end_stopped("it was stopped before it began")

    def end(self, state: RunState) -> None:
        """Note how it ended. Any thread may."""
        self.state, self.ended = state, time.monotonic()
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._wake)

    def end_stopped(self, why: str) -> None:
        """It was stopped: its stream is told, then it is over."""
        self.say("error", {"problem": {"type": "about:blank", "title": "Stopped", "status": 409, "detail": why, "where": f"run {self.id}", "remedy": "ask again"}})
        self.end("cancelled")

    async def follow(self, after: int = 0) -> AsyncIterator[Event]:
        """The events behind ``after``, then those to come, until the run is over."""
        woken = asyncio.Event()
        self._waiting.add(woken)
        self.followers += 1
        try:
            while True:
                woken.clear()
                over = self.state in OVER  # before the events are read: the last one comes first
                while after < len(self.events):
                    after += 1
                    yield self.events[after - 1]
                if over:
                    return
                await woken.wait()
        finally:
            self._waiting.discard(woken)
            self.followers -= 1
            if not self.followers and not self.detached and self.state not in OVER:
                self.loop.call_later(GRACE, self._left)

    def _left(self) -> None:
        if not self.followers and self.state not in OVER:
            self.stop()

    def _wake(self) -> None:
        for one in self._waiting:
            one.set()


Work = Callable[[Run], dict[str, Any]]
"""What a run does in its thread: says events, looks at ``stopped``, gives the result."""


class Runs:
    """All runs of one process."""

    def __init__(self, at_once: int = 4) -> None:
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="run")
        self._held: dict[str, Run] = {}
        self._closing = False

    @property
    def counts(self) -> dict[str, int]:
        """How many are in each state."""
        found = dict.fromkeys(("queued", "running", "done", "failed", "cancelled"), 0)
        for one in list(self._held.values()):
            found[one.state] += 1
        return found

    @property
    def streams(self) -> int:
        """How many streams follow."""
        return sum(one.followers for one in list(self._held.values()))

    def start(self, kind: str, person: Person, work: Work, *, detached: bool = False, ident: str | None = None, first: dict[str, Any] | None = None) -> Run:
        """Begin a run, or queue it; ``first`` is its first event. Raises BusyError when too many wait, or the server ends."""
        if self._closing:
            raise BusyError("the server is ending", where="run", remedy="ask again in a moment")
        self._forget()
        if sum(one.state == "queued" for one in self._held.values()) >= MOST_WAITING:
            raise BusyError(f"{MOST_WAITING} runs wait already", where="run", remedy="ask again later")
        run = Run(ident or uuid4().hex, person, kind, detached, asyncio.get_running_loop())
        self._held[run.id] = run
        run.say("run", {"run": run.id, **(first or {})})
        run.future = self._pool.submit(self._work, run, work)
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
            if run.state not in OVER:
                run.end_stopped("the server is ending; the run was stopped")
                run.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)
        await asyncio.sleep(0)

    @staticmethod
    def _work(run: Run, work: Work) -> None:
        if run.stopped():
            run.end_stopped("it was stopped before it began")
            return
        run.state = "running"
        try:
            result = work(run)
        except RunStoppedError:
            if run.state not in OVER:
                run.end_stopped("it was stopped")
        except OnCalmError as error:
            run.problem = problem_of(error)
            run.say("error", {"problem": run.problem})
            run.end("failed")
        except Exception as error:  # noqa: BLE001 - told in its stream and in the log
            _log.exception("run %s broke down", run.id)
            run.problem = {"type": "about:blank", "title": "Internal Server Error", "status": 500, "detail": f"a defect of OnCalm: {type(error).__name__}",
                           "where": f"run {run.id}", "remedy": "look into the server's log"}
            run.say("error", {"problem": run.problem})
            run.end("failed")
        else:
            if run.state == "running":
                run.result = result
                run.say("answer", result)
                run.end("done")

    def _forget(self) -> None:
        now = time.monotonic()
        over = sorted((one for one in self._held.values() if one.state in OVER and not one.followers), key=lambda one: one.ended)
        for one in over:
            if now - one.ended > KEPT or len(self._held) > _MOST_KEPT:
                del self._held[one.id]
