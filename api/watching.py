"""After an action: looks at cluster and telemetry until it is confirmed, or taken back; kept, so that another process can go on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.verification.rollback import TakenBack, take_back
from agent.verification.subject import SECOND, Plan, Rollout, Subject
from agent.verification.verifier import Eyes, Verification, begin, run, verification_from
from signals.kube.matching import labels_match
from signals.kube.state import at
from signals.kube.view import restarts, waiting
from signals.observed import Observed, Window
from telemetry.durable import sync_folder
from telemetry.errors import StoreError, UsageError
from telemetry.sources.answers import Trouble
from tools.actions.patches import MARKER, edits
from tools.cluster.asking import raised

if TYPE_CHECKING:
    from agent.approvals.record import Approval
    from api.desk import Desk
    from telemetry.sources.kubernetes.configuration import Access
    from tools.actions.action import Json, Target
    from tools.actions.world import World

FOLDER = "verifications"
BEFORE = timedelta(minutes=15)
"""How long before an action things are taken to have been wrong, where nobody says since when."""
_AWAY = frozenset({"shift_traffic", "set_ingress_rate_limit", "limit_nginx_rate", "set_connection_pool"})
_CANNOT_START = frozenset({"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
_ROLLING = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


class ClusterEyes:
    """What a verification asks of a cluster: a :class:`agent.verification.subject.ClusterReader`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def rollout(self, target: Target) -> Rollout | None:
        """A workload's rollout and its pods' restarts; None for other kinds, and for one that is gone."""
        if target.kind not in _ROLLING:
            return None
        found = self._get(target)
        if found is None:
            return None
        daemon = target.kind == "DaemonSet"
        desired = at(found, "status", "desiredNumberScheduled") if daemon else at(found, "spec", "replicas")
        wanted = at(found, "spec", "selector", "matchLabels") or {}
        pods = [pod for pod in self._world.around("Pod", target.namespace) or () if wanted and labels_match(wanted, at(pod, "metadata", "labels") or {})]
        return Rollout(
            1 if desired is None else int(desired), int(at(found, "status", "updatedNumberScheduled" if daemon else "updatedReplicas") or 0),
            int(at(found, "status", "numberReady" if daemon else "readyReplicas") or 0),
            {str(at(pod, "metadata", "name")): restarts(pod) for pod in pods},
            int(at(found, "status", "observedGeneration") or 0) >= int(at(found, "metadata", "generation") or 0),
            sum(any(reason in _CANNOT_START for _, reason, _ in waiting(pod)) for pod in pods))

    def fields(self, target: Target, paths: Sequence[str]) -> Mapping[str, Json]:
        """What is at these paths of the target now."""
        held = {edit.path: edit.after for edit in edits({}, self._get(target) or {})}
        return {path: held.get(path) for path in paths}

    def _get(self, target: Target) -> dict[str, Any] | None:
        try:
            return self._world.get(target.kind, target.name, target.namespace)
        except Trouble as trouble:
            raise raised(trouble) from trouble


def world_of(access: Access) -> World:
    """A connection that only reads; whoever opened it closes its ``server``."""
    from telemetry.sources.kubernetes.connection import ApiServer
    from tools.actions.world import World

    return World(ApiServer(access))


def begun(approval: Approval, before: Rollout | None, acted: datetime, plan: Plan) -> Verification:
    """The verification of an action that was just done."""
    preview, when = approval.preview, round(acted.timestamp() * SECOND)
    target = preview.action.target
    fields = tuple(edit for edit in preview.diff if edit.path != f"metadata.annotations.{MARKER}") if target.system == "kubernetes" else ()
    return begin(Subject(
        approval.id, target, when, Window(when - round(BEFORE.total_seconds()) * SECOND, when),
        services=tuple(dict.fromkeys((target.name, *preview.blast.services))), edits=fields, rollout=before,
        less_traffic=preview.action.name in _AWAY), plan)


class Watch:
    """Verifications of one home's actions, a JSON file each."""

    def __init__(self, desk: Desk, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._desk, self._clock = desk, clock
        self._folder = desk.home / FOLDER

    def held(self, approval: str) -> Verification | None:
        """How far it came; None when it was not begun. Raises UsageError for a file that is none."""
        try:
            return verification_from(json.loads(self._path(approval).read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise UsageError(f"the verification cannot be read: {error}", where=str(self._path(approval)), remedy="remove the file to begin it again") from error

    def keep(self, held: Verification) -> None:
        """Make it durable. Raises StoreError."""
        path = self._path(held.subject.approval)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{os.getpid()}.partial")
            with partial.open("w", encoding="utf-8") as stream:
                json.dump(held.document(), stream)
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(path)
            sync_folder(path.parent)
        except OSError as error:
            raise StoreError(f"the verification cannot be kept: {error}", where=str(path), remedy="free some disk space") from error

    def run(self, approval: Approval, eyes: Eyes, plan: Plan, *, wait: Callable[[float], bool], tell: Callable[[str], None]) -> Verification:
        """Look until there is a verdict; worse is taken back, and that is verified, too. Stopped by ``wait``, it is as far as it came."""
        held = self.held(approval.id) or begun(approval, None, self._clock(), plan)
        told = len(held.looks)

        def keep(now: Verification) -> None:
            nonlocal told
            self.keep(now)
            for one in now.looks[told:]:
                tell(f"{one.seen}: {'; '.join(one.told())}")
            told = len(now.looks)

        held = run(held, eyes, clock=self._clock, wait=wait, keep=keep)
        if held.verdict is None:
            return held
        if held.subject.phase == "action" and self._desk.approvals.show(approval.id).state == "succeeded":
            self._desk.executor.verified(approval.id, held.verdict, held.statement)
        before = eyes.cluster.rollout(held.subject.target) if held.undo and eyes.cluster is not None else None
        held, after = take_back(held, self._rollback, keep, before=before)
        if after is None:
            return held
        told = 0
        back = run(after, eyes, clock=self._clock, wait=wait, keep=keep)
        return replace(back, reasons=(*held.reasons, f"after the rollback: {back.statement}"))

    def _rollback(self, approval: str, reason: str) -> TakenBack:
        """By the inverse, under the guard, once: one that is taken back already stays so."""
        found = self._desk.approvals.show(approval)
        if found.state != "rolled_back":
            found = self._desk.executor.rollback(approval, reason=reason)
        return TakenBack(found.state == "rolled_back", round(self._clock().timestamp() * SECOND), f"{found.state.replace('_', ' ')}: {found.line.reason}".rstrip(": "))

    def _path(self, approval: str) -> Path:
        if not approval.isalnum():
            raise UsageError(f"{approval!r} is no id of an approval", where="verification", remedy="see oncalm approvals list --all")
        return self._folder / f"{approval}.json"


def store_eyes(home: Path) -> Callable[[Window], Observed]:
    """Everything the store of a home holds of a stretch of time, opened anew for each look."""
    from telemetry.models import Window as Stretch
    from telemetry.store.beyond import RecordReader
    from telemetry.store.reader import Reader
    from tools.observing import observe

    def look(window: Window) -> Observed:
        stretch = Stretch(start=datetime.fromtimestamp(window.start / SECOND, UTC), end=datetime.fromtimestamp(window.end / SECOND, UTC))
        with closing(Reader(home)) as logs, closing(RecordReader(home)) as records:
            return observe(logs, records, stretch)

    return look
