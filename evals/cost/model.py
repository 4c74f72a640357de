"""The double of a model that investigates as a careful one would: looks around, then concludes with what it saw.

It knows nothing but the request: the window stands in the first result, and every figure it concludes with in the
results it was sent. Usage is what the request weighs.
"""

from __future__ import annotations

import json
import re
from typing import Any

from agent.scripted.step import Step, StepCall, StepUsage
from tools.tokens import tokens

_WINDOW = re.compile(r"\| (\d{4}-\d\d-\d\dT[\d:.]+Z|the beginning) to (\d{4}-\d\d-\d\dT[\d:.]+Z|the end) \|")
_HEAD = re.compile(r"\[(E\d+)\] (\S+): (\w+) .*?\| (\d+) matched of (\d+) searched")
_ROW = re.compile(r"^(\w{10}) \| (.+?) \| (\w+) \| (\d+) \|", re.MULTILINE)


def investigator(body: dict[str, Any]) -> Step:
    """Answer one request: three calls first, then a conclusion; without a first result, a look around."""
    results = [str(m["content"]) for m in body["messages"] if m["role"] == "tool"]
    turns = sum(1 for m in body["messages"] if m.get("tool_calls"))
    usage = StepUsage(input=tokens(json.dumps(body["messages"])) + tokens(json.dumps(body.get("tools", []))), output=300)
    if turns < 2 and body.get("tools"):
        return Step(calls=_calls(results), usage=usage)
    return Step(text=json.dumps(_concluded(results)), usage=usage)


def _calls(results: list[str]) -> tuple[StepCall, ...]:
    window = _WINDOW.search(results[0]) if results else None
    span = {}
    if window and window[1][0].isdigit():
        span["start"] = window[1]
    if window and window[2][0].isdigit():
        span["end"] = window[2]
    return (
        StepCall(name="logs_top", arguments={**span, "field": "service", "levels": ["error", "warn"]}),
        StepCall(name="logs_count", arguments={**span, "levels": ["error"], "by": ["level"]}),
        StepCall(name="logs_summary", arguments={**span}),
    )


def _concluded(results: list[str]) -> dict[str, Any]:
    heads = [head for text in results if (head := _HEAD.search(text)) and head[3] == "found"]
    if not heads:
        return {"answer": {"text": "The records do not answer this.", "evidence": []}, "claims": [], "ruled_out": [],
                "unchecked": ["what was asked about"], "result_from": None, "confidence": 0.2}
    claims = [{"text": f"{head[4]} of {head[5]} records match.", "evidence": [head[1]]} for head in heads[:3]]
    row = next((row for text in results if (row := _ROW.search(text))), None)
    first = f"The most severe kind of message is \"{row[2]}\"." if row else f"{heads[0][4]} records match."
    where = next((head[1] for text in results if row and row[0] in text and (head := _HEAD.search(text))), heads[0][1])
    return {"answer": {"text": first, "evidence": [where]}, "claims": claims, "ruled_out": [], "unchecked": [],
            "result_from": "E1", "confidence": 0.85}
