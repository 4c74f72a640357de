"""``cluster.changes``: what was rolled out, scaled, configured or cordoned, by the objects' own records."""

from __future__ import annotations

from signals.kube.clock import SECOND, written
from telemetry.sources.kubernetes.history import read_changes
from tools.cluster import inputs
from tools.cluster.asking import Asking, raised
from tools.result import Outcome

COLUMNS = ("time", "kind", "namespace", "what", "title", "actor", "before", "version")


def changes(asking: Asking, given: inputs.ChangesInput) -> Outcome:
    """Changes, the newest first."""
    answer = read_changes(asking.cluster, given.namespace or "")
    if answer.status in {"failed", "not_assessed"}:
        from telemetry.sources.answers import Trouble

        raise raised(Trouble(answer.reason, remedy=answer.remedy, status="failed" if answer.status == "failed" else "not_assessed"))
    asking.g.notes += answer.notes
    if answer.reason:
        asking.g.gap(answer.reason)
    since = asking.now - given.since_minutes * 60 * SECOND if given.since_minutes else 0
    chosen = [one for one in answer.records if one.time >= since and given.name in {None, one.service}]
    asking.searched = len(answer.records)
    rows = [[written(one.time), one.kind, one.namespace, one.service, one.title, one.actor, one.before, one.version] for one in reversed(chosen)]
    return asking.table(COLUMNS, rows[:given.limit], given.model_dump(mode="json"), total=len(rows), why="nothing was rolled out, scaled, configured or cordoned, as far as objects tell")
