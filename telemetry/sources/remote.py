"""What the sources behind an HTTP API share: a name, a connection, how gathered answers are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

from telemetry.sources.answers import Gathering, gathered
from telemetry.sources.protocols import Answer
from telemetry.sources.web import Web

T = TypeVar("T")
SECOND = 1_000_000


class Remote:
    """A source over one connection."""

    def __init__(self, name: str, kind: str, web: Web) -> None:
        self.name = name
        self.kind = kind
        self.web = web

    probe: ClassVar[str] = "/"

    def check(self) -> Answer[str]:
        """Ask something cheap that needs the same permissions as the real questions."""
        def work(g: Gathering[str]) -> None:
            self.web.json(g, self.probe)
            g.records.append(f"{self.kind} at {self.web.url} answers")

        return gathered(self.name, work)

    def close(self) -> None:
        self.web.close()

    def _gather(self, work: Callable[[Gathering[T]], None]) -> Answer[T]:
        return gathered(self.name, work)


def quoted(text: str) -> str:
    """A string literal of LogQL, PromQL and TraceQL, which are those of Go: nothing in it can end it early."""
    plain = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(
        plain.get(c) or (c if c.isprintable() else f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}")
        for c in text.encode("utf-8", "replace").decode()
    ) + '"'


def literal(text: str) -> str:
    """A regular expression of RE2 that matches exactly ``text``."""
    return "".join("\\" + c if c in r"\.+*?()|[]{}^$" else c for c in text)
