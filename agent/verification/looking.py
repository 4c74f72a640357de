"""One look at everything: each check by its own reader, and what cannot be read is not assessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.verification.checks import Check
from agent.verification.load import Times, requests
from agent.verification.logs import templates
from agent.verification.rollout import Health, ReadFields, ReadHealth, health_from, restarts, rollout, spec
from agent.verification.series import metrics
from agent.verification.state import State
from signals.observed import Observed, Window
from telemetry.errors import OnCalmError
from tools.actions.action import Edit, Target

Observe = Callable[[int, int], Observed]
"""All telemetry from one time to another, µs since 1970 (UTC). May raise OnCalmError."""
Fires = Callable[[], bool | None]
"""Whether the alert that asked for the action fires now; None when nobody knows. May raise OnCalmError."""


@dataclass(frozen=True, slots=True)
class Readers:
    """What a look reads."""

    health: ReadHealth
    fields: ReadFields
    observe: Observe
    fires: Fires


def target_of(state: State) -> Target:
    """The action's target."""
    return Target(**state.target)  # type: ignore[arg-type]


def look(readers: Readers, state: State, before: Window, after: Window, *, undone: bool = False, rolling: bool = False) -> list[Check]:
    """All checks of ``after`` against ``before``; with ``undone`` the fields must hold what they held before the action.

    ``rolling``: a rollout may still be under way.
    """
    target = target_of(state)
    name, seconds = str(target), (after.end - after.start) / 1e6
    edits = [Edit(**one) for one in state.diff]
    wanted = [Edit(one.path, one.after, one.before) for one in edits] if undone else edits
    return [
        *_health(readers, state, target, name, seconds, rolling=rolling),
        _alert(readers, state),
        _spec(readers, target, name, wanted),
        *_telemetry(readers, state, before, after),
    ]


def _health(readers: Readers, state: State, target: Target, name: str, seconds: float, *, rolling: bool) -> list[Check]:
    was = health_from(state.health)
    try:
        now: Health | None = readers.health(target)
    except OnCalmError as error:
        return [Check("rollout", name, "not_assessed", f"{name}: its replicas cannot be read: {error}")]
    return [rollout(name, was, now, rolling=rolling), *([restarts(name, was, now, seconds)] if now is not None else [])]


def _alert(readers: Readers, state: State) -> Check:
    try:
        now = readers.fires()
    except OnCalmError as error:
        return Check("alert", "alert", "not_assessed", f"the alert cannot be read: {error}", ill=bool(state.alert))
    if now is None or state.alert is None:
        return Check("alert", "alert", "not_assessed", "whether the triggering alert fires is not known", ill=bool(state.alert))
    told = f"the triggering alert {'fires' if now else 'does not fire'}, before the action it {'fired' if state.alert else 'did not fire'}"
    result = "unchanged" if now == state.alert else "worse" if now else "confirmed"
    return Check("alert", "alert", result, told, float(state.alert), float(now), ill=state.alert)  # type: ignore[arg-type]


def _spec(readers: Readers, target: Target, name: str, wanted: list[Edit]) -> Check:
    try:
        return spec(name, wanted, readers.fields(target))
    except OnCalmError as error:
        return Check("spec", name, "not_assessed", f"{name}: its fields cannot be read: {error}")


def _telemetry(readers: Readers, state: State, before: Window, after: Window) -> list[Check]:
    healthy = Window(*state.healthy) if state.healthy else None
    times = Times(before, after, healthy)
    try:
        observed = readers.observe(min(before.start, healthy.start if healthy else before.start), after.end)
    except OnCalmError as error:
        return [Check("errors", one, "not_assessed", f"{one}: telemetry cannot be read: {error}") for one in state.services]
    asked = requests(observed, times, state.services)
    if state.less_traffic:
        asked = [one for one in asked if one.kind != "traffic" or one.result != "worse"]
    return [*asked, *metrics(observed, times, state.services), *templates(observed, times, state.services)]
