"""Nezha's data (FSE 2023): per day ``log/``, ``trace/``, ``metric/`` and ``normal/`` by minute, or one folder of metrics alone.

``labels.json`` names for each fault when it was injected and where. Times inside log texts are local; the columns are UTC.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from evals.rca.cases import Case, Loader, Truth
from evals.rca.tables import micros, rows_of, series_of
from signals.observed import Entity, LogEvents, Observed, Series, Spans, Window, Windows

MINUTE = 60_000_000
LOOK_BACK = 20 * MINUTE
"""How much before an alert the metrics are normal, as far as an on-caller knows."""
FAR = 180 * MINUTE
LASTS = 4 * MINUTE
_POSITION = re.compile(r"(?<!\S)([^\s#]+#\d+)(?!\S)")
_LEVEL = re.compile(r"\b(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\b")
_VARIABLE = re.compile(r"[0-9a-f]{8,}|\d+")
_POD = re.compile(r"-[0-9a-f]{8,10}-[a-z0-9]{5}$")
"""How Kubernetes names the pods of a deployment: its name, a hash of the template, five characters."""


def fits_days(folder: Path) -> bool:
    return (folder / "labels.json").exists() and any(folder.glob("*/trace/*_trace.csv"))


def fits_metrics(folder: Path) -> bool:
    return (folder / "labels.json").exists() and any(folder.glob("metric/*_metric.csv"))


def cases(folder: Path) -> tuple[Sequence[Case], Sequence[str]]:
    found, problems = [], []
    for number, label in enumerate(json.loads((folder / "labels.json").read_text())):
        name = str(label.get("id", f"case-{number:02}"))
        try:
            at = micros(label["inject_time_utc"])
            day = folder / label["day"] if "day" in label else folder
            normal = _extent(day / "normal")
        except (OSError, KeyError, ValueError) as error:
            problems.append(f"{name}: {error!r}")
            continue
        minutes = label.get("minutes", [])
        before = ([Window(*normal)] if normal else []) + [Window(at - FAR, at - LOOK_BACK), Window(at - LOOK_BACK, at)]
        windows = Windows(tuple(before), Window(at, at + LASTS), "the alert")
        truth = Truth(frozenset({label["service"], label["pod"]}), label["type"], positions=frozenset(_positions(label)))
        found.append(Case(name, _observe(day, minutes, windows), truth, at=at, windows=windows))
    return found, problems


def _positions(label: dict[str, Any]) -> list[str]:
    """``A#31_A#34`` names the two lines between which the fault lies."""
    inner = str(label.get("inner", ""))
    return re.findall(r"[^\s#]+#\d+", inner.replace("_", " "))


def _observe(day: Path, minutes: Sequence[str], windows: Windows) -> Callable[[], Observed]:
    def read() -> Observed:
        series = [one for path in sorted((day / "metric").glob("*_metric.csv")) for one in _pod_series(path, windows)]
        files = [*sorted((day / "normal").glob("*.csv")), *(day / kind / f"{minute}_{kind}.csv" for kind in ("log", "trace") for minute in minutes)]
        traces: dict[str, int] = {}
        spans = _spans([path for path in files if path.name.endswith("_trace.csv") and path.exists()], traces)
        logs = _logs([path for path in files if path.name.endswith("_log.csv") and path.exists()], traces)
        pods = {one.entity for one in series} | ({Entity("pod", name) for name in spans.pods} if spans else set())
        pods |= set(logs.entities) if logs else set()
        belongs = {pod: (Entity("service", service_of(pod.name)),) for pod in pods}
        return Observed(series=tuple(series), spans=spans, logs=logs, calls=_calls(day / "metric" / "dependency.csv"), belongs=belongs)

    return read


def service_of(pod: str) -> str:
    """The deployment a pod is of, by Kubernetes' way of naming pods."""
    return _POD.sub("", pod)


def _pod_series(path: Path, windows: Windows) -> list[Series]:
    rows = rows_of(path)
    header, low = rows[0], min(one.start for one in windows.baseline)
    kept = [row for row in rows[1:] if len(row) == len(header) and low <= micros(row[0]) < windows.incident.end]
    times = [micros(row[0]) for row in kept]
    entity = Entity("pod", path.name.removesuffix("_metric.csv"))
    made = []
    for at, name in enumerate(header):
        metric, _, unit = name.rstrip(")").partition("(")
        if metric not in {"Time", "TimeStamp", "PodName"} and not metric.startswith("Node"):
            made.append(series_of(entity, metric, times, [row[at] for row in kept], unit))
    return [one for one in made if len(one.times)]


def _calls(path: Path) -> tuple[tuple[Entity, Entity], ...]:
    if not path.exists():
        return ()
    return tuple((Entity("service", row[0]), Entity("service", row[1])) for row in rows_of(path)[1:] if len(row) > 1 and row[0] and row[1])


@dataclass(slots=True)
class _Names:
    """Numbers for names, in order of appearance."""

    numbers: dict[str, int] = field(default_factory=dict)

    def of(self, name: str) -> int:
        return self.numbers.setdefault(name, len(self.numbers))


def _spans(paths: Iterable[Path], traces: dict[str, int]) -> Spans | None:
    rows = [row for path in paths for row in rows_of(path)[1:] if len(row) >= 8]
    if not rows:
        return None
    services, operations, pods, place = _Names(), _Names(), _Names(), {}
    for at, row in enumerate(rows):
        place[row[0], row[1]] = at
    columns = [[traces.setdefault(row[0], len(traces)), place.get((row[0], row[2]), -1), int(row[5]) // 1000, (int(row[6]) - int(row[5])) // 1000,
                services.of(service_of(row[3])), operations.of(row[4]), pods.of(row[3])] for row in rows]
    table = np.array(columns, np.int64).T
    orphan = np.array([row[2] not in {"", "root"} and (row[0], row[2]) not in place for row in rows])
    return Spans(*(np.ascontiguousarray(column) for column in table), error=np.zeros(len(rows), np.bool_), services=tuple(services.numbers),
                 operations=tuple(operations.numbers), pods=tuple(pods.numbers), orphan=orphan, ids=tuple(f"{row[0]}/{row[1]}" for row in rows))


def _logs(paths: Iterable[Path], traces: dict[str, int]) -> LogEvents | None:
    rows = [row for path in paths for row in rows_of(path)[1:] if len(row) >= 8]
    if not rows:
        return None
    templates, pods = _Names(), _Names()
    levels: dict[int, str] = {}
    columns = []
    for row in rows:
        template, level = _template(row[7])
        number = templates.of(template)
        levels[number] = level
        columns.append([int(row[1]) // 1000, number, pods.of(row[3]), traces.setdefault(row[5], len(traces)) if row[5] else -1])
    time, template_of, entity, trace = (np.ascontiguousarray(column) for column in np.array(columns, np.int64).T)
    names = tuple(templates.numbers)
    positions = tuple(name.split(" ")[1] if _POSITION.fullmatch(name.split(" ")[1]) else "" for name in names)
    return LogEvents(time, template_of, entity, trace, names, names, tuple(levels[at] for at in range(len(names))), positions,
                     tuple(Entity("pod", name) for name in pods.numbers))


def _template(text: str) -> tuple[str, str]:
    """The statement that wrote a line: its level and code position, else its words without what varies."""
    try:
        said = str(json.loads(text)["log"])
    except (ValueError, KeyError, TypeError):
        said = text
    level = found[1].lower() if (found := _LEVEL.search(said)) else ""
    position = _POSITION.search(said)
    return f"{level or '-'} {position[1] if position else _VARIABLE.sub('<*>', said)[:120]}", level


def _extent(folder: Path) -> tuple[int, int] | None:
    times = [int(row[1]) // 1000 for path in folder.glob("*_log.csv") for row in rows_of(path)[1:] if len(row) > 1]
    return (min(times), max(times) + 1) if times else None


DAYS = Loader("nezha_tt", fits_days, cases)
METRICS = Loader("nezha_ob_metrics", fits_metrics, cases)
