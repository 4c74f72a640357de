"""How far a run or an ingest is, on stderr, where a person watches."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console

from api.terminal.printing import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from telemetry.sources.files import Source
    from vectorstore.ingest import Report


class RunStatus:
    """One line on stderr that says what a run is at, where a person watches."""

    def __init__(self, *, enabled: bool) -> None:
        self._status = Console(stderr=True).status("reading the question") if enabled and sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def event(self, event: dict[str, Any]) -> None:
        """Show an event of the run: a result, or why it goes on without a model."""
        if self._status is None:
            return
        if event["kind"] == "result":
            self._status.update(printable(f"{event['evidence']} {event['tool']}: {event['status'].replace('_', ' ')}, {event['total']:,} records"))
        elif event["kind"] == "status":
            self._status.update(printable(event["text"]))


class IngestProgress:
    """A bar with rate and time left, on stderr, shown only where someone can see it."""

    def __init__(self, *, enabled: bool) -> None:
        self._console = Console(stderr=True)
        self._enabled = enabled and self._console.is_terminal
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._begun = time.monotonic()

    def __enter__(self) -> IngestProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def start(self, sources: list[Source]) -> None:
        """Called once the sources are known."""
        if not self._enabled:
            return
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(TextColumn("{task.description}"), BarColumn(), DownloadColumn(),
                             TimeRemainingColumn(), console=self._console, transient=True)
        self._task = self._bar.add_task("reading", total=sum(s.size for s in sources) or None)
        self._bar.start()

    def update(self, done: Report, source: Source) -> None:
        """Called after every block."""
        if self._bar is None or self._task is None:
            return
        rate = done.lines / max(time.monotonic() - self._begun, 1e-3)
        name = source.path.rsplit("/", 1)[-1][:30]
        self._bar.update(self._task, completed=done.bytes, description=f"{name}: {rate:,.0f} lines/s")
