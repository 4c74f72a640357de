"""The catalogue as those see it who preview actions, carry out granted ones, or look at what became of one; and its parts, one a system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tools.actions.action import Action, Effect, Json, Preview, Settled, Target
from tools.approval import Grant


class Performing(Protocol):
    """Actions by their names. Threads may call at once."""

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


class Part(Performing, Protocol):
    """The actions on one system."""

    def finish(self) -> None:
        """Wait for what was begun and goes on by itself: usually nothing does."""
        return

    def close(self) -> None:
        """Let connections go, if there are any; what goes on by itself is ended."""
        return


class Performer(Performing, Protocol):
    """Every action of the catalogue, on the systems that are configured."""

    def names(self) -> list[str]:
        """The catalogue, sorted."""
        ...

    def schema(self, name: str) -> dict[str, Json]:
        """JSON schema of an action's parameters. Raises UsageError for a name that is not in the catalogue."""
        ...
