"""What the model must give at the end of a run: an answer, and claims that each name their evidence."""

from __future__ import annotations

import math
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Claim(BaseModel):
    """One statement and the ids (``E1``, ``E2`` …) of the results that show it."""

    model_config = ConfigDict(frozen=True)
    text: str
    evidence: list[str] = []

    @field_validator("evidence")
    @classmethod
    def _ids(cls, value: list[str]) -> list[str]:
        """Ids as they were given out: models write ``[E1]`` and ``e1`` too."""
        return list(dict.fromkeys(item.strip().strip("[]()").upper() for item in value))


class Conclusion(BaseModel):
    """The whole diagnosis. ``result_from`` is the evidence id whose typed result is the answer's data."""

    model_config = ConfigDict(frozen=True)
    answer: Claim
    claims: list[Claim] = []
    ruled_out: list[Claim] = []
    unchecked: list[str] = []
    result_from: str | None = None
    confidence: float = Field(default=0.0, ge=0.0, le=1.0, allow_inf_nan=False)

    @field_validator("answer", "claims", "ruled_out", mode="before")
    @classmethod
    def _claims(cls, value: object) -> object:
        """A bare sentence is a claim that cites nothing: it will not be shown, and costs the rest nothing."""
        if isinstance(value, list):
            return [{"text": item} if isinstance(item, str) else item for item in value]
        return {"text": value} if isinstance(value, str) else value

    @field_validator("unchecked", mode="before")
    @classmethod
    def _sentences(cls, value: object) -> object:
        """One sentence, or claims, where sentences are asked for."""
        items = [value] if isinstance(value, str) else value
        return [item["text"] if isinstance(item, dict) and "text" in item else item for item in items] if isinstance(items, list) else items

    @field_validator("confidence", mode="before")
    @classmethod
    def _as_share(cls, value: object) -> object:
        """A confidence of 85 is meant as 85 %."""
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return value / 100 if number and isinstance(value, int | float) and 1 < value <= 100 else value

    @field_validator("result_from")
    @classmethod
    def _id(cls, value: str | None) -> str | None:
        return (value.strip().strip("[]()").upper() or None) if value else None

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The schema sent to a model: every object closed, every key required, no references.

        Written out, because providers with strict schemas refuse defaults and bounds, and small models
        fill a schema better when nothing in it points elsewhere.
        """
        texts = {"type": "array", "items": {"type": "string"}}
        claim = _closed({
            "text": {"type": "string", "description": "One short sentence."},
            "evidence": {**texts, "description": "Ids of the results that show it, as E1."},
        })
        return _closed({
            "answer": {**claim, "description": "The answer to the question, first and on its own."},
            "claims": {"type": "array", "items": claim, "description": "What supports the answer."},
            "ruled_out": {"type": "array", "items": claim, "description": "Causes the evidence speaks against."},
            "unchecked": {**texts, "description": "What could not be checked, and why."},
            "result_from": {"type": ["string", "null"], "description": "Id of the result that holds the answer's data."},
            "confidence": {"type": "number", "description": "From 0 to 1."},
        })


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
