"""One run and its followers: numbered events from a thread that works, for any number of streams that read them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from agent.approvals.people import Person

RunState = Literal["queued", "running", "done", "failed", "cancelled"]
OVER: frozenset[str] = frozenset({"done", "failed", "cancelled"})
GRACE = 5.0
"""Seconds that a run goes on after its last follower left."""


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
                self.expect_follower()

    def expect_follower(self) -> None:
        """Stop it after its grace, unless somebody follows by then."""
        self.loop.call_later(GRACE, self._left)

    def _left(self) -> None:
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
