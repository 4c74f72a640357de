"""What probes saw, as spans: into the trace store, and to an OTLP endpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telemetry.errors import OnCalmError, WriterBusyError
from tools.actions.probes import read_result

if TYPE_CHECKING:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_PATIENCE = 30.0
"""Seconds that a session's spans wait for the store's writer."""


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
