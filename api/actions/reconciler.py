"""What has to happen to actions while nobody calls a command: settling, expiring, reminding, verifying. One object for a server."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from threading import Event, Thread
from typing import TYPE_CHECKING

from telemetry.errors import OnCalmError

if TYPE_CHECKING:
    from api.actions.desk import Desk
    from api.actions.notifications import Teller

_log = logging.getLogger(__name__)
EVERY = 5.0
"""Seconds."""


class Reconciler:
    """Tends the actions of one home until it is stopped; what fails is tried again at the next turn."""

    def __init__(self, desk: Callable[[], Desk], teller: Teller | None = None, *, every: float = EVERY) -> None:
        """``desk`` opens the desk: a thread has its own. ``teller``'s outbox is emptied meanwhile."""
        self._open, self._teller, self._every = desk, teller, every
        self._stop = Event()
        self._watched: dict[str, Thread] = {}
        self._thread = Thread(target=self._work, name="reconciler", daemon=True)

    def start(self) -> None:
        """Settle what a crash left, then go on every few seconds."""
        if self._teller is not None:
            self._teller.start()
        self._thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Stop; verifications go on with the next start, from where they are."""
        self._stop.set()
        for thread in (self._thread, *self._watched.values()):
            thread.join(seconds)
        if self._teller is not None:
            self._teller.stop(seconds)

    def _work(self) -> None:
        with closing(self._open()) as desk:
            recovered = False
            while not self._stop.is_set():
                try:
                    if not recovered:
                        desk.recover()
                        recovered = True
                    desk.tend()
                    self._verify(desk)
                except OnCalmError as error:
                    _log.warning("actions could not be tended: %s", error)
                except Exception:  # noqa: BLE001 - a defect in one turn must not end expiry and reminders
                    _log.exception("actions could not be tended")
                self._stop.wait(self._every)

    def _verify(self, desk: Desk) -> None:
        for state in desk.unverified():
            if not (known := self._watched.get(state.approval)) or not known.is_alive():
                thread = Thread(target=self._watch, args=(state.approval,), name=f"verify-{state.approval}", daemon=True)
                self._watched[state.approval] = thread
                thread.start()

    def _watch(self, approval: str) -> None:
        try:
            with closing(self._open()) as desk:
                desk.watch(desk.approvals.show(approval), None, wait=self._stop.wait, tell=lambda _: None)
        except OnCalmError as error:  # the next turn tries again
            _log.warning("approval %s could not be verified: %s", approval, error)
