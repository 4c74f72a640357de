"""After an action: what is looked at, in cluster and store, until it is confirmed or taken back; kept, so that another process can go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.verification.closing import ends_at
from agent.verification.keeping import Kept
from agent.verification.looking import Readers
from agent.verification.rollout import Health
from agent.verification.state import State
from agent.verification.verifier import SECOND, Limits, Verifier
from api.actions.alert_status import AlertEyes
from signals.kube.clock import micros
from signals.kube.matching import labels_match
from signals.kube.state import at
from signals.kube.view import restarts, waiting
from signals.observed import Observed
from telemetry.sources.answers import Trouble
from tools.actions.patches import MARKER, edits
from tools.cluster.asking import raised

if TYPE_CHECKING:
    from agent.approvals.record import Approval
    from api.actions.desk import Desk
    from telemetry.sources.kubernetes.configuration import Access
    from tools.actions.action import Json, Target
    from tools.actions.world import World

FOLDER = "verifications"
_AWAY = frozenset({"shift_traffic", "set_ingress_rate_limit", "limit_nginx_rate", "set_connection_pool"})
_CANNOT_START = frozenset({"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
_ROLLING = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


class ClusterEyes:
    """What a verification asks of a cluster. Without one nothing is known."""

    def __init__(self, world: World | None, clock: Callable[[], datetime]) -> None:
        self._world, self._clock = world, clock

    def health(self, target: Target) -> Health | None:
        """A workload's rollout and its pods' restarts; None for other kinds, and for one that is gone."""
        if target.kind not in _ROLLING or self._world is None:
            return None
        found = self._get(target)
        if found is None:
            return None
        daemon = target.kind == "DaemonSet"
        desired = at(found, "status", "desiredNumberScheduled") if daemon else at(found, "spec", "replicas")
        wanted = at(found, "spec", "selector", "matchLabels") or {}
        pods = [pod for pod in self._world.around("Pod", target.namespace) or () if wanted and labels_match(wanted, at(pod, "metadata", "labels") or {})]
        names = {str(at(pod, "metadata", "name")): pod for pod in pods}
        return Health(
            1 if desired is None else int(desired), int(at(found, "status", "updatedNumberScheduled" if daemon else "updatedReplicas") or 0),
            int(at(found, "status", "numberReady" if daemon else "readyReplicas") or 0),
            {name: restarts(pod) for name, pod in names.items()}, self._ages(names),
            int(at(found, "status", "observedGeneration") or 0) >= int(at(found, "metadata", "generation") or 0),
            sum(any(reason in _CANNOT_START for _, reason, _ in waiting(pod)) for pod in pods))

    def fields(self, target: Target) -> Mapping[str, Json] | None:
        """The target's fields by path; None without a cluster, and of what is not in it."""
        if self._world is None or target.system != "kubernetes":
            return None
        return {edit.path: edit.after for edit in edits({}, self._get(target) or {})}

    def _ages(self, pods: Mapping[str, Any]) -> dict[str, float]:
        now = self._clock().timestamp()
        made = {name: micros(at(pod, "metadata", "creationTimestamp")) for name, pod in pods.items()}
        return {name: max(0.0, now - when / SECOND) for name, when in made.items() if when is not None}

    def _get(self, target: Target) -> dict[str, Any] | None:
        assert self._world is not None  # noqa: S101 - asked before
        try:
            return self._world.get(target.kind, target.name, target.namespace)
        except Trouble as trouble:
            raise raised(trouble) from trouble


def world_of(access: Access) -> World:
    """A connection that only reads; whoever opened it closes its ``server``."""
    from telemetry.sources.kubernetes.connection import ApiServer
    from tools.actions.world import World

    return World(ApiServer(access))


@dataclass(frozen=True, slots=True)
class Incident:
    """What an investigation said of it, µs since 1970 (UTC); ``wrong`` 0 and ``healthy`` None where nobody said."""

    wrong: int = 0
    healthy: tuple[int, int] | None = None
    services: tuple[str, ...] = ()
    alert: Mapping[str, Any] = field(default_factory=dict)
    """The alert that it began with: its ``labels``, and the ``incident`` that keeps it."""


def incident_of(approval: Approval) -> Incident:
    """When things were wrong, when as usual, and who suffered, as the approval's evidence tells."""
    from api.actions.desk import INCIDENT

    told: Mapping[str, Any] = next((one for one in approval.record.get("evidence", ()) if one.get("kind") == INCIDENT), {})
    window, baseline = ([micros((told.get(name) or {}).get(side)) for side in ("start", "end")] for name in ("window", "baseline"))
    alert = told["alert"] if isinstance(told.get("alert"), Mapping) else {}
    start, (first, last) = window[0], baseline
    if start is None:
        return Incident(alert=alert)
    healthy = (first, last) if first is not None and last is not None and first < last <= start else None
    return Incident(start, healthy, tuple(map(str, told.get("services", ()))), alert)


class Watch:
    """The verifications of one home's actions."""

    def __init__(self, desk: Desk, world: World | None, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC), limits: Limits | None = None,
                 wait: Callable[[float], bool] = lambda _: True, tell: Callable[[str], None] = lambda _: None) -> None:
        """``world``: the cluster; ``wait`` waits so many seconds and says whether to stop; ``tell`` takes a sentence a look."""
        self._desk, self._clock, self._tell, self._told = desk, clock, tell, 0
        self._kept = Kept(desk.home / FOLDER)
        self._cluster, self._alerts = ClusterEyes(world, clock), AlertEyes(desk.alert_servers, desk.incidents.alerts_open)
        self._observe = store_eyes(desk.records) if (desk.records / "manifest.db").exists() else lambda _start, _end: Observed()
        self._ends = ends_at(desk.executor, lambda ident: desk.approvals.show(ident).state, self._save)
        self._wait, self._limits = wait, limits

    def close(self) -> None:
        """Let the connections to alert servers go."""
        self._alerts.close()

    def before(self, approval: Approval) -> State:
        """How things are just before an action, made durable."""
        preview, known = approval.preview, incident_of(approval)
        target = preview.action.target
        diff = [edit for edit in preview.diff if edit.path != f"metadata.annotations.{MARKER}"] if target.system == "kubernetes" else []
        state = self._verifier(known, None).before(approval.id, target, tuple(dict.fromkeys((target.name, *known.services, *preview.blast.services))), diff, known.healthy)
        state = replace(state, wrong=known.wrong, less_traffic=preview.action.name in _AWAY)
        self._kept.save(state)
        return state

    def done(self, state: State) -> None:
        """The action was done right now."""
        now = round(self._clock().timestamp() * SECOND)
        self._kept.save(replace(state, acted=now, since=now))

    def run(self, approval: Approval) -> State:
        """Look until it is done, or ``wait`` says stop; worse is taken back, and that is looked at, too."""
        state = self._kept.load(approval.id)
        if state is None:  # done by a process that kept nothing: how it was before is not known
            state = replace(self.before(approval), health=None, alert=None)
        self._told = len(state.history)
        return self._verifier(incident_of(approval), datetime.fromtimestamp(state.acted / SECOND, UTC)).run(state)

    def held(self, approval: str) -> State | None:
        """How far it came; None when nothing was kept. Raises StoreError."""
        return self._kept.load(approval)

    def unfinished(self) -> list[State]:
        """Those that a restart has to go on with."""
        return [one for one in self._kept.unfinished() if self._desk.approvals.show(one.approval).state in {"succeeded", "rolled_back"}]

    def _verifier(self, known: Incident, since: datetime | None) -> Verifier:
        """``since``: when the action was done, None before it."""
        readers = Readers(self._cluster.health, self._cluster.fields, self._observe, self._alerts.of(known.alert, since))
        return Verifier(readers, self._ends, clock=self._clock, wait=self._wait, limits=self._limits)

    def _save(self, state: State) -> None:
        self._kept.save(state)
        for one in state.history[self._told:]:
            self._tell(f"{_SUMS.get(one['sum'], one['sum'])}")
        self._told = len(state.history)


_SUMS = {
    "worse": "something is worse than before the action", "drifted": "somebody changed the approved fields", "repaired": "what was wrong is well",
    "partly": "better, and not yet well", "ill": "what was wrong still is", "nothing_ill": "nothing is worse; what was wrong cannot be seen here",
    "too_little": "too little was seen yet to judge",
}


def store_eyes(home: Path) -> Callable[[int, int], Observed]:
    """Everything the store of a home holds of a stretch of time, opened anew for each look."""
    from telemetry.models import Window as Stretch
    from telemetry.store.beyond import RecordReader
    from telemetry.store.reader import Reader
    from tools.observing import observe

    def look(start: int, end: int) -> Observed:
        stretch = Stretch(start=datetime.fromtimestamp(start / SECOND, UTC), end=datetime.fromtimestamp(end / SECOND, UTC))
        with closing(Reader(home)) as logs, closing(RecordReader(home)) as records:
            return observe(logs, records, stretch)

    return look
