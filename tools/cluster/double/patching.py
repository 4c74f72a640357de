"""Patches as an API server applies them: JSON Patch (RFC 6902), JSON Merge Patch (RFC 7386), and of strategic merge patches
the lists that are merged by name (kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch)."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


class PatchError(ValueError):
    """A patch that cannot be applied to this object."""


def patched(each: Mapping[str, Any], patch: Any, content: str) -> dict[str, Any]:
    """The object with the patch applied. Raises PatchError."""
    try:
        if content == JSON_PATCH:
            found: Any = copy.deepcopy(dict(each))
            for step in patch:
                found = _step(found, step)
        else:
            found = _merged(each, patch, strategic=content == STRATEGIC)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise PatchError(str(error)) from error
    if not isinstance(found, dict):
        raise PatchError("the patch leaves no object")
    return found


def _step(whole: Any, step: Mapping[str, Any]) -> Any:
    doing, path = step["op"], [part.replace("~1", "/").replace("~0", "~") for part in str(step["path"]).split("/")[1:]]
    if not path:
        if doing == "replace":
            return copy.deepcopy(step["value"])
        raise PatchError(f"{doing} of the whole object is not taken")
    at = whole
    for part in path[:-1]:
        at = at[int(part)] if isinstance(at, list) else at[part]
    _put(at, path[-1], doing, step)
    return whole


def _put(at: Any, key: str, doing: str, step: Mapping[str, Any]) -> None:
    place: Any = (len(at) if key == "-" else int(key)) if isinstance(at, list) else key
    if doing == "add":
        if isinstance(at, list):
            at.insert(place, copy.deepcopy(step["value"]))
        else:
            at[place] = copy.deepcopy(step["value"])
        return
    if isinstance(at, dict) and place not in at:
        raise PatchError(f"{doing} operation does not apply: doc is missing key: {step['path']}: missing value")
    if doing == "test":
        if at[place] != step["value"]:
            raise PatchError(f"testing value {step['path']} failed: test failed")
    elif doing == "replace":
        at[place] = copy.deepcopy(step["value"])
    elif doing == "remove":
        del at[place]
    else:
        raise PatchError(f"Unexpected kind: {doing}")


def _merged(old: Any, new: Any, *, strategic: bool) -> Any:
    if strategic and isinstance(old, list) and isinstance(new, list) and _named(old) and _named(new):
        return _by_name(old, new)
    if not isinstance(new, Mapping):
        return copy.deepcopy(new)
    found = copy.deepcopy(dict(old)) if isinstance(old, Mapping) else {}
    for key, value in new.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = _merged(found.get(key), value, strategic=strategic)
    return found


def _named(items: Sequence[Any]) -> bool:
    return bool(items) and all(isinstance(one, Mapping) and "name" in one for one in items)


def _by_name(old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
    found = {one["name"]: one for one in old}
    for one in new:
        if one.get("$patch") == "delete":
            found.pop(one["name"], None)
        else:
            found[one["name"]] = _merged(found.get(one["name"], {}), one, strategic=True)
    return list(found.values())
