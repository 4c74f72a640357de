"""What is not an API object in a capture: metrics, states of node services, probes of connectivity, calls, samples of logs."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from evals.kube.specs import Json
from signals.kube.matching import labels_match
from signals.kube.state import Connectivity, NodeService, Object, ServiceStatus, mapping_at, name_of
from signals.observed import Entity, Series

Answers = list[tuple[str, Json, Any]]
_METRIC = re.compile(r"^(?P<name>.+?)[-_](?P<metric>cpu_cfs|cpu|mem|memory|rps|qps|success_rate|error_rate|network_receive|network_transmit|tcp_retrans|tcp_retans|"
                     r"p\d+latency|latency\w*)$")
METRICS = {"cpu_cfs": ("throttled", 1.0), "cpu": ("cpu", 1.0), "mem": ("memory", 1.0), "memory": ("memory", 1.0), "rps": ("requests", 1.0),
           "qps": ("requests", 1.0), "success_rate": ("success", 1.0), "error_rate": ("errors", 1.0), "tcp_retans": ("retransmissions", 1.0),
           "tcp_retrans": ("retransmissions", 1.0), "network_receive": ("network_receive", 1.0), "network_transmit": ("network_transmit", 1.0)}
"""Column suffix → (our metric, factor); latencies are milliseconds there, seconds here."""
_ROW = re.compile(r"^[│├└─\s]*(?P<name>[a-z0-9][\w.-]*)")


def series(path: Path) -> tuple[Series, ...] | None:
    """Columns ``SERVICE-METRIC`` over time; None without the file."""
    if not path.is_file():
        return None
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    times = np.array([int(datetime.fromisoformat(row[0]).replace(tzinfo=UTC).timestamp() * 1e6) for row in rows[1:]], dtype=np.int64)
    made = (_series(name, place, rows[1:], times) for place, name in enumerate(rows[0]) if place)
    return tuple(each for each in made if each is not None)


def _series(column: str, place: int, rows: list[list[str]], times: np.ndarray[Any, np.dtype[np.int64]]) -> Series | None:
    match = _METRIC.match(column)
    if match is None:
        return None
    metric, factor = METRICS.get(match["metric"], (f"latency_{match['metric'].removesuffix('latency')}", 1e-3))
    values = np.array([float(row[place]) if place < len(row) and row[place] not in {"", "nan", "NaN"} else np.nan for row in rows])
    good = ~np.isnan(values)
    kind = "node" if metric == "retransmissions" else "service"
    return Series(Entity("node" if kind == "node" else "service", match["name"]), metric, times[good], values[good] * factor) if good.any() else None


def services(answers: Answers) -> Iterator[NodeService]:
    """``systemctl status`` of services of nodes."""
    for tool, arguments, text in answers:
        if tool == "CheckNodeServiceStatus" and isinstance(text, str):
            line = next((line.strip() for line in text.splitlines() if re.search(r"\bActive:", line)), "")
            yield NodeService(str(arguments.get("node_name")), str(arguments.get("service_name")), _status(line or text), (line or text).strip()[:200])


def _status(line: str) -> ServiceStatus:
    if re.search(r"\bfailed\b|auto-restart", line):
        return "failed"
    if re.search(r"inactive|dead|not running|stopped|deactivating|could not be found", line):
        return "stopped"
    return "running" if re.search(r"\bactive \(running\)|\brunning\b", line) else "unknown"


def connections(answers: Answers) -> Iterator[Connectivity]:
    """One attempt per answer, or per node when the answer reports several."""
    for tool, arguments, text in answers:
        if tool != "CheckServiceConnectivity" or not isinstance(text, str):
            continue
        parts = re.split(r"results deployed on (\S+?):", text)
        pairs = list(zip(parts[1::2], parts[2::2], strict=False)) or [("", text)]
        for source, said in pairs:
            good = "Succeeded" in said or re.search(r"\) open\b", said) is not None
            outcome = "connected" if good else "unresolved" if re.search(r"resolve|bad address|no such host|Name or service", said) else "failed"
            yield Connectivity(str(arguments.get("service_name")), int(arguments.get("port") or 0) or None,
                               outcome, said.strip()[:200], str(arguments.get("namespace") or ""), source)  # type: ignore[arg-type]


def calls(answers: Answers, objects: Mapping[str, tuple[Object, ...]]) -> Iterator[tuple[str, str]]:
    """Edges of the trees of dependencies; names of services become those of the workloads they select."""
    for tool, _, text in answers:
        if tool == "GetServiceDependencies" and isinstance(text, str):
            for caller, callee in _edges(text):
                yield _workload(caller, objects), _workload(callee, objects)


def _edges(text: str) -> Iterator[tuple[str, str]]:
    here = re.search(r"\[Service\]: (\S+)", text)
    above = re.search(r"\[Upstream[^\]]*\]: (.*)", text)
    if here is None:
        return
    for caller in re.findall(r"[a-z0-9][\w.-]+", re.sub(r"\([^)]*\)", "", above[1] if above else "")):
        yield caller, here[1]
    path: list[tuple[int, str]] = [(-1, here[1])]
    for line in text.partition("[Downstream")[2].splitlines()[1:]:
        match = _ROW.match(line)
        if match is None or line.startswith("("):
            continue
        depth = match.start("name")
        while len(path) > 1 and path[-1][0] >= depth:
            path.pop()
        if match["name"] != here[1] and (depth or len(path) > 1):
            yield path[-1][1], match["name"]
            path.append((depth, match["name"]))


def _workload(name: str, objects: Mapping[str, tuple[Object, ...]]) -> str:
    """The workload of a service's name."""
    owners = [each for kind in ("deployments", "statefulsets", "daemonsets") for each in objects.get(kind, ())]
    if any(name_of(each) == name for each in owners):
        return name
    service = next((each for each in objects.get("services", ()) if name_of(each) == name), None)
    selector = mapping_at(service, "spec", "selector")
    return next((name_of(each) for each in owners if labels_match(selector, mapping_at(each, "spec", "template", "metadata", "labels"))), name)


def samples(answer: Any) -> list[str]:
    """Lines of a log answer: patterns with samples, or lists of lines by source."""
    if isinstance(answer, str):
        import json

        try:
            answer = json.loads(answer)
        except json.JSONDecodeError:
            return str(answer).splitlines()
    if isinstance(answer, dict) and "patterns" in answer:
        return [str(each.get("sample") or each.get("pattern") or "") for each in answer["patterns"] for _ in range(min(int(each.get("count") or 1), 5))]
    if isinstance(answer, dict):
        return [str(line) for lines in answer.values() for line in (lines if isinstance(lines, list) else [lines])]
    return list(map(str, answer))
