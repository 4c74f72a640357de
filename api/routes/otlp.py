"""OTLP over HTTP: ``/v1/logs``, ``/v1/traces``, ``/v1/metrics``. Nothing is acknowledged that is not durable."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from telemetry.errors import OnCalmError
from telemetry.inbox.batches import Batch
from telemetry.inbox.inbox import Inbox, InboxFullError
from telemetry.otlp.answers import MEDIA, accepted, refused
from telemetry.otlp.bodies import Encoding, Signal, encoding_of, parse, too_large, unpacked
from telemetry.otlp.decoded import Decoded
from telemetry.otlp.errors import RequestError, UnsupportedError
from telemetry.otlp.logs import lines_of
from telemetry.otlp.points import points_of
from telemetry.otlp.spans import spans_of
from telemetry.store.frames import row_of

_EXHAUSTED, _INTERNAL, _UNAVAILABLE, _DEADLINE = 8, 13, 14, 4
"""Of ``google.rpc.Code``."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken at once."""

    body: int = 16 << 20
    """Bytes of a body as sent."""
    unpacked: int = 64 << 20
    at_once: int = 2
    """Requests that are decoded at the same time."""
    in_flight: int = 128 << 20
    """Bytes of bodies that are being received or decoded; beyond, 429."""
    seconds: float = 30.0
    """For a body to come in."""


class _Exporting:
    """Takes export requests into one inbox."""

    def __init__(self, inbox: Inbox, limits: Limits) -> None:
        self._inbox, self._limits = inbox, limits
        self._decoding = asyncio.Semaphore(limits.at_once)
        self._in_flight = 0

    async def export(self, signal: Signal, request: Request) -> Response:
        """Answer one request as the specification says: 200 also for what is partly refused, then with what and why."""
        encoding: Encoding = "json"
        try:
            encoding = encoding_of(request.headers.get("content-type"))
            if self._in_flight >= self._limits.in_flight:
                raise InboxFullError("too much is being received", where="receiver", again=1)
            return await self._taken(signal, encoding, request)
        except InboxFullError as error:
            status, code = (429, _EXHAUSTED) if error.again <= 1 else (503, _UNAVAILABLE)
            return _refusal(status, code, str(error), encoding, again=error.again)
        except RequestError as error:
            return _refusal(error.status, error.code, str(error), encoding, close=not isinstance(error, UnsupportedError))
        except TimeoutError:
            return _refusal(408, _DEADLINE, "the body did not come in time", encoding, close=True)
        except OnCalmError as error:
            return _refusal(503, _UNAVAILABLE, str(error), encoding, again=30)

    async def _taken(self, signal: Signal, encoding: Encoding, request: Request) -> Response:
        body = bytearray()
        try:
            await self._receive(request, body)
            async with self._decoding:
                work = partial(_decode, signal, encoding, bytes(body), request.headers.get("content-encoding"), self._limits.unpacked)
                batch, rejected, message = await asyncio.to_thread(work)
        finally:
            self._in_flight -= len(body)
        if batch:
            await asyncio.shield(asyncio.wrap_future(self._inbox.put(batch)))
        return Response(accepted(signal, encoding, rejected, message), media_type=MEDIA[encoding])

    async def _receive(self, request: Request, body: bytearray) -> None:
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > self._limits.body:
            raise too_large(self._limits.body)
        async with asyncio.timeout(self._limits.seconds):
            async for part in request.stream():
                if len(body) + len(part) > self._limits.body:
                    raise too_large(self._limits.body)
                body += part
                self._in_flight += len(part)


def _decode(signal: Signal, encoding: Encoding, body: bytes, content_encoding: str | None, limit: int) -> tuple[Batch, int, str]:
    """What a body holds, how much of it is refused, and why."""
    body = unpacked(body, content_encoding, limit)
    message = parse(signal, body, encoding)
    digest = hashlib.blake2b(body, digest_size=16, person=signal.encode()).hexdigest()
    found: Decoded[Any]
    if signal == "logs":
        found, timed = lines_of(message, time.time_ns() // 1000)
        # Records without a time of their own may be the same and yet not be the same ones.
        batch = Batch(digest if timed else "", lines=tuple(found.records))
    elif signal == "traces":
        found = spans_of(message)
        batch = Batch(digest, spans=tuple(list(row_of(one)) for one in found.records))
    else:
        found = points_of(message)
        batch = Batch(digest, points=tuple(list(row_of(one)) for one in found.records))
    return batch, found.rejected, found.message


def _refusal(status: int, code: int, message: str, encoding: Encoding, *, again: int | None = None, close: bool = False) -> Response:
    headers = {**({"Retry-After": str(again)} if again else {}), **({"Connection": "close"} if close else {})}
    return Response(refused(code, message, encoding), status_code=status, media_type=MEDIA[encoding], headers=headers)


def router(inbox: Inbox, limits: Limits | None = None) -> APIRouter:
    """The three routes over one inbox, for whichever application mounts them."""
    exporting = _Exporting(inbox, limits or Limits())
    routes = APIRouter()

    def route(signal: Signal) -> Callable[[Request], Any]:
        async def export(request: Request) -> Response:
            return await exporting.export(signal, request)

        return export

    signals: tuple[Signal, ...] = ("logs", "traces", "metrics")
    for signal in signals:
        routes.add_api_route(f"/v1/{signal}", route(signal), methods=["POST"], name=signal, include_in_schema=False)
    return routes
