"""Investigates what is queued: each incident once, whatever number of processes look, and whichever of them dies."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import Any, Protocol
from uuid import uuid4

from agent.audit.journal import micros
from agent.incidents import queue
from agent.incidents.alert import masked_document
from agent.incidents.book import WORKER
from agent.incidents.queue import Task
from agent.incidents.recalling import same
from agent.incidents.service import Incidents
from agent.state_db.locks import TargetBusyError, TargetLocks
from telemetry.errors import OnCalmError

_log = logging.getLogger(__name__)
_POLL = 1.0
"""Seconds between looks at the queue: other processes fill it, too."""
_CHORES = 15.0
_LOOKED_AT = 20


class Investigate(Protocol):
    """Finds the cause of a symptom at a moment: the document of ``investigate --json``. May raise OnCalmError."""

    def __call__(self, symptom: str, at: datetime, incident: str) -> dict[str, Any]: ...


class Worker:
    """Threads that take investigations from the stored queue. To be started and stopped."""

    def __init__(self, incidents: Incidents, investigate: Investigate, *, poll: float = _POLL) -> None:
        self._incidents = incidents
        self._investigate = investigate
        self._poll = poll
        self._locks = TargetLocks(incidents.database)
        self._holder = uuid4().hex
        self._running: dict[str, tuple[Task, threading.Thread]] = {}
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to take investigations."""
        self._ended.clear()
        for name, run, seconds in (("takes", self.take, self._poll), ("lives", self.beat, self._beat_seconds()), ("chores", self._chores, _CHORES)):
            thread = threading.Thread(target=self._again, args=(run, seconds), name=f"oncalm-incidents-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Take no more, wait so long for those at work, and give back to the others what is not done by then."""
        self._ended.set()
        self._wake.set()
        with self._guard:
            running = list(self._running.values())
        for _, thread in running:
            thread.join(seconds / max(1, len(running)))
        for thread in self._threads:
            thread.join(seconds)
        self._threads = []
        with self._guard:
            left = [task for task, _ in self._running.values()]
        for task in left:
            with self._incidents.writing() as book:
                queue.give_back(book, task, self._holder)

    def wake(self) -> None:
        """Look at the queue now: something was put there."""
        self._wake.set()

    def take(self) -> None:
        """Take as many as there is room for, each in a thread of its own."""
        settings = self._incidents.settings
        with self._guard:
            room = settings.at_once - len(self._running)
        if room <= 0:
            return
        with self._incidents.database.reading() as connection:
            found = queue.candidates(connection, micros(self._incidents.clock()), _LOOKED_AT)
        for ident in found:
            if room <= 0 or self._ended.is_set():
                return
            room -= self._begin(ident)

    def beat(self) -> None:
        """Say that those at work are still at work."""
        with self._guard:
            idents = list(self._running)
        if idents:
            with self._incidents.database.writing() as connection:
                queue.keep_alive(connection, self._holder, idents, micros(self._incidents.clock()), self._incidents.settings)

    @property
    def busy(self) -> int:
        """Investigations at work in this process."""
        with self._guard:
            return len(self._running)

    def _chores(self) -> None:
        self._incidents.settle_quiet()

    def _begin(self, ident: str) -> bool:
        """Take one, unless another has it: first its lock, then its row."""
        held = ExitStack()
        try:
            held.enter_context(self._locks.held(f"incident {ident}", seconds=0))
        except TargetBusyError:
            return False
        try:
            with self._incidents.writing() as book:
                task = queue.take(book, ident, self._holder, self._incidents.settings)
        except BaseException:
            held.close()
            raise
        if task is None:
            held.close()
            return False
        thread = threading.Thread(target=self._run, args=(task, held), name=f"oncalm-{ident}", daemon=True)
        with self._guard:
            self._running[ident] = (task, thread)
        thread.start()
        return True

    def _run(self, task: Task, held: ExitStack) -> None:
        try:
            result, why = self._result(task)
            self._finish(task, result, why)
        except OnCalmError as error:  # it stays ours until the lease ends, and is then taken again
            _log.warning("incident %s: what was found could not be kept: %s", task.incident, error)
        finally:
            with self._guard:
                self._running.pop(task.incident, None)
            held.close()
            self._wake.set()

    def _result(self, task: Task) -> tuple[dict[str, Any] | None, str]:
        """What was found, or why nothing was."""
        try:
            found = self._investigate(task.symptom, task.at, task.incident)
            return masked_document(found), ""
        except OnCalmError as error:
            return None, str(masked_document(str(error)))
        except Exception as error:  # noqa: BLE001 - a defect in one investigation must not end the others
            _log.exception("incident %s: its investigation failed", task.incident)
            return None, f"an unexpected error, {type(error).__name__}"

    def _finish(self, task: Task, result: dict[str, Any] | None, why: str) -> None:
        with self._incidents.writing() as book:
            if not queue.finish(book, task, self._holder, result, why) or result is None:
                return
            earlier = queue.earlier_result(book.connection, task.earlier)
            if earlier is not None and same(result, earlier):
                then = book.get(earlier["incident"])
                book.note(book.get(task.incident), "recalled", WORKER, book.ending(then))

    def _again(self, run: Callable[[], None], seconds: float) -> None:
        """Run it until the end; what fails is tried again later."""
        while not self._ended.is_set():
            try:
                run()
            except Exception:  # noqa: BLE001 - a database that is away comes back
                _log.warning("incidents: a look at the queue failed", exc_info=True)
            if run == self.take:
                self._wake.wait(seconds)
                self._wake.clear()
            else:
                self._ended.wait(seconds)

    def _beat_seconds(self) -> float:
        return self._incidents.settings.lease.total_seconds() / 3

