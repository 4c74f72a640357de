"""Logs, traces and metrics by the minute as CSV, with a ``labels.json``: the layout of Nezha's data (FSE 2023).

Everything of a day that came before the alert may serve as normal: its ``normal`` minute, the start of the case's own
first minute, and the metrics since midnight. Logs and traces of other cases are not read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from evals.parsing import templates
from evals.rca.cases import Case, Loader, Truth
from signals.observed import Entity, LogEvents, Observed, Series, Spans, Window, Windows

POD = re.compile(r"-[0-9a-f]{6,10}-[a-z0-9]{5}$")
"""What Kubernetes adds to the name of a deployment to name a pod: the ReplicaSet's hash and five characters."""
LINE = r"^\S+ +([A-Z]+) +(\S+) +TraceID: \S+ +SpanID: \S+ +(?s:(.*))$"
"""Clock, level, logger#line, ids, message: the services' own log format."""
STRAYS = 0.02
"""Which part of a minute's lines may be from long before it."""
SCRAPE = 60_000_000
"""µs that a metric's value looks back: the value that covers the last minute comes after it."""
NOT_METRICS = ("Time", "TimeStamp", "PodName", "ServiceName")


def fits(folder: Path) -> bool:
    """A label file over days that hold logs and traces and a normal minute."""
    return (folder / "labels.json").is_file() and any(folder.glob("*/normal/*_trace.csv"))


def cases(folder: Path) -> tuple[Sequence[Case], Sequence[str]]:
    """The labelled incidents, and those whose telemetry is not there."""
    found: list[Case] = []
    missing: list[str] = []
    for label in json.loads((folder / "labels.json").read_text()):
        day = folder / str(label["day"])
        paths = [day / kind / f"{minute}_{kind}.csv" for minute in label["minutes"] for kind in ("log", "trace")]
        absent = [path.name for path in paths if not path.is_file()]
        if absent:
            missing.append(f"{label['id']}: {', '.join(absent)} missing")
        else:
            found.append(_case(day, label))
    return found, missing


LOADER = Loader("nezha_tt", fits, cases)


def _case(day: Path, label: Mapping[str, Any]) -> Case:
    at = int(datetime.fromisoformat(label["inject_time_utc"]).timestamp() * 1e6)
    minutes = tuple(label["minutes"])
    windows = _windows(day, minutes, at)
    truth = Truth(frozenset({label["service"], label["pod"]}), label["type"], "code" if "#" in label["inner"] else "resource",
                  frozenset(label["inner"].split("_")))  # fmt: skip
    return Case(label["id"], partial(observe, day, minutes, windows), truth, at=at, windows=windows)


def _windows(day: Path, minutes: Sequence[str], at: int) -> Windows:
    """The minutes around the alert, as far as their logs reach, and the day up to them.

    A fault may show up to a minute before the time it is said to have been injected.
    """
    times = pl.concat([pl.read_csv(day / "log" / f"{m}_log.csv", columns=["TimeUnixNano"]) for m in minutes])["TimeUnixNano"].to_numpy()
    low, high = (int(each) // 1000 for each in np.quantile(times, (STRAYS, 1)))
    return Windows((Window(at - at % 86_400_000_000, low),), Window(low, high + SCRAPE))


def observe(day: Path, minutes: Sequence[str], windows: Windows) -> Observed:
    """All telemetry of a case, normal and not."""
    spans, numbers, rows = _spans([*day.glob("normal/*_trace.csv"), *(day / "trace" / f"{m}_trace.csv" for m in minutes)])
    logs = _logs([*day.glob("normal/*_log.csv"), *(day / "log" / f"{m}_log.csv" for m in minutes)], numbers, rows)
    series = tuple(_series(day.glob("metric/*.csv"), windows.incident.end))
    pods = {*spans.pods, *(each.entity.name for each in series if each.entity.kind == "pod")}
    belongs = {Entity("pod", pod): (Entity("service", service_of(pod)),) for pod in sorted(pods)}
    return Observed(series=series, spans=spans, logs=logs, belongs=belongs)


def service_of(pod: str) -> str:
    """The deployment that a pod belongs to, by Kubernetes' naming."""
    return POD.sub("", pod)


def _spans(paths: Iterable[Path]) -> tuple[Spans, dict[str, int], dict[str, int]]:
    """The spans, the number of each trace id, and the row of each span id (``trace/span``)."""
    frame = pl.concat([pl.read_csv(path, schema_overrides={"ParentID": pl.String, "SpanID": pl.String}) for path in sorted(paths)])
    frame = frame.unique(["TraceID", "SpanID"], keep="first", maintain_order=True)
    ids = [f"{trace}/{span}" for trace, span in frame.select("TraceID", "SpanID").iter_rows()]
    rows = {each: row for row, each in enumerate(ids)}
    parents = [rows.get(f"{trace}/{span}", -1) for trace, span in frame.select("TraceID", "ParentID").iter_rows()]
    pods, pod = np.unique(frame["PodName"].to_numpy().astype(str), return_inverse=True)
    services, service = np.unique([service_of(each) for each in pods], return_inverse=True)
    operations, operation = np.unique(frame["OperationName"].to_numpy().astype(str), return_inverse=True)
    traces = frame["TraceID"].unique(maintain_order=True).to_list()
    numbers = {trace: number for number, trace in enumerate(traces)}
    start = frame["StartTimeUnixNano"].to_numpy() // 1000
    parent = np.array(parents, dtype=np.int64)
    return Spans(
        np.array([numbers[each] for each in frame["TraceID"]], dtype=np.int64), parent, start,
        frame["EndTimeUnixNano"].to_numpy() // 1000 - start, service[pod], operation, pod, np.zeros(len(frame), dtype=bool),
        tuple(services.tolist()), tuple(operations.tolist()), tuple(pods.tolist()),
        (parent < 0) & (frame["ParentID"] != "root").to_numpy(), tuple(ids),
    ), numbers, rows  # fmt: skip


def _logs(paths: Iterable[Path], numbers: Mapping[str, int], rows: Mapping[str, int]) -> LogEvents:
    """The log lines as events; their templates are the product's own miner's."""
    texts = {"TraceID": pl.String, "SpanID": pl.String}
    frame = pl.concat(
        [pl.read_csv(path, schema_overrides=texts, truncate_ragged_lines=True) for path in sorted(paths)]
    ).unique(maintain_order=True)
    frame = frame.with_columns(pl.Series("Log", [_line(str(each)) for each in frame["Log"]]))
    line = pl.col("Log")
    part = [pl.coalesce(line.str.extract(LINE, number), other).alias(name)
            for number, name, other in ((1, "level", pl.lit("")), (2, "position", pl.lit("")), (3, "message", line))]  # fmt: skip
    frame = frame.with_columns(part)
    found = templates([" ".join(str(message).split()).encode() for message in frame["message"]])
    keys = list(zip(found, frame["level"], frame["position"], strict=True))
    known = sorted(set(keys))
    place = {key: number for number, key in enumerate(known)}
    pods, pod = np.unique(frame["PodName"].to_numpy().astype(str), return_inverse=True)
    return LogEvents(
        frame["TimeUnixNano"].to_numpy() // 1000, np.array([place[key] for key in keys], dtype=np.int64), pod,
        np.array([numbers.get(each, -1) for each in frame["TraceID"]], dtype=np.int64),
        tuple(key[0] for key in known), tuple(f"t{number}" for number in range(len(known))), tuple(key[1] for key in known),
        tuple(key[2] for key in known), tuple(Entity("pod", each) for each in pods.tolist()),
        np.array([rows.get(f"{t}/{s}", -1) for t, s in frame.select("TraceID", "SpanID").iter_rows()], dtype=np.int64),
    )  # fmt: skip


def _line(record: str) -> str:
    """What the container wrote, out of its runtime's JSON; a torn record as it stands."""
    try:
        return str(json.loads(record)["log"]).strip()
    except (ValueError, KeyError, TypeError):
        return record


def _series(paths: Iterable[Path], end: int) -> Iterable[Series]:
    """Every numeric column of every metrics file as a series, up to the end of the incident."""
    for path in sorted(paths):
        frame = pl.read_csv(path, infer_schema_length=None).sort("TimeStamp").filter(pl.col("TimeStamp") * 1_000_000 < end)
        if not len(frame):
            continue
        owner = Entity("pod", str(frame["PodName"][0])) if "PodName" in frame.columns else Entity("service", str(frame["ServiceName"][0]))
        for metric in frame.columns:
            if metric not in NOT_METRICS and frame[metric].dtype.is_numeric():
                kept = frame.select("TimeStamp", metric).drop_nulls().filter(pl.col(metric).cast(pl.Float64).is_finite())
                times = kept["TimeStamp"].to_numpy() * 1_000_000
                yield Series(owner, metric, times, kept[metric].cast(pl.Float64).to_numpy())
