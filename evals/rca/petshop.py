"""Amazon's PetShop: per scenario a call graph, metrics without an issue, and metrics of issues with ``target.json``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from evals.rca.cases import Case, Loader, Truth
from evals.rca.tables import micros, rows_of, series_of
from signals.observed import Entity, Observed, Series, Window, Windows

HEAD = 4
"""Rows above the numbers: microservice, metric, statistic, and the name of the first column."""
PERIOD = 300_000_000
"""Five minutes: a row tells what happened in the five minutes from its time on."""


def fits(folder: Path) -> bool:
    return any(folder.glob("*/graph.csv")) and any(folder.glob("*/*/target.json"))


def cases(folder: Path) -> tuple[Sequence[Case], Sequence[str]]:
    found, problems = [], []
    for path in sorted(folder.glob("*/*/target.json")):
        name, graph = str(path.parent.relative_to(folder)), path.parent.parent / "graph.csv"
        try:
            given = json.loads(path.read_text())
            target, cause = given["target"], given["root_cause"]
            at = micros(str(target["timestamp"]))
            times = _times(path.parent / "metrics.csv")
        except (OSError, KeyError, ValueError) as error:
            problems.append(f"{name}: {error!r}")
            continue
        usual = _times(path.parent.parent / "noissue" / "metrics.csv")
        begun = at - PERIOD + 1  # the row whose five minutes hold the alert
        before = [Window(min(times), begun)] + ([Window(min(usual), max(usual) + 1)] if usual else [])
        windows = Windows(tuple(before), Window(begun, max(times) + 1), "the alert")
        metric = target["metric"]
        aspect = "errors" if metric == "availability" else metric
        scenario = path.parent.parent.name.partition("_")[0]
        found.append(Case(name, _observe(path.parent, graph), Truth(frozenset({cause["node"]}), metric, f"{scenario} {metric}"), at=at,
                          symptom=Entity("service", target["node"]), aspect=aspect, windows=windows))
    return found, problems


def _observe(place: Path, graph: Path) -> Callable[[], Observed]:
    def read() -> Observed:
        files = [path for path in (place.parent / "noissue" / "metrics.csv", place / "metrics.csv") if path.exists()]
        return Observed(series=tuple(_joined(files)), calls=_calls(graph))

    return read


def _joined(files: Sequence[Path]) -> list[Series]:
    """The columns of several files as one series each."""
    held: dict[tuple[str, str], tuple[list[int], list[str]]] = {}
    for path in files:
        rows = rows_of(path)
        times = [micros(row[0]) for row in rows[HEAD:]]
        for at, (service, metric, statistic) in enumerate(zip(*rows[:3], strict=True)):
            if at:
                kept = held.setdefault((service, f"{metric}.{statistic}"), ([], []))
                kept[0].extend(times)
                kept[1].extend(row[at] for row in rows[HEAD:])
    return [series_of(Entity("service", service), metric, *kept) for (service, metric), kept in held.items()]


def _times(path: Path) -> list[int]:
    return [micros(row[0]) for row in rows_of(path)[HEAD:]] if path.exists() else []


def _calls(path: Path) -> tuple[tuple[Entity, Entity], ...]:
    rows = rows_of(path)
    return tuple((Entity("service", row[0]), Entity("service", callee)) for row in rows[1:]
                 for callee, cell in zip(rows[0][1:], row[1:], strict=True) if cell not in {"", "0", "0.0", "False"})


LOADER = Loader("petshop", fits, cases)
