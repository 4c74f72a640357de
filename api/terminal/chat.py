"""``oncalm chat``: a conversation in the terminal."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any, Protocol
from uuid import uuid4

from agent.nodes import RunStoppedError
from api.terminal import answers, progress
from api.terminal.escaping import visible
from telemetry.errors import OnCalmError

_HELP = "Ask in plain words. /why SYMPTOM investigates, /new begins afresh, /quit ends. Ctrl-C stops an answer."
_WORDS = frozenset({"/quit", "/exit", "/new", "/why", "/help"})
_REMEMBERED = 500


class Answering(Protocol):
    """The product, or a server in its place."""

    def ask(self, question: str, *, conversation: str, analyst: Any, watch: Callable[[dict[str, Any]], None], stopped: Callable[[], bool]) -> dict[str, Any]: ...

    def investigate(self, symptom: str, *, conversation: str, analyst: Any, watch: Callable[[dict[str, Any]], None], stopped: Callable[[], bool]) -> dict[str, Any]: ...


def talk(product: Answering, conversation: str | None, analyst: str, lines: Iterator[str] | None = None, *, history: Path | None = None) -> int:
    """Read questions until the end of the input, and answer each; returns the exit code. ``history``: a file of what was typed before."""
    current, interrupts = conversation or uuid4().hex, _Interrupts()
    usual = signal.signal(signal.SIGINT, interrupts.come)
    try:
        return _talk(product, current, analyst, lines if lines is not None else _typed(history, interrupts), interrupts)
    finally:
        signal.signal(signal.SIGINT, usual)


class _Interrupts:
    """What Ctrl-C does: ends a line that is typed, stops an answer, a second time at once; anywhere else nothing."""

    def __init__(self) -> None:
        self.typing, self.stopped = False, Event()

    def come(self, *_: object) -> None:
        """The handler."""
        if self.typing or self.stopped.is_set():
            raise KeyboardInterrupt
        self.stopped.set()


def _talk(product: Answering, current: str, analyst: str, lines: Iterator[str], interrupts: _Interrupts) -> int:
    if sys.stdin.isatty():
        print(_HELP)
    for said in lines:
        word, _, rest = said.partition(" ")
        if word in {"/quit", "/exit"}:
            break
        if word == "/new":
            current = uuid4().hex
            print("a new conversation")
        elif word == "/why" and rest.strip():
            _answered(product.investigate, rest.strip(), current, analyst, answers.investigation, interrupts)
        elif word in _WORDS or (word.startswith("/") and "/" not in word[1:] and not rest):  # "/var/log: how many errors?" is a question
            print(_HELP)
        else:
            _answered(product.ask, said, current, analyst, answers.answer, interrupts)
    return 0


def _answered(ask: Callable[..., dict[str, Any]], said: str, conversation: str, analyst: str, show: Callable[[dict[str, Any]], None], interrupts: _Interrupts) -> None:
    """One answer; an error is told and the conversation goes on."""
    interrupts.stopped.clear()
    try:
        with progress.RunStatus(enabled=True) as shown:
            found = ask(said, conversation=conversation, analyst=analyst, watch=shown.event, stopped=interrupts.stopped.is_set)
        show(found)
    except (RunStoppedError, KeyboardInterrupt):
        print("stopped")
    except OnCalmError as error:
        print(f"oncalm: {visible(str(error))}", file=sys.stderr)
    finally:
        interrupts.stopped.clear()


def _typed(history: Path | None, interrupts: _Interrupts) -> Iterator[str]:
    """What is typed, line by line, with the line editor where there is a terminal."""
    if sys.stdin.isatty():
        _recall(history)
    while True:
        try:
            said = _line(interrupts)
        except UnicodeDecodeError:
            print("oncalm: this is no UTF-8 text", file=sys.stderr)
            continue
        except (EOFError, KeyboardInterrupt) as end:
            if sys.stdin.isatty():
                print()
            if isinstance(end, EOFError) or isinstance(end.__context__, EOFError):  # Ctrl-C and the end came together
                return
            continue
        if said:
            if sys.stdin.isatty():
                _remember(history, said)
            yield said


def _line(interrupts: _Interrupts) -> str:
    """One line. Raises EOFError, UnicodeDecodeError and, for Ctrl-C while it is typed, KeyboardInterrupt."""
    try:
        interrupts.typing = True
        return input("? " if sys.stdin.isatty() else "").strip()
    finally:
        interrupts.typing = False


def _recall(history: Path | None) -> None:
    """Make the line editable, with what was typed before."""
    import readline

    readline.set_auto_history(False)
    if history is not None and history.exists():
        with suppress(OSError, UnicodeDecodeError):
            for line in history.read_text("utf-8").splitlines()[-_REMEMBERED:]:
                readline.add_history(line)


def _remember(history: Path | None, said: str) -> None:
    """Keep a line for the next time, without secrets, for its owner's eyes only. A home that cannot be written only forgets."""
    import readline

    from telemetry.redact import redact

    kept = visible(redact(said)[0]).replace("\n", " ")
    readline.add_history(said)
    if history is None or not history.parent.is_dir():
        return
    with suppress(OSError):
        lines = history.read_text("utf-8", "replace").splitlines() if history.exists() else []
        with os.fdopen(os.open(history, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8", errors="replace") as file:
            file.write("\n".join([*[one for one in lines if one != kept][-_REMEMBERED:], kept]) + "\n")
