"""Whether an incident is one that was seen before: the same group, and the same suspects by what was found now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_COMPARED = 2


def signature(result: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """The first suspects of an investigation: entity and cause, without scores, times and figures."""
    suspects = result.get("suspects")
    found = []
    for one in suspects[:_COMPARED] if isinstance(suspects, list) else []:
        entity = one.get("entity") if isinstance(one, Mapping) else None
        if isinstance(entity, Mapping):
            found.append((str(entity.get("kind", "")), str(entity.get("name", "")), str(one.get("cause", ""))))
    return tuple(found)


def same(result: Mapping[str, Any], earlier: Mapping[str, Any] | None) -> bool:
    """Whether two investigations found the same. Nothing found is equal to nothing."""
    found = signature(result)
    return earlier is not None and bool(found) and found == signature(earlier)
