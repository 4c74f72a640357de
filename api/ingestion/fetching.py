"""``oncalm fetch``: a window of a source into the store, stretch by stretch; it goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telemetry.errors import OnCalmError
from telemetry.sources.jsonlines import encode, fresh, keep
from telemetry.sources.ledger import Ledger, Stretch, cut
from telemetry.sources.protocols import (
    Answer,
    LogQuery,
    LogSource,
    MetricQuery,
    MetricSource,
    TraceQuery,
    TraceSource,
)

if TYPE_CHECKING:
    from api.wiring.product import Product
    from telemetry.sources.opening import AnySource

SECOND = 1_000_000
LINES, TRACES = 20_000, 500
"""What one request for a stretch brings at most; a stretch with more is halved."""
_WIDTH = {"logs": 300 * SECOND, "traces": 300 * SECOND, "metrics": 3600 * SECOND}
_LEAST = SECOND
_BATCH = 100_000
METRICS, STEP = 3_000, 30.0


@dataclass(slots=True)
class Done:
    """What a fetch did. ``problems`` say which parts of the window are not in the store, and why."""

    records: int = 0
    stretches: int = 0
    already: int = 0
    """Stretches that were in the store before."""
    kinds: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def problem(self, what: str) -> None:
        if what not in self.problems:
            self.problems.append(what)


class _StopError(Exception):
    """Nothing more can be fetched now."""


@dataclass(slots=True)
class Fetching:
    """One call of the command. ``most`` bounds the records."""

    product: Product
    source: AnySource
    service: str
    most: int
    tell: Callable[[str], None]
    done: Done = field(default_factory=Done)

    def run(self, start: int, end: int) -> Done:
        """Fetch ``start <= time < end`` of whatever the source holds."""
        for kind, holds, one in (("logs", LogSource, self._logs), ("traces", TraceSource, self._spans), ("metrics", MetricSource, self._points)):
            if isinstance(self.source, holds):
                self.done.kinds.append(kind)
                with Ledger(self.product.home, self.source.name, kind, self.service) as ledger:
                    if kind == "logs":
                        self._settle(ledger)
                    left = ledger.open_in(start, end)
                    self.done.already += len(cut([(start, end)], _WIDTH[kind])) - len(cut(left, _WIDTH[kind]))
                    self._all(ledger, cut(left, _WIDTH[kind]), one, kind)
        return self.done

    def _all(self, ledger: Ledger, stretches: list[Stretch], one: Callable[[Ledger, Stretch], None], kind: str) -> None:
        try:
            for at, stretch in enumerate(stretches):
                if self.done.records >= self.most:
                    self.done.problem(f"stopped after {self.done.records:,} records: run the command again for more, or with a larger --limit")
                    break
                one(ledger, stretch)
                self.done.stretches += 1
                self.tell(f"{self.source.name}: {kind} {at + 1} of {len(stretches)} stretches, {self.done.records:,} records")
        except _StopError as stop:
            self.done.problem(str(stop))
        finally:
            if kind == "logs":
                self._settle(ledger)

    def _checked(self, answer: Answer[Any], stretch: Stretch) -> None:
        """Stop at an answer without records; note why one is partial."""
        if answer.status in {"failed", "not_assessed"}:
            told = f" — {answer.remedy}" if answer.remedy else ""
            raise _StopError(f"{answer.source}: {answer.status.replace('_', ' ')}: {answer.reason}{told}")
        if answer.status == "partial":
            self.done.problem(f"{answer.source}: a part is missing: {answer.reason}")
        self.done.notes += [note for note in answer.notes if note not in self.done.notes][:20]

    def _logs(self, ledger: Ledger, stretch: Stretch) -> None:
        assert isinstance(self.source, LogSource)  # noqa: S101 - the caller looked
        low, high = stretch
        answer = self.source.lines(LogQuery(low, high, service=self.service, limit=LINES))
        if len(answer.records) >= LINES and high - low > _LEAST:
            for half in _halves(stretch):
                self._logs(ledger, half)
            return
        self._checked(answer, stretch)
        stored = [ledger.folder / one.path for one in ledger.touching(low, high)]
        lines, whole = fresh(encode(answer.records), stored), answer.status == "complete"
        if lines:
            path = f"{self.source.name}/{low}-{high}-{len(stored)}.jsonl"
            keep(ledger.folder / path, lines)
            ledger.add(low, high, "written", len(lines), path, whole=whole)
        else:
            ledger.add(low, high, "complete" if whole else "partial", 0, whole=whole)
        self.done.records += len(lines)
        if sum(one.records for one in ledger.waiting()) >= _BATCH:
            self._settle(ledger)

    def _settle(self, ledger: Ledger) -> None:
        """Read written files into the store; a file that was read before is not read again."""
        waiting = ledger.waiting()
        paths = [ledger.folder / one.path for one in waiting]
        there: list[str | Path] = [path for path in paths if path.exists()]
        if there:
            report = self.product.ingest(there)
            if report.problems:
                raise OnCalmError(report.problems[0], where="fetch", remedy="run the command again")
        ledger.settle(waiting)

    def _spans(self, ledger: Ledger, stretch: Stretch) -> None:
        from telemetry.store.beyond import RecordWriter

        assert isinstance(self.source, TraceSource)  # noqa: S101 - the caller looked
        answer = self.source.traces(TraceQuery(*stretch, service=self.service, limit=TRACES))
        if len({span.trace_id for span in answer.records}) >= TRACES and stretch[1] - stretch[0] > _LEAST:
            for half in _halves(stretch):
                self._spans(ledger, half)
            return
        self._checked(answer, stretch)
        if answer.records:
            with RecordWriter(self.product.home) as writer:
                writer.add_spans([span for span in answer.records if span.start > 0])
                writer.commit()
        self._note(ledger, stretch, len(answer.records), whole=answer.status == "complete")

    def _points(self, ledger: Ledger, stretch: Stretch) -> None:
        from telemetry.sources.sampling import bases, sample
        from telemetry.store.beyond import RecordWriter

        assert isinstance(self.source, MetricSource)  # noqa: S101 - the caller looked
        named = self.source.metrics(*stretch)
        self._checked(named, stretch)
        chosen, given = bases(named.records), getattr(getattr(self.source, "entry", None), "labels", {})
        if len(chosen) > METRICS:
            self.done.problem(f"only {METRICS:,} of {len(chosen):,} metrics were fetched")
        count, whole = 0, len(chosen) <= METRICS
        with RecordWriter(self.product.home) as writer:
            for metric in chosen[:METRICS]:
                query = MetricQuery(*stretch, metric.name, service=self.service, step=STEP, limit=10_000)
                points, reason = sample(self.source, metric, query, given)
                if reason and not (self.service and "can name a service" in reason):
                    self.done.problem(f"{metric.name}: {reason}")
                    whole = False
                writer.add_points(points)
                count += len(points)
            writer.commit()
        self._note(ledger, stretch, count, whole=whole)

    def _note(self, ledger: Ledger, stretch: Stretch, records: int, *, whole: bool) -> None:
        """The store keeps spans and points once, so a stretch that is fetched again doubles nothing."""
        ledger.add(*stretch, "complete" if whole else "partial", records, whole=whole)
        self.done.records += records


def _halves(stretch: Stretch) -> tuple[Stretch, Stretch]:
    middle = (stretch[0] + stretch[1]) // 2
    return (stretch[0], middle), (middle, stretch[1])
