"""What is the matter, exactly: investigations are recalled for an equal symptom only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from telemetry.models import Query, Window


@dataclass(frozen=True, slots=True)
class Symptom:
    """``kind`` is what is asked, ``templates`` and ``services`` what it selects now, ``environment`` where."""

    kind: str
    templates: tuple[str, ...]
    services: tuple[str, ...]
    environment: str

    @property
    def signature(self) -> str:
        """SHA-256 of all of it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


def symptom(
    question: str, query: Query, *, templates: Iterable[str], services: Iterable[str], environment: str
) -> Symptom:
    """The symptom that a question asks about. Its words all count: "today" is not "yesterday", though both are a day."""
    asked = query.model_dump(mode="json", exclude={"window", "baseline"})
    kind = {"wording": " ".join(question.lower().split()).strip(" ?!."), "query": asked, "times": _times(query)}
    return Symptom(json.dumps(kind, sort_keys=True), tuple(sorted(templates)), tuple(sorted(services)), environment)


def _times(query: Query) -> dict[str, Any]:
    """How long the windows are. One that is open to the end is the same only from the same start."""
    times = {"window": _length(query.window)}
    if query.baseline is not None:
        times |= {"baseline": _length(query.baseline), "apart": _seconds(query.baseline.start, query.window.start)}
    return times


def _length(window: Window) -> Any:
    if window.start is not None and window.end is not None:
        return _seconds(window.start, window.end)
    return window.model_dump(mode="json")


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if start is not None and end is not None else None
