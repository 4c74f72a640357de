"""``oncalm chat``: a conversation in the terminal."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any
from uuid import uuid4

from agent.nodes import RunStoppedError
from api import render
from api.wiring import Product
from telemetry.errors import OnCalmError

_HELP = "Ask in plain words. /why SYMPTOM investigates, /new begins afresh, /quit ends. Ctrl-C stops an answer."


def talk(product: Product, conversation: str | None, analyst: str, lines: Iterator[str] | None = None) -> int:
    """Read questions until the end of the input, and answer each; returns the exit code."""
    current = conversation or uuid4().hex
    if sys.stdin.isatty() and lines is None:
        print(_HELP)
    for said in lines if lines is not None else _typed():
        word, _, rest = said.partition(" ")
        if word in {"/quit", "/exit"}:
            break
        if word == "/new":
            current = uuid4().hex
            print("a new conversation")
        elif word == "/why" and rest.strip():
            _answered(product.investigate, rest.strip(), current, analyst, render.investigation)
        elif word.startswith("/"):
            print(_HELP)
        else:
            _answered(product.ask, said, current, analyst, render.answer)
    return 0


def _answered(ask: Callable[..., dict[str, Any]], said: str, conversation: str, analyst: str, show: Callable[[dict[str, Any]], None]) -> None:
    """One answer. Ctrl-C stops it and nothing else; an error is told and the conversation goes on."""
    stopped = Event()
    usual = signal.signal(signal.SIGINT, lambda *_: stopped.set())
    try:
        with render.Thinking(enabled=True) as shown:
            found = ask(said, conversation=conversation, analyst=analyst, watch=shown.event, stopped=stopped.is_set)
    except RunStoppedError:
        print("stopped")
        return
    except OnCalmError as error:
        print(f"oncalm: {error}", file=sys.stderr)
        return
    finally:
        signal.signal(signal.SIGINT, usual)
    show(found)


def _typed() -> Iterator[str]:
    """What is typed, line by line, with the line editor where there is a terminal."""
    if sys.stdin.isatty():
        import readline  # noqa: F401 - it makes input() editable
    while True:
        try:
            said = input("? " if sys.stdin.isatty() else "").strip()
        except EOFError:
            return
        except KeyboardInterrupt:
            print()
            continue
        if said:
            yield said
