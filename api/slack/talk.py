"""Answers questions in threads: a message at once, changed while it thinks, then the answer with its evidence and pictures."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from agent.approvals.people import Person
from api.slack.cards import folded
from api.slack.sending import Sender
from api.slack.text import context, words
from telemetry.errors import OnCalmError

if TYPE_CHECKING:
    from api.actions.desk import Desk

_AT_ONCE = 4
_FILE_FROM = "oncalm-answer.txt"
_log = logging.getLogger(__name__)


class Asking(Protocol):
    """What answers: :class:`api.wiring.product.Product`, through ``asking_of``."""

    def ask(self, question: str, conversation: str, person: Person, watch: Callable[[dict[str, Any]], None], stopped: Callable[[], bool]) -> dict[str, Any]:
        """The document of ``ask --json``."""
        ...

    def investigate(self, symptom: str, conversation: str, person: Person, watch: Callable[[dict[str, Any]], None], stopped: Callable[[], bool]) -> dict[str, Any]:
        """The document of ``investigate --json``."""
        ...


class ProductAsking:
    """The real product behind :class:`Asking`; with a ``desk`` an investigation puts what it proposes before people."""

    def __init__(self, product: Any, desk: Desk | None = None) -> None:
        self._product, self._desk = product, desk

    def ask(self, question: str, conversation: str, person: Person, watch: Callable[[dict[str, Any]], None], stopped: Callable[[], bool]) -> dict[str, Any]:
        """Ask the product."""
        return dict(self._product.ask(question, conversation=conversation, watch=watch, stopped=stopped, by=person))

    def investigate(self, symptom: str, conversation: str, person: Person, watch: Callable[[dict[str, Any]], None], stopped: Callable[[], bool]) -> dict[str, Any]:
        """Have the product investigate, and propose as that person."""
        from api.actions.proposals import put

        found = dict(self._product.investigate(symptom, conversation=conversation, watch=watch, stopped=stopped, by=person))
        if self._desk is not None and found.get("proposals"):
            put(found, self._desk, person)
        return found


class Talk:
    """Questions of threads; those of one thread are answered one after the other."""

    def __init__(self, asking: Asking, sender: Sender, show: Callable[[str, str, str], str] = lambda approval, channel, thread: "") -> None:
        """``show``: puts the card of an approval where people answer it, given the channel and thread that asked; says where that is."""
        self._asking, self._sender, self._show = asking, sender, show
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="slack-talk")
        self._stopped = threading.Event()
        self._lines: dict[str, Future[None]] = {}
        self._lock = threading.Lock()

    def stop(self) -> None:
        """End what runs; it is begun again after the next start."""
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def begin(self, kind: str, question: str, person: Person, channel: str, thread: str, key: str, done: Callable[[], None]) -> None:
        """Answer in a thread, later; ``key`` names the answer's message, and ``done`` is called once it is in the outbox."""
        if not self._sender.known(key):  # a run that a restart cut off goes on in its message
            self._sender.post(channel, ":mag: looking …", key=key, thread=thread)
        conversation = f"slack:{channel}:{thread}"
        with self._lock:
            before = self._lines.get(conversation)
            self._lines = {name: one for name, one in self._lines.items() if not one.done()}
            self._lines[conversation] = self._pool.submit(self._after, before, kind, question, person, channel, thread, key, done)

    def _after(self, before: Future[None] | None, kind: str, question: str, person: Person, channel: str, thread: str, key: str, done: Callable[[], None]) -> None:
        if before is not None:
            with suppress(Exception):
                before.result()
        if self._stopped.is_set():
            return
        conversation, call = f"slack:{channel}:{thread}", self._asking.investigate if kind == "investigate" else self._asking.ask
        try:
            found = call(question, conversation, person, lambda event: self._watched(channel, key, event), self._stopped.is_set)
            self._tell(found, channel, thread, key)
        except OnCalmError as error:
            if self._stopped.is_set():
                return
            self._sender.update(channel, key, f":warning: {words(str(error))}"[:3_000])
        except Exception:  # noqa: BLE001 - whoever asked is told, whatever it was
            _log.exception("a question from Slack failed")
            self._sender.update(channel, key, ":warning: something went wrong here; OnCalm's log says what")
        done()

    def _watched(self, channel: str, key: str, event: dict[str, Any]) -> None:
        told = _step(event)
        if told and not self._stopped.is_set():
            self._sender.update(channel, key, f":mag: looking … {words(told)}"[:300])

    def _tell(self, found: dict[str, Any], channel: str, thread: str, key: str) -> None:
        blocks, whole = folded(found)
        proposals = found.get("proposals") or []
        if found.get("approval"):
            blocks = [*blocks[:48], context(f"*Proposed* {self._show(str(found['approval']), channel, thread)}")]
        elif proposals:
            why = "; ".join(map(str, proposals[0].get("why") or ()))
            blocks = [*blocks[:48], context(f"proposed, but not put before people: {words(str(proposals[0].get('action', '')))} ({words(why)})"[:2_000])]
        self._sender.update(channel, key, words(str(found.get("answer") or "no answer"))[:3_000], blocks)
        if whole is not None:
            self._sender.file(channel, _FILE_FROM, whole.encode(), "The whole answer", thread)
        for name, picture in _pictures(found):
            self._sender.file(channel, name, picture, name.removesuffix(".png"), thread)


def _step(event: dict[str, Any]) -> str:
    """What an event of a run says to somebody who waits; a draft is not shown, its claims are not checked yet."""
    match event.get("kind", "status"):
        case "draft":
            return "writing the answer"
        case "call" | "result":
            return str(event.get("tool", ""))[:150]
        case "status":
            return str(event.get("text", ""))[:150]
    return ""


def _pictures(found: dict[str, Any]) -> list[tuple[str, bytes]]:
    """What of an investigation can be drawn; an answer without is told all the same."""
    from api.pictures import draw

    with tempfile.TemporaryDirectory() as folder:
        try:
            return [(path.name, path.read_bytes()) for path in draw(found, Path(folder), kind="png")]
        except Exception:  # noqa: BLE001 - documents of plain answers lack what is drawn; the renderer raises many kinds
            return []
