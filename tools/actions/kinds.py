"""What a type of action is: its parameters, its kinds of targets, and pure functions from a situation to what it would do."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from telemetry.errors import UsageError
from tools.actions.action import Blast, Json, Obstacle, Reversible
from tools.actions.world import Situation, labels_of, ready_pods


class Params(BaseModel):
    """Parameters of an action: closed, so that a misspelled one is refused and not passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    def plain(self) -> dict[str, Json]:
        """As JSON holds them, without what is not given."""
        return self.model_dump(mode="json", exclude_none=True)


class NoParams(Params):
    """Nothing to say."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far actions may go. Kubernetes' quantities are plain numbers: bytes, cores."""

    limit_factor: float = 2.0
    """A memory or CPU limit is raised to at most so many times what it is."""
    memory_most: float = 16 * 2.0**30
    cpu_most: float = 8.0
    replicas_most: int = 100
    protected: frozenset[str] = frozenset()
    """Kinds that no action may touch, as ``Node``."""


Inverse = tuple[str, Mapping[str, Json]]
"""The name and parameters of the action that takes another back."""


@dataclass(frozen=True, slots=True)
class ActionType:
    """One row of the catalogue of what is done to a cluster. Parameters were checked against ``params`` before any call.

    ``change`` gives the object as it should be, ``complete`` the parameters with what the preview found out; both may raise
    :class:`tools.actions.world.Hindered`.
    """

    name: str
    what: str
    kinds: tuple[str, ...]
    params: type[Params]
    change: Callable[[Situation, Any], dict[str, Any]]
    inverse: Callable[[Situation, Any], Inverse | None]
    predict: Callable[[Situation, Any], str]
    blast: Callable[[Situation, Any], Blast]
    hinders: Callable[[Situation, Any, Bounds], Iterable[Obstacle]] = lambda situation, params, bounds: ()
    complete: Callable[[Situation, Any], Params] = lambda situation, params: params
    reversible: Reversible = "exactly"
    undone_by: str = ""
    """The inverse in words, for the catalogue's page."""
    moves_replicas: bool = False
    """Whether the number of pods is part of what it is about."""
    evicts: bool = False
    """Whether it is an eviction and not a patch."""
    declared: bool = True
    """Whether a manifest could name what it changes, so that who owns the manifest would set it back."""
    hidden: bool = False
    """Whether it is only ever an inverse."""


def parsed(kind: ActionType, params: Mapping[str, Json]) -> Any:
    """The parameters as the type has them. Raises UsageError."""
    return validated(kind.params, kind.name, params)


def validated(model: type[Params], name: str, params: Mapping[str, Json]) -> Any:
    """Parameters checked. Raises UsageError that names what is wrong."""
    try:
        return model.model_validate(dict(params))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'parameters'}: {one['msg']}" for one in error.errors()[:5])
        raise UsageError(f"the parameters of {name} are wrong: {wrong}", where=name,
                         remedy=f"it takes {', '.join(model.model_fields) or 'no parameters'}") from error


def edited(situation: Situation) -> dict[str, Any]:
    """A copy of the target to change."""
    return copy.deepcopy(dict(situation.object))


def all_pods(situation: Situation, _params: object = None) -> Blast:
    """Every pod of a workload is replaced."""
    return some_pods(situation, None, "every pod is replaced, as the rollout strategy says")


def no_pods(situation: Situation, _params: object = None) -> Blast:
    """No pod is touched."""
    return some_pods(situation, 0, "no pod is replaced or removed")


def some_pods(situation: Situation, count: int | None, statement: str) -> Blast:
    """So many of a workload's pods (None: all), of those that are ready; and the services that lead to them."""
    pods = situation.pods()
    labels = labels_of(situation.pod_template)
    services = situation.services(labels)
    guarded = [str(each["metadata"]["name"]) for each in situation.budgets(labels)]
    said = f"{statement}; disruption budgets: {', '.join(guarded)}" if guarded else statement
    if pods is None:
        return Blast(None, None, services, f"{said}; the pods cannot be read")
    up = ready_pods(pods)
    hit = up if count is None else min(count, up)
    return Blast(hit, round(hit / up, 4) if up else 0.0, services, f"{said}; {up} of {len(pods)} pods are ready")
