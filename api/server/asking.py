"""What a run does: asks the product, and says what happens as the events of the HTTP contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.nodes import RunStoppedError
from api import times
from api.server.run import OVER, Run, Work
from api.server.services import Services
from telemetry.errors import StoreError
from telemetry.models import Window

Analyst = Literal["auto", "offline", "llm"]
_PIECE = 24
"""Words of a piece of the answer, for those who show it as it comes."""


class Timed(BaseModel):
    """The time that is asked about: ``since`` (as 2h) or ``from`` and ``to``, in words or ISO 8601."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    since: str | None = Field(default=None, max_length=100)
    start: str | None = Field(default=None, alias="from", max_length=100)
    end: str | None = Field(default=None, alias="to", max_length=100)

    @model_validator(mode="after")
    def _one(self) -> Timed:
        if self.since and (self.start or self.end):
            raise ValueError("give either since, or from and to")
        return self


class ChatRequest(Timed):
    """A question in a conversation."""

    question: str = Field(min_length=1, max_length=8_000)
    conversation: str | None = Field(default=None, max_length=40, description="None begins one.")
    kind: Literal["ask", "investigate"] = "ask"
    analyst: Analyst = "auto"
    at: str | None = Field(default=None, max_length=100, description="For an investigation: a moment within the incident.")
    propose: bool = Field(default=False, description="For an investigation: put the first proposed action before people.")
    detach: bool = Field(default=False, description="Go on when nobody follows any more.")


class InvestigationRequest(Timed):
    """A symptom to find the cause of."""

    symptom: str = Field(min_length=1, max_length=8_000)
    analyst: Analyst = "auto"
    at: str | None = Field(default=None, max_length=100, description="A moment within the incident.")
    incident: str | None = Field(default=None, max_length=40, description="The incident whose alert began it.")
    propose: bool = Field(default=False, description="Put the first proposed action before people; what a rule of the policy allows is done at once.")


def chat(services: Services, asked: ChatRequest, conversation: str, *, kept: bool = True) -> Work:
    """The work of a chat's run; its answer is ``kept`` in the conversation. One that cannot be kept is given all the same, and says so."""
    def work(run: Run) -> dict[str, Any]:
        if asked.kind == "ask":
            found = services.product.ask(asked.question, conversation=conversation, window=_window(services, asked), analyst=asked.analyst,
                                         watch=_watch(run), stopped=run.stopped, by=run.person)
        else:
            found = _investigated(services, run, asked.question, asked, conversation)
        document = {**_told(run, found), "conversation": conversation}
        if not kept:
            return document
        try:
            services.kept.add(conversation, document)
        except StoreError as error:
            document["notes"] = [*document.get("notes", ()), f"This answer is not kept in the conversation: {error.what}"]
        return document

    return work


def investigation(services: Services, asked: InvestigationRequest, ident: str) -> Work:
    """The work of an investigation's run; its result outlives the process. One that another process has, or finished, is left to it."""
    from agent.state_db.locks import TargetBusyError, TargetLocks

    locks = TargetLocks(services.kept.database)

    def work(run: Run) -> dict[str, Any]:
        try:
            with locks.held(f"investigation {ident}", seconds=0):
                if (known := services.kept.investigation(ident))["state"] in OVER:
                    return _elsewhere(known)
                services.kept.note(ident, "running")
                document = {**_told(run, _investigated(services, run, asked.symptom, asked, None)), "job": ident}
                services.kept.note(ident, "done", document=document)
                return document
        except TargetBusyError:
            raise RunStoppedError("another process investigates it") from None  # and keeps the result

    return work


def _elsewhere(known: dict[str, Any]) -> dict[str, Any]:
    """The result that another process kept meanwhile."""
    if known["result"] is None:
        raise RunStoppedError(f"it is {known['state']} already")
    found: dict[str, Any] = known["result"]
    return found


def _investigated(services: Services, run: Run, symptom: str, asked: ChatRequest | InvestigationRequest, conversation: str | None) -> dict[str, Any]:
    from api.incidents.triggering_alert import of_incident

    began = asked.incident if isinstance(asked, InvestigationRequest) else None
    alert = of_incident(services.desk.incidents.show(began)) if began else None
    found = services.product.investigate(
        symptom, at=_moment(services, asked.at), conversation=conversation, window=_window(services, asked), analyst=asked.analyst,
        watch=_watch(run), stopped=run.stopped, by=run.person)
    if alert is not None:
        found["alert"] = alert
    if asked.propose and found.get("proposals"):
        from api.actions.proposals import put

        if (approval := put(found, services.desk, run.person)) is not None:
            line = services.desk.approvals.show(approval).line
            run.say("approval", {**line.document(), "decision": found["proposals"][0]["decision"]})
    return found


def _window(services: Services, asked: Timed) -> Window | None:
    if not (asked.since or asked.start or asked.end):
        return None
    return times.window(asked.since, asked.start, asked.end, services.product.catalog())


def _moment(services: Services, said: str | None) -> datetime | None:
    return times.moment(said, services.product.catalog()) if said else None


def _watch(run: Run) -> Callable[[dict[str, Any]], None]:
    """The product's events as those of the contract."""
    def watch(event: dict[str, Any]) -> None:
        kind = event["kind"]
        if kind == "result":
            run.say("tool_result", {"id": event["evidence"], "tool": event["tool"], "status": event["status"], "total": event["total"],
                                    "summary": f"{event['tool']}: {event['status'].replace('_', ' ')}, {event['total']:,} records"})
        elif kind == "call":
            run.say("tool_call", {"id": event["evidence"], "tool": event["tool"], "arguments": event.get("arguments", {})})
        elif kind == "draft":
            run.say("token", {"text": event["text"], "draft": True})
        elif kind == "status":
            run.say("status", {"text": event["text"], "node": event.get("node", "")})

    return watch


def _told(run: Run, found: dict[str, Any]) -> dict[str, Any]:
    """Say the evidence and the words of an answer, before the answer itself."""
    for one in found["evidence"]:
        run.say("evidence", one)
    for piece in _pieces(found["answer"]):
        run.say("token", {"text": piece, "draft": False})
    return found


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces that put together are the text."""
    words = text.split(" ")
    for at in range(0, len(words), _PIECE):
        yield " ".join(words[at : at + _PIECE]) + (" " if at + _PIECE < len(words) else "")
