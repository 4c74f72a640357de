"""Sends what the outbox holds: one thread a channel, so that a dead or slow one delays nobody else."""

from __future__ import annotations

import json
import logging
import math
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Any

from agent.notifying.notice import Channel, Notice
from agent.notifying.outbox import Outbox, Row
from telemetry.errors import OnCalmError, UsageError

_log = logging.getLogger(__name__)
COMMAND = (sys.executable, "-m", "agent.notifying.sending")
_LASTING = frozenset({400, 401, 403, 404, 405, 410, 413, 422})
"""Answers that trying again seldom changes."""
_FEW = 5
"""How often one of these is tried all the same: a proxy says 404, too, while its server starts."""


@dataclass(frozen=True, slots=True)
class Retries:
    """Seconds. Exponential with half of it random, so that channels do not come back at once."""

    first: float = 2
    longest: float = 600
    pause: float = 60
    """The longest that one failure keeps its channel's other notices waiting."""
    total: float = 86_400
    """After a day it is given up, and stays in the outbox as given up."""
    timeout: float = 20
    """The longest that one attempt may take, from start to end."""

    def after(self, attempts: int, dice: float) -> float:
        """The wait after so many attempts; ``dice`` is 0 to 1."""
        return float(min(self.longest, self.first * 2 ** min(attempts - 1, 30)) * (0.5 + 0.5 * dice))


class Notifier:
    """Keeps notices and sends them. ``notify`` never waits for a channel and never raises because of one."""

    def __init__(self, outbox: Outbox, channels: Sequence[Channel], *, retries: Retries | None = None,
                 dice: Callable[[], float] = random.random, command: Sequence[str] = COMMAND) -> None:
        """``command`` sends one message (:mod:`agent.notifying.sending`). Raises UsageError for two channels of one name."""
        names = [one.name for one in channels]
        if len(set(names)) < len(names):
            raise UsageError("two notification channels have one name", where="notifications", remedy="name them apart")
        self.outbox, self.channels, self._retries = outbox, tuple(channels), retries or Retries()
        self._dice, self._command = dice, tuple(command)
        self._stop, self._wake = Flag(), {name: Flag() for name in names}
        self._threads: list[Thread] = []

    def notify(self, notice: Notice) -> int:
        """Keep it for the channels that want it; for how many. 0 and an error in the log when the outbox is broken."""
        try:
            kept = self.outbox.put(notice, self.channels)
        except OnCalmError as error:
            _log.error("a notification (%s) was not kept: %s", notice.event, error)
            return 0
        for flag in self._wake.values():
            flag.set()
        return kept

    def start(self) -> None:
        """Send from now on, what an earlier process left first."""
        self._threads = [Thread(target=self._work, args=(one,), name=f"notify-{one.name}", daemon=True) for one in self.channels]
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Stop sending; what is under way may end within ``seconds``, and what is not sent stays in the outbox."""
        self._stop.set()
        for flag in self._wake.values():
            flag.set()
        for thread in self._threads:
            thread.join(seconds)

    def send_due(self, channel: Channel) -> bool:
        """Send one notice that is due; False when there is none. Raises StoreError."""
        row = self.outbox.claim(channel.name, self._retries.timeout * 2)
        if row is None:
            return False
        answer = self._attempt(channel, row)
        if answer.get("sent"):
            self.outbox.sent(row.id)
        else:
            self._failed(row, answer)
        return True

    def _work(self, channel: Channel) -> None:
        wake = self._wake[channel.name]
        while not self._stop.is_set():
            try:
                busy = self.send_due(channel)
            except Exception as error:  # noqa: BLE001 - a broken outbox may be whole again later; the thread goes on
                _log.error("notifications to %s wait: %s", channel.name, error if isinstance(error, OnCalmError) else type(error).__name__)
                busy = False
            if not busy:
                wake.wait(min(1.0, self._retries.first))
                wake.clear()

    def _attempt(self, channel: Channel, row: Row) -> dict[str, Any]:
        request = {"url": channel.url, "key": row.key, "event": row.event, "title": row.title, "body": row.body}
        try:
            done = subprocess.run(self._command, input=json.dumps(request), capture_output=True, text=True, check=False,
                                  timeout=self._retries.timeout, cwd=Path(__file__).parents[2])
            answer = json.loads(done.stdout)
        except subprocess.TimeoutExpired:
            return {"why": f"no end within {self._retries.timeout:g} s"}
        except (OSError, ValueError) as error:
            return {"why": f"the sending process failed: {type(error).__name__}"}
        return answer if isinstance(answer, dict) else {"why": "the sending process failed"}

    def _failed(self, row: Row, answer: dict[str, Any]) -> None:
        why = str(answer.get("why") or "unknown")
        if answer.get("missing"):
            why = "apprise is not installed: pip install 'oncalm[notify]'"
        lasting = bool(answer.get("unusable")) or (answer.get("status") in _LASTING and row.attempts >= _FEW)
        wait = self._retries.after(row.attempts, self._dice())
        asked = answer.get("retry_after")
        if isinstance(asked, int | float) and math.isfinite(asked):
            wait = max(wait, min(float(asked), self._retries.total))
        pause = wait if asked else min(wait, self._retries.pause)
        if lasting or self.outbox.age(row) + wait > self._retries.total:
            self.outbox.gave_up(row.id, f"given up after {row.attempts} attempts: {why}")
            _log.error("a notification to %s was given up: %s", row.channel, why)
            return
        self.outbox.later(row, wait, why, pause=pause)
        _log.warning("a notification to %s failed (%s); again in %.0f s", row.channel, why, wait)
