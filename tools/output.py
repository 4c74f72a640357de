"""A result as a model reads it: within a budget of tokens, and honest about what was left out.

The header line comes first: evidence id, tool, status, what was run, its window, how many records met it of how
many searched, how much is left out and how to get it. Then templates, examples, rows. A failed or unassessed call
says so in full, and that it is no evidence of absence. Log text is shown as it is; only characters that cannot be
seen are spelled out.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.bodies import NOT_EVIDENCE, Body, body
from tools.evidence import NAME
from tools.querywords import span, words
from tools.result import ToolResult
from tools.spelling import cut, spelled
from tools.tokens import tokens, weight

LEAST = 300
"""Tokens that any rendering may take: a header with the longest names. A smaller budget counts as this."""
_MOST = 10**9
_ID, _TOOL = 12, 48


@dataclass(frozen=True, slots=True)
class Rendered:
    """Text for a model, its estimated tokens, and whether it holds all of the result."""

    text: str
    tokens: int
    whole: bool


def render(result: ToolResult, evidence_id: str, budget: int) -> Rendered:
    """Render within ``budget`` tokens (at least :data:`LEAST`). Never raises for a result that validates."""
    budget = max(budget, LEAST)
    ident, offset = _address(result, evidence_id)
    full = spelled(words(result.query))
    asked = cut(full, max(LEAST // 5, budget // 5) * 100)
    longest = _header(result, evidence_id, asked, _rest(Body(shown=_MOST, size=_MOST + 1, following=_MOST), ident, offset))
    made = body(result, budget * 100 - weight(longest), offset=offset if result.tool == NAME else None)
    text = "\n".join([_header(result, evidence_id, asked, _rest(made, ident, offset)), *made.lines])
    return Rendered(text, tokens(text), made.whole and asked == full)


def _address(result: ToolResult, evidence_id: str) -> tuple[str, int]:
    """Which result to ask for the rest of, and how far into it this one begins."""
    offset = result.query.get("offset")
    if result.tool == NAME and isinstance(offset, int):
        return str(result.query.get("id", evidence_id))[:_ID], min(max(offset, 0), _MOST)
    return evidence_id[:_ID], 0


def _header(result: ToolResult, evidence_id: str, asked: str, rest: str) -> str:
    counted = f"{_bounded(result.total)} matched of {_bounded(result.searched)} searched"
    if result.status in {"failed", "not_assessed"}:
        counted = "nothing searched"
    parts = [f"[{spelled(evidence_id[:_ID])}] {spelled(result.tool[:_TOOL])}: {result.status}", asked, span(result.window), counted, rest]
    return " | ".join(part for part in parts if part)


def _bounded(count: int) -> int:
    return max(-_MOST**2, min(count, _MOST**2))


def _rest(made: Body, ident: str, offset: int) -> str:
    if made.size == 0:
        return ""
    if made.shown >= made.size:
        if made.limit:
            return f"shown {made.size} {made.unit}, as many as its limit lets through: there may be more"
        return f"shown all {made.size} {made.unit}"
    return (f"shown {made.shown} of {made.size} {made.unit}, the rest: evidence.read id={spelled(ident)} "
            f"offset={min(offset + made.following, 2 * _MOST)}")


__all__ = ["LEAST", "NOT_EVIDENCE", "Rendered", "render", "spelled", "tokens"]
