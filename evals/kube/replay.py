"""A replay cluster: one capture of a recorded cluster, read back into a :class:`~signals.kube.state.ClusterState`.

A case is a folder with ``tool_cache.json`` (answers keyed ``Tool:{json arguments}``), and perhaps ``logs.json`` and
``metrics.csv``. What the answers describe is the truth; manifests (``GetAppYAML``) only fill in what kubectl does not print:
affinity, a claim's request and selector, pull secrets, security contexts. An object that exists only in a manifest is not in the
cluster, unless its kind was never listed. Secrets keep their keys only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from evals.kube import described, signals_of
from evals.kube.described import ALIASES, KINDS
from evals.kube.specs import Json
from evals.kube.tables import description, seconds, table
from signals.kube.state import ClusterState, ContainerLog, Object, at, mapping_at, name_of, namespace_of

_ZONE = re.compile(r"\d\d:\d\d:\d\d ([+-])(\d\d)(\d\d)\b")


@dataclass(frozen=True, slots=True)
class Capture:
    """One case as it may be looked at: no label, no answer."""

    state: ClusterState
    now: int
    """µs since 1970 (UTC)."""
    namespace: str
    symptom: str


def load(folder: Path) -> Capture:
    """Read a case; ``OSError`` or ``ValueError`` when its files are not there or not readable."""
    task = json.loads((folder / "task.json").read_text("utf-8"))
    cache = json.loads((folder / "tool_cache.json").read_text("utf-8"))
    answers = list(_answers(cache))
    now = _captured(cache)
    namespace = str(task.get("namespace") or "")
    objects, events = _objects(answers, now, namespace)
    state = ClusterState(
        objects={**objects, "events": tuple(events)},
        logs=_logs(folder, answers, objects, namespace), requests=signals_of.series(folder / "metrics.csv"),
        node_services=tuple(signals_of.services(answers)), connectivity=tuple(signals_of.connections(answers)),
        calls=tuple(signals_of.calls(answers, objects)), not_assessed=_unread(folder))
    return Capture(state, int(now.timestamp() * 1_000_000), namespace, str(task.get("query") or ""))


def _unread(folder: Path) -> dict[str, str]:
    return {} if (folder / "metrics.csv").is_file() else {"requests": "the capture has no metrics"}


def _answers(cache: Mapping[str, Any]) -> Iterator[tuple[str, Json, Any]]:
    """(tool, arguments, answer)."""
    for key, value in cache.items():
        tool, _, arguments = key.partition(":")
        try:
            yield tool, json.loads(arguments) if arguments else {}, value
        except json.JSONDecodeError:
            continue


def _captured(cache: Mapping[str, Any]) -> datetime:
    """When; its zone is that of the times kubectl prints."""
    zone = next((match for value in cache.values() if isinstance(value, str) and (match := _ZONE.search(value))), None)
    offset = timedelta(hours=int(zone[2]), minutes=int(zone[3])) * (-1 if zone[1] == "-" else 1) if zone else timedelta()
    stamp = datetime.fromisoformat(str(cache["collection_timestamp"]))
    return stamp if stamp.tzinfo is not None else stamp.replace(tzinfo=timezone(offset))


def _objects(answers: list[tuple[str, Json, Any]], now: datetime, namespace: str) -> tuple[dict[str, tuple[Object, ...]], list[Json]]:
    """Objects by kind, and the events below them."""
    found: dict[str, dict[tuple[str, str], Json]] = {}
    events: list[Json] = []
    for tool, arguments, text in answers:
        kind = _kind(arguments)
        if tool == "DescribeResource" and isinstance(text, str):
            each = described.read(kind, text)
            if each is not None:
                found.setdefault(kind, {})[namespace_of(each), name_of(each)] = each
                events += described.events(kind, text, now)
            if kind == "namespaces":
                _quotas(found, text)
    for tool, arguments, text in answers:
        if _kind(arguments) == "events" and isinstance(text, str):
            known = {(each["involvedObject"]["name"], each["reason"], each["message"]) for each in events}
            events += [each for each in described.listed_events(text, str(arguments.get("namespace") or namespace), now)
                       if (each["involvedObject"]["name"], each["reason"], each["message"]) not in known]
        elif tool == "GetResources" and isinstance(text, str) and not arguments.get("name") and not arguments.get("label_selector"):
            _listed(found.setdefault(_kind(arguments), {}), _kind(arguments), text, str(arguments.get("namespace") or namespace), now)
    for tool, _, text in answers:
        if tool == "GetAppYAML" and isinstance(text, str):
            for each in manifests(text):
                _complete(found, each)
    return {kind: tuple(each.values()) for kind, each in found.items()}, events


def _kind(arguments: Json) -> str:
    kind = str(arguments.get("resource_type") or "").lower()
    return ALIASES.get(kind, kind)


def _quotas(found: dict[str, dict[tuple[str, str], Json]], text: str) -> None:
    """Quotas as the description of a namespace shows them."""
    namespace = description(text).text("Name")
    for part in re.split(r"(?m)^\s+Name:\s+", text.partition("Resource Quotas")[2])[1:]:
        used, hard = described.quota_rows(part.splitlines())
        name = part.split("\n", 1)[0].strip()
        if hard:
            found.setdefault("resourcequotas", {}).setdefault((namespace, name), {
                "metadata": {"name": name, "namespace": namespace}, "status": {"used": used, "hard": hard}})


def _listed(found: dict[tuple[str, str], Json], kind: str, text: str, namespace: str, now: datetime) -> None:
    """What a list names and no description told of."""
    for row in table(text):
        name = row.get("NAME", "")
        cluster = kind in {"nodes", "persistentvolumes", "storageclasses", "namespaces"}
        key = ("" if cluster else namespace, name)
        age = seconds(row.get("AGE", ""))
        each = found.get(key)
        if each is None:
            each = found.setdefault(key, {"metadata": {"name": name, **({} if cluster else {"namespace": namespace})}})
            each.update(_from_row(kind, row))
        if age is not None:
            each["metadata"].setdefault("creationTimestamp", (now - timedelta(seconds=age)).isoformat())


def _from_row(kind: str, row: Mapping[str, str]) -> Json:
    if kind == "pods":
        status = row.get("STATUS", "")
        phase = status if status in {"Running", "Pending", "Succeeded", "Failed"} else "Pending"
        node = row.get("NODE", "<none>")
        return {"spec": {} if node.startswith("<") else {"nodeName": node}, "status": {"phase": phase, "containerStatuses": [
            {"name": "", "state": {} if phase == status else {"waiting": {"reason": status}}}]}}
    if kind == "resourcequotas":
        pairs = re.findall(r"([\w./-]+): ([^/\s,]+)/([^,\s]+)", " ".join(row.values()))
        return {"status": {"used": {name: used for name, used, _ in pairs}, "hard": {name: hard for name, _, hard in pairs}}}
    return {}


def manifests(text: str) -> Iterator[Json]:
    """Documents of a YAML text that are Kubernetes objects."""
    import yaml

    try:
        documents = list(yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.YAMLError:
        return
    for each in documents:
        if isinstance(each, dict) and each.get("kind") and isinstance(each.get("metadata"), dict):
            yield from each.get("items", [each]) if str(each["kind"]).endswith("List") else [each]


def _complete(found: dict[str, dict[tuple[str, str], Json]], manifest: Json) -> None:
    """Fill in what a description leaves out."""
    kind = next((plural for plural, singular in KINDS.items() if singular == manifest["kind"]), str(manifest["kind"]).lower() + "s")
    if kind == "secrets":
        return
    name, namespace = name_of(manifest), namespace_of(manifest)
    own = found.get(kind)
    if own is None:
        found[kind] = {(namespace, name): manifest}
        return
    for key, each in own.items():
        if key[1] == name and (not key[0] or not namespace or key[0] == namespace):
            own[key] = merged(each, manifest)


def merged(told: Any, manifest: Any) -> Any:
    """``told`` where it says something, ``manifest`` where it does not; containers and volumes by name."""
    if isinstance(told, dict) and isinstance(manifest, dict):
        return {key: merged(told.get(key), manifest.get(key)) for key in (*told, *(each for each in manifest if each not in told))}
    if isinstance(told, list) and isinstance(manifest, list) and all(isinstance(each, dict) and "name" in each for each in (*told, *manifest)):
        known = {each["name"]: each for each in manifest}
        return [merged(each, known.get(each["name"])) for each in told] if told else manifest
    return manifest if told in (None, "", [], {}) and manifest is not None else told


def _logs(folder: Path, answers: list[tuple[str, Json, Any]], objects: Mapping[str, tuple[Object, ...]], namespace: str) -> tuple[ContainerLog, ...]:
    """Logs by workload; of the file where there is one, else of what was asked."""
    texts: dict[str, Any] = {}
    if (folder / "logs.json").is_file():
        texts = json.loads((folder / "logs.json").read_text("utf-8"))
    for tool, arguments, answer in answers:
        name = str(arguments.get("service_name") or "")
        if tool == "GetErrorLogs" and answer and name not in texts:
            texts[name] = signals_of.samples(answer)
    return tuple(each for name, text in texts.items() for each in _log(name, text, objects, namespace))


def _log(name: str, text: Any, objects: Mapping[str, tuple[Object, ...]], namespace: str) -> Iterator[ContainerLog]:
    app, previous = name.removesuffix(".previous"), name.endswith(".previous")
    lines = text.splitlines() if isinstance(text, str) else [line for part in text for line in str(part).splitlines()]
    lines = [line for line in lines if not re.match(r"Error: |Error from server|unable to retrieve container logs", line)]
    pod = next((each for each in objects.get("pods", ()) if namespace_of(each) == namespace and app in (
        mapping_at(each, "metadata", "labels").get("app"), name_of(each), re.sub(r"-[a-z0-9]+(-[a-z0-9]{5})$", "", name_of(each)),
        re.sub(r"-\d+$", "", name_of(each)))), None)
    if lines and pod is not None:
        containers = at(pod, "spec", "containers") or [{}]
        yield ContainerLog(namespace, name_of(pod), str(at(containers[0], "name") or ""), tuple(lines), previous=previous)
