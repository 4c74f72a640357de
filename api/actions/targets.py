"""Targets and parameters of actions as people write them."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from telemetry.errors import UsageError
from tools.actions.action import Json, Target


def target_of(text: str, namespace: str, kinds: tuple[str, ...], system: Any) -> Target:
    """``Deployment/web``, or ``web`` where an action is for one kind only. Raises UsageError."""
    kind, _, name = text.rpartition("/")
    if not kind and len(kinds) == 1:
        kind = kinds[0]
    known = {one.lower(): one for one in kinds}
    if kind.lower() not in known or not name:
        raise UsageError(f"{text!r} is no target of it", where="target", remedy=f"write {' or '.join(f'{one}/NAME' for one in kinds)}")
    kind = known[kind.lower()]
    return Target(kind, name, "" if kind in {"Node", "Channel", "RateLimit"} else namespace, system)


def parameters(pairs: list[str]) -> dict[str, Json]:
    """``name=value`` each; values are JSON where they can be read as such, else texts. Raises UsageError."""
    found: dict[str, Json] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{pair!r} is no parameter", where="--param", remedy="write NAME=VALUE")
        found[name.strip()] = value
        with suppress(ValueError):
            found[name.strip()] = json.loads(value)
    return found
