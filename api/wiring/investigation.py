"""Joins what an investigation needs: the records of every kind, the tools over them, and who weighs them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from telemetry.store.shelves import RecordKind

if TYPE_CHECKING:
    from agent.offline.investigator import Investigator
    from agent.offline.target import TemplateSearch
    from telemetry.models import Window
    from telemetry.store.beyond import RecordReader
    from telemetry.store.reader import Reader
    from tools.cluster.seen import Seen
    from tools.observing import LookAt
    from tools.registry import Registry

_KINDS: tuple[RecordKind, ...] = ("spans", "points", "changes")


@dataclass(slots=True)
class Holdings:
    """One home's records of every kind, as they were when opened."""

    logs: Reader
    records: RecordReader
    look: LookAt | None = None
    """Reads the configured cluster."""
    seen: Seen | None = None
    """What it saw, once an incident was weighed."""

    def extent(self) -> Window:
        """First to last time of all records; open where there are none."""
        from telemetry.models import Window

        ends = [found for kind in _KINDS if (found := self.records.extent(kind))]
        ends += [found] if (found := self.logs.extent()) else []
        if not ends:
            return Window()
        last = max(end for _, end in ends)
        return Window(start=_moment(min(start for start, _ in ends)), end=_moment(last) + timedelta(microseconds=1))

    def services(self) -> list[str]:
        """Every service that a record names, those of most records first."""
        counts = dict(self.records.services())
        for info in self.logs.catalog.fields:
            for name, count in info.values if info.ref == "service" else ():
                counts[name] = counts.get(name, 0) + count
        return sorted(counts, key=lambda name: (-counts[name], name))

    def tools(self) -> Registry:
        """The reading tools over spans, metrics and changes, and the weighing of all records."""
        from tools.changes import change_tools
        from tools.incident import incident_tools
        from tools.metrics import metric_tools
        from tools.observing import observe
        from tools.sessions import session_tools
        from tools.traces import trace_tools

        weighing = incident_tools(lambda window: observe(self.logs, self.records, window, self.look), self.extent, live=self.look is not None)
        looking = trace_tools(self.records, self.logs).merged(metric_tools(self.records)).merged(session_tools(self.logs))
        return weighing.merged(change_tools(self.records.changes)).merged(looking)

    def investigator(self, tools: Registry, at: datetime | None, search: TemplateSearch | None = None) -> Investigator:
        """Who weighs an incident without a model."""
        from agent.offline.failing import Failing, failing
        from agent.offline.investigator import Investigator
        from agent.offline.target import resolve

        extent, logs = self.extent(), self.logs

        def known(words: str, service: str) -> Failing | None:
            return failing(words, service, extent, logs.run, lambda text: resolve(text, logs.catalog, search, probe=logs.holds))

        return Investigator(logs.catalog, self.services(), extent.start, extent.end, at, known, frozenset(tools.names()))


@contextmanager
def holdings(home: Path, logs: Reader, look: LookAt | None = None) -> Iterator[Holdings]:
    """The records beside logs are opened here and closed behind; ``look`` reads the configured cluster."""
    from telemetry.store.beyond import RecordReader

    with closing(RecordReader(home)) as records:
        yield Holdings(logs, records, look)


def _moment(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / 1_000_000, UTC)

