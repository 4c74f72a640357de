"""Fields of containers: raise a memory or CPU limit within bounds, change a probe's timing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from signals.kube.quantities import quantity
from telemetry.sources.kubernetes.revisions import at
from tools.actions.action import Obstacle
from tools.actions.kinds import ActionType, Bounds, Inverse, Params, all_pods, edited
from tools.actions.obstacles import over_quota, paused
from tools.actions.restoring import restoring
from tools.actions.rollouts import WORKLOADS, container_in, container_name
from tools.actions.world import Situation, hindered


class LimitParams(Params):
    """One limit of one container."""

    resource: Literal["memory", "cpu"]
    limit: str = Field(max_length=40, description="A Kubernetes quantity, as 512Mi or 1500m")
    container: str | None = Field(default=None, max_length=253, description="Null: the only container")

    @field_validator("limit")
    @classmethod
    def _a_quantity(cls, value: str) -> str:
        if not (quantity(value) or 0) > 0:
            raise ValueError("is no positive quantity, as 512Mi or 1500m")
        return value


class ProbeParams(Params):
    """Timing of one probe of one container; at least one field (kubernetes.io: Probe v1 core)."""

    probe: Literal["liveness", "readiness", "startup"]
    container: str | None = Field(default=None, max_length=253, description="Null: the only container")
    initial_delay_seconds: int | None = Field(default=None, ge=0, le=3600)
    period_seconds: int | None = Field(default=None, ge=1, le=3600)
    timeout_seconds: int | None = Field(default=None, ge=1, le=3600)
    failure_threshold: int | None = Field(default=None, ge=1, le=1000)
    success_threshold: int | None = Field(default=None, ge=1, le=1000)

    @model_validator(mode="after")
    def _something(self) -> ProbeParams:
        if not self.timing():
            raise ValueError("give at least one of initial_delay_seconds, period_seconds, timeout_seconds, failure_threshold, success_threshold")
        if self.probe != "readiness" and self.success_threshold not in {None, 1}:
            raise ValueError("success_threshold of liveness and startup probes must be 1")
        return self

    def timing(self) -> dict[str, int]:
        """What is set, in the API's names."""
        named = {"initialDelaySeconds": self.initial_delay_seconds, "periodSeconds": self.period_seconds, "timeoutSeconds": self.timeout_seconds,
                 "failureThreshold": self.failure_threshold, "successThreshold": self.success_threshold}
        return {key: value for key, value in named.items() if value is not None}


def _named(situation: Situation, params: Any) -> Any:
    return params.model_copy(update={"container": container_name(situation, params.container)})


def _limit(situation: Situation, params: LimitParams) -> object:
    """The present limit, None without one."""
    own = container_in(edited(situation), container_name(situation, params.container))
    return at(own, "resources", "limits", params.resource)


def _limited(situation: Situation, params: LimitParams) -> dict[str, Any]:
    now = quantity(_limit(situation, params))
    if now is None:
        raise hindered("no_limit", f"the container has no {params.resource} limit: there is nothing to raise", "look for another cause")
    if (quantity(params.limit) or 0) < now:
        raise hindered("bounds", f"{params.limit} is below the present limit {_limit(situation, params)}: limits are only raised here", "give a higher one")
    found = edited(situation)
    container_in(found, container_name(situation, params.container))["resources"]["limits"][params.resource] = params.limit
    return found


def _limit_back(situation: Situation, params: LimitParams) -> Inverse:
    return restoring(situation, _limited(situation, params))


def _limit_predicted(situation: Situation, params: LimitParams) -> str:
    sign = "no container of them is ended for memory (OOMKilled)" if params.resource == "memory" else "the share of throttled CPU periods falls"
    return f"within 10 minutes every pod of {situation.target} is new and ready, and {sign} in the 30 minutes after"


def _limit_hinders(situation: Situation, params: LimitParams, bounds: Bounds) -> Iterator[Obstacle]:
    yield from paused(situation)
    now, wanted = quantity(_limit(situation, params)), quantity(params.limit) or 0.0
    most = bounds.memory_most if params.resource == "memory" else bounds.cpu_most
    if now is None:
        return
    if wanted > now * bounds.limit_factor:
        yield Obstacle("bounds", f"{params.limit} is more than {bounds.limit_factor:g} times the present limit {_limit(situation, params)}",
                       "raise it in smaller steps and look after each")
    if wanted > most:
        yield Obstacle("bounds", f"{params.limit} is more than the {most:g} that policy permits for {params.resource}", "take less, or raise the bound")
    # A rolling update adds pods before it takes old ones away; each pod has the difference more in the end.
    yield from over_quota(situation, {f"limits.{params.resource}": (wanted - now) * max(1, situation.replicas)})
    yield from _over_range(situation, params, wanted)


def _over_range(situation: Situation, params: LimitParams, wanted: float) -> Iterator[Obstacle]:
    for each in situation.world.around("LimitRange", situation.target.namespace) or ():
        for rule in at(each, "spec", "limits") or ():
            most = quantity(at(rule, "max", params.resource))
            if rule.get("type") in {"Container", "Pod"} and most is not None and wanted > most:
                yield Obstacle("quota", f"the LimitRange {each['metadata']['name']} permits at most {rule['max'][params.resource]} of {params.resource} "
                               f"per {rule['type'].lower()}", "take less, or change the LimitRange")


def _probed(situation: Situation, params: ProbeParams) -> dict[str, Any]:
    name = container_name(situation, params.container)
    found = edited(situation)
    probe = container_in(found, name).get(f"{params.probe}Probe")
    if not isinstance(probe, dict):
        raise hindered("missing_probe", f"the container {name} has no {params.probe} probe", "there is no timing to change")
    probe |= params.timing()
    return found


def _probe_back(situation: Situation, params: ProbeParams) -> Inverse:
    return restoring(situation, _probed(situation, params))


def _probe_predicted(situation: Situation, params: ProbeParams) -> str:
    effect = "are ready" if params.probe == "readiness" else "are ready, and none is restarted by the probe"
    return f"within 10 minutes every pod of {situation.target} is new, and all of them {effect} in the 15 minutes after"


CONTAINERS = (
    ActionType("raise_limit", "Raise the memory or CPU limit of a container, within bounds", WORKLOADS, LimitParams, _limited, _limit_back, _limit_predicted,
               all_pods, _limit_hinders, _named, undone_by="`restore` of the old limit"),
    ActionType("set_probe", "Change the timing of a liveness, readiness or startup probe", WORKLOADS, ProbeParams, _probed, _probe_back, _probe_predicted,
               all_pods, lambda s, p, b: paused(s), _named, undone_by="`restore` of the old timing"),
)
