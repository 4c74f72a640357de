"""Spans out by OTLP over HTTP as they come: in batches, by a thread of its own, with a bounded queue that counts what it drops."""

from __future__ import annotations

import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from ebpf.spans import request_of

BATCH, WAITING = 500, 20_000
_EVERY = 1.0
_TIMEOUT = 10.0
_TRIES = 3
Item = tuple[str, str, Mapping[str, Any]]
"""Session, service and call."""


class Exporter:
    """Sends calls to ``endpoint`` (``http://collector:4318``) as spans."""

    def __init__(self, endpoint: str, node: str, *, took: Callable[[str, float], None] = lambda _outcome, _seconds: None,
                 tell: Callable[[str], None] = lambda _: None) -> None:
        """``took`` is told the outcome (``ok``, ``failed``) and the seconds of each request."""
        self._url, self._node, self._took, self._tell = f"{endpoint.rstrip('/')}/v1/traces", node, took, tell
        self._queue: queue.Queue[Item | None] = queue.Queue(WAITING)
        self.dropped = self.sent = 0
        self._thread = threading.Thread(target=self._work, name="otlp", daemon=True)
        self._thread.start()

    def add(self, session: str, service: str, call: Mapping[str, Any]) -> None:
        """One more call; dropped and counted when too many wait."""
        try:
            self._queue.put_nowait((session, service, call))
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Send what waits, then end."""
        self._queue.put(None)
        self._thread.join(_TIMEOUT * _TRIES)

    def _work(self) -> None:
        waiting: list[Item] = []
        ended = False
        while not ended:
            until = time.monotonic() + _EVERY
            while len(waiting) < BATCH and (left := until - time.monotonic()) > 0:
                try:
                    item = self._queue.get(timeout=left)
                except queue.Empty:
                    break
                if item is None:
                    ended = True
                    break
                waiting.append(item)
            while waiting and (ended or len(waiting) >= BATCH or time.monotonic() >= until):
                self._send(waiting[:BATCH])
                del waiting[:BATCH]

    def _send(self, items: list[Item]) -> None:
        groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        for session, service, call in items:
            groups.setdefault((session, service), []).append(call)
        for (session, service), calls in groups.items():
            request = request_of(calls, service=service, node=self._node, session=f"{session}/{self.sent + self.dropped}")
            if self._post(request.SerializeToString()):
                self.sent += len(calls)
            else:
                self.dropped += len(calls)

    def _post(self, body: bytes) -> bool:
        """Tried again after 429, 502, 503, 504 and what never arrived (OTLP specification, "Failures")."""
        for attempt in range(_TRIES):
            began = time.monotonic()
            try:
                asked = urllib.request.Request(self._url, body, {"Content-Type": "application/x-protobuf"})  # noqa: S310 - configured, http or https
                with urllib.request.urlopen(asked, timeout=_TIMEOUT):  # noqa: S310 - the same
                    self._took("ok", time.monotonic() - began)
                    return True
            except urllib.error.HTTPError as error:
                self._took("failed", time.monotonic() - began)
                again, why = error.code in {429, 502, 503, 504}, str(error)
            except OSError as error:
                self._took("failed", time.monotonic() - began)
                again, why = True, str(error)
            if not again or attempt == _TRIES - 1:
                self._tell(f"spans could not be sent to {self._url}: {why}")
                return False
            time.sleep(0.2 * 2**attempt)
        return False
