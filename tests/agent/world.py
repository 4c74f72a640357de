"""A small world for actions: its state is a file of effects, one line each, so that an effect and its trace are one write."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from tools.actions.action import Action, Blast, Edit, Effect, Json, Preview, Settled, Target
from tools.actions.errors import RefusedError, WorldChangedError
from tools.approval import Grant

START = 2


class World:
    """A performer that scales things. ``before`` and ``after`` are called around an effect, with its name."""

    def __init__(self, path: Path, *, before: Callable[[str], None] = lambda _: None, after: Callable[[str], None] = lambda _: None) -> None:
        self.path = path
        self.before = before
        self.after = after

    def names(self) -> list[str]:
        return ["scale"]

    def schema(self, name: str) -> dict[str, Json]:
        return {"type": "object", "properties": {"replicas": {"type": "integer"}}}

    def preview(self, name: str, target: Target, params: Mapping[str, Json]) -> Preview:
        self.before("preview")
        replicas, version = self.now(target)
        wanted = params["replicas"]
        inverse = Action("scale", target, {"replicas": replicas})
        diff = (Edit("spec.replicas", replicas, wanted),) if replicas != wanted else ()
        return Preview(Action(name, target, dict(params), str(version), f"uid-{target.name}"), diff, inverse, "exactly", Blast(0), "more of it answers")

    def perform(self, action: Action, granted: Grant | None = None) -> Effect:
        self.before("effect")
        replicas, version = self.now(action.target)
        if action.resource_version != str(version):
            raise WorldChangedError("409 Conflict: the object has been modified", where=str(action.target), remedy="ask again")
        self.put(action.target, int(str(action.params["replicas"])))
        self.after("effect")
        inverse = Action("scale", action.target, {"replicas": replicas}, str(version + 1), action.uid)
        return Effect(f"scaled to {action.params['replicas']}", str(version + 1), inverse)

    def settle(self, preview: Preview, *, rollback: bool = False) -> Settled:
        self.before("settle")
        wanted = preview.inverse if rollback else preview.action
        assert wanted is not None
        return "applied" if self.now(preview.action.target)[0] == wanted.params["replicas"] else "not_applied"

    def put(self, target: Target, replicas: int) -> None:
        """Change it, as an effect or as somebody else would."""
        handle = os.open(self.path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        try:
            os.write(handle, (json.dumps([str(target), replicas]) + "\n").encode())
        finally:
            os.close(handle)

    def effects(self, target: Target | None = None) -> list[int]:
        """What it was changed to, in order."""
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return [replicas for name, replicas in map(json.loads, lines) if target is None or name == str(target)]

    def now(self, target: Target) -> tuple[int, int]:
        """Replicas, and the version."""
        seen = self.effects(target)
        return (seen[-1] if seen else START), len(seen)


class NoAnswer(World):
    """A world where the effect happens and the answer is lost, ``looks`` says what a look sees."""

    looks: Settled | None = None

    def perform(self, action: Action, granted: Grant | None = None) -> Effect:
        super().perform(action, granted)
        raise TimeoutError("no answer came")

    def settle(self, preview: Preview, *, rollback: bool = False) -> Settled:
        return self.looks or super().settle(preview, rollback=rollback)


class Refusing(World):
    """A world that says no to every change."""

    def perform(self, action: Action, granted: Grant | None = None) -> Effect:
        raise RefusedError("403 Forbidden: deployments.apps is forbidden: no verb patch", where=str(action.target), remedy="apply rbac-write.yaml")


def edited(preview: Preview, replicas: int) -> Preview:
    """The same preview with another number."""
    return replace(preview, action=replace(preview.action, params={"replicas": replicas}))
