"""The composition root: every collaborator is made and joined here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from telemetry.models import Catalog, Window
    from telemetry.sources.files import Source
    from telemetry.store.reader import Reader
    from vectorstore.index import TemplateIndex
    from vectorstore.ingest import Progress, Report


class Product:
    """OnCalm over one home folder."""

    def __init__(self, home: Path, *, embedding_path: Path | None = None, zone: str | None = None) -> None:
        self.home = home
        self.zone = zone
        self.embedding_path = embedding_path

    def ingest(
        self, paths: Sequence[str | Path], *, service: str | None = None, declared: str | None = None,
        progress: Progress | None = None, follow: Callable[[], bool] | None = None,
        started: Callable[[list[Source]], None] | None = None,
    ) -> Report:
        """Read logs into the store; with ``follow`` (the stop test) go on as the one file grows."""
        from telemetry.sources.files import expand
        from vectorstore.ingest import Ingestor

        sources, skipped = expand([str(p) for p in paths])
        if started:
            started(sources)
        ingestor = Ingestor(self.home, service=service, declared=declared, zone=self.zone)
        try:
            if follow is not None:
                report = ingestor.follow(sources[0], follow, progress)
            else:
                report = ingestor.ingest(sources, progress)
        except BaseException:
            with suppress(Exception):
                ingestor.abort()
            raise
        ingestor.close()
        report.problems += skipped
        return report

    def index(self) -> None:
        """Bring the Chroma index up to date with the store's templates."""
        reader = self._reader()
        try:
            if reader.catalog.templates:
                self._index().sync(reader.catalog.templates)
        finally:
            reader.close()

    def ask(
        self, question: str, *, conversation: str | None = None, now: datetime | None = None,
        window: Window | None = None,
    ) -> dict[str, Any]:
        """Answer one question: the contract of ``ask --json``."""
        from agent.context import Context
        from agent.offline.analyst import OfflineAnalyst
        from agent.run import ask
        from tools.logs import log_tools

        reader = self._reader()
        try:
            analyst = OfflineAnalyst(reader.catalog, self._index(), reader.holds)
            answer = ask(
                Context(analyst, log_tools(reader)), question, now=now or datetime.now(UTC), window=window,
                conversation=conversation, memory=self.home / "conversations.db",
            )
        finally:
            reader.close()
        answer["notes"] = list(reader.catalog.notes)
        return answer

    def catalog(self) -> Catalog:
        """What the store holds."""
        reader = self._reader()
        try:
            return reader.catalog
        finally:
            reader.close()

    def window(self, since: str | None, start: str | None, end: str | None) -> Window | None:
        """A window from the command line's words."""
        from agent.offline.times import find_window
        from telemetry.errors import UsageError

        said = f"last {since}" if since else ""
        if start or end:
            said = f"from {start} to {end}" if start and end else f"since {start}" if start else f"before {end}"
        if not said:
            return None
        catalog = self.catalog()
        window = find_window(said, datetime.now(UTC), catalog.last, catalog.first).window
        if window.start is None and window.end is None:
            raise UsageError(f"cannot read the time in {said!r}", where="--since/--from/--to",
                             remedy="say for example --since 2h or --from '2026-11-24 10:00' --to 11:00")
        return window

    def retain(self, *, before: datetime | None, max_bytes: int | None) -> int:
        """Drop records by age and by size; returns how many went."""
        from telemetry.store.manifest import Manifest
        from telemetry.store.segments import expire

        manifest = Manifest(self.home, write=True)
        try:
            micros = int(before.timestamp() * 1_000_000) if before else None
            return expire(manifest, before=micros, max_bytes=max_bytes)
        finally:
            manifest.close()

    def _reader(self) -> Reader:
        from telemetry.store.reader import Reader

        return Reader(self.home)

    def _index(self) -> TemplateIndex:
        from vectorstore.embedding import choose
        from vectorstore.index import TemplateIndex

        return TemplateIndex(self.home / "templates", choose(self.embedding_path, self.home / "embeddings"))
