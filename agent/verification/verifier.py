"""A verification from the action to its end: looks, a hold, a verdict, the way back when it is needed, and a look at that.

Every step is saved before anything follows from it. What follows (recording a verdict, rolling back) must be callable
twice: after a kill it is called again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal, TypeVar

from agent.verification.checks import Check, Sum, summed, worst
from agent.verification.looking import Readers, look
from agent.verification.state import Reason, State, Verdict
from signals.observed import Window
from telemetry.errors import OnCalmError
from tools.actions.action import Edit, Target

SECOND = 1_000_000
_T = TypeVar("_T")
KEPT = 100
"""Looks whose short entries are kept."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds. With the defaults it ends at most 32 minutes after the action; 42 with a rollback."""

    settle: float = 60
    """After a change that does not count: pods start, caches fill."""
    every: float = 30
    within: float = 1200
    """By when it must have helped."""
    hold: float = 600
    """How long it must stay well."""
    recent: float = 180
    """The last part of a hold, in which a relapse shows."""
    before: float = 900
    """How long before the action is looked at."""
    rolling: float = 600
    """How long a rollout may take before it counts as stuck."""
    rollback: float = 600
    """By when a rollback must have restored what was."""
    twice: int = 2
    """Looks in a row that must agree before anything is called worse."""
    undo: Literal["worse", "unhelpful", "never"] = "unhelpful"
    """What is taken back: what harmed; also what did not help or not for long; nothing."""


@dataclass(frozen=True, slots=True)
class Ends:
    """What follows. Each may be called again after a kill, and raise OnCalmError."""

    record: Callable[[State], None]
    """Keep ``state.verdict`` and ``state.statement``."""
    rollback: Callable[[str, str], str]
    """(approval, reason) → ``rolled_back``, ``rollback_failed``, ``rollback_unknown``."""
    save: Callable[[State], None]
    """Make the state durable."""


class Verifier:
    """Verifies actions, one :meth:`run` each; threads may share it."""

    def __init__(self, readers: Readers, ends: Ends, *, clock: Callable[[], datetime], wait: Callable[[float], bool], limits: Limits | None = None) -> None:
        """``wait`` waits so many seconds and says whether to stop (``threading.Event().wait``)."""
        self._readers, self._ends, self._clock, self._wait = readers, ends, clock, wait
        self.limits = limits or Limits()

    def before(self, approval: str, target: Target, services: Sequence[str], diff: Sequence[Edit], healthy: tuple[int, int] | None = None) -> State:
        """What is to be remembered of the time before the action: call it just before the action is done, and save it."""
        health, alert = _read(lambda: self._readers.health(target)), _read(self._readers.fires)
        at = self._now()
        return State(approval, _plain(target), tuple(services), tuple(asdict(one) for one in diff), healthy, acted=at, since=at,
                     health=health.document() if health else None, alert=alert)

    def run(self, state: State) -> State:
        """Go on until it is done or ``wait`` says stop; the state says which."""
        while state.phase != "done":
            state = self.step(state)
            self._ends.save(state)
            if state.phase in {"watching", "holding", "watching_rollback"} and self._wait(self.limits.every):
                break
        return state

    def step(self, state: State) -> State:
        """The next state, without waiting. Raises what ``record`` and ``rollback`` raise; the state is then as it was."""
        if state.phase == "judged":
            return self._judged(state)
        if state.phase == "rolling_back":
            return self._rolling_back(state)
        return {"watching": self._watching, "holding": self._holding, "watching_rollback": self._watching_rollback}[state.phase](state)

    def _watching(self, state: State) -> State:
        now, begin = self._now(), state.acted + self._micros(self.limits.settle)
        late = now >= state.acted + self._micros(self.limits.within)
        if now <= begin:
            return state
        checks, what = self._look(state, Window(begin, now))
        state = self._noted(state, checks, what, now)
        if what == "drifted":
            return self._verdict(state, "not_assessed", "changed_by_others", worst(checks, of="worse"), now)
        state = replace(state, bad=state.bad + 1 if what == "worse" else 0)
        if state.bad >= self.limits.twice:
            return self._verdict(state, "worse", "harmed", worst(checks, of="worse"), now)
        if what == "repaired":
            return state.entered("holding", now)
        return self._too_late(state, checks, what, now) if late else state

    def _too_late(self, state: State, checks: Sequence[Check], what: Sum, now: int) -> State:
        """The verdict when time is over and it did not get well."""
        ill = "; ".join(one.statement for one in checks if one.still_ill)
        told: Mapping[Sum, tuple[Verdict, Reason, str]] = {
            "ill": ("worse", "did_not_help", f"it did not help: {ill}"),
            "partly": ("not_assessed", "helped_in_part", f"it helped in part: {worst(checks, of='confirmed') or _partly(checks)}"),
            "nothing_ill": ("not_assessed", "nothing_was_ill", f"nothing that was looked at was ill before the action, so nothing shows that it helped{_unseen(checks)}"),
            "worse": ("not_assessed", "too_little", f"one look was worse, and no second one confirms it: {worst(checks, of='worse')}"),
        }
        verdict, reason, said = told.get(what, ("not_assessed", "too_little", f"too little was seen to judge: {worst(checks, of='not_assessed')}"))
        return self._verdict(state, verdict, reason, said, now)

    def _holding(self, state: State) -> State:
        now = self._now()
        over = now >= state.since + self._micros(self.limits.hold)
        begin = max(state.acted + self._micros(self.limits.settle), now - self._micros(self.limits.recent))
        checks, what = self._look(state, Window(begin, now))
        state = self._noted(state, checks, what, now)
        if what == "drifted":
            return self._verdict(state, "not_assessed", "changed_by_others", worst(checks, of="worse"), now)
        ill_again = what in {"worse", "ill"} or (what == "partly" and any(one.still_ill for one in checks))
        state = replace(state, bad=state.bad + 1 if ill_again else 0)
        if state.bad >= self.limits.twice:
            again = worst(checks, of="worse") or "; ".join(one.statement for one in checks if one.still_ill)
            return self._verdict(state, "worse", "relapsed", f"it was well for {(now - state.since) // SECOND} s and is ill again: {again}", now)
        if not over or state.bad:
            return state
        whole, durable = self._look(state, Window(state.since, now))
        if durable == "repaired":
            return self._verdict(state, "confirmed", "repaired", f"well, and stayed so for {(now - state.since) // SECOND} s: {worst(whole, of='confirmed')}", now)
        return self._too_late(state, whole, durable, now)

    def _verdict(self, state: State, verdict: Verdict, reason: Reason, statement: str, now: int) -> State:
        return state.entered("judged", now, verdict=verdict, reason=reason, statement=statement)

    def _judged(self, state: State) -> State:
        self._ends.record(state)
        back = {"never": set(), "worse": {"harmed"}, "unhelpful": {"harmed", "relapsed", "did_not_help"}}[self.limits.undo]
        return state.entered("rolling_back" if state.reason in back else "done", self._now())

    def _rolling_back(self, state: State) -> State:
        try:
            ended = self._ends.rollback(state.approval, state.statement)
        except OnCalmError as error:
            return state.entered("done", self._now(), rollback="rollback_refused", rollback_verdict="not_assessed", rollback_statement=str(error))
        now = self._now()
        if ended != "rolled_back":
            return state.entered("done", now, rollback=ended, rollback_verdict="not_assessed", rollback_statement=f"the rollback ended as {ended}")
        return state.entered("watching_rollback", now, rollback=ended, undone=now)

    def _watching_rollback(self, state: State) -> State:
        """Whether it is again as before the action: nothing worse than then, and the fields as they were."""
        now, begin = self._now(), state.undone + self._micros(self.limits.settle)
        if now <= begin:
            return state
        late = now >= state.undone + self._micros(self.limits.rollback)
        checks, what = self._look(state, Window(begin, now), undone=True)
        state = self._noted(state, checks, what, now)
        if what == "drifted":
            return state.entered("done", now, rollback_verdict="not_assessed", rollback_statement=worst(checks, of="worse"))
        if what == "worse":
            return state.entered("done", now, rollback_verdict="worse", rollback_statement=f"rolled back, and still worse than before: {worst(checks, of='worse')}") if late else state
        seen = [one for one in checks if one.result != "not_assessed" and one.kind in {"rollout", "errors", "traffic", "latency"}]
        if seen and (late or len(seen) >= len([one for one in checks if one.kind in {"rollout", "errors", "traffic"}])):
            return state.entered("done", now, rollback_verdict="confirmed", rollback_statement="; ".join(one.statement for one in seen))
        return state.entered("done", now, rollback_verdict="not_assessed", rollback_statement=f"rolled back; {worst(checks, of='not_assessed')}") if late else state

    def _look(self, state: State, after: Window, *, undone: bool = False) -> tuple[list[Check], Sum]:
        before = Window(min(max(state.acted - self._micros(self.limits.before), state.wrong), state.acted - 1), state.acted)
        done = state.undone if undone else state.acted
        checks = look(self._readers, state, before, after, undone=undone, rolling=after.end < done + self._micros(self.limits.rolling))
        return checks, summed(checks)

    def _noted(self, state: State, checks: Sequence[Check], what: Sum, now: int) -> State:
        entry = {"at": now, "phase": state.phase, "sum": what}
        return replace(state, checks=tuple(one.document() for one in checks), history=(*state.history, entry)[-KEPT:])

    def _now(self) -> int:
        return round(self._clock().timestamp() * SECOND)

    @staticmethod
    def _micros(seconds: float) -> int:
        return round(seconds * SECOND)


def _unseen(checks: Sequence[Check]) -> str:
    said = worst(checks, of="not_assessed")
    return f"; not assessed: {said}" if said else ""


def _partly(checks: Sequence[Check]) -> str:
    return "; ".join(one.statement for one in checks if one.partly)


def _plain(target: Target) -> dict[str, Any]:
    return asdict(target)


def _read(read: Callable[[], _T]) -> _T | None:
    try:
        return read()
    except OnCalmError:  # looked at again in each look, which says so
        return None
