"""Approvals, actions' history, the audit and spend: the same service as the command line's, with the person of the door."""

from __future__ import annotations

import json
from itertools import islice
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from agent.approvals.people import Person
from agent.approvals.states import State
from api.door.needs import Needs
from api.server.services import Services

Viewer = Annotated[Person, Depends(Needs("viewer"))]
Responder = Annotated[Person, Depends(Needs("responder"))]
Approver = Annotated[Person, Depends(Needs("approver"))]
STATES = get_args(State)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Approve(_Body):
    """The digest that was shown: exactly that action is approved."""

    digest: str = Field(min_length=64, max_length=64, pattern=r"^[0-9a-f]{64}$")
    reason: str = Field(default="", max_length=2_000)


class Reason(_Body):
    """Why."""

    reason: str = Field(min_length=1, max_length=2_000)


class Judge(_Body):
    """What an engineer says afterwards."""

    cause: Literal["right", "wrong"] | None = None
    effect: Literal["helpful", "harmful"] | None = None


class Propose(_Body):
    """An action to preview, decide on and ask about."""

    action: str = Field(min_length=1, max_length=100)
    target: str = Field(min_length=1, max_length=400, description="KIND/NAME, as Deployment/web.")
    namespace: str = Field(default="default", max_length=253)
    params: dict[str, Any] = Field(default_factory=dict)
    cause: str = Field(default="", max_length=400)
    confidence: float = Field(default=1.0, ge=0, le=1)
    reason: str = Field(default="", max_length=2_000)
    incident: str = Field(default="", max_length=40, description="The incident that it is for: its timeline tells what becomes of it.")


def router(services: Services) -> APIRouter:
    """The routes. All are plain functions: they run in threads."""
    routes = APIRouter()
    desk = services.desk
    _answers(routes, services)

    @routes.get("/v1/actions", tags=["actions"])
    def actions(_: Viewer) -> dict[str, Any]:
        """Every action with its targets and parameters."""
        known = desk.catalogue
        return {"items": [{"action": name, "what": known.what(name), "kinds": list(known.kinds(name)), "params": known.schema(name).get("properties", {})}
                          for name in known.names()], "next": None}

    @routes.get("/v1/history", tags=["actions"])
    def history(_: Viewer) -> dict[str, Any]:
        """What became of actions, the newest first."""
        return {"items": [one.document() for one in desk.approvals.history()], "next": None}

    @routes.get("/v1/audit", tags=["audit"])
    def audit(_: Responder, after: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=1_000)] = 200) -> dict[str, Any]:
        """Entries of the audit in order, from behind ``after``."""
        found = [json.loads(line) for line in islice(desk.journal.export(after=after), limit)]
        return {"items": found, "next": found[-1]["seq"] if len(found) == limit else None}

    @routes.get("/v1/audit/verify", tags=["audit"])
    def verify(_: Responder) -> dict[str, Any]:
        """Whether anything of the audit was edited, removed or reordered."""
        from agent.audit.verifying import verify as check

        return dict(check(desk.journal).document())

    @routes.get("/v1/spend", tags=["spend"])
    def spend(person: Viewer) -> dict[str, Any]:
        """What models cost: today (UTC), all that is kept, and by you today."""
        from agent.spend import Ledger

        ledger = Ledger(services.home / "spend.db")
        return {"today": ledger.spent(day=True).as_json(), "total": ledger.spent().as_json(), "you_today": ledger.spent(day=True, who=person.id).as_json()}

    return routes


def _answers(routes: APIRouter, services: Services) -> None:
    desk = services.desk

    @routes.get("/v1/approvals", tags=["approvals"])
    def listed(_: Viewer, state: Annotated[list[State] | None, Query()] = None) -> dict[str, Any]:
        """Approvals in these states (default: pending), the oldest first."""
        return {"items": [one.document() for one in desk.approvals.list(state or ("pending",))], "next": None}

    @routes.post("/v1/approvals", tags=["approvals"], status_code=201)
    def propose(asked: Propose, person: Responder, response: Response) -> dict[str, Any]:
        """Preview an action, decide, and put it before people unless it is refused (200, without an approval). Done is only what a rule allows."""
        from api.actions.targets import target_of

        known = desk.catalogue
        target = target_of(asked.target, asked.namespace, known.kinds(asked.action), known.system(asked.action))
        made = desk.propose(asked.action, target, asked.params, person, cause=asked.cause, confidence=asked.confidence, reason=asked.reason, of=asked.incident)
        found = made.approval
        if found is None:
            response.status_code = 200
        elif found.state == "approved":  # a rule of the policy allows it
            found = desk.carry_out(found)
        return {"preview": made.preview.document(), "decision": made.verdict.document(), "approval": found.document() if found else None}

    @routes.get("/v1/approvals/{approval}", tags=["approvals"])
    def shown(approval: str, _: Viewer) -> dict[str, Any]:
        """One: action, diff, risk, reasons, deadline, answers, what was done, how its verification stands."""
        found = desk.approvals.show(approval)
        state = desk.verification(found.id)
        return {**found.document(), "verification": state.document() if state is not None else None}

    @routes.post("/v1/approvals/{approval}/approve", tags=["approvals"])
    def approve(approval: str, said: Approve, person: Approver) -> dict[str, Any]:
        """Approve exactly what the digest names; it is carried out at once when nobody else is needed."""
        return desk.approve(approval, person, digest=said.digest, reason=said.reason, via="http").document()

    @routes.post("/v1/approvals/{approval}/reject", tags=["approvals"])
    def reject(approval: str, said: Reason, person: Approver) -> dict[str, Any]:
        """Say no, with a reason."""
        return desk.reject(approval, person, reason=said.reason, via="http").document()

    @routes.post("/v1/approvals/{approval}/run", tags=["approvals"])
    def run(approval: str, _: Approver) -> dict[str, Any]:
        """Carry out what is approved and was not begun, as after a crash."""
        return desk.carry_out(desk.approvals.show(approval)).document()

    @routes.post("/v1/approvals/{approval}/rollback", tags=["approvals"])
    def rollback(approval: str, said: Reason, person: Approver) -> dict[str, Any]:
        """Take back what was done, by the inverse that was approved with it."""
        return desk.rollback(approval, reason=f"{said.reason} (asked for by {person.name})", by=person).document()

    @routes.post("/v1/approvals/{approval}/judge", tags=["approvals"])
    def judge(approval: str, said: Judge, person: Responder) -> dict[str, Any]:
        """Say afterwards whether the cause was right and the action helped."""
        return desk.outcomes.judge(approval, person, cause=said.cause, effect=said.effect).document()
