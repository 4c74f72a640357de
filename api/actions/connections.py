"""Connections to a cluster in one name each: the catalogue of actions, the cluster for reading, and what risk is judged by."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from agent.approvals.people import Person

if TYPE_CHECKING:
    from agent.approvals.record import Approval
    from api.actions.config import Also
    from api.actions.risk_inputs import RiskReader
    from telemetry.sources.kubernetes.configuration import Access
    from tools.actions.catalogue import Catalogue
    from tools.actions.probes import Nodes
    from tools.actions.world import World

OURSELVES = Person("oncalm", "responder")
"""Who acts where no person asked: the investigation of an alert."""
AccessOf = Callable[[Person], "Access | None"]
"""The cluster as a person may see and change it. Raises UsageError for who may not."""


def actor(approval: Approval) -> Person:
    """In whose name an approval is carried out, verified and taken back: the last who approved it; of what a rule allows, who asked."""
    yes = [one for one in approval.answers if one.answer == "approve"]
    if not yes:
        return Person(str(approval.record["requester"]), "responder")
    return Person(yes[-1].person, yes[-1].role)  # type: ignore[arg-type] # a role was checked before it was kept


class Connection:
    """Of one name. Nothing is connected before it is needed."""

    def __init__(self, access: Access | None, also: Callable[[], Also], nodes: Callable[[], Nodes], records: Callable[[], Path],
                 clock: Callable[[], datetime]) -> None:
        self.access = access
        self._also, self._nodes, self._records, self._clock = also, nodes, records, clock

    @cached_property
    def catalogue(self) -> Catalogue:
        """Every action, on the systems that are configured. Raises UsageError for a file that cannot be used."""
        from tools.actions.catalogue import Catalogue, Systems

        also = self._also()
        return Catalogue(Systems(self.access, also.nginx, also.channels, nodes=self._nodes()))

    @cached_property
    def risk(self) -> RiskReader:
        """Who depends on a target, and what was changed of it."""
        from api.actions.risk_inputs import RiskReader

        return RiskReader(self._records(), lambda: self.world, self._clock)

    @cached_property
    def world(self) -> World | None:
        """A connection that only reads; None without a cluster."""
        from api.actions.verification import world_of

        return world_of(self.access) if self.access is not None else None

    def finish(self) -> None:
        """Wait for probes that run."""
        if "catalogue" in self.__dict__:
            self.catalogue.finish()

    def close(self) -> None:
        """Let connections go."""
        held = self.__dict__
        if "catalogue" in held:
            held["catalogue"].close()
        if held.get("world") is not None:
            held.pop("world").close()


class Connections:
    """The connections of each name that acts, by how the cluster knows it. Threads may share it."""

    def __init__(self, access: Access | None, access_of: AccessOf | None, make: Callable[[Access | None], Connection]) -> None:
        """``access_of``: None where everybody acts as OnCalm's own account."""
        self._access, self._access_of, self._make = access, access_of, make
        self._held: dict[Access | None, Connection] = {}
        self._guard = threading.Lock()

    def access(self, person: Person) -> Access | None:
        """The cluster as this person may see it. Raises UsageError where nobody on it stands for them."""
        return self._access if self._access is None or self._access_of is None else self._access_of(person)

    def of(self, person: Person) -> Connection:
        """The connection of a person. Raises UsageError where nobody on the cluster stands for them."""
        access = self.access(person)
        with self._guard:
            if access not in self._held:
                self._held[access] = self._make(access)
            return self._held[access]

    def finish(self) -> None:
        """Wait for what any of them began and goes on by itself."""
        with self._guard:
            held = list(self._held.values())
        for one in held:
            one.finish()

    def close(self) -> None:
        """Let all connections go."""
        with self._guard:
            held, self._held = list(self._held.values()), {}
        for one in held:
            one.close()
