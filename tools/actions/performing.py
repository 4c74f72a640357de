"""The catalogue as those see it who preview actions, carry out granted ones, or look at what became of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tools.actions.action import Action, Effect, Json, Preview, Settled, Target
from tools.approval import Grant


class Performer(Protocol):
    """Every action of the catalogue, on the systems that are configured. Threads may call at once."""

    def names(self) -> list[str]:
        """The catalogue, sorted."""
        ...

    def schema(self, name: str) -> dict[str, Json]:
        """JSON schema of an action's parameters. Raises UsageError for a name that is not in the catalogue."""
        ...

    def preview(self, name: str, target: Target, params: Mapping[str, Json]) -> Preview:
        """What it would do, by a dry run; writes nothing and needs no permission to write where the server lets it.

        What stands against it is in ``obstacles``. Raises UsageError for bad parameters, RefusedError when the target is
        not there or cannot be read.
        """
        ...

    def perform(self, action: Action, granted: Grant | None = None) -> Effect:
        """Do it, once. Only :func:`tools.guard.carry_out` calls this, with what it was ``granted`` by.

        Raises RefusedError when nothing was changed, UnknownOutcomeError when nobody knows.
        """
        ...

    def settle(self, preview: Preview, *, rollback: bool = False) -> Settled:
        """Whether an action (or its inverse) whose end nobody saw was done, by looking. Never does it."""
        ...
