"""Checks on the cluster and the alert: the rollout, restarts, the approved fields, and what fired."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agent.verification.intervals import wilson
from agent.verification.results import Check, Result
from agent.verification.subject import SECOND, ClusterReader, Rollout, Subject
from signals.kube.quantities import quantity
from telemetry.errors import OnCalmError
from tools.actions.action import Json


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alert as it is now; ``firing`` is None when nobody can tell."""

    firing: bool | None
    statement: str


Alert = Callable[[], Alarm]


def cluster(subject: Subject, reader: ClusterReader, at: int, *, rolling: int) -> Iterator[Check]:
    """Rollout, restarts and drift; ``rolling``: µs a rollout may take."""
    try:
        now = reader.rollout(subject.target)
        fields = reader.fields(subject.target, [edit.path for edit in subject.edits]) if subject.edits else {}
    except OnCalmError as error:
        yield Check("cluster", "not_assessed", f"the cluster could not be read: {error}", "cluster")
        return
    if subject.edits:
        yield _drift(subject, fields)
    if now is not None:
        yield _rollout(subject, now, late=at - subject.acted >= rolling)
        if now.restarts or subject.restarts:
            yield _restarts(subject, now, at)
    elif subject.rollout is not None:
        yield Check("rollout", "worse", f"{subject.target} is gone; it had {subject.rollout.ready} ready pods before", "cluster")


def _well(one: Rollout) -> bool:
    return one.current and not one.crashing and one.ready >= one.desired and one.updated >= one.desired


def _rollout(subject: Subject, now: Rollout, *, late: bool) -> Check:
    was = subject.rollout
    wrong = was is not None and not _well(was)
    had = f"{was.ready} of {was.desired} pods ready before" if was else "unknown before"
    said = f"{subject.target}: {had}, {now.ready} of {now.desired} ready and {now.updated} updated after"
    said += f", {now.crashing} cannot start" if now.crashing else ""
    if _well(now):
        return Check("rollout", "confirmed", said, "cluster", wrong)
    fell = was is not None and now.ready * max(was.desired, 1) < was.ready * max(now.desired, 1)
    if was is not None and now.crashing > was.crashing and (fell or late):
        return Check("rollout", "worse", said, "cluster", wrong)
    if not late:
        return Check("rollout", "not_assessed", f"{said}; still rolling out", "cluster", wrong)
    result: Result = "not_assessed" if was is None else "worse" if fell else "unchanged"
    return Check("rollout", result, said, "cluster", wrong)


def _restarts(subject: Subject, now: Rollout, at: int) -> Check:
    """Poisson rates compared by the share of events after (Przyborowski and Wilenski 1940), with Wilson's interval."""
    known = subject.rollout.restarts if subject.rollout else {}
    after = sum(max(count - known.get(name, 0), 0) for name, count in now.restarts.items())
    seconds = (subject.before.end - subject.before.start) / SECOND, (at - subject.acted) / SECOND
    share = seconds[1] / max(sum(seconds), 1e-9)
    low, high = wilson(after, after + subject.restarts)
    result: Result = "worse" if low > share else "confirmed" if high < share else "unchanged"
    said = f"{subject.restarts} restarts in {seconds[0]:.0f} s before, {after} in {seconds[1]:.0f} s after"
    if subject.restarts and not after and result == "unchanged":
        result, said = "not_assessed", f"{said}: too short to tell"
    return Check("restarts", result, said, "cluster", subject.restarts > 0)


def _drift(subject: Subject, fields: object) -> Check:
    held = dict(fields) if isinstance(fields, dict) else {}
    lost = [edit for edit in subject.edits if not same(held.get(edit.path), edit.after)]
    if not lost:
        return Check("spec", "confirmed", f"all {len(subject.edits)} approved fields hold what was approved", "cluster")
    one = lost[0]
    back = "back at" if same(held.get(one.path), one.before) else "now"
    return Check("spec", "unchanged", f"{one.path} of {subject.target} was set to {one.after!r} and is {back} {held.get(one.path)!r}: somebody or GitOps changed it since ({len(lost)} of {len(subject.edits)} fields)", "cluster", void=True)


def same(left: Json, right: Json) -> bool:
    """Whether two values of a field are equal, ``512Mi`` and ``0.5Gi`` too."""
    if left == right:
        return True
    if not (isinstance(left, str | int | float) and isinstance(right, str | int | float)):
        return False
    one, other = quantity(left), quantity(right)
    return one is not None and one == other


def alarm(subject: Subject, alert: Alert) -> Check:
    """The triggering alert."""
    try:
        now = alert()
    except OnCalmError as error:
        return Check("alert", "not_assessed", f"the alert could not be asked: {error}", "alert")
    if now.firing is None:
        return Check("alert", "not_assessed", now.statement, "alert", subject.alerting)
    wrong = subject.alerting
    result: Result = ("unchanged" if wrong else "worse") if now.firing else "confirmed" if wrong else "unchanged"
    return Check("alert", result, f"it {'fired' if wrong else 'was silent'} before and {'fires' if now.firing else 'is silent'} after: {now.statement}", "alert", wrong)
