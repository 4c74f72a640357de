"""What waits for the collector: bounded, sent by a thread of its own, in groups that are never split."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Outbox(Generic[Item]):
    """A queue of groups. Nobody who puts something in ever waits for the network.

    The SDK's batch processor drops and sends single items, which would split traces, and its flush knows no deadline.
    Here a group that does not fit is dropped whole, and a batch is made of whole groups.
    """

    def __init__(
        self, send: Callable[[Sequence[Item]], bool], *, name: str, queue_items: int, batch_items: int, delay_seconds: float
    ) -> None:
        """``send`` delivers a batch and says whether that worked; it runs in the outbox's thread and never raises."""
        self._send = send
        self._room = queue_items
        self._batch = batch_items
        self._delay = delay_seconds
        self._groups: deque[Sequence[Item]] = deque()
        self._waiting = 0
        self._sending = False
        self._changed = threading.Condition()
        self._flushing = False
        self._closed = False
        self.dropped = 0
        """Items that found no room, came after the end, or could not be delivered."""
        # A daemon: a collector that hangs must not keep the process from ending.
        self._worker = threading.Thread(target=self._work, name=f"oncalm-telemetry-{name}", daemon=True)
        self._worker.start()

    def put(self, group: Sequence[Item]) -> bool:
        """Queue a group, or drop it whole."""
        with self._changed:
            if self._closed or self._waiting + len(group) > self._room:
                self.dropped += len(group)
                return False
            self._groups.append(group)
            self._waiting += len(group)
            if self._waiting >= self._batch:
                self._changed.notify_all()
            return True

    def flush(self, seconds: float) -> bool:
        """Send what waits now; whether it was all tried within so many seconds."""
        deadline = time.monotonic() + seconds
        with self._changed:
            self._flushing = True
            self._changed.notify_all()
            return self._changed.wait_for(self._idle, max(0.0, deadline - time.monotonic()))

    def close(self) -> None:
        """Take nothing more and send the rest; :meth:`join` waits for that."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def join(self, seconds: float) -> bool:
        """Whether the worker has ended within so many seconds."""
        self._worker.join(max(0.0, seconds))
        return not self._worker.is_alive()

    def _idle(self) -> bool:
        return not self._groups and not self._sending

    def _due(self) -> bool:
        return self._closed or self._flushing or self._waiting >= self._batch

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._due, self._delay)
                batch = self._take()
                if not batch:
                    self._flushing = False
                    self._changed.notify_all()
                    if self._closed:
                        return
                    continue
                self._sending = True
            delivered = self._send(batch)
            with self._changed:
                self._sending = False
                self.dropped += 0 if delivered else len(batch)
                self._changed.notify_all()

    def _take(self) -> list[Item]:
        """The next whole groups, as many as fit a batch; one that is larger than a batch goes alone."""
        batch: list[Item] = []
        while self._groups and (not batch or len(batch) + len(self._groups[0]) <= self._batch):
            group = self._groups.popleft()
            self._waiting -= len(group)
            batch += group
        return batch
