"""What a selection of records is made of: its templates with exact counts, and their parameters' values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telemetry.models import Catalog, Query, Template
from telemetry.store.bindings import numeric_sql, quote
from telemetry.store.operations import Runner

VALUED = 300_000
"""Records beyond which only templates are counted: their values would take seconds."""
_NAMES = 8
"""Parameters of one template whose values are counted."""
_SHOWN = 3
"""Values of one parameter that are named."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The values of one parameter: how many there are, the commonest, and the range of its numbers."""

    name: str
    type: str
    distinct: int
    values: tuple[tuple[str, int], ...]
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """One template of the selection. ``spreads`` is empty where values were not counted."""

    template: str
    pattern: str
    count: int
    spreads: tuple[Spread, ...] = ()


def profile(run: Runner, query: Query, catalog: Catalog, *, most: int) -> list[Profile]:
    """Templates of the records that window and filters select, commonest first. Raises QueryError, StoreError."""
    counts: dict[str, int] = defaultdict(int)
    bare = query.model_copy(update={"field": None, "group_by": ()})
    for key, n in run.rows(f"SELECT key_id, count(*) FROM {run.source(bare)} WHERE {run.condition(bare)} GROUP BY 1"):
        counts[run.template_of(key)] += n
    ordered = sorted(counts, key=lambda t: (-counts[t], t))
    known = {t.id: t for t in catalog.templates}
    chosen = [known[t] for t in ordered[:most] if t in known]
    spreads = _spreads(run, query, chosen) if chosen and sum(counts.values()) <= VALUED else {}
    return [
        Profile(t, known[t].display if t in known else run.pattern_of(t), counts[t], tuple(spreads.get(t, ())))
        for t in ordered
    ]


def _spreads(run: Runner, query: Query, templates: Sequence[Template]) -> Mapping[str, list[Spread]]:
    """All parameters of all templates in one scan: each record gives its (parameter, value) pairs."""
    names = list(dict.fromkeys(p.name for t in templates for p in t.params[:_NAMES]))
    pairs = ", ".join(
        f"{{'n': {at}, 'v': {value}}}" for at, name in enumerate(names) for value in run.values(f"param:{name}")
    )
    if not pairs:
        return {}
    joined = query.model_copy(update={"field": "template", "group_by": ()})
    listed = ", ".join(quote(t.id) for t in templates)
    rows = run.rows(
        f"WITH pairs AS (SELECT template t, unnest(list_distinct([{pairs}])) pair FROM {run.source(joined)} "
        f"WHERE {run.condition(query)} AND template IN ({listed})), "
        "tally AS (SELECT t, pair.n n, pair.v v, count(*) c FROM pairs WHERE pair.v IS NOT NULL GROUP BY ALL), "
        f"ranked AS (SELECT t, n, v, c, {numeric_sql('v')} number FROM tally) "
        "SELECT t, n, v, c, count(*) OVER w, min(number) OVER w, max(number) OVER w FROM ranked "
        f"WINDOW w AS (PARTITION BY t, n) QUALIFY row_number() OVER (PARTITION BY t, n ORDER BY c DESC, v) <= {_SHOWN} "
        "ORDER BY t, n, c DESC, v"
    )
    return _read(rows, names, {t.id: t for t in templates})


def _read(rows: Sequence[Sequence[Any]], names: Sequence[str], templates: Mapping[str, Template]) -> dict[str, list[Spread]]:
    held: dict[tuple[str, str], list[Sequence[Any]]] = defaultdict(list)
    for row in rows:
        held[row[0], names[row[1]]].append(row)
    found: dict[str, list[Spread]] = defaultdict(list)
    for template in templates.values():
        for param in template.params[:_NAMES]:
            seen = held.get((template.id, param.name), [])
            if seen and param.name not in {s.name for s in found[template.id]}:
                low, high = (seen[0][5], seen[0][6]) if param.numeric else (None, None)
                values = tuple((str(row[2]), int(row[3])) for row in seen)
                found[template.id].append(Spread(param.name, param.type, int(seen[0][4]), values, low, high))
    return found
