"""Alerts in: ``POST /v1/alerts/{alertmanager|grafana|pagerduty|generic}``. Nothing is acknowledged that is not on disk."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from agent.incidents.alert import SOURCES, Source
from agent.incidents.errors import (
    AlertBodyError,
    Flaw,
    ForgedAlertError,
    IntakeFullError,
    LateAlertError,
    ReplayedAlertError,
    SenderError,
)
from agent.incidents.intake import Intake
from agent.incidents.parsing import Parsed, parse
from agent.incidents.parsing.fields import decoded
from agent.incidents.senders import Proof, prove
from agent.incidents.senders import Request as Sent
from agent.incidents.service import Delivery, Incidents
from api.door.needs import Needs, open_to_all
from api.routes.alert_schemas import BODIES
from api.routes.problem_answers import problems

_log = logging.getLogger(__name__)
BODY = 4 << 20
"""Bytes of a body."""
IN_FLIGHT, OF_ONE = 64 << 20, 16 << 20
"""Bytes of bodies that are being received or read, of all and of one address; beyond, 503. Who sends is only proved by the whole body."""
SECONDS = 20.0
"""For a body to come in."""
_SHOWN = frozenset({"key", "token"})
"""How the door may know somebody that no browser and no place on this machine brings about by itself."""
_WHY = {ForgedAlertError: "forged", LateAlertError: "late", ReplayedAlertError: "replayed"}


class Refused(BaseModel):
    """An alert of the body that was not taken."""

    field: str
    reason: str


class Accepted(BaseModel):
    """What became of a body. It is on disk."""

    status: str = "success"
    message: str = "Event processed"
    dedup_key: str | None = None
    new: int
    changed: int
    duplicate: int
    unmatched: int
    incidents: list[str]
    refused: list[Refused] = []


class Receiver:
    """Takes alerts into incidents. ``counts`` tells, by sender, what was taken and refused."""

    def __init__(self, incidents: Incidents, intake: Intake) -> None:
        self._incidents, self._intake = incidents, intake
        self._in_flight = 0
        self._of: Counter[str] = Counter()
        self.counts: Counter[tuple[Source, str]] = Counter()
        """Of ``accepted`` alerts, and of requests that were ``forged``, ``late``, ``replayed``, ``malformed`` or ``full``."""

    async def receive(self, source: Source, request: Request) -> Accepted:
        """Answer one request. Raises AlertBodyError, SenderError, IntakeFullError, StoreError; StrangerError and RoleError of the door."""
        body, address = bytearray(), str(getattr(request.state, "address", ""))
        try:
            known = self._known(source, request)
            await self._receive(request, body, address)
            proof, parsed = await asyncio.to_thread(self._read, source, dict(request.headers), bytes(body), known=known)
            kept = self._intake.put(Delivery(parsed.alerts, once=proof.once, event=f"{source}:{parsed.event}" if parsed.event else ""))
            told = await asyncio.shield(asyncio.wrap_future(kept))
        except (AlertBodyError, SenderError, IntakeFullError) as error:
            self._refused(source, error)
            raise
        finally:
            self._in_flight -= len(body)
            self._of[address] -= len(body)
            if self._of[address] <= 0:
                del self._of[address]
        self.counts[source, "accepted"] += len(parsed.alerts)
        return Accepted(new=told.new, changed=told.changed, duplicate=told.duplicate, unmatched=told.unmatched, incidents=told.incidents,
                        dedup_key=parsed.dedup_key or None, refused=[Refused(field=one.field, reason=one.reason) for one in parsed.flaws[:100]])

    def _known(self, source: Source, request: Request) -> bool:
        """Whether the door's word is proof enough: no secret is configured, or an API key or a token was shown with this very request.

        Raises StrangerError and RoleError.
        """
        shown = getattr(getattr(request.state, "identity", None), "by", "") in _SHOWN
        if shown or not self._incidents.settings.sender(source).guarded:
            Needs("responder").of(request)
            return True
        return False

    def _read(self, source: Source, headers: dict[str, str], body: bytes, *, known: bool) -> tuple[Proof, Parsed]:
        """Prove who sent it, then read it. Only where the body itself names its sender is it read before."""
        settings, now = self._incidents.settings, self._incidents.clock()
        sender = settings.sender(source)
        value = decoded(body) if sender.routing_keys and not known else None
        key = value.get("routing_key") if isinstance(value, dict) else None
        sent = Sent(headers, body, key if isinstance(key, str) else "")
        proof = prove(source, sender, sent, now, settings.replay) if not known else Proof("a person")
        return proof, parse(source, decoded(body) if value is None else value, now, settings.mapping)

    async def _receive(self, request: Request, body: bytearray, address: str) -> None:
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != "application/json" and not media.endswith("+json"):
            # Pages of other origins can post anything else without being asked (https://fetch.spec.whatwg.org/#cors-safelisted-request-header).
            raise AlertBodyError("alerts are JSON", [Flaw("Content-Type", "must be application/json")], status=415)
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > BODY:
            raise _too_large()
        self._check_room(address)
        try:
            async with asyncio.timeout(SECONDS):
                async for part in request.stream():
                    if len(body) + len(part) > BODY:
                        raise _too_large()
                    self._check_room(address, len(part))
                    body += part
                    self._in_flight += len(part)
                    self._of[address] += len(part)
        except TimeoutError as error:
            raise AlertBodyError("the body did not come in time", [Flaw("body", f"must come within {SECONDS:.0f} s")], status=408) from error

    def _check_room(self, address: str, more: int = 1) -> None:
        if self._in_flight + more > IN_FLIGHT or self._of[address] + more > OF_ONE:
            raise IntakeFullError("too much is being received", where="alerts", remedy="send it again in some seconds")

    def _refused(self, source: Source, error: Exception) -> None:
        why = next((word for kind, word in _WHY.items() if isinstance(error, kind)), "full" if isinstance(error, IntakeFullError) else "malformed")
        self.counts[source, why] += 1
        count = self.counts[source, why]
        if count & (count - 1) == 0:  # of a flood each doubling is told
            _log.warning("alerts of %s: %s (%d so far): %s", source, why, count, error)


def _too_large() -> AlertBodyError:
    return AlertBodyError(f"the body is larger than {BODY >> 20} MiB", [Flaw("body", "is too large")], status=413, remedy="send fewer alerts at once")


def router(receiver: Receiver) -> APIRouter:
    """The four routes, for whichever application mounts them."""
    routes = APIRouter(prefix="/v1/alerts", tags=["alerts"])
    for source in SOURCES:
        routes.add_api_route(
            f"/{source}", _endpoint(receiver, source), methods=["POST"], name=f"alerts_{source}", status_code=202, response_model=Accepted,
            summary=f"Take alerts of {source.capitalize() if source != 'generic' else 'any sender'}",
            responses=problems(_ANSWERS),
            openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": BODIES[source]}}}})
    return routes


_ANSWERS = {
    400: "The body is no JSON.", 401: "Nothing proves who sent it, or it was signed long ago, or sent before.", 403: "The role does not reach.",
    408: "The body did not come in time.", 413: "The body is too large.", 415: "The body is not sent as JSON.",
    422: "Fields are missing or wrong; each is named.", 503: "It cannot be stored now; send it again.",
}


def _endpoint(receiver: Receiver, source: Source) -> Callable[[Request], Awaitable[Any]]:
    async def post(request: Request) -> Accepted:
        return await receiver.receive(source, request)

    marked: Callable[[Request], Awaitable[Any]] = open_to_all(
        "the sender's signature, token or password is checked by the route; where none is configured, the role responder is")(post)
    return marked
