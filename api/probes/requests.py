"""Probes that the agent asks people for, so many and no more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tools.actions.action import Target
from tools.actions.probes import ACTION
from tools.probe import Propose

if TYPE_CHECKING:
    from api.actions.desk import Desk

WAITING, HOURLY = 3, 6
"""Probes for which the agent may ask people: at once, and within an hour. People themselves may ask as they like."""


def asking(desk: Desk) -> Propose:
    """How the agent asks people for a probe: by the same desk as everybody, in its own name, which approves nothing."""
    from agent.approvals.people import Person

    def propose(node: str, params: Mapping[str, Any], reason: str) -> Mapping[str, Any]:
        if why := _too_many(desk):
            return {"approval": None, "why": why, "decision": "refuse", "price": "", "target": ""}
        asked = desk.propose(ACTION, Target("Node", node, "", "probe"), params, Person("oncalm", "responder"), reason=reason)
        return {"approval": asked.approval.id if asked.approval else None, "why": "; ".join(asked.verdict.reasons), "decision": asked.verdict.decision,
                "price": asked.preview.blast.statement, "target": asked.preview.predicted.partition(":")[0]}

    return propose


def _too_many(desk: Desk) -> str:
    """Why people are not asked for one more; empty where they may be. What an agent reads may tell it to ask without end."""
    from agent.approvals.states import STATES

    asked = [one for one in desk.approvals.list(STATES, limit=10_000) if one.action == ACTION and one.requester == "oncalm"]
    waiting = sum(one.state == "pending" for one in asked)
    if waiting >= WAITING:
        return f"{waiting} probes wait for an answer already: people answer those first"
    recent = sum(desk.now() - one.created < timedelta(hours=1) for one in asked)
    return f"people were asked for {recent} probes within an hour, which is the most" if recent >= HOURLY else ""
