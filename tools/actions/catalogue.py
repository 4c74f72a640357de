"""Every action there is, on the systems that are configured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from telemetry.errors import UsageError
from telemetry.sources.kubernetes.configuration import Access
from tools.actions.action import Action, Blast, Effect, Json, Obstacle, Preview, Settled, System, Target
from tools.actions.containers import CONTAINERS
from tools.actions.errors import RefusedError
from tools.actions.kinds import ActionType, Bounds, Params, parsed
from tools.actions.kubernetes import ClusterActions
from tools.actions.nginx import NginxActions
from tools.actions.nginx_process import Instance
from tools.actions.nodes import NODES
from tools.actions.notices import Channel, NoticeActions
from tools.actions.performing import Part, Performer
from tools.actions.probes import Nodes, ProbeActions
from tools.actions.restoring import RESTORE
from tools.actions.rollouts import ROLLOUTS
from tools.actions.scaling import SCALING
from tools.actions.traffic import TRAFFIC
from tools.approval import Grant

TYPES: dict[str, ActionType] = {one.name: one for one in (*SCALING, *ROLLOUTS, *CONTAINERS, *NODES, *TRAFFIC, RESTORE)}
"""What is done to a cluster, by name; hidden ones are only ever inverses."""
_INVERSES = frozenset({"restore_nginx_rate", *(one.name for one in TYPES.values() if one.hidden)})
_KINDS: dict[str, tuple[System, tuple[str, ...]]] = {
    **{one.name: ("kubernetes", one.kinds) for one in TYPES.values()},
    **dict.fromkeys(NginxActions.params, ("nginx", ("RateLimit",))), **dict.fromkeys(NoticeActions.params, ("notice", ("Channel",))),
    **dict.fromkeys(ProbeActions.params, ("probe", ("Node",))),
}
_WHAT = {"limit_nginx_rate": "Limit the rate of requests in an nginx on this machine", "restore_nginx_rate": "Put the include file back as it was",
         "notify_slack": "Write to a Slack channel", "page_pagerduty": "Page whoever is on call through PagerDuty",
         "run_probe": "Look into a node's kernel with one bounded eBPF probe of the catalogue"}


@dataclass(frozen=True, slots=True)
class Systems:
    """What may be changed: a cluster, nginx on this machine, channels, nodes with a probe daemon; and how far."""

    cluster: Access | None = None
    nginx: tuple[Instance, ...] = ()
    channels: tuple[Channel, ...] = ()
    nodes: Nodes | None = None
    bounds: Bounds = field(default_factory=Bounds)


class Catalogue:
    """The :class:`tools.actions.performing.Performer` of all actions. Nothing is connected before the first question."""

    def __init__(self, systems: Systems, *, settle_after: float | None = None) -> None:
        """``settle_after``: seconds that :meth:`settle` waits before it says that something was not done; None: the usual."""
        more = {} if settle_after is None else {"settle_after": settle_after}
        self._parts: dict[System, Part] = {"nginx": NginxActions(systems.nginx), "notice": NoticeActions(systems.channels), "probe": ProbeActions(systems.nodes)}
        if systems.cluster:
            self._parts["kubernetes"] = ClusterActions(systems.cluster, TYPES, systems.bounds, **more)

    def close(self) -> None:
        """Let connections go; probes that run are ended, see :meth:`finish`."""
        for part in self._parts.values():
            part.close()

    def finish(self) -> None:
        """Wait for what was begun and goes on by itself: probes, until their time is over."""
        for part in self._parts.values():
            part.finish()

    def names(self) -> list[str]:
        """The catalogue, sorted; inverses that only restore are not in it."""
        return sorted(_KINDS.keys() - _INVERSES)

    def schema(self, name: str) -> dict[str, Json]:
        """JSON schema of an action's parameters. Raises UsageError."""
        self._known(name)
        return params_of(name).model_json_schema()

    def kinds(self, name: str) -> tuple[str, ...]:
        """The kinds of targets that an action is for. Raises UsageError."""
        self._known(name)
        return _KINDS[name][1]

    def system(self, name: str) -> System:
        """What system an action changes. Raises UsageError."""
        self._known(name)
        return _KINDS[name][0]

    def what(self, name: str) -> str:
        """What an action does, in a few words. Raises UsageError."""
        self._known(name)
        return _WHAT[name] if name in _WHAT else TYPES[name].what

    def preview(self, name: str, target: Target, params: Mapping[str, Json]) -> Preview:
        """See :meth:`Performer.preview`."""
        self._known(name)
        system, kinds = _KINDS[name]
        if target.system != system:
            raise UsageError(f"{name} is not for {target.system}", where=name, remedy=f"its targets are of {system}: {', '.join(kinds)}")
        if system == "kubernetes" and system not in self._parts:
            return _no_cluster(TYPES[name], target, params)
        return self._parts[system].preview(name, target, params)

    def perform(self, action: Action, granted: Grant | None = None) -> Effect:
        """See :meth:`Performer.perform`; only :func:`tools.guard.carry_out` calls it."""
        if action.name not in _KINDS or action.target.system != _KINDS[action.name][0]:
            raise RefusedError(f"{action.name} of {action.target} is not in the catalogue", where=action.name, remedy="propose an action of the catalogue")
        if action.name in _INVERSES and not action.undoes:
            raise RefusedError(f"{action.name} only takes back what was done", where=action.name, remedy="propose an action of the catalogue")
        return self._part(action).perform(action, granted)

    def settle(self, preview: Preview, *, rollback: bool = False) -> Settled:
        """See :meth:`Performer.settle`."""
        return self._part(preview.action).settle(preview, rollback=rollback)

    def _known(self, name: str) -> None:
        if name not in self.names():
            raise UsageError(f"there is no action {name}", where=name, remedy=f"there are {', '.join(self.names())}")

    def _part(self, action: Action) -> Part:
        found = self._parts.get(action.target.system)
        if found is None:
            raise RefusedError("no cluster is configured", where=str(action.target), remedy="name a kubeconfig (ONCALM_KUBECONFIG, --kubeconfig)")
        return found


def params_of(name: str) -> type[Params]:
    """The parameters of an action."""
    return TYPES[name].params if name in TYPES else {**NginxActions.params, **NoticeActions.params, **ProbeActions.params}[name]


def _no_cluster(kind: ActionType, target: Target, params: Mapping[str, Json]) -> Preview:
    why = Obstacle("no_cluster", "no cluster is configured", "name a kubeconfig (ONCALM_KUBECONFIG, --kubeconfig)")
    return Preview(Action(kind.name, target, parsed(kind, params).plain()), (), None, kind.reversible, Blast(statement="not assessed"), "not assessed",
                   (why,), checked_by="nothing")


def open_catalogue(systems: Systems) -> Performer:
    """The catalogue on these systems."""
    return Catalogue(systems)
