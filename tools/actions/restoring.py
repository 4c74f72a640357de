"""The inverse of actions that set several fields: each field as it was, by its JSON Pointer. Never proposed, only recorded."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field, JsonValue

from tools.actions.action import Json
from tools.actions.kinds import ActionType, Inverse, Params, all_pods, edited
from tools.actions.patches import escaped
from tools.actions.world import Situation, hindered

_ROOTS = ("/spec/", "/metadata/annotations/")


class Was(Params):
    """One field as it was; absent when ``there`` is false."""

    pointer: str = Field(pattern=r"^/(spec|metadata/annotations)(/[^/]*)+$", max_length=2000)
    there: bool = True
    value: JsonValue = None


class RestoreParams(Params):
    """Fields as they were."""

    fields: tuple[Was, ...] = Field(min_length=1, max_length=50)

    def plain(self) -> dict[str, Json]:
        """With the nulls that fields hold."""
        return {"fields": [one.model_dump(mode="json") for one in self.fields]}


def restoring(situation: Situation, after: Mapping[str, Any]) -> Inverse:
    """The inverse of what makes the target ``after``."""
    fields: list[Json] = [{"pointer": pointer, "there": there, "value": value} for pointer, there, value in _differ(situation.object, after, "")]
    return "restore", {"fields": fields}


def _differ(old: Any, new: Any, at: str) -> Iterator[tuple[str, bool, Any]]:
    """The outermost differing fields; a parent that was not there is the field, so that an empty one is not left behind."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            there = f"{at}/{escaped(key)}"
            if there == "/metadata/annotations" and key not in old:
                yield from ((f"{there}/{escaped(one)}", False, None) for one in sorted(new[key]))
            elif key not in old:
                yield there, False, None
            elif key not in new:
                yield there, True, copy.deepcopy(old[key])
            else:
                yield from _differ(old[key], new[key], there)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differ(one, other, f"{at}/{number}")
    elif old != new:
        yield at, True, copy.deepcopy(old)


def _restored(situation: Situation, params: RestoreParams) -> dict[str, Any]:
    found = edited(situation)
    for one in params.fields:
        keys = [part.replace("~1", "/").replace("~0", "~") for part in one.pointer.split("/")[1:]]
        _put(found, keys, one)
    return found


def _put(whole: dict[str, Any], keys: Sequence[str], field: Was) -> None:
    at: Any = whole
    try:
        for key in keys[:-1]:
            at = at[int(key)] if isinstance(at, list) else at[key]
        if isinstance(at, list):
            at[int(keys[-1])] = copy.deepcopy(field.value)
        elif field.there:
            at[keys[-1]] = copy.deepcopy(field.value)
        else:
            at.pop(keys[-1], None)
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise hindered("changed", f"the field {field.pointer} has no place any more", "look at what was changed meanwhile") from error


def _back(situation: Situation, params: RestoreParams) -> Inverse:
    return restoring(situation, _restored(situation, params))


RESTORE = ActionType(
    "restore", "Set fields as they were before an action",
    ("Deployment", "StatefulSet", "DaemonSet", "DestinationRule", "VirtualService", "HTTPRoute", "HTTPRoute.policy.linkerd.io", "Ingress"), RestoreParams,
    _restored, _back, lambda s, p: f"{s.target} is specified as it was before the action", all_pods, hidden=True, undone_by="`restore` to what it found")
