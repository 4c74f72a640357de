"""One of several replicas leads: it alone holds Socket Mode's connection and keeps the cards. The others wait until it is gone."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Protocol

from agent.state_db.database import Database
from agent.state_db.locks import TargetBusyError, TargetLocks
from telemetry.errors import OnCalmError

LEADER = "oncalm slack leader"
LOOK = 3.0
"""Seconds between looks: whether the leader is gone, or whether we still are it."""
_log = logging.getLogger(__name__)


class Led(Protocol):
    """What only the leader does. Made anew each time it begins."""

    def start(self) -> None:
        """Begin; returns at once."""
        ...

    def stop(self) -> None:
        """End in order."""
        ...


class Leading:
    """Waits for the lead, keeps it, and steps down when it may have lost it: a database that went away let go of the lock."""

    def __init__(self, database: Callable[[], Database], make: Callable[[], Sequence[Led]], *, look: float = LOOK) -> None:
        """``database``: the state database that the replicas share; ``make``: what only the leader does, in the order of starting."""
        self._database, self._make, self._look = database, make, look
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="slack-leading", daemon=True)
        self.leads = threading.Event()
        """Whether it is this process."""

    def start(self) -> None:
        """Begin to wait; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Step down, so that another takes the lead at once."""
        self._ended.set()
        self._thread.join(30)

    def _work(self) -> None:
        while not self._ended.is_set():
            try:
                self._lead(TargetLocks(self._database()))
            except TargetBusyError:
                pass  # another leads
            except (OnCalmError, OSError) as error:
                _log.warning("nobody can say who speaks with Slack: %s", error)
            except Exception:  # noqa: BLE001 - whatever it was, the next look tries again
                _log.exception("leading failed")
            self._ended.wait(self._look)

    def _lead(self, locks: TargetLocks) -> None:
        with ExitStack() as held:
            held.enter_context(locks.held(LEADER, seconds=0))
            for one in self._make():
                held.callback(one.stop)
                one.start()
            self.leads.set()
            held.callback(self.leads.clear)
            while not self._ended.wait(self._look) and _taken(locks):
                pass


def _taken(locks: TargetLocks) -> bool:
    """Whether the lock is held; if not, the session that held it for us is gone."""
    try:
        with locks.held(LEADER, seconds=0):
            _log.warning("the lead was lost with the database's session; stepping down")
            return False
    except TargetBusyError:
        return True
