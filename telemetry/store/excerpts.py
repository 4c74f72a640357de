"""Lines in time order, by rank or by a number: as few segments and as little text read as the order allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from telemetry.models import Filter, Query
from telemetry.store.bindings import numeric_sql
from telemetry.store.conditions import Conditions
from telemetry.store.manifest import Segment

COLUMNS = "id, epoch_us(ts), level, service, host, key_id, source, line_no, line"
_FIRST_CHUNK = 2


class Excerpts:
    """Fetches rows of ``COLUMNS`` from segments that are known to hold matches."""

    def __init__(
        self, run: Callable[[str], list[tuple[Any, ...]]], scan: Callable[[Sequence[Segment]], str],
        conditions: Conditions, segments: Sequence[Segment],
    ) -> None:
        """``run`` runs SQL; ``scan`` says how to read segments in its FROM."""
        self.run = run
        self.scan = scan
        self.conditions = conditions
        self.segments = segments

    def rows(self, query: Query, limit: int) -> list[tuple[Any, ...]]:
        """The first ``limit`` matching rows in the query's order."""
        if query.order_by:
            return self._by_number(query, query.order_by, limit)
        if query.rank:
            way = "DESC" if query.operation == "last" else "ASC"
            score = " + ".join(
                f"CAST(({self.conditions.one(Filter(field='text', op='word', value=w))}) AS INT)" for w in query.rank
            )
            return self._ordered(query, f"({score}) DESC, ts {way} NULLS LAST, id {way}", limit)
        return self._by_time(query, limit, newest=query.operation == "last")

    def _ordered(self, query: Query, order: str, limit: int) -> list[tuple[Any, ...]]:
        where = self.conditions.where(query.window, query.filters)
        return self.run(
            f"SELECT {COLUMNS} FROM {self.scan(self.segments)} WHERE {where} ORDER BY {order} LIMIT {limit}"
        )

    def _by_time(self, query: Query, limit: int, *, newest: bool) -> list[tuple[Any, ...]]:
        """Read segments in time order, a few and then twice as many, until no later one can hold an earlier row."""
        way = "DESC" if newest else "ASC"
        where = self.conditions.where(query.window, query.filters)
        best: list[tuple[Any, ...]] = []
        for chunk, bound in _chunks(self.segments, newest=newest):
            best += self.run(
                f"SELECT {COLUMNS} FROM {self.scan(chunk)} WHERE {where} "
                f"ORDER BY ts {way} NULLS LAST, id {way} LIMIT {limit}"
            )
            best = sorted(best, key=_newest if newest else _oldest)[:limit]
            worst = best[-1][1] if len(best) == limit else None
            if worst is not None and (bound is None or (worst > bound if newest else worst < bound)):
                break
        return best

    def _by_number(self, query: Query, ref: str, limit: int) -> list[tuple[Any, ...]]:
        """Find ids by the number alone, then fetch the lines of those few."""
        way = "ASC" if query.order == "asc" else "DESC"
        values = self.conditions.values(ref)
        names = [f"v{i}" for i in range(len(values))]
        columns = ", ".join(f"{v} {n}" for v, n in zip(values, names, strict=True))
        numbers = [numeric_sql(n) for n in names]
        number = numbers[0] if len(names) == 1 else f"{'least' if way == 'ASC' else 'greatest'}({', '.join(numbers)})"
        where = self.conditions.where(query.window, query.filters)
        found = self.run(
            f"SELECT id, file_index, n FROM (SELECT id, ts, file_index, {number} n FROM (SELECT id, ts, file_index, "
            f"{columns} FROM {self.scan(self.segments)} WHERE {where})) "
            f"WHERE isfinite(n) ORDER BY n {way}, ts NULLS LAST, id LIMIT {limit}"
        )
        if not found:
            return []
        place = {row[0]: at for at, row in enumerate(found)}
        held = [self.segments[at] for at in sorted({row[1] for row in found})]
        listed = ",".join(map(str, place))
        lines = self.run(f"SELECT {COLUMNS} FROM {self.scan(held)} WHERE id IN ({listed})")
        return sorted(lines, key=lambda row: place[row[0]])


def _oldest(row: tuple[Any, ...]) -> tuple[bool, int, int]:
    return row[1] is None, row[1] or 0, row[0]


def _newest(row: tuple[Any, ...]) -> tuple[bool, int, int]:
    return row[1] is None, -(row[1] or 0), -row[0]


def _chunks(segments: Sequence[Segment], *, newest: bool) -> Iterator[tuple[list[Segment], int | None]]:
    """Growing runs of segments in time order, each with the best time of those that follow.

    None stands for no dated record to follow: a run that fills the limit with dated rows is then enough.
    """
    if newest:
        ordered = sorted(segments, key=lambda s: (s.last is None, -(s.last or 0)))
    else:
        ordered = sorted(segments, key=lambda s: (s.first is None, s.first or 0))
    at, size = 0, _FIRST_CHUNK
    while at < len(ordered):
        chunk = ordered[at:at + size]
        at, size = at + size, size * 2
        following = ordered[at] if at < len(ordered) else None
        yield chunk, (following.last if newest else following.first) if following else None
