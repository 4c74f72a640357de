"""What the store and the cluster know of a target that its preview does not: who depends on it, and what was changed of late."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from telemetry.errors import OnCalmError

if TYPE_CHECKING:
    from signals.topology import Topology
    from tools.actions.action import Preview, Target
    from tools.actions.world import World

HOUR = timedelta(hours=1)
SAME = 60_000_000
"""Two records of changes so near (µs) are one change that two sources tell of."""
_ROLLING = {"Deployment": "ReplicaSet", "StatefulSet": "ControllerRevision", "DaemonSet": "ControllerRevision"}


@dataclass(frozen=True, slots=True)
class RiskInputs:
    """Counts for :class:`agent.decision.risk.Circumstances`; ``unknown`` says in words what could not be read."""

    dependents: int = 0
    changes: int = 0
    unknown: tuple[str, ...] = ()


class RiskReader:
    """Of one home. The graph of services is read again only when the store has changed."""

    def __init__(self, home: Path, world: Callable[[], World | None], clock: Callable[[], datetime]) -> None:
        """``world`` gives the cluster, None without one."""
        self._home, self._world, self._clock = home, world, clock
        self._graph: tuple[int, Topology] | None = None

    def of(self, preview: Preview) -> RiskInputs:
        """Who depends on what an action would touch, directly or not, and how often it was changed within the hour."""
        target = preview.action.target
        names = (*((target.name,) if target.kind in _ROLLING else ()), *preview.blast.services)
        unknown: list[str] = []
        dependents, changed = 0, []
        try:
            dependents, changed = self._depending(names), self._recorded(names, target.namespace)
        except OnCalmError as error:
            unknown.append(f"who depends on {target} is not known: {error.what}")
        try:
            changed += self._rolled_out(target)
        except OnCalmError as error:
            unknown.append(f"what was rolled out of {target} is not known: {error.what}")
        return RiskInputs(dependents, _apart(changed), tuple(unknown))

    def _depending(self, names: Iterable[str]) -> int:
        """Services above the target's in the graph of the last hour on record: themselves, and other names of theirs, not counted."""
        from signals.observed import Entity

        graph = self._topology()
        if graph is None:
            return 0
        own = {Entity("service", name) for name in names}
        return len({each for one in own for each in graph.above(one)} - own)

    def _topology(self) -> Topology | None:
        """None without spans."""
        from signals.observed import Observed
        from signals.topology import build
        from telemetry.models import Window
        from telemetry.store.beyond import RecordReader

        manifest = self._home / "manifest.db"
        if not manifest.exists():
            return None
        known = _written(manifest)
        if self._graph is None or self._graph[0] != known:
            with closing(RecordReader(self._home)) as records:
                extent = records.extent("spans")
                if extent is None:
                    return None
                end = datetime.fromtimestamp(extent[1] / 1e6, self._clock().tzinfo) + timedelta(seconds=1)
                spans = records.span_columns(Window(start=end - HOUR, end=end), ids=False)
            self._graph = known, build(Observed(spans=spans))
        return self._graph[1]

    def _recorded(self, names: tuple[str, ...], namespace: str) -> list[int]:
        """When the store says that it was changed, µs since 1970."""
        from telemetry.models import Window
        from telemetry.store.beyond import RecordReader

        if not names or not (self._home / "manifest.db").exists():
            return []
        now = self._clock()
        with closing(RecordReader(self._home)) as records:
            found = records.changes(Window(start=now - HOUR, end=now + timedelta(seconds=1)))
        return [one.time for one in found if one.service in names and one.namespace in {"", namespace}]

    def _rolled_out(self, target: Target) -> list[int]:
        """When its revisions were rolled out, as the cluster tells."""
        from telemetry.sources.answers import Trouble
        from telemetry.sources.kubernetes.revisions import revisions
        from tools.cluster.asking import raised

        world = self._world() if target.kind in _ROLLING and target.system == "kubernetes" else None
        if world is None:
            return []
        try:
            found = world.get(target.kind, target.name, target.namespace)
        except Trouble as trouble:
            raise raised(trouble) from trouble
        since = (self._clock() - HOUR).timestamp() * 1e6
        children = world.around(_ROLLING[target.kind], target.namespace) or [] if found is not None else []
        return [one.time for one in revisions(found or {}, children) if one.time is not None and one.time >= since]


def _apart(times: Iterable[int]) -> int:
    """How many changes these are, those of one minute as one."""
    ordered = sorted(times)
    return sum(not at or one - ordered[at - 1] > SAME for at, one in enumerate(ordered))


def _written(manifest: Path) -> int:
    """Changes with each write, those that are still in the write-ahead log too."""
    wal = manifest.with_name(f"{manifest.name}-wal")
    return manifest.stat().st_mtime_ns + (wal.stat().st_mtime_ns if wal.exists() else 0)
