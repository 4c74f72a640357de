"""An action and what is known of it before it is done. Plain data, frozen; the digest names exactly this action."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from telemetry.errors import UsageError

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
System = Literal["kubernetes", "nginx", "notice", "probe"]
"""What is changed: a cluster, an nginx on this machine, or nothing but people's attention, or the time that a probe costs."""
Reversible = Literal["exactly", "in_effect", "no"]
"""``exactly``: the inverse restores the old bytes or specification; ``in_effect``: the same state by another way (a restarted
pod is another pod); ``no``: nothing takes it back."""


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """What an action changes. Names are exact; ``namespace`` is empty for what has none."""

    kind: str
    """As the API names it: ``Deployment``, ``Node``, ``DestinationRule``; ``RateLimit`` for nginx; ``Channel`` for a notice; ``Node`` for a probe."""
    name: str
    namespace: str = ""
    system: System = "kubernetes"

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace + '/' if self.namespace else ''}{self.name}"


@dataclass(frozen=True, slots=True)
class Action:
    """One change: the catalogue's name of it, its target, its parameters as plain JSON, and the world it was made for.

    ``resource_version`` and ``uid`` are the target's when the preview was made: another version is another world. An
    inverse has an empty ``resource_version`` until its action is done, which fills it (:class:`Effect`).
    """

    name: str
    target: Target
    params: Mapping[str, Json] = field(default_factory=dict)
    resource_version: str = ""
    uid: str = ""
    basis: str = ""
    """Names what the target was apart from its status: with another version and the same basis only the status moved."""
    undoes: str = ""
    """For an inverse the :attr:`marker` of what it takes back; else empty."""

    @property
    def marker(self) -> str:
        """Names this action in this world, as 16 hex digits: written on the target, so that a look tells whether it was done.

        An inverse has the same one before and after its version was filled in.
        """
        told = replace(self, resource_version="", uid="", basis="") if self.undoes else self
        return hashlib.sha256(canonical(told.document())).hexdigest()[:16]

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {**_plain(self), "target": _plain(self.target), "params": dict(self.params)}


@dataclass(frozen=True, slots=True)
class Edit:
    """One line of a diff: where (``spec.replicas``), what is there, what would be. None is absent."""

    path: str
    before: Json
    after: Json


@dataclass(frozen=True, slots=True)
class Blast:
    """Who would feel it: ``pods`` that are replaced, removed or cut off; ``share`` of the target's ready pods, 0 to 1; the
    ``services`` that lead to them. None where it cannot be known."""

    pods: int | None = None
    share: float | None = None
    services: tuple[str, ...] = ()
    statement: str = ""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stands against the action, seen before anyone is asked. ``blocking`` ones make it not worth asking."""

    kind: str
    """``managed`` (an operator or GitOps would revert it), ``paused``, ``missing_revision``, ``disruption_budget``,
    ``autoscaled``, ``forbidden``, ``missing_kind``, ``unchanged``, ``quota`` …"""
    why: str
    better: str = ""
    """The better action, in words."""
    blocking: bool = True


@dataclass(frozen=True, slots=True)
class Preview:
    """What an action would do, by the server's own dry run where there is one."""

    action: Action
    diff: tuple[Edit, ...]
    inverse: Action | None
    reversible: Reversible
    blast: Blast
    predicted: str
    """What should be seen afterwards, in a sentence that can turn out wrong."""
    obstacles: tuple[Obstacle, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    """The target's own labels, for policies."""
    checked_by: Literal["server", "reading", "nothing"] = "server"
    """Who made the diff: the server's dry run, our own reading of the object, or nobody (a notice)."""

    @property
    def changes(self) -> bool:
        """Whether anything is changed that could then be seen to be better or worse: telling people and looking change nothing."""
        return self.action.target.system not in {"notice", "probe"}

    @property
    def digest(self) -> str:
        """Names this action in this world with this inverse and this diff. What is approved is this."""
        return digest_of(self.action, self.inverse, self.diff)

    def document(self) -> dict[str, Any]:
        """As JSON holds it, with the digest."""
        return {
            "action": self.action.document(), "diff": [_plain(edit) for edit in self.diff],
            "inverse": self.inverse.document() if self.inverse else None, "reversible": self.reversible,
            "blast": {**_plain(self.blast), "services": list(self.blast.services)}, "predicted": self.predicted,
            "obstacles": [_plain(one) for one in self.obstacles], "labels": dict(self.labels),
            "checked_by": self.checked_by, "digest": self.digest,
        }


@dataclass(frozen=True, slots=True)
class Effect:
    """What was done: what the target is now, and the inverse with the version it must find."""

    message: str
    resource_version: str = ""
    inverse: Action | None = None
    observed: Mapping[str, Json] = field(default_factory=dict)


Settled = Literal["applied", "not_applied", "unclear"]
"""What a look at the world says about an action whose end nobody saw."""


def canonical(value: object) -> bytes:
    """JSON with one spelling for equal values: sorted keys, no spaces, UTF-8. Raises UsageError for what JSON lacks."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise UsageError(f"an action holds what JSON cannot say: {error}", where="action", remedy="use plain values") from error


def digest_of(action: Action, inverse: Action | None, diff: tuple[Edit, ...]) -> str:
    """SHA-256 of the action, its inverse and its diff, as 64 hex digits."""
    told = {"action": action.document(), "inverse": inverse.document() if inverse else None, "diff": [_plain(edit) for edit in diff]}
    return hashlib.sha256(canonical(told)).hexdigest()


def _plain(one: Any) -> dict[str, Any]:
    """Its fields by name. ``asdict`` copies all that is in them as well, which took a seventh of the time of an action."""
    return {name: getattr(one, name) for name in one.__slots__}


def action_from(document: Mapping[str, Any]) -> Action:
    """The action that :meth:`Action.document` wrote. Raises UsageError when it is none."""
    try:
        target = document["target"]
        return Action(str(document["name"]), Target(**target), dict(document["params"]),
                      str(document["resource_version"]), str(document["uid"]), str(document.get("basis", "")), str(document.get("undoes", "")))
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"this is no action: {error}", where="action", remedy="propose it again") from error


def preview_from(document: Mapping[str, Any]) -> Preview:
    """The preview that :meth:`Preview.document` wrote. Raises UsageError when it is none, or its digest is not its own."""
    try:
        made = Preview(
            action_from(document["action"]), tuple(Edit(**edit) for edit in document["diff"]),
            action_from(document["inverse"]) if document["inverse"] else None, document["reversible"],
            Blast(**{**document["blast"], "services": tuple(document["blast"]["services"])}), str(document["predicted"]),
            tuple(Obstacle(**one) for one in document["obstacles"]), dict(document["labels"]), document["checked_by"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"this is no preview of an action: {error}", where="action", remedy="propose it again") from error
    if made.digest != document.get("digest"):
        raise UsageError("the action's digest is not that of its content", where="action", remedy="propose it again")
    return made
