"""The cluster's tools: what is wrong, objects, events, logs. Read only; the state of this moment, never kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from pydantic import Field

from signals.kube.diagnose import diagnose
from signals.kube.finding import POSSIBLE, Finding
from signals.kube.state import ClusterState
from telemetry.errors import QueryError
from telemetry.redact import redact
from tools.cluster.collect import LINES, collect, listed, log_of
from tools.cluster.connection import Cluster, UnreadableError
from tools.cluster.resources import KEYS_ONLY, NAMES_ONLY, RESOURCES
from tools.log_inputs import Closed
from tools.registry import Registry, Tool
from tools.result import NotAssessed, Outcome, Passage, Passages

_OBJECTS = 30
_TEXT = 4000
_FINDINGS = 20
Open = Callable[[], Cluster]


class DiagnoseInput(Closed):
    """Where, and what is complained of."""

    namespace: str | None = Field(default=None, description="Null: all that may be read")
    symptom: str = Field(default="", max_length=300, description="Who suffers from what, in words; empty: unknown")


class GetInput(Closed):
    """Which objects."""

    kind: str = Field(description="Plural: pods, deployments, services, nodes, events, persistentvolumeclaims …")
    namespace: str | None = Field(default=None, description="Null: all")
    name: str | None = Field(default=None, description="Exact name; null: all")


class LogsInput(Closed):
    """Which container's log."""

    namespace: str
    pod: str
    container: str
    previous: bool = Field(default=False, description="Whether that of the instance before this one is meant")
    lines: int = Field(default=LINES, ge=1, le=2000, description="The last so many; null: 200")


class Diagnosed(Passages):
    """Findings in words and as data, and what was not assessed."""

    findings: list[dict[str, Any]]
    not_assessed: dict[str, str]


def cluster_tools(open_cluster: Open) -> Registry:
    """The tools over the cluster that ``open_cluster`` connects to; it is asked anew by every call."""

    def wrong(given: DiagnoseInput) -> Outcome:
        with closing(open_cluster()) as cluster:
            state = collect(cluster, given.namespace)
        return Outcome(found_in(state, given.namespace, given.symptom), query=given.model_dump(mode="json"),
                       reason="no rule found anything wrong in what could be read")

    def objects(given: GetInput) -> Outcome:
        if given.kind not in RESOURCES:
            raise QueryError(f"there is no kind {given.kind[:40]!r}", where="kind", remedy=f"one of {', '.join(RESOURCES)}")
        with closing(open_cluster()) as cluster:
            found = _asked(lambda: listed(cluster, given.kind, given.namespace))
        chosen = [one for one in found if given.name in {None, (one.get("metadata") or {}).get("name")}]
        passages = [Passage(title=_title(given.kind, one), text=_plain(given.kind, one)) for one in chosen[:_OBJECTS]]
        notes = (f"{len(chosen) - _OBJECTS} more: ask for one by name",) if len(chosen) > _OBJECTS else ()
        return Outcome(Passages(total=len(chosen), searched=len(found), passages=passages), query=given.model_dump(mode="json"), notes=notes)

    def logs(given: LogsInput) -> Outcome:
        with closing(open_cluster()) as cluster:
            text = _asked(lambda: log_of(cluster, given.namespace, given.pod, given.container, previous=given.previous, lines=given.lines))
        passage = Passage(title=f"{given.pod}/{given.container}", source=given.namespace, text=text)
        count = len(text.splitlines())
        return Outcome(Passages(total=count, searched=count, passages=[passage] if count else []), query=given.model_dump(mode="json"))

    return Registry([
        _tool("cluster.diagnose", "Look at a Kubernetes cluster as it is now and say what is wrong, the likeliest root cause first, each "
              "with what would refute it. Use it when pods, services, volumes or nodes may be at fault.", DiagnoseInput, wrong, Diagnosed, 120.0),
        _tool("cluster.get", "Objects of a Kubernetes cluster as they are now, events among them. Values of secrets are never shown.",
              GetInput, objects, Passages, 60.0),
        _tool("cluster.logs", "The last lines of a container, also of the instance that ended before.", LogsInput, logs, Passages, 60.0),
    ])


def _tool(name: str, purpose: str, given: type[Any], call: Any, output: Any, seconds: float) -> Tool[Any]:
    return Tool(name, purpose, "read", given, call, output=output, timeout=seconds, freshness="live", tags=("cluster",))


def found_in(state: ClusterState, namespace: str | None, symptom: str) -> Diagnosed:
    """What the rules find in a state: nothing weaker than a possible explanation."""
    findings = [one for one in diagnose(state, now=time.time_ns() // 1000, namespace=namespace, symptom=symptom) if one.strength >= POSSIBLE]
    passages = [Passage(title=f"{place}. {one.entity.kind} {one.entity.name}: {one.cause.replace('_', ' ')}", source=one.namespace,
                        text=f"{_masked(one.statement)}\nwould be refuted by: {one.refute}{_chain(one)}")
                for place, one in enumerate(findings[:_FINDINGS], start=1)]
    data = [{"rank": place, "cause": one.cause, "entity": {"kind": one.entity.kind, "name": one.entity.name}, "namespace": one.namespace,
             "statement": _masked(one.statement), "refute": one.refute, "strength": one.strength, "refs": list(one.refs),
             "consequence_of": one.consequence_of.name if one.consequence_of else None} for place, one in enumerate(findings, start=1)]
    searched = sum(len(items) for items in state.objects.values())
    return Diagnosed(total=len(findings), searched=searched, passages=passages, findings=data, not_assessed=dict(state.not_assessed))


def _chain(one: Finding) -> str:
    return f"\na consequence of what is wrong with {one.consequence_of.name}" if one.consequence_of else ""


def _asked(call: Callable[[], Any]) -> Any:
    """What may not be read is not assessed; it is no failure of ours."""
    try:
        return call()
    except UnreadableError as error:
        raise NotAssessed(str(error), where="cluster", remedy="") from error


def _title(kind: str, one: dict[str, Any]) -> str:
    about = one.get("metadata") or {}
    return f"{kind} {about.get('namespace', '')}/{about.get('name', '')}".replace(" /", " ")


def _plain(kind: str, one: dict[str, Any]) -> str:
    """An object as JSON, without bookkeeping and without what may be secret."""
    about = {key: value for key, value in (one.get("metadata") or {}).items() if key not in {"managedFields", "annotations"}}
    shown: dict[str, Any] = {"metadata": about} if kind in NAMES_ONLY | KEYS_ONLY else {**one, "metadata": about}
    if kind in KEYS_ONLY:
        shown["keys"] = sorted(one.get("data") or {})
    return _masked(json.dumps(shown, ensure_ascii=False, separators=(", ", ": ")))[:_TEXT]


def _masked(text: str) -> str:
    return redact(text)[0]
