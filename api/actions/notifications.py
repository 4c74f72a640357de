"""Tells people what becomes of actions: channels from a file, notices through the outbox. Nothing ever waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from agent.notifying.delivering import Notifier
from agent.notifying.notice import EVENTS, Channel, Event, notice
from agent.notifying.outbox import Outbox, Row
from telemetry.errors import UsageError

if TYPE_CHECKING:
    from agent.approvals.record import Approval, Line
    from agent.verification.state import State

BOX = "notices.db"
PATIENCE = 3.0
"""Seconds that a command waits for its notices to go out; what has not gone by then goes with the next command or the server."""
_KEYS = frozenset({"name", "url", "variable", "events"})


def read_channels(path: Path, environment: Callable[[str], str | None]) -> list[Channel]:
    """The channels that a YAML file names. ``variable`` names an environment variable with the URL. Raises UsageError, without URLs."""
    from telemetry import yaml_files

    held = yaml_files.read(path, remedy="see docs/notifications.md")
    listed = held.get("channels") if isinstance(held, Mapping) else None
    if not isinstance(listed, list) or set(held) != {"channels"}:
        raise UsageError("it needs one key, `channels`, with a list", where=str(path), remedy="see docs/notifications.md")
    return [_channel(one, f"{path}: channel {number}", environment) for number, one in enumerate(listed, 1)]


def _channel(one: Any, where: str, environment: Callable[[str], str | None]) -> Channel:
    def wrong(what: str, remedy: str = "see docs/notifications.md") -> UsageError:
        return UsageError(what, where=where, remedy=remedy)

    if not isinstance(one, Mapping) or not isinstance(one.get("name"), str):
        raise wrong("a channel needs a name")
    if unknown := sorted(map(str, set(one) - _KEYS)):
        raise wrong(f"unknown keys: {', '.join(unknown)}", f"use {', '.join(sorted(_KEYS))}")
    if ("url" in one) == ("variable" in one):
        raise wrong("say where it is: `url`, or `variable` with the name of an environment variable that holds the URL")
    url = one["url"] if "url" in one else environment(str(one["variable"]))
    if not isinstance(url, str) or not url:
        raise wrong(f"the variable {one['variable']} is not set" if "variable" in one else "`url` is no text", "set it, or take the channel out")
    events = one.get("events", list(EVENTS))
    if not isinstance(events, list):
        raise wrong("`events` is a list", f"some of {', '.join(EVENTS)}")
    return Channel(one["name"], url, tuple(cast("Event", str(event)) for event in events))


class Teller:
    """Turns what happens to approvals into notices. No method raises or waits, :meth:`flush` aside."""

    def __init__(self, home: Path, channels: list[Channel], *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.outbox = Outbox(home / BOX, clock)
        self.notifier = Notifier(self.outbox, channels)
        self._sending = self._flushed = False

    def asked(self, found: Approval) -> None:
        """An approval waits."""
        line = found.line
        body = [f"{line.action} on {line.target}", found.preview.predicted, f"felt by: {found.preview.blast.statement}",
                *(f"{edit.path}: {edit.before} → {edit.after}" for edit in found.preview.diff[:10]),
                f"risk {line.risk:.2f}: {'; '.join(map(str, found.record.get('reasons', ())))}", *self._answer(line)]
        self.notifier.notify(notice(line.id, "approval_asked", f"Approval wanted: {line.action} on {line.target}", "\n".join(filter(None, body)), useful_until=line.deadline))

    def remind(self, line: Line) -> None:
        """Its deadline is near."""
        self.notifier.notify(notice(line.id, "reminder", f"Still waiting: {line.action} on {line.target}", "\n".join(self._answer(line)), useful_until=line.deadline))

    def ended(self, found: Approval) -> None:
        """What became of the execution."""
        from agent.approvals.wording import told

        events: dict[str, Event] = {"succeeded": "executed", "failed": "failed", "unknown": "failed"}
        if (event := events.get(found.state)) is not None:
            self.notifier.notify(notice(found.id, event, f"{found.line.action} on {found.line.target}: {found.state}", told(found)))

    def verified(self, found: Approval, state: State) -> None:
        """What verification said, and what became of the rollback it called for."""
        from agent.approvals.wording import told

        if state.verdict is None:
            return
        title = f"{found.line.action} on {found.line.target}"
        self.notifier.notify(notice(found.id, "verified", f"{title}: {state.verdict.replace('_', ' ')}", state.statement.replace("; ", "\n")))
        if state.rollback:
            self.taken_back(found)
        elif found.state == "confirmed":
            return
        elif found.state not in {"succeeded", "rolled_back"}:
            self.notifier.notify(notice(found.id, "failed", f"{title}: {found.state}", told(found)))

    def taken_back(self, found: Approval) -> None:
        """What became of a rollback."""
        from agent.approvals.wording import told

        event: Event = "rolled_back" if found.state == "rolled_back" else "failed"
        self.notifier.notify(notice(found.id, event, f"{found.line.action} on {found.line.target}: {found.state.replace('_', ' ')}", told(found), nth=int(event == "failed")))

    def start(self) -> None:
        """Send from now on, as long as a server lives."""
        self._sending = True
        self.notifier.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Stop sending; the rest stays in the outbox."""
        self.notifier.stop(seconds)

    def flush(self, patience: float = PATIENCE) -> None:
        """At the end of a command: send what waits, once, for at most so many seconds; the rest stays in the outbox."""
        if not self._sending and not self._flushed and self._waiting():
            self.send(patience)

    def send(self, patience: float) -> None:
        """Send what waits and has not failed yet, for at most so many seconds."""
        self._flushed = True
        self.notifier.start()
        until = time.monotonic() + patience
        while time.monotonic() < until and self._waiting():
            time.sleep(0.05)
        self.notifier.stop(max(0.1, until - time.monotonic()))

    def _waiting(self) -> bool:
        from telemetry.errors import OnCalmError

        try:
            return any(row.attempts == 0 for row in self.outbox.rows("waiting"))
        except OnCalmError:
            return False

    @staticmethod
    def _answer(line: Line) -> list[str]:
        left = line.needed - line.given
        return [f"{left} {'approval' if left == 1 else 'approvals'} needed by {line.deadline:%Y-%m-%d %H:%M:%S} UTC, asked by {line.requester}",
                f"answer: oncalm approvals show {line.id}"]


DONE, FAILED, NOTHING = 0, 1, 3


def listed(teller: Teller, *, as_json: bool) -> int:
    """The rows of the outbox. 3: none."""
    rows = teller.outbox.rows()
    return _shown(rows, as_json=as_json) if rows else NOTHING


def send(teller: Teller, *, again: bool, seconds: float, as_json: bool) -> int:
    """Send what waits. 1: something still does."""
    if again:
        teller.outbox.again()
    waiting = {row.id for row in teller.outbox.rows("waiting")}
    teller.send(seconds)
    rows = [row for row in teller.outbox.rows() if row.id in waiting]
    _shown(rows, as_json=as_json)
    return DONE if all(row.state == "sent" for row in rows) else FAILED


def try_channels(teller: Teller, *, as_json: bool) -> int:
    """A test message to each channel, whatever events it wants. 1: one of them did not take it."""
    key = f"test-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    channels = [Channel(one.name, one.url, ("executed",)) for one in teller.notifier.channels]
    one = notice(key, "executed", "OnCalm: a test", "This channel works. Nothing was done.")
    teller.outbox.put(one, channels)
    teller.send(20.0)
    rows = [row for row in teller.outbox.rows() if row.key == one.key]
    _shown(rows, as_json=as_json)
    return DONE if all(row.state == "sent" for row in rows) else FAILED


def _shown(rows: list[Row], *, as_json: bool) -> int:
    from rich.console import Console
    from rich.table import Table

    from api.terminal.escaping import json_line
    from api.terminal.printing import printable

    if as_json:
        print(json_line([{"key": one.key, "channel": one.channel, "event": one.event, "title": one.title, "state": one.state, "attempts": one.attempts,
                          "made": datetime.fromtimestamp(one.made, UTC).isoformat(), "why": one.why} for one in rows]))
        return DONE
    table = Table("made (UTC)", "channel", "event", "title", "state", "attempts", "why", box=None, pad_edge=False)
    for one in rows:
        table.add_row(f"{datetime.fromtimestamp(one.made, UTC):%m-%d %H:%M:%S}", printable(one.channel), one.event, printable(one.title),
                      one.state.replace("_", " "), str(one.attempts), printable(one.why))
    Console().print(table)
    return DONE
