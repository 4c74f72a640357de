"""A session's result in lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ebpf.accounting import Counts
from ebpf.signals.base import duration


def told_of(found: Mapping[str, Any], calls: int) -> Iterator[str]:
    """What was looked at, what was seen, what it cost, what is not in it; then the slowest calls."""
    head, result, error = found["head"], found["result"], found["error"]
    spec = head.get("spec", {})
    yield f"{spec.get('name', 'probe')} on {head.get('target', '?')} ({head.get('node', '?')}), from {head.get('started', '?')[:19]} UTC"
    if error:
        yield f"It failed: {error['what']}" + (f" → {error['remedy']}" if error.get("remedy") else "")
        return
    if not result:
        yield f"It runs still, or whoever collected it was killed; {len(found['calls'])} calls so far."
    else:
        yield from _summed(result, head.get("predicted"))
    yield from map(_call, sorted(found["calls"], key=lambda one: -int(one.get("duration", 0)))[:calls])


def _summed(result: Mapping[str, Any], predicted: float | None) -> Iterator[str]:
    summary = result["summary"]
    told = "not predicted" if predicted is None else f"{predicted:.2%} predicted"
    cost = "unknown" if result.get("cpu") is None else f"{result['cpu']:.2%} of one CPU, {told}, {result['cap']:.1%} approved"
    yield f"Ended: {result['ended']}. Cost: {cost}."
    if "counts" in summary:
        yield Counts(**{name: value for name, value in summary["counts"].items() if name != "identity_holds"}).words() + "."
    if (latency := summary.get("latency")) and latency["count"]:
        yield f"Latency of all: p50 {_ms(latency['p50_ms'])}, p90 {_ms(latency['p90_ms'])}, p99 {_ms(latency['p99_ms'])}, most {_ms(latency['max_ms'])} (±{summary['latency_error']:.0%})"
    if outcomes := summary.get("outcomes"):
        yield "Outcomes of all: " + ", ".join(f"{one['count']} {name}" for name, one in outcomes.items())
    for line in summary.get("sentences", ()):
        yield str(line)
    for group in summary.get("groups", ())[:10]:
        yield f"  {group['count']:>6} × {group['name']}: mean {_ms(group['mean_ms'])}, most {_ms(group['max_ms'])}, {group['errors']} failed"


def _call(call: Mapping[str, Any]) -> str:
    at = datetime.fromtimestamp(call["start"] / 1e9, UTC) if "start" in call else None
    name = " ".join(str(call[key]) for key in ("method", "route", "service", "query", "name") if call.get(key))
    end = next((str(call[key]) for key in ("status", "grpc_status", "error", "outcome", "rcode") if call.get(key) is not None), "no answer")
    waited = f", {duration(call['queued'])} of it waiting" if call.get("queued") else ""
    return f"  {f'{at:%H:%M:%S.%f}'[:-3] if at else ''} {name} → {end} in {duration(call.get('duration', 0))}{waited}"


def _ms(value: float | None) -> str:
    return duration(None if value is None else value * 1e6)
