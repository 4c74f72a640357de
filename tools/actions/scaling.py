"""How many pods: scale a workload, set the bounds of its autoscaler."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field, model_validator

from telemetry.sources.kubernetes.revisions import at
from tools.actions.action import Blast, Obstacle
from tools.actions.kinds import (
    ActionType,
    Bounds,
    Inverse,
    Params,
    edited,
    no_pods,
    some_pods,
)
from tools.actions.obstacles import over_quota, pod_needs
from tools.actions.world import Situation, labels_of, name_of


class ScaleParams(Params):
    """How many pods."""

    replicas: int = Field(ge=0, le=10_000, description="Pods that the workload shall have")


class BoundsParams(Params):
    """The bounds of an autoscaler; at least one."""

    minimum: int | None = Field(default=None, ge=1, le=10_000, description="Fewest pods; null: as it is")
    maximum: int | None = Field(default=None, ge=1, le=10_000, description="Most pods; null: as it is")

    @model_validator(mode="after")
    def _something(self) -> BoundsParams:
        if self.minimum is None and self.maximum is None:
            raise ValueError("give minimum, maximum or both")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError("minimum is above maximum")
        return self


def _scaled(situation: Situation, params: ScaleParams) -> dict[str, Any]:
    found = edited(situation)
    found["spec"]["replicas"] = params.replicas
    return found


def _scale_back(situation: Situation, _params: ScaleParams) -> Inverse:
    return "scale", {"replicas": situation.replicas}


def _scale_predicted(situation: Situation, params: ScaleParams) -> str:
    if params.replicas == 0:
        return f"within 5 minutes {situation.target} has no pod, and its services have no ready address"
    return f"within 5 minutes {params.replicas} of {params.replicas} pods of {situation.target} are ready"


def _scale_blast(situation: Situation, params: ScaleParams) -> Blast:
    fewer = situation.replicas - params.replicas
    return some_pods(situation, fewer, f"{fewer} pods are removed") if fewer > 0 else no_pods(situation)


def _scale_hinders(situation: Situation, params: ScaleParams, bounds: Bounds) -> Iterator[Obstacle]:
    for each in situation.autoscalers():
        low, high = at(each, "spec", "minReplicas") or 1, at(each, "spec", "maxReplicas")
        yield Obstacle("autoscaled", f"the HorizontalPodAutoscaler {name_of(each)} keeps it between {low} and {high} pods and would set the number back",
                       f"set_autoscaler_bounds on HorizontalPodAutoscaler {name_of(each)}")
    if params.replicas > bounds.replicas_most:
        yield Obstacle("bounds", f"{params.replicas} pods are more than the {bounds.replicas_most} that are permitted", "take fewer, or raise the bound")
    more = params.replicas - situation.replicas
    if more > 0:
        yield from over_quota(situation, pod_needs(situation.pod_template, more))
    if more < 0:
        yield from _below_budget(situation, params.replicas)


def _below_budget(situation: Situation, replicas: int) -> Iterator[Obstacle]:
    for each in situation.budgets(labels_of(situation.pod_template)):
        least = at(each, "spec", "minAvailable")
        if isinstance(least, int) and replicas < least:
            yield Obstacle("disruption_budget", f"the budget {name_of(each)} wants {least} pods available, and {replicas} would be left",
                           f"keep at least {least} pods")


def _bounded(situation: Situation, params: BoundsParams) -> dict[str, Any]:
    found = edited(situation)
    if params.minimum is not None:
        found["spec"]["minReplicas"] = params.minimum
    if params.maximum is not None:
        found["spec"]["maxReplicas"] = params.maximum
    return found


def _bounds(situation: Situation) -> tuple[int, int]:
    return int(situation.spec.get("minReplicas") or 1), int(situation.spec.get("maxReplicas") or 1)


def _bounds_back(situation: Situation, params: BoundsParams) -> Inverse:
    low, high = _bounds(situation)
    return "set_autoscaler_bounds", {**({"minimum": low} if params.minimum is not None else {}), **({"maximum": high} if params.maximum is not None else {})}


def _bounds_predicted(situation: Situation, params: BoundsParams) -> str:
    low, high = _bounds(situation)
    low, high = params.minimum or low, params.maximum or high
    named = f"{at(situation.spec, 'scaleTargetRef', 'kind')} {at(situation.spec, 'scaleTargetRef', 'name')}"
    return f"within 5 minutes the autoscaler wants between {low} and {high} pods of {named}, and so many are ready"


def _bounds_blast(situation: Situation, params: BoundsParams) -> Blast:
    now = int(at(situation.object, "status", "currentReplicas") or 0)
    removed = max(0, now - params.maximum) if params.maximum is not None else 0
    return Blast(removed, round(removed / now, 4) if now else 0.0, (), f"{removed} of {now} pods are removed" if now else "no pod is removed")


def _bounds_hinders(situation: Situation, params: BoundsParams, bounds: Bounds) -> Iterator[Obstacle]:
    low, high = _bounds(situation)
    if (params.minimum or low) > (params.maximum or high):
        yield Obstacle("bounds", f"the minimum {params.minimum or low} would be above the maximum {params.maximum or high}", "give both bounds")
    if (params.maximum or high) > bounds.replicas_most:
        yield Obstacle("bounds", f"{params.maximum or high} pods are more than the {bounds.replicas_most} that are permitted", "take fewer, or raise the bound")
    if any(one.get("type") == "ScalingActive" and one.get("status") == "False" for one in at(situation.object, "status", "conditions") or ()):
        yield Obstacle("inactive", "the autoscaler does not scale now (ScalingActive is False): other bounds may change nothing",
                       "see why it has no metrics", blocking=False)


SCALING = (
    ActionType("scale", "Set the number of pods of a workload", ("Deployment", "StatefulSet"), ScaleParams, _scaled, _scale_back, _scale_predicted,
               _scale_blast, _scale_hinders, undone_by="`scale` to the old number", moves_replicas=True),
    ActionType("set_autoscaler_bounds", "Set the fewest and most pods of an autoscaler", ("HorizontalPodAutoscaler",), BoundsParams, _bounded, _bounds_back,
               _bounds_predicted, _bounds_blast, _bounds_hinders, undone_by="`set_autoscaler_bounds` to the old ones"),
)
