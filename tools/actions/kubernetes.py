"""Actions on a cluster: previewed by the server's dry run, done by one patch or eviction, settled by looking."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from telemetry.errors import OnCalmError, UsageError
from telemetry.sources.answers import Trouble
from telemetry.sources.kubernetes.configuration import Access
from telemetry.sources.kubernetes.revisions import at
from tools.actions.action import Action, Blast, Edit, Effect, Json, Obstacle, Preview, Settled, Target
from tools.actions.connection import JSON_PATCH, SERVER_SECONDS, WriteServer
from tools.actions.errors import ActionError, RefusedError, UnknownOutcomeError, WorldChangedError
from tools.actions.kinds import ActionType, Bounds, parsed
from tools.actions.obstacles import standing
from tools.actions.patches import MARKER, Object, basis, edits, json_patch, marked, marked_by
from tools.actions.performing import Part
from tools.actions.refusals import hindrance, not_done, passing, unseen
from tools.actions.world import Hindered, Situation, World, kind_of
from tools.approval import Grant

_MARK = f"metadata.annotations.{MARKER}"


class ClusterActions(Part):
    """The catalogue's part that changes one cluster. Threads may call at once."""

    def __init__(self, access: Access, types: Mapping[str, ActionType], bounds: Bounds, *, settle_after: float = SERVER_SECONDS + 5.0) -> None:
        """``settle_after``: seconds after which a request that was cut off cannot be carried out any more."""
        self._server = WriteServer(access)
        self._world = World(self._server)
        self._types, self._bounds, self._settle_after = types, bounds, settle_after

    def close(self) -> None:
        """Let the connections go."""
        self._server.close()

    def preview(self, name: str, target: Target, params: Mapping[str, Json]) -> Preview:
        """See :meth:`tools.actions.performing.Performer.preview`."""
        kind = self._types[name]
        given = parsed(kind, params)
        _fits(kind, target)
        action = Action(name, target, given.plain())
        if self._world.namespaces and target.namespace and target.namespace not in self._world.namespaces:
            return _stopped(kind, action, Obstacle("namespace", f"{target.namespace} is not a namespace that OnCalm may change",
                                                   f"it may change {', '.join(self._world.namespaces)} (ONCALM_KUBE_NAMESPACES)"))
        try:
            found = self._world.get(target.kind, target.name, target.namespace)
        except Trouble as trouble:
            return _stopped(kind, action, unseen(trouble, target))
        if found is None:
            raise RefusedError(f"there is no {target}", where=str(target), remedy="name one that is there")
        return self._previewed(kind, action, given, Situation(target, found, self._world))

    def _previewed(self, kind: ActionType, action: Action, given: Any, situation: Situation) -> Preview:
        before = situation.object
        labels = {str(key): str(value) for key, value in (at(before, "metadata", "labels") or {}).items()}
        here = replace(action, resource_version=_version(before), uid=_uid(before), basis=basis(before, replicas=kind.moves_replicas))
        try:
            given = kind.complete(situation, given)
            after = kind.change(situation, given)
            here = replace(here, params=given.plain())
            inverse = _inverse(kind, situation, given, here)
        except Hindered as hindered:
            return replace(_stopped(kind, here, hindered.obstacle), labels=labels)
        own = [*standing(situation, kind, after, self._bounds), *kind.hinders(situation, given, self._bounds)]
        seen, obstacle = self._tried(kind, here, before, after)
        diff = edits(before, seen) if not kind.evicts else (Edit("metadata.name", action.target.name, None),)
        if all(one.path == _MARK for one in diff):
            own.append(Obstacle("unchanged", f"{action.target} is so already: the action would change nothing", "look for another cause, or another action"))
        return Preview(here, diff, inverse, kind.reversible if inverse or kind.reversible == "no" else "no", kind.blast(situation, given),
                       kind.predict(situation, given), _once([*own, *([obstacle] if obstacle else [])]), labels, "reading" if obstacle else "server")

    def _tried(self, kind: ActionType, action: Action, before: Object, after: Object) -> tuple[Object, Obstacle | None]:
        """The object after the server's dry run; or as we expect it, with what kept the server from trying."""
        one, target = kind_of(action.target.kind), action.target
        try:
            found = self._sent(kind, action, before, after, dry=True)
        except Trouble as trouble:
            if trouble.code in {404, 409}:
                raise not_done(trouble, target) from trouble
            verb, part = ("create", "eviction") if kind.evicts else ("patch", "")
            obstacle = hindrance(trouble, one, verb, part, target.namespace)
            return (marked(after, action.marker) if passing(obstacle) else after), obstacle
        except UnknownOutcomeError as error:
            return after, Obstacle("no_cluster", f"the server did not finish a dry run: {error.what}", "look at the API server and its admission webhooks")
        return (after if kind.evicts else found), None

    def _sent(self, kind: ActionType, action: Action, before: Object, after: Object, *, dry: bool) -> Mapping[str, Any]:
        """Send the change once, with the version that ``before`` has as its precondition."""
        target = action.target
        one = kind_of(target.kind)
        version = str(before.get("apiVersion") or one.versions[0]).rpartition("/")[2]
        if kind.evicts:
            return self._server.send("POST", one.path(version, target.namespace, target.name, "eviction"), {
                "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": target.name, "namespace": target.namespace},
                "deleteOptions": {"preconditions": {"uid": _uid(before), "resourceVersion": _version(before)}}}, dry=dry)
        steps = json_patch(before, marked(after, action.marker), version=_version(before))
        return self._server.send("PATCH", one.path(version, target.namespace, target.name), steps, dry=dry, content=JSON_PATCH)

    def perform(self, action: Action, granted: Grant | None = None) -> Effect:
        """See :meth:`tools.actions.performing.Performer.perform`. Whatever goes wrong before sending is a refusal."""
        kind = self._types[action.name]
        try:
            given = parsed(kind, action.params)
            _fits(kind, action.target)
            situation = self._same(kind, action)
            after = kind.change(situation, given)
            inverse = None if action.undoes else _inverse(kind, situation, given, action)
        except Hindered as hindered:
            raise WorldChangedError(f"{hindered.obstacle.why}; nothing was changed", where=str(action.target), remedy="propose the action again") from hindered
        except Trouble as trouble:
            raise not_done(trouble, action.target) from trouble
        except ActionError:
            raise
        except OnCalmError as error:
            raise RefusedError(error.what, where=error.where, remedy=error.remedy) from error
        try:
            found = self._sent(kind, action, situation.object, after, dry=False)
        except Trouble as trouble:
            raise not_done(trouble, action.target) from trouble
        return self._effect(kind, action, inverse, situation.object, found)

    def _same(self, kind: ActionType, action: Action) -> Situation:
        """The target, if it is what it was but for its status. Raises WorldChangedError."""
        target = action.target
        if not (action.resource_version and action.uid):
            raise RefusedError("the action does not say which version of its target it is for", where=str(target), remedy="propose it again")
        found = self._world.get(target.kind, target.name, target.namespace)
        if found is None:
            raise WorldChangedError(f"{target} is gone; nothing was changed", where=str(target), remedy="look at what removed it")
        if _uid(found) != action.uid:
            raise WorldChangedError(f"{target} is another object of the same name by now; nothing was changed", where=str(target), remedy="propose the action again")
        moved = _version(found) != action.resource_version
        if moved and (not action.basis or basis(found, replicas=kind.moves_replicas) != action.basis):
            raise WorldChangedError(f"{target} changed since the action was previewed (version {action.resource_version}, now {_version(found)}); nothing was changed",
                                    where=str(target), remedy="propose the action again and have it approved")
        return Situation(target, found, self._world)

    def _effect(self, kind: ActionType, action: Action, inverse: Action | None, before: Object, found: Mapping[str, Any]) -> Effect:
        if kind.evicts:
            return Effect(f"{action.target} was evicted", "", None, {"uid": action.uid})
        now = {**found, "kind": before.get("kind"), "apiVersion": before.get("apiVersion")}
        if inverse is not None:
            back = self._types[inverse.name]
            inverse = replace(inverse, resource_version=_version(now), uid=_uid(now), basis=basis(now, replicas=back.moves_replicas))
        told = "; ".join(f"{one.path}: {one.before} → {one.after}" for one in edits(before, now) if one.path != _MARK)[:2000]
        return Effect(f"{action.name} of {action.target} was done{f' ({told})' if told else ''}", _version(now), inverse,
                      {"generation": at(now, "metadata", "generation"), "marker": action.marker})

    def settle(self, preview: Preview, *, rollback: bool = False) -> Settled:
        """See :meth:`tools.actions.performing.Performer.settle`. Raises RefusedError when the target cannot be looked at.

        A request that was cut off may still be on its way: "not applied" is only said after a second look, when the
        server's own time for it is over.
        """
        action = preview.inverse if rollback else preview.action
        if action is None:
            return "not_applied"
        first = self._look(preview, action)
        if first == "applied":
            return first
        time.sleep(self._settle_after)
        return self._look(preview, action)

    def _look(self, preview: Preview, action: Action) -> Settled:
        target, kind = action.target, self._types[action.name]
        try:
            found = self._world.get(target.kind, target.name, target.namespace)
        except Trouble as trouble:
            raise RefusedError(f"the target cannot be looked at: {trouble.what}", where=str(target), remedy=trouble.remedy or "look again later") from trouble
        if kind.evicts:
            gone = found is None or _uid(found) != preview.action.uid or at(found, "metadata", "deletionTimestamp")
            return "applied" if gone else "not_applied"
        if found is None or _uid(found) != preview.action.uid:
            return "unclear"
        mark = marked_by(found)
        if mark == action.marker:
            return "applied"
        # The mark is set in the same write as the change: an older mark of ours that is still there proves that no write came.
        older = preview.action.marker if action.undoes else next((str(one.before or "") for one in preview.diff if one.path == _MARK), "")
        if mark == older and (mark or _version(found) == preview.action.resource_version):
            return "not_applied"
        return "unclear" if mark != older or _holds(found, preview) else "not_applied"


def _holds(found: Object, preview: Preview) -> bool:
    """Whether the object has what the action was to set, by whoever's hand."""
    now = {one.path: one.after for one in edits({}, found)}
    wanted = [one for one in preview.diff if one.path != _MARK]
    return bool(wanted) and all(now.get(one.path) == one.after for one in wanted)


def _inverse(kind: ActionType, situation: Situation, given: Any, action: Action) -> Action | None:
    """The inverse as it is recorded: without a version until the action is done."""
    found = kind.inverse(situation, given)
    return Action(found[0], action.target, found[1], undoes=action.marker) if found else None


def _fits(kind: ActionType, target: Target) -> None:
    """Raises UsageError for a target that the action is not for."""
    if target.system != "kubernetes" or target.kind not in kind.kinds:
        raise UsageError(f"{kind.name} is not for a {target.kind}", where=kind.name, remedy=f"it is for {', '.join(kind.kinds)}")
    if kind_of(target.kind).namespaced != bool(target.namespace) or not target.name:
        need = "needs a namespace and a name" if kind_of(target.kind).namespaced else "needs a name and has no namespace"
        raise UsageError(f"a {target.kind} {need}", where=kind.name, remedy="name the target exactly")


def _stopped(kind: ActionType, action: Action, obstacle: Obstacle) -> Preview:
    """A preview that ends at an obstacle: nothing is known of what the action would do."""
    return Preview(action, (), None, kind.reversible, Blast(statement="not assessed"), "not assessed", (obstacle,), checked_by="nothing")


def _once(every: list[Obstacle]) -> tuple[Obstacle, ...]:
    """Without what is said twice, as by our own look at a budget and by the server's dry run; the blocking ones first."""
    def unique() -> Iterator[Obstacle]:
        seen: set[tuple[str, str]] = set()
        for one in every:
            key = (one.kind, "" if one.kind == "disruption_budget" else one.why)
            if key not in seen:
                seen.add(key)
                yield one

    return tuple(sorted(unique(), key=lambda one: not one.blocking))


def _version(each: Object) -> str:
    return str(at(each, "metadata", "resourceVersion") or "")


def _uid(each: Object) -> str:
    return str(at(each, "metadata", "uid") or "")
