"""A grounded conclusion in words: its first sentence, what else is claimed, and what was not looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agent.analyst import Summary
from agent.evidence import Claim, Grounded
from agent.offline.phrasing import interpretation
from telemetry.models import Query, Result
from tools.registry import ToolResult

Restore = Callable[[str], str]


def said(
    found: Grounded, base: Summary | None, results: Mapping[str, ToolResult], restore: Restore
) -> Summary:
    """Put the checked claims together. Without a first sentence that the evidence shows, the offline one stands in."""
    notes = list(found.notes)
    if found.answer is not None:
        first = _cited(found.answer, restore)
    else:
        first = base.answer if base else "The evidence does not answer this."
        notes.append("The model's own first sentence was not shown by the evidence it cited and is left out.")
    shown = _shown(found.result_from, results)
    query = shown.query if shown and _is_query(shown) else None
    result = shown.found.result if shown and shown.found else base.result if base else Result(kind="none")
    return Summary(
        answer="\n".join([first, *(f"- {_cited(claim, restore)}" for claim in found.claims)]),
        interpretation=interpretation(Query.model_validate(query)) if query else base.interpretation if base else "",
        result=result, confidence=found.confidence, query=query,
        claims=[_json(claim, restore) for claim in found.claims],
        ruled_out=[_json(claim, restore) for claim in found.ruled_out],
        unchecked=[restore(text) for text in found.unchecked],
        dropped=[{"text": restore(d.text), "why": d.why} for d in found.dropped], notes=notes,
    )


def _shown(name: str | None, results: Mapping[str, ToolResult]) -> ToolResult | None:
    """The result the answer shows: the one it names, or the offline query's."""
    return results.get(name or "E1") or results.get("E1")


def _is_query(result: ToolResult) -> bool:
    return result.found is not None and "operation" in result.query


def _cited(claim: Claim, restore: Restore) -> str:
    return f"{restore(claim.text)} [{', '.join(claim.evidence)}]" if claim.evidence else restore(claim.text)


def _json(claim: Claim, restore: Restore) -> dict[str, Any]:
    return {"text": restore(claim.text), "evidence": list(claim.evidence)}
