"""Looks, one after another, until the verdict: plain state that outlives the process, pure rules, a loop that can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from agent.verification.cluster_checks import Alert, alarm, cluster
from agent.verification.results import Check, Look, Verdict, look_from
from agent.verification.subject import SECOND, ClusterReader, Plan, Subject, document, subject_from
from agent.verification.telemetry_checks import metrics, requests, templates
from signals.observed import Observed, Window
from telemetry.errors import OnCalmError, UsageError

Observe = Callable[[Window], Observed]
"""Everything the store holds of a stretch of time."""
MOST_LOOKS = 200


@dataclass(frozen=True, slots=True)
class Eyes:
    """What looks are taken with. What is missing is simply not assessed."""

    observe: Observe | None = None
    cluster: ClusterReader | None = None
    alert: Alert | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """One verification as far as it went; frozen, each look gives the next. Times in µs since 1970 (UTC)."""

    subject: Subject
    plan: Plan
    due: int
    """When the next look is due."""
    looks: tuple[Look, ...] = ()
    recovered: int | None = None
    """Since when it is well; it has to last for the hold."""
    verdict: Verdict | None = None
    reasons: tuple[str, ...] = ()
    undo: bool = False
    """Whether the verdict calls for the rollback."""
    undone: Literal["", "asked", "done", "failed"] = ""

    def document(self) -> dict[str, Any]:
        """As JSON holds it; :func:`verification_from` reads it."""
        return {"version": 1, "subject": document(self.subject), "plan": asdict(self.plan), "due": self.due,
                "looks": [one.document() for one in self.looks], "recovered": self.recovered, "verdict": self.verdict,
                "reasons": list(self.reasons), "undo": self.undo, "undone": self.undone}

    @property
    def statement(self) -> str:
        """The verdict in words."""
        return f"{self.verdict or 'under way'}: {'; '.join(self.reasons)}" if self.reasons else self.verdict or "under way"


def verification_from(told: Mapping[str, Any]) -> Verification:
    """The verification that :meth:`Verification.document` wrote. Raises UsageError when it is none."""
    try:
        if told["version"] != 1:
            raise ValueError(f"version {told['version']}")
        return Verification(subject_from(told["subject"]), Plan(**told["plan"]), int(told["due"]), tuple(look_from(one) for one in told["looks"]),
                            told["recovered"], told["verdict"], tuple(told["reasons"]), bool(told["undo"]), told["undone"])
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"this is no verification: {error}", where="verification", remedy="begin it again") from error


def begin(subject: Subject, plan: Plan | None = None) -> Verification:
    """A verification without looks; the first is due when the action has settled and an interval has passed."""
    plan = plan or Plan()
    return Verification(subject, plan, subject.acted + _micros(plan.settle + plan.interval))


def look(subject: Subject, plan: Plan, eyes: Eyes, at: int) -> Look:
    """All checks now. A source that fails is a check that is not assessed."""
    start = min(max(subject.acted + _micros(plan.settle), at - _micros(plan.window)), at)
    found: list[Check] = []
    if eyes.cluster is not None:
        found += cluster(subject, eyes.cluster, at, rolling=_micros(plan.patience) // 2)
    if eyes.alert is not None:
        found.append(alarm(subject, eyes.alert))
    if eyes.observe is not None:
        after = Window(start, at)
        try:
            observed = eyes.observe(Window(min(one.start for one in (subject.before, *subject.healthy)), at))
            found += [*requests(subject, observed, after), *metrics(subject, observed, after), *templates(subject, observed, after)]
        except OnCalmError as error:
            found.append(Check("telemetry", "not_assessed", f"the store could not be read: {error}", "telemetry"))
    return Look(at, start, tuple(found))


def step(held: Verification, taken: Look) -> Verification:
    """The verification after one more look. Pure."""
    if held.verdict is not None:
        return held
    plan, seen = held.plan, taken.seen
    now = replace(held, looks=(*held.looks, taken), due=taken.at + _micros(plan.interval))
    late = taken.at >= held.subject.acted + _micros(plan.settle + plan.patience) or len(now.looks) >= MOST_LOOKS
    if seen == "void":
        return replace(now, verdict="not_assessed", reasons=tuple(taken.told()))
    if _running(now, {"bad"}) >= plan.in_a_row:
        return replace(now, verdict="worse", undo=True, reasons=tuple(taken.told()))
    if held.recovered is not None:
        return _holding(now, taken)
    if seen == "good":
        now = replace(now, recovered=taken.at)
        return replace(now, verdict="confirmed", reasons=tuple(taken.told())) if not plan.hold else now
    return _given_up(now, taken) if late else now


def _holding(now: Verification, taken: Look) -> Verification:
    """Within the hold: a relapse ends it, and only a good look at its end confirms."""
    plan, since = now.plan, now.recovered or 0
    if _running(now, {"bad", "same"}) >= plan.in_a_row:
        return replace(now, verdict="worse", undo=plan.undo_unhelpful or taken.seen == "bad", reasons=(
            f"it recovered for a moment ({(taken.at - since) / SECOND:.0f} s) and relapsed", *taken.told()))
    if taken.at < since + _micros(plan.hold):
        return now
    if taken.seen == "good":
        return replace(now, verdict="confirmed", reasons=(*taken.told(), f"it has held for {(taken.at - since) / SECOND:.0f} s"))
    over = taken.at >= since + _micros(plan.hold + plan.in_a_row * plan.interval) or len(now.looks) >= MOST_LOOKS
    return replace(now, verdict="not_assessed", reasons=("it recovered, but whether that lasted could not be seen", *taken.told())) if over else now


def _given_up(now: Verification, taken: Look) -> Verification:
    if _running(now, {"bad", "same"}) >= now.plan.in_a_row:
        return replace(now, verdict="worse" if now.plan.undo_unhelpful else "not_assessed", undo=now.plan.undo_unhelpful,
                       reasons=("it did not help: what was wrong still is", *taken.told()))
    return replace(now, verdict="not_assessed", reasons=tuple(taken.told()) or ("nothing that was wrong before could be looked at",))


def _running(held: Verification, kinds: set[str]) -> int:
    """How many of the last looks, without a gap, were of these kinds."""
    count = 0
    for one in reversed(held.looks):
        if one.seen not in kinds:
            break
        count += 1
    return count


def run(held: Verification, eyes: Eyes, *, clock: Callable[[], datetime], wait: Callable[[float], bool],
        keep: Callable[[Verification], None]) -> Verification:
    """Look until there is a verdict. ``wait`` sleeps so many seconds and says whether to stop (``threading.Event.wait``);
    ``keep`` stores the state after each look. Stopped, it gives the state as it is; :func:`run` goes on from there."""
    while held.verdict is None:
        ahead = held.due - round(clock().timestamp() * SECOND)
        if ahead > 0:
            if wait(min(ahead / SECOND, 60.0)):
                return held
            continue
        at = round(clock().timestamp() * SECOND)
        held = step(held, look(held.subject, held.plan, eyes, at))
        keep(held)
    return held


def _micros(seconds: float) -> int:
    return round(seconds * SECOND)
