"""``metric/POD_metric.csv`` with ``labels.json`` and nothing else: one row a minute for each pod (Nezha's OnlineBoutique).

Further tables: ``dependency.csv`` (who calls whom, who runs where), ``source_50.csv`` and ``destination_50.csv`` (median
latency of each call, as its caller and as its callee saw it). The on-caller knows when the alert came, and has what was
recorded up to some minutes after it. Times are read from the text, for some stamps are wrong.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np

from evals.rca.cases import Case, Loader, Truth
from evals.rca.tables import columns, read
from signals.observed import Entity, Ints, Observed, Series

AFTER = 5 * 60 * 1_000_000
"""How much after the alert is known when it is looked into."""
HISTORY = 3600 * 1_000_000


def fits(folder: Path) -> bool:
    """Whether metrics of pods lie beside labels, without logs or traces."""
    tables = any(folder.glob("metric/*_metric.csv"))
    return tables and (folder / "labels.json").is_file() and not any(folder.glob("**/log*/")) and not any(folder.glob("**/trace*/"))


def cases(folder: Path) -> tuple[Sequence[Case], Sequence[str]]:
    """One case for each label."""
    found, missing = [], []
    for number, label in enumerate(json.loads((folder / "labels.json").read_text(encoding="utf-8"))):
        try:
            at = int(datetime.fromisoformat(label["inject_time_utc"]).timestamp() * 1e6)
            truth = Truth(frozenset({label["service"], label["pod"]}), label["type"])
        except (ValueError, KeyError, TypeError) as error:
            missing.append(f"{number}: {error!r}")
            continue
        found.append(Case(f"{number}", lambda at=at: observe(folder, at), truth, at))  # type: ignore[misc]
    return found, missing


def observe(folder: Path, at: int) -> Observed:
    """What was known some minutes after an alert."""
    whole = _everything(folder)
    kept = []
    for series in whole.series:
        inside = (series.times >= at - HISTORY) & (series.times < at + AFTER)
        kept.append(Series(series.entity, series.metric, series.times[inside], series.values[inside]))
    return Observed(series=tuple(kept), calls=whole.calls, belongs=whole.belongs)


@cache
def _everything(folder: Path) -> Observed:
    pods = {path.name.removesuffix("_metric.csv"): path for path in sorted(folder.glob("metric/*_metric.csv"))}
    owners = {pod: Entity("service", pod.rsplit("-", 2)[0]) for pod in pods}
    calls, nodes = _dependencies(folder / "metric" / "dependency.csv")
    belongs = {Entity("pod", pod): (owner, *nodes.get(owner, ())) for pod, owner in owners.items()}
    found: list[Series] = []
    for pod, path in pods.items():
        host = next(iter(nodes.get(owners[pod], ())), None)
        found += [s for s in _table(path, Entity("pod", pod)) if not s.metric.startswith("Node")]
        found += [Series(host, s.metric, s.times, s.values) for s in _table(path, Entity("pod", pod)) if s.metric.startswith("Node") and host]
    for name, view in (("source_50.csv", "caller"), ("destination_50.csv", "server")):
        if (folder / "metric" / name).is_file():
            found += _calls(folder / "metric" / name, view)
    unique = {(s.entity, s.metric): s for s in found}
    return Observed(series=tuple(unique.values()), calls=calls, belongs=belongs)


def _dependencies(path: Path) -> tuple[tuple[tuple[Entity, Entity], ...], dict[Entity, tuple[Entity, ...]]]:
    """Calls between services, and the node (an address) of each service."""
    if not path.is_file():
        return (), {}
    pairs = [(Entity("service", row[0]), row[1]) for row in read(path)[1]]
    calls = tuple((caller, Entity("service", target)) for caller, target in pairs if not target[:1].isdigit())
    return calls, {service: (Entity("node", target),) for service, target in pairs if target[:1].isdigit()}


def _table(path: Path, entity: Entity) -> list[Series]:
    header, rows = read(path)
    return columns(header, rows, _times(rows), lambda name: None if name in {"Time", "TimeStamp", "PodName"} else (entity, name))


def _calls(path: Path, view: str) -> list[Series]:
    """``CALLER_CALLEE``: latency of the callee, as seen by itself or by a caller."""
    header, rows = read(path)

    def where(name: str) -> tuple[Entity, str] | None:
        caller, _, callee = name.partition("_")
        return (Entity("service", callee), f"{view} side latency p50 of calls from {caller}") if callee else None

    return columns(header, rows, _times(rows), where)


def _times(rows: Sequence[Sequence[str]]) -> Ints:
    """The text's first 19 characters, UTC."""
    return np.array([int(datetime.fromisoformat(row[0][:19]).replace(tzinfo=UTC).timestamp() * 1e6) for row in rows], dtype=np.int64)


LOADER = Loader("nezha_ob_metrics", fits, cases)
