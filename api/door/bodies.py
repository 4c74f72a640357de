"""Bodies within bounds: bytes, counted as they come whatever Content-Length says, and seconds until all of it is there."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from api.door.hosts import Headers, Message, Receive, Send, values
from api.door.refusing import Refused, refuse, swallow


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Bytes of a body; seconds for all of it, and between two pieces; seconds that a reader may take for one piece of an answer."""

    size: int = 16 << 20
    seconds: float = 60.0
    pause: float = 15.0
    reading: float = 60.0


class Body:
    """One request's body. What is too large or too slow is refused, whatever the application makes of it."""

    def __init__(self, receive: Receive, send: Send, headers: Headers, limits: BodyLimits) -> None:
        """Raises Refused for what already its headers say."""
        self._receive, self._send, self._limits = receive, send, limits
        self._until = time.monotonic() + limits.seconds
        self._got = 0
        self._whole = self._started = False
        self._waiting: list[Message] = []
        self._no: Refused | None = None
        self._check(headers)
        self._announced = bool(values(headers, b"transfer-encoding")) or any(int(one[:20]) for one in values(headers, b"content-length"))

    def _check(self, headers: Headers) -> None:
        lengths = values(headers, b"content-length")
        if len(lengths) > 1 or (lengths and not (lengths[0].isascii() and lengths[0].isdigit())):
            raise Refused(400, "its Content-Length is none")
        if lengths and values(headers, b"transfer-encoding"):
            raise Refused(400, "it has both Content-Length and Transfer-Encoding", remedy="send one of them (RFC 9112, 6.1)")
        if lengths and int(lengths[0][:20]) > self._limits.size:
            raise self._large()

    async def receive(self) -> Message:
        """The application's ``receive``."""
        if self._no is not None:
            return {"type": "http.disconnect"}
        if self._waiting:
            return self._waiting.pop(0)
        if self._whole:
            return await self._receive()  # nothing more comes but the end of the connection, which may be long
        return await self._next()

    async def send(self, message: Message) -> None:
        """The application's ``send``: what was refused is answered by us. An answer given before the body was there is not lost by what still comes."""
        if self._no is not None and not self._started:
            return
        self._started = True
        last = message["type"] == "http.response.body" and not message.get("more_body", False)
        try:
            async with asyncio.timeout(self._limits.reading):
                if last and self._announced and not self._whole:
                    await self._send({**message, "more_body": True})
                    await swallow(self._receive)
                    message = {"type": "http.response.body", "body": b""}
                await self._send(message)
        except TimeoutError as error:
            raise ConnectionAbortedError("the answer is not being read") from error

    async def finish(self) -> None:
        """After the application: say why a body was refused, if it was."""
        if self._no is not None and not self._started:
            self._started = True
            await refuse(self._send, self._no, None if self._whole else self._receive)

    async def peek(self, most: int) -> bytes | None:
        """The whole body, which the application still gets, too; None when it is larger than ``most``. Raises Refused."""
        found = b""
        while not self._whole:
            message = await self._next()
            self._waiting.append(message)
            found += message.get("body", b"")
            if len(found) > most or message["type"] != "http.request":
                break
        if self._no is not None:
            raise self._no
        return found if len(found) <= most else None

    @property
    def whole(self) -> bool:
        """Whether all of it came."""
        return self._whole

    @property
    def refused(self) -> bool:
        """Whether it was."""
        return self._no is not None

    async def _next(self) -> Message:
        try:
            async with asyncio.timeout(min(self._limits.pause, max(0.0, self._until - time.monotonic()))):
                message = await self._receive()
        except TimeoutError:
            self._no = Refused(408, "the body did not come in time", remedy=f"send it within {self._limits.seconds:g} s")
            return {"type": "http.disconnect"}
        if message["type"] != "http.request":
            self._whole = True
            return message
        self._got += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._got > self._limits.size:
            self._no = self._large()
            return {"type": "http.disconnect"}
        return message

    def _large(self) -> Refused:
        return Refused(413, f"the body is larger than {self._limits.size:,} bytes", remedy="send less at once")
