"""A model words the head of a summary better. What the statements do not show is dropped; then the composed head stays."""

from __future__ import annotations

import json
import time
from typing import Any, Protocol

from pydantic import ValidationError

from agent.boundary import Boundary
from agent.evidence import Conclusion, Grounded, ground
from agent.llm.errors import ModelError
from agent.llm.model import Model, Reply, Request, Schema
from agent.summaries.document import Summary
from prompts.loader import load
from telemetry.errors import OnCalmError
from telemetry.models import Window
from tools.result import ToolResult

MOST = 60
"""Statements that a model is shown."""
ANSWER = 800
"""Tokens that it may answer with."""
CLAIMS = 4


class Purse(Protocol):
    """Who lets a call be made and books it: :class:`agent.budget.Meter`."""

    def allow(self, tokens: int, answer: int, used: dict[str, Any]) -> None:
        """Raises OverBudgetError."""
        ...

    def record(self, reply: Reply) -> dict[str, Any]:
        """Book a reply."""
        ...

    def failed(self, error: ModelError) -> None:
        """Book a call that came to nothing."""
        ...


def written(summary: Summary, model: Model, purse: Purse, *, seconds: float = 60.0) -> Summary:
    """The summary with a head in the model's words, as far as they are shown; else as it was, with a note. Never raises
    for what a model says or does not say."""
    results = _results(summary)
    if not results:
        return summary
    try:
        found = _grounded(_asked(results, model, purse, seconds), results)
    except (OnCalmError, ValidationError, ValueError) as error:
        why = error.what if isinstance(error, OnCalmError) else "its reply could not be read"
        return _noted(summary, f"Composed without the model: {why}.")
    if found.answer is None:
        return _noted(summary, "Composed without the model: the facts do not show what it said.")
    told = tuple(one.text for one in (found.answer, *found.claims[:CLAIMS]))
    dropped = len(found.dropped)
    notes = (f"{dropped} {'sentence' if dropped == 1 else 'sentences'} of the model dropped: the facts do not show what was said.",) if dropped else ()
    return summary.model_copy(update={"lead": told, "author": "model", "notes": (*summary.notes, *notes)})


def _noted(summary: Summary, note: str) -> Summary:
    return summary.model_copy(update={"notes": (*summary.notes, note)})


def _results(summary: Summary) -> dict[str, ToolResult]:
    """Every statement as a result that can be cited."""
    told = [(section.title, item.whole) for section in summary.sections for item in section.items][:MOST]
    window = Window(start=summary.period.start, end=summary.period.end)
    return {f"E{at}": ToolResult(tool="summary.statement", status="found", query={"section": title}, window=window, total=1, searched=1,
                                 output={"passages": [{"title": title, "source": "", "text": text}]})
            for at, (title, text) in enumerate(told, start=1)}


def _asked(results: dict[str, ToolResult], model: Model, purse: Purse, seconds: float) -> str:
    """What the model says. Raises ModelError, also when it shows signs of obeying what it read."""
    boundary, prompt = Boundary(), load("summary_write")
    shown = "\n".join(f"{key} ({result.query['section']}): {boundary.wrap(_text(result), key)}" for key, result in results.items())
    messages = ({"role": "system", "content": prompt.text}, {"role": "system", "content": boundary.preamble()}, {"role": "user", "content": shown})
    purse.allow(sum(len(str(one["content"])) for one in messages) // 3, ANSWER, {})
    try:
        reply = model.complete(Request(messages, schema=Schema("summary", Conclusion.json_schema()), max_output_tokens=ANSWER, digests={prompt.name: prompt.digest}),
                               deadline=time.monotonic() + seconds)
    except ModelError as error:
        purse.failed(error)
        raise
    purse.record(reply)
    if boundary.obeys(answer=reply.text, system=prompt.text, read=shown):
        raise ValueError("it obeyed what it read")
    return reply.text


def _text(result: ToolResult) -> str:
    return str((result.output or {})["passages"][0]["text"])


def _grounded(text: str, results: dict[str, ToolResult]) -> Grounded:
    return ground(Conclusion.model_validate(json.loads(text[text.index("{"): text.rindex("}") + 1])), results, "")
