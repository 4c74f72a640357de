"""The target's own health: its rollout, the restarts of its pods, and whether the approved fields still hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from agent.verification.checks import Check
from agent.verification.shares import Share, wilson
from tools.actions.action import Edit, Json, Target


@dataclass(frozen=True, slots=True)
class Health:
    """A workload as the cluster reports it: replicas wanted, of the newest template, ready; restarts of each pod."""

    desired: int
    updated: int
    ready: int
    restarts: Mapping[str, int] = field(default_factory=dict)
    """By pod name, all its containers together, since the pod began."""
    ages: Mapping[str, float] = field(default_factory=dict)
    """Seconds since each pod began; what is missing makes no rate."""
    current: bool = True
    """Whether its controller has seen the newest specification (``observedGeneration``)."""
    crashing: int = 0
    """Pods that cannot start (CrashLoopBackOff, an image that cannot be had …)."""

    @property
    def well(self) -> bool:
        """All that are wanted are ready, and of the newest template."""
        return self.current and not self.crashing and self.ready >= self.desired and self.updated >= self.desired

    def __str__(self) -> str:
        return f"{self.ready} of {self.desired} ready, {self.updated} updated" + (f", {self.crashing} cannot start" if self.crashing else "")

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {**asdict(self), "restarts": dict(self.restarts), "ages": dict(self.ages)}


ReadHealth = Callable[[Target], Health | None]
"""None for what has no replicas (a node, a route). May raise OnCalmError."""
ReadFields = Callable[[Target], Mapping[str, Json] | None]
"""The target's fields by their path as an action's diff writes it; None when they cannot be listed. May raise OnCalmError."""


def health_from(document: Mapping[str, Any] | None) -> Health | None:
    """The health that :meth:`Health.document` wrote."""
    return Health(**document) if document is not None else None


def rollout(target: str, before: Health | None, now: Health | None, *, rolling: bool = False) -> Check:
    """Whether as many are ready as are wanted. ``rolling``: new pods may still be coming up, unless they cannot start."""
    if now is None:
        return Check("rollout", target, "not_assessed", f"{target}: its replicas cannot be read")
    told, after = f"{target}: {now}", _readiness(now)
    if before is None:
        return Check("rollout", target, "unchanged" if now.well else "not_assessed", f"{told}; before the action it was not looked at", after=after)
    told, was = f"{told}; before the action {before}", _readiness(before)
    if now.well:
        return Check("rollout", target, "unchanged" if before.well else "confirmed", told, was, after, ill=not before.well)
    fell = before.well or after < was
    if rolling and not (now.crashing > before.crashing and now.ready < min(before.ready, now.desired)):
        return Check("rollout", target, "not_assessed", f"{told}; still rolling out", was, after, ill=not before.well)
    return Check("rollout", target, "worse" if fell else "unchanged", told, was, after, ill=not before.well, partly=not fell and after > was)


def _readiness(health: Health) -> float:
    return min(1.0, health.ready / health.desired) if health.desired else 1.0


def restarts(target: str, before: Health | None, now: Health | None, seconds: float) -> Check:
    """Whether its pods restart more or less often than before: two Poisson rates, as a share of all restarts.

    Given their sum, the later count is binomial with the later window's share of the time (Przyborowski and Wilenski,
    Biometrika 1940). ``seconds`` is the time since the action.
    """
    if before is None or now is None:
        return Check("restarts", target, "not_assessed", f"{target}: restarts are not known on both sides of the action")
    fresh = sum(max(0, count - before.restarts.get(pod, 0)) for pod, count in now.restarts.items())
    earlier, exposure = sum(before.restarts.values()), sum(before.ages.values())
    later = max(seconds, 1.0) * max(len(now.restarts), 1)
    told = f"{target}: {fresh} restarts in the {seconds:.0f} s since the action"
    if not exposure:
        return Check("restarts", target, "worse" if fresh > 1 and not earlier else "not_assessed", f"{told}; how often before is not known", after=float(fresh))
    rates = earlier / exposure * 3600, fresh / later * 3600
    told = f"{told}; {_rate(rates[1])} an hour and pod, before {_rate(rates[0])}"
    usual = later / (later + exposure)
    low, high = wilson(Share(fresh, earlier + fresh))
    ill = earlier >= 2 and rates[0] >= 1
    if fresh > 1 and low > usual:
        return Check("restarts", target, "worse", told, *rates, ill=ill)
    if earlier and high < usual:
        return Check("restarts", target, "confirmed" if ill else "unchanged", told, *rates, ill=ill)
    enough = earlier * later / exposure >= 3 or not ill
    return Check("restarts", target, "unchanged" if enough else "not_assessed", told, *rates, ill=ill)


def _rate(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def spec(target: str, diff: Sequence[Edit], now: Mapping[str, Json] | None) -> Check:
    """Whether the fields that the action set still hold what was approved."""
    if not diff:
        return Check("spec", target, "not_assessed", f"{target}: the action set no field")
    if now is None:
        return Check("spec", target, "not_assessed", f"{target}: its fields cannot be read")
    other = [edit for edit in diff if now.get(edit.path) != edit.after]
    held = float(len(diff) - len(other))
    if not other:
        return Check("spec", target, "confirmed", f"{target}: {_fields(len(diff))} as approved", float(len(diff)), held)
    told = ", ".join(f"{edit.path} is {now.get(edit.path)!r}, approved was {edit.after!r}" for edit in other[:3])
    return Check("spec", target, "worse", f"{target}: {len(other)} of {_fields(len(diff))} somebody changed since: {told}", float(len(diff)), held)


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"
