"""Approvals in Slack: cards that follow the one service's state, and answers through it (``via="slack"``)."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from agent.approvals.people import Person
from agent.approvals.states import WAYS
from api.slack import cards
from api.slack.memory import Memory
from api.slack.sending import Sender
from api.slack.text import words
from telemetry.errors import OnCalmError

if TYPE_CHECKING:
    from agent.approvals.record import Approval
    from api.actions.desk import Desk

POLL = 5.0
"""Seconds between looks at what may have changed elsewhere: at the command line, or by time."""
_log = logging.getLogger(__name__)


class Deciding:
    """The cards of one channel."""

    def __init__(self, desk: Desk, memory: Memory, sender: Sender, channel: str, *, poll: float = POLL) -> None:
        self._desk, self._memory, self._sender, self._channel, self._poll = desk, memory, sender, channel, poll
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look for changes; also again after it was stopped."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._work, name="slack-cards", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(10)

    def put(self, ident: str, channel: str, thread: str) -> str:
        """Show the card of what an investigation proposes: in the channel for approvals, else in the thread. Where it is (mrkdwn)."""
        approval = self._desk.approvals.show(ident)
        self.announce(approval, self._channel or channel, "" if self._channel else thread)
        known = self._memory.card(ident)
        return f"`{words(ident)}` {words(approval.line.action)} on {words(approval.line.target)} ({words(approval.state)})" + (f": its card is in <#{known[0]}>" if known and known[0] != channel else "")

    def announce(self, approval: Approval, channel: str = "", thread: str = "") -> None:
        """Show a card, once; later only its changes."""
        channel = channel or self._channel
        with self._lock:
            if not channel or self._memory.card(approval.id) is not None:
                return
            self._sender.post(channel, f"Approval: {_name(approval)}", blocks=cards.card(approval), key=_key(approval.id), thread=thread)
            self._memory.shows(approval.id, channel, _shown(approval), still=bool(WAYS[approval.state]))

    def changed(self, approval: Approval) -> None:
        """Bring a card up to date, and say in its thread what became of it. Harmless when nothing changed."""
        with self._lock:
            known = self._memory.card(approval.id)
            if known is None or known[1] == _shown(approval):
                return
            channel, before = known
            self._sender.update(channel, _key(approval.id), f"Approval: {_name(approval)}", cards.card(approval))
            if approval.state != before.partition(":")[0]:
                self._sender.put(channel, "chat.postMessage", {"text": cards.outcome(approval)[:3_000], "thread_ts": _key(approval.id)})
            self._memory.shows(approval.id, channel, _shown(approval), still=bool(WAYS[approval.state]))

    def look(self) -> None:
        """Compare every card that can change with the service, and show those that are new."""
        self._desk.tend()
        for ident in self._memory.open_cards():
            self.changed(self._desk.approvals.show(ident))
        for one in self._desk.approvals.list(("pending",)) if self._channel else ():
            self.announce(self._desk.approvals.show(one.id))

    def _work(self) -> None:
        while not self._ended.wait(self._poll):
            try:
                self.look()
            except OnCalmError as error:
                _log.warning("cards could not be compared: %s", error)
            except Exception:  # noqa: BLE001 - a look that fails for a defect must not end those after it
                _log.exception("cards could not be compared")

    def approve(self, ident: str, digest: str, person: Person) -> str | None:
        """Approve what was shown; None when it went through, else why not (mrkdwn)."""
        try:
            self._desk.approve(ident, person, digest=digest, via="slack")
        except OnCalmError as error:
            return f":no_entry: {words(str(error))}"[:3_000]
        finally:
            self._refresh(ident)
        return None

    def reject(self, ident: str, reason: str, person: Person) -> str | None:
        """Reject it; None when it went through, else why not (mrkdwn)."""
        try:
            self._desk.reject(ident, person, reason=reason, via="slack")
        except OnCalmError as error:
            return f":no_entry: {words(str(error))}"[:3_000]
        finally:
            self._refresh(ident)
        return None

    def details(self, ident: str) -> dict[str, Any]:
        """The modal with everything. Raises OnCalmError."""
        return cards.details_modal(self._desk.approvals.show(ident))

    def pending(self, channel: str) -> list[str]:
        """Show a card of each approval that waits and has none; all that wait as lines (mrkdwn)."""
        lines = self._desk.approvals.list(("pending",))
        for one in lines:
            if self._memory.card(one.id) is None:
                self.announce(self._desk.approvals.show(one.id), self._channel or channel)
        return [f"`{one.id}` {words(one.action)} on {words(one.target)}, until {cards.local(one.deadline)}" for one in lines]

    def _refresh(self, ident: str) -> None:
        with suppress(OnCalmError):
            self.changed(self._desk.approvals.show(ident))


def _key(ident: str) -> str:
    return f"approval:{ident}"


def _shown(approval: Approval) -> str:
    return f"{approval.state}:{approval.line.given}"


def _name(approval: Approval) -> str:
    return f"{words(approval.line.action)} on {words(approval.line.target)} ({approval.state})"[:2_000]
