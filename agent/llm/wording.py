"""A grounded conclusion in words: its first sentence, what else is claimed, and what was not looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from agent.analyst import Summary
from agent.evidence import Claim, Conclusion, Grounded, ground
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


def recalled(
    conclusion: Mapping[str, Any], base: Summary | None, results: Mapping[str, ToolResult], question: str
) -> Summary:
    """What an earlier investigation found, the cause first, then the figures of now. Where its own figures are others,
    it says of which window."""
    found, about = Grounded.model_validate(conclusion), conclusion["recall"]
    then = f"{datetime.fromisoformat(about['made']):%Y-%m-%d %H:%M} UTC"
    of = f"figures of {_window(about.get('window')) or then}"

    def told(claim: Claim) -> str:
        return _cited(claim, str) if _stands(claim, results, question) else f"{claim.text} ({of})"

    def json(claim: Claim) -> dict[str, Any]:
        return _json(claim, str) | ({} if _stands(claim, results, question) else {"as_of": about["made"], "figures": of})

    kept = [claim for claim in (found.answer, *found.claims) if claim is not None]
    lines = [f"Recalled from {then}: {told(kept[0])}" if kept else "", f"Now: {base.answer}" if base else "",
             f"The same symptom was investigated on {then}; what that rested on is there again ({', '.join(about['confirmed_by'])})."]
    return Summary(
        answer="\n".join([*filter(None, lines), *(f"- {told(claim)}" for claim in kept[1:])]), interpretation=base.interpretation if base else "",
        result=base.result if base else Result(kind="none"), confidence=found.confidence,
        claims=[json(claim) for claim in kept], ruled_out=[json(claim) for claim in found.ruled_out],
        unchecked=list(found.unchecked), recall=dict(about),
        notes=[f"Recalled from investigation {about['id']}; no model was asked. If it is wrong: oncalm recall --wrong {about['id']}"],
    )


def _window(window: Mapping[str, Any] | None) -> str:
    """A window in words; empty when it is open at both ends."""
    ends = [datetime.fromisoformat(at) if at else None for at in ((window or {}).get(end) for end in ("start", "end"))]
    start, end = ends
    if start and end:
        return f"{start:%Y-%m-%d %H:%M} to {end:%H:%M} UTC" if start.date() == end.date() else f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"
    return f"from {start:%Y-%m-%d %H:%M} UTC" if start else f"until {end:%Y-%m-%d %H:%M} UTC" if end else ""


def _stands(claim: Claim, results: Mapping[str, ToolResult], question: str) -> bool:
    """Whether the results of now show a claim as it is."""
    again = ground(Conclusion(answer=claim, confidence=1.0), results, question)
    return again.answer is not None and again.answer.text == claim.text


def _shown(name: str | None, results: Mapping[str, ToolResult]) -> ToolResult | None:
    """The result the answer shows: the one it names, or the offline query's."""
    return results.get(name or "E1") or results.get("E1")


def _is_query(result: ToolResult) -> bool:
    return result.found is not None and "operation" in result.query


def _cited(claim: Claim, restore: Restore) -> str:
    return f"{restore(claim.text)} [{', '.join(claim.evidence)}]" if claim.evidence else restore(claim.text)


def _json(claim: Claim, restore: Restore) -> dict[str, Any]:
    return {"text": restore(claim.text), "evidence": list(claim.evidence)}
