"""Many requests, one commit: what is answered is on disk, and a thousand requests do not wait for a thousand commits.

Requests that come while a commit is under way share the next one (group commit). Nothing waits in memory that was
answered; when too much waits, the next is refused, and its sender sends it again.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future

from agent.incidents.errors import IntakeFullError
from agent.incidents.receiving import Receipt
from agent.incidents.service import Delivery, Incidents
from telemetry.errors import OnCalmError, StoreError

WAITING = 20_000
"""Alerts that may wait for a commit."""
_AT_ONCE = 1_000
"""Alerts of one commit: a lock is not held much longer than others may wait."""


class Intake:
    """One thread that commits. To be started and stopped; what waits when it stops is refused with StoreError."""

    def __init__(self, incidents: Incidents, *, waiting: int = WAITING) -> None:
        self._incidents = incidents
        self._most = waiting
        self._queue: deque[tuple[Delivery, Future[Receipt]]] = deque()
        self._alerts = 0
        self._changed = threading.Condition()
        self._ended = True
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to take deliveries."""
        with self._changed:
            self._ended = False
        self._thread = threading.Thread(target=self._run, name="oncalm-alert-intake", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Commit what waits, then end."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    @property
    def waiting(self) -> int:
        """Alerts that are not committed yet."""
        with self._changed:
            return self._alerts

    def put(self, delivery: Delivery) -> Future[Receipt]:
        """What becomes of a delivery once it is on disk. Raises IntakeFullError; the future may raise what :meth:`Incidents.receive` does."""
        future: Future[Receipt] = Future()
        with self._changed:
            if self._ended or self._alerts + len(delivery.alerts) > self._most:
                why = "alerts are not taken now" if self._ended else "too many alerts wait to be stored"
                raise IntakeFullError(why, where="alerts", remedy="nothing of this was kept; send it again in some seconds")
            self._queue.append((delivery, future))
            self._alerts += len(delivery.alerts)
            self._changed.notify()
        return future

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._ended:
                    self._changed.wait()
                if not self._queue:
                    return
                batch = self._batch()
            self._commit(batch)
            with self._changed:
                self._alerts -= sum(len(delivery.alerts) for delivery, _ in batch)

    def _batch(self) -> list[tuple[Delivery, Future[Receipt]]]:
        batch: list[tuple[Delivery, Future[Receipt]]] = []
        size = 0
        while self._queue and (not batch or size + len(self._queue[0][0].alerts) <= _AT_ONCE):
            batch.append(self._queue.popleft())
            size += len(batch[-1][0].alerts)
        return batch

    def _commit(self, batch: list[tuple[Delivery, Future[Receipt]]]) -> None:
        try:
            told = self._incidents.receive([delivery for delivery, _ in batch])
        except OnCalmError as error:  # the database cannot be written: true for all of them
            told = [error] * len(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear it
            if len(batch) > 1:
                for one in batch:  # one bad delivery must not refuse the others
                    self._commit([one])
                return
            told = [StoreError(f"the alerts could not be kept: {type(error).__name__}", where="alerts", remedy="send them again")]
        for (_, future), answer in zip(batch, told, strict=True):
            _answer(future, answer)


def _answer(future: Future[Receipt], told: Receipt | OnCalmError) -> None:
    if not future.set_running_or_notify_cancel():
        return  # its sender left; it is kept all the same
    if isinstance(told, OnCalmError):
        future.set_exception(told)
    else:
        future.set_result(told)
