"""A diagnosis in words: the origin first, what shows it, who suffers, what was ruled out and what nobody looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.analyst import Summary
from agent.proofs import proofs
from telemetry.models import Result
from tools.registry import ToolResult

SURE = 0.6
"""Probability from which the first suspect is called the likely origin."""
_OTHERS = 3
_SIGNS = 4
_RULED_OUT = 5
_TOLD = {"tool", "status", "query"}


def narrated(weighed: ToolResult, results: Mapping[str, ToolResult], statements: Sequence[str]) -> Summary:
    """The summary of an investigation whose weighing is ``weighed`` (evidence E1)."""
    made = weighed.output or {}
    suspects: list[dict[str, Any]] = made.get("suspects", [])
    rows = [[one["rank"], one["entity"]["kind"], _key(one["entity"]), one["cause"], one["score"], one["statement"]] for one in suspects]
    columns = ["rank", "kind", "entity", "cause", "score", "statement"]
    failed = [f"{result.tool}: {result.error or result.reason}" for result in results.values()
              if result.status in {"failed", "not_assessed"}]
    unchecked = [*made.get("not_assessed", []), *failed]
    return Summary(
        answer="\n".join([*_lines(made, results), *(f"Read as: {one}." for one in statements)]), interpretation=_window(made, statements),
        result=Result(kind="table", columns=columns, rows=rows) if rows else Result(kind="none"),
        confidence=_confidence(suspects, unchecked),
        claims=[{"text": sign["statement"], "evidence": ["E1"]} for one in suspects[:1] for sign in one["signs"][:_SIGNS]],
        ruled_out=[{"text": f"{one['entity']['name']}: {one['why']}", "evidence": ["E1"]} for one in made.get("ruled_out", [])],
        unchecked=unchecked, notes=list(statements),
    )


def _confidence(suspects: Sequence[Mapping[str, Any]], unchecked: Sequence[str]) -> float:
    """The first suspect's probability, less where sources are missing; without suspects, that nothing is wrong is not shown."""
    first = float(suspects[0]["score"]) if suspects else 0.3
    return round(first * 0.93 ** min(len(unchecked), 4), 2)


def _lines(made: Mapping[str, Any], results: Mapping[str, ToolResult]) -> list[str]:
    suspects = made.get("suspects", [])
    if not suspects:
        return [f"No cause was found in the records from {_span(made)}. [E1]", *_needed(made)]
    first = suspects[0]
    word = "Likely origin" if first["score"] >= SURE else "First suspect"
    lines = [f"{word}: {_named(first)}, probability {first['score']:.2f}. {first['statement']} [E1]"]
    lines += [f"- {_at(sign)}{sign['statement']}{_proofs(sign, results)}" for sign in first["signs"][:_SIGNS]]
    lines += [f"- against it: {sign['statement']} [E1]" for sign in first["against"][:2]]
    if first["positions"]:
        lines.append(f"- in the code: {', '.join(first['positions'][:3])} [E1]")
    if first["victims"]:
        lines.append(f"Victims: {', '.join(_key(victim) for victim in first['victims'][:8])}. [E1]")
    if suspects[1:]:
        others = "; ".join(f"{_named(one)} ({one['score']:.2f})" for one in suspects[1 : 1 + _OTHERS])
        lines.append(f"Less likely: {others}. [E1]")
    ruled_out = made.get("ruled_out", [])
    if ruled_out:
        told = "; ".join(f"{_key(one['entity'])}: {one['why']}" for one in ruled_out[:_RULED_OUT])
        lines.append(f"Ruled out: {told}. [E1]")
    if made.get("probes"):
        lines.append(f"To tell them apart, {made['probes'][0]['statement']}. [E1]")
    return [*lines, *_needed(made)]


def _needed(made: Mapping[str, Any]) -> list[str]:
    missing = made.get("not_assessed", [])
    return [f"Not assessed: {'; '.join(missing)}."] if missing else []


def _named(suspect: Mapping[str, Any]) -> str:
    entity = suspect["entity"]
    return f"{entity['kind']} {_key(entity)} ({suspect['cause']})" if suspect["cause"] else f"{entity['kind']} {_key(entity)}"


def _key(entity: Mapping[str, Any]) -> str:
    """Its name, after the namespace where that is needed to tell it."""
    return f"{entity['namespace']}/{entity['name']}" if entity.get("namespace") else str(entity["name"])


def _at(sign: Mapping[str, Any]) -> str:
    return f"{sign['at'][11:19]} UTC " if sign.get("at") else ""


def _proofs(sign: Mapping[str, Any], results: Mapping[str, ToolResult]) -> str:
    """The results that show a sign, the weighing among them."""
    shown = proofs(sign["refs"], sign["entity"]["name"], {name: result.model_dump(mode="json", include=_TOLD) for name, result in results.items()})
    return f" [{', '.join(shown)}]"


def _span(made: Mapping[str, Any]) -> str:
    window = made["window"]
    return f"{window['start']} to {window['end']}"


def _window(made: Mapping[str, Any], statements: Sequence[str]) -> str:
    """Which windows were compared, and how they were found."""
    baseline = ", ".join(f"{one['start']} to {one['end']}" for one in made["baseline"])
    return "; ".join([f"incident {_span(made)} against {baseline or 'no baseline'} ({made['chosen']})", *statements])
