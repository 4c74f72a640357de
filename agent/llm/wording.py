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
    """What an earlier investigation found, beside the figures of now. Where its own figures are others, it says of when."""
    found, about = Grounded.model_validate(conclusion), conclusion["recall"]
    then = f"{datetime.fromisoformat(about['made']):%Y-%m-%d %H:%M} UTC"
    kept = [claim for claim in (found.answer, *found.claims) if claim is not None]
    live = [_stands(claim, results, question) for claim in kept]
    confirmed = ", ".join(about["confirmed_by"])
    lines = [base.answer if base else "", f"Recalled: the same symptom was investigated on {then}, and what that rested on "
             f"is there again ({confirmed}). It was found:"]
    lines += [f"- {_cited(claim, str)}" if stands else f"- {claim.text} (figures of {then})"
              for claim, stands in zip(kept, live, strict=True)]
    return Summary(
        answer="\n".join(line for line in lines if line), interpretation=base.interpretation if base else "",
        result=base.result if base else Result(kind="none"), confidence=found.confidence,
        claims=[{**_json(claim, str), **({} if stands else {"as_of": about["made"]})} for claim, stands in zip(kept, live, strict=True)],
        ruled_out=[_json(claim, str) for claim in found.ruled_out], unchecked=list(found.unchecked), recall=dict(about),
        notes=[f"Recalled from investigation {about['id']}; no model was asked. If it is wrong: oncalm recall --wrong {about['id']}"],
    )


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
