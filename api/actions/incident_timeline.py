"""Approvals on the timeline of the incident that they are for: every passage once, whoever brought it about and wherever."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from telemetry.errors import OnCalmError

if TYPE_CHECKING:
    from agent.approvals.record import Approval
    from agent.incidents.service import Incidents

OF = "incident id"
"""Evidence of an approval of this kind names, as its ``value``, the incident that it is for."""
_log = logging.getLogger(__name__)


class Following:
    """What a desk tells of approvals. Nothing is opened before one is for an incident."""

    def __init__(self, opened: Callable[[], Incidents]) -> None:
        self._opened = opened

    @cached_property
    def _incidents(self) -> Incidents:
        return self._opened()

    def full(self, ident: str) -> str:
        """The incident's id. Raises NoSuchIncidentError."""
        return self._incidents.show(ident).incident.id

    def moved(self, approval: Approval) -> None:
        """Bring the timeline up to date with an approval. Never raises: what failed is made good by the next passage."""
        of = incident_of(approval)
        if not of:
            return
        try:
            self._incidents.follow(of, approval.document())
        except OnCalmError as error:
            _log.warning("approval %s is not on the timeline of %s yet: %s", approval.id, of, error)


def incident_of(approval: Approval) -> str:
    """The incident that an approval is for; empty without one."""
    return next((str(one.get("value", "")) for one in approval.record.get("evidence", ()) if one.get("kind") == OF), "")
