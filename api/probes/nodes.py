"""Probes of a home: which nodes can be asked, and where what they saw goes: the trace store, and an OTLP endpoint."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ebpf.client import Address
from ebpf.daemon.settings import SOCKET
from telemetry.errors import OnCalmError, UsageError, WriterBusyError
from tools.actions.action import Target
from tools.actions.probes import ACTION, Nodes, read_result
from tools.probe import Propose

if TYPE_CHECKING:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    from api.actions.desk import Desk

FILE = "probes.yaml"
WAITING, HOURLY = 3, 6
"""Probes for which the agent may ask people: at once, and within an hour. People themselves may ask as they like."""
_PATIENCE = 30.0
"""Seconds that a session's spans wait for the store's writer."""


class NodeFile(BaseModel):
    """One node of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=253)
    socket: str = ""
    host: str = ""
    port: int = Field(default=9464, ge=1, le=65535)
    authority: str = ""
    certificate: str = ""
    key: str = ""

    @model_validator(mode="after")
    def _whole(self) -> NodeFile:
        if bool(self.socket) == bool(self.host):
            raise ValueError("a node has either a socket on this machine, or a host")
        if self.host and not (self.authority and self.certificate and self.key):
            raise ValueError("a host needs authority, certificate and key: three PEM files (mutual TLS)")
        return self


class ProbesFile(BaseModel):
    """``probes.yaml``. ``otlp``: where spans go as well, as ``http://collector:4318``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    nodes: list[NodeFile] = Field(default_factory=list)
    otlp: str = Field(default="", pattern=r"^(https?://\S+)?$")


def settings_of(home: Path) -> ProbesFile:
    """The file of a home; without one the daemon on this machine, if it listens where it usually does. Raises UsageError."""
    import yaml

    path = home / FILE
    if not path.exists():
        return ProbesFile(nodes=[NodeFile(name=socket.gethostname(), socket=str(SOCKET))] if SOCKET.exists() else [])
    try:
        return ProbesFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"it is no YAML: {str(error).splitlines()[0]}", where=str(path), remedy="see docs/probes.md") from error
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg'].removeprefix('Value error, ')}" for one in error.errors()[:5])
        raise UsageError(told, where=str(path), remedy="see docs/probes.md") from error


def addresses(home: Path) -> tuple[Address, ...]:
    """The daemons that can be asked. Raises UsageError."""
    return tuple(Address(one.name, one.socket, one.host, one.port, *(str(home / name) if name else "" for name in (one.authority, one.certificate, one.key)))
                 for one in settings_of(home).nodes)


def nodes_of(home: Path, records: Path, *, tell: Callable[[str], None] = lambda _: None) -> Nodes:
    """What the catalogue of actions needs to attach probes; spans go to the store at ``records``. Raises UsageError."""
    endpoint = settings_of(home).otlp
    return Nodes(addresses(home), home / "probe.key", home / "probes", lambda path: kept(path, records, endpoint, tell))


def asking(desk: Desk) -> Propose:
    """How the agent asks people for a probe: by the same desk as everybody, in its own name, which approves nothing."""
    from agent.approvals.people import Person

    def propose(node: str, params: Mapping[str, Any], reason: str) -> Mapping[str, Any]:
        if why := _too_many(desk):
            return {"approval": None, "why": why, "decision": "refuse", "price": "", "target": ""}
        asked = desk.propose(ACTION, Target("Node", node, "", "probe"), params, Person("oncalm", "responder"), reason=reason)
        return {"approval": asked.approval.id if asked.approval else None, "why": "; ".join(asked.verdict.reasons), "decision": asked.verdict.decision,
                "price": asked.preview.blast.statement, "target": asked.preview.predicted.partition(":")[0]}

    return propose


def _too_many(desk: Desk) -> str:
    """Why people are not asked for one more; empty where they may be. What an agent reads may tell it to ask without end."""
    from agent.approvals.states import STATES

    asked = [one for one in desk.approvals.list(STATES, limit=10_000) if one.action == ACTION and one.requester == "oncalm"]
    waiting = sum(one.state == "pending" for one in asked)
    if waiting >= WAITING:
        return f"{waiting} probes wait for an answer already: people answer those first"
    recent = sum(desk.now() - one.created < timedelta(hours=1) for one in asked)
    return f"people were asked for {recent} probes within an hour, which is the most" if recent >= HOURLY else ""


def kept(path: Path, records: Path, endpoint: str, tell: Callable[[str], None]) -> None:
    """Put a session's calls into the store as spans, and send them on. What fails is told, and loses nothing: the file stays."""
    from ebpf.spans import request_of

    found = read_result(path)
    head, calls = found["head"], found["calls"]
    if not calls:
        return
    request = request_of(calls, service=service_of(head), node=str(head.get("node", "")), session=str(head.get("session", path.stem)))
    try:
        _store(request, records)
    except OnCalmError as error:
        tell(f"the spans of {path.name} are not in the store: {error}")
    if endpoint:
        _send(request, endpoint, tell)



def service_of(head: Mapping[str, Any]) -> str:
    """The service's name as it was given, or what the target is called."""
    from ebpf.spans import service_named

    return str(head.get("spec", {}).get("service") or service_named(str(head.get("target", "unknown"))))


def _store(request: ExportTraceServiceRequest, records: Path) -> None:
    from telemetry.otlp.spans import spans_of
    from telemetry.store.record_writer import RecordWriter

    until = time.monotonic() + _PATIENCE
    while True:
        try:
            with RecordWriter(records) as writer:
                writer.add_spans(spans_of(request).records)
                writer.commit()
            return
        except WriterBusyError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def _send(request: ExportTraceServiceRequest, endpoint: str, tell: Callable[[str], None]) -> None:
    import httpx

    try:
        reply = httpx.post(f"{endpoint.rstrip('/')}/v1/traces", content=request.SerializeToString(), timeout=10.0, trust_env=False,
                           headers={"Content-Type": "application/x-protobuf"})
        reply.raise_for_status()
    except httpx.HTTPError as error:
        tell(f"the spans could not be sent to {endpoint}: {error}")
