"""Calls as plain JSON: what leaves a worker. Every text in a call is redacted when the call is made."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ebpf import wire
from ebpf.calls import Call, DnsCall, HttpCall, Parent, RpcCall, SqlCall

_NAMES: dict[type[Call], str] = {HttpCall: "http", RpcCall: "grpc", SqlCall: "sql", DnsCall: "dns"}
_FLAGS = {wire.SWEPT: "the response may go on", wire.ABORTED: "the connection ended before a response", wire.GAP: "bytes are missing",
          wire.PIPELINED: "pipelined", wire.CLOSED: "the connection ended with it"}


def document(call: Call, flags: int = 0, pid: int = 0) -> dict[str, Any]:
    """Every field that tells something; times in ns, ``start`` since 1970."""
    told: dict[str, Any] = {"kind": _NAMES[type(call)]}
    for one in fields(call):
        value = getattr(call, one.name)
        if isinstance(value, Parent):
            told["parent"] = {"trace_id": value.trace_id, "span_id": value.span_id, "sampled": value.sampled}
        elif value not in (None, "", ()):
            told["sql_kind" if one.name == "kind" else one.name] = list(value) if isinstance(value, tuple) else value
    if pid:
        told["pid"] = pid
    if notes := [words for bit, words in _FLAGS.items() if flags & bit]:
        told["notes"] = notes
    return told


def grouped_by(call: Call) -> str:
    """What calls are summed up by: method and route, service and method, or the statement."""
    match call:
        case HttpCall():
            return f"{call.method} {call.route}".strip() or "unknown"
        case RpcCall():
            return f"{call.service}/{call.method}" if call.service else "unknown"
        case SqlCall():
            return call.query or call.operation or call.kind
        case DnsCall():
            return f"{call.type} {call.name}".strip() or "unknown"
    return "unknown"
