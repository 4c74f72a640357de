"""Finished investigations on disk, and how far they are to be trusted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from agent.cache.disk import PlainCache

HALF_LIFE = timedelta(days=14)
"""Age at which an investigation is trusted half as much; every good outcome adds as much again."""
PER_BAD = 0.5
LEAST = 0.3
"""Trust below which nothing is recalled: after 24 days without a good outcome. With more bad outcomes than good ones it never is."""
_RUNS = 20
_KEPT = 5
"""Investigations of one symptom."""


class Made(BaseModel):
    """A tool call that the investigation rested on, and the fingerprint of what it gave."""

    evidence: str
    tool: str
    arguments: dict[str, Any]
    gave: str


class Investigation(BaseModel):
    """A conclusion that was checked, and what it takes to check it again. Plain data without secrets."""

    id: str = Field(default_factory=lambda: uuid4().hex[:12])
    made: AwareDatetime
    question: str
    query: dict[str, Any]
    calls: list[Made]
    conclusion: dict[str, Any]
    model: str
    good: int = 0
    bad: int = 0
    runs: list[str] = Field(default_factory=list)
    """Ids of the investigations' documents that came to it, newest last: their actions' outcomes speak of it."""
    acted: dict[str, bool] = Field(default_factory=dict)
    """By approval: whether people said afterwards that the cause it was acted on was right."""

    @property
    def refuted(self) -> bool:
        """Whether people said that its cause was wrong, of an action that was taken because of it."""
        return not all(self.acted.values())

    def trust(self, now: datetime) -> float:
        """From 0 to 1: falls with age and with bad outcomes."""
        age = max((now - self.made) / HALF_LIFE, 0.0)
        return float(0.5 ** (age / (1 + self.good)) * PER_BAD**self.bad)


class Memory:
    """Investigations by the signature of their symptom, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._cache = PlainCache(folder, bytes_kept=64 * 2**20)

    @property
    def problems(self) -> list[str]:
        return self._cache.problems

    def find(self, signature: str, now: datetime) -> Investigation | None:
        """The most trusted investigation of a symptom that is trusted enough at ``now`` and not mostly told wrong."""
        usable = [one for one in _read(self._cache.get(signature)) if one.trust(now) >= LEAST and one.bad <= one.good and not one.refuted]
        return max(usable, key=lambda one: one.trust(now), default=None)

    def keep(self, signature: str, investigation: Investigation) -> None:
        """Remember an investigation beside the others of its symptom."""
        self._cache.change(signature, lambda value: _written([*_read(value)[-_KEPT + 1 :], investigation]))

    def all(self) -> list[Investigation]:
        """Every investigation, oldest first."""
        found = [one for key in self._cache.keys() for one in _read(self._cache.get(key))]
        return sorted(found, key=lambda one: one.made)

    def judge(self, ident: str, *, good: bool) -> bool:
        """Note whether an investigation proved right; False when there is none of that id."""
        return self._changed(ident, lambda one: one.model_copy(update={"good": one.good + good, "bad": one.bad + (not good)}))

    def link(self, ident: str, run: str) -> bool:
        """Note that a document came to this investigation; False when there is none of that id."""
        return self._changed(ident, lambda one: one.model_copy(update={"runs": [*(each for each in one.runs if each != run), run][-_RUNS:]}))

    def judge_run(self, run: str, approval: str, *, right: bool) -> int:
        """Note what people say of the cause that an action of a document was taken because of; returns of how many investigations.

        Said again it stands in place of what was said before.
        """
        found = [one.id for one in self.all() if run in one.runs]
        return sum(self._changed(ident, lambda one: one.model_copy(update={"acted": {**one.acted, approval: right}})) for ident in found)

    def forget(self, ident: str) -> bool:
        """Remove an investigation; False when there is none of that id."""
        return self._changed(ident, lambda _: None)

    def close(self) -> None:
        self._cache.close()

    def _changed(self, ident: str, change: Callable[[Investigation], Investigation | None]) -> bool:
        for key in self._cache.keys():
            if any(one.id == ident for one in _read(self._cache.get(key))):
                self._cache.change(key, lambda value: _written(
                    [new for one in _read(value) if (new := change(one) if one.id == ident else one) is not None]))
                return True
        return False


def _read(value: Any) -> list[Investigation]:
    """Investigations as they were kept; what is none is left out."""
    found = []
    for one in value if isinstance(value, list) else []:
        try:
            found.append(Investigation.model_validate(one))
        except ValidationError:
            continue
    return found


def _written(found: list[Investigation]) -> list[dict[str, Any]]:
    return [one.model_dump(mode="json") for one in found]
