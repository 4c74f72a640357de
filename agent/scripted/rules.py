"""A brain of rules: what the last message says decides the reply."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from agent.scripted.step import Step


class RuleBrain:
    """Answers with the step of the first rule whose pattern is found in the last message, else with ``otherwise``."""

    def __init__(
        self, rules: Iterable[tuple[str, Step | Mapping[str, Any]]], otherwise: Step | Mapping[str, Any]
    ) -> None:
        self._rules = [(re.compile(pattern), Step.model_validate(step)) for pattern, step in rules]
        self._otherwise = Step.model_validate(otherwise)

    def __call__(self, body: dict[str, Any]) -> Step:
        """Answer one request."""
        content = (body.get("messages") or [{}])[-1].get("content")
        text = content if isinstance(content, str) else str(content or "")
        return next((step for pattern, step in self._rules if pattern.search(text)), self._otherwise)
