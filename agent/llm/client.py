"""One model call over the wire, on the OpenAI SDK: its deadline, its one retry, and what its failures mean."""

from __future__ import annotations

import asyncio
import os
import queue
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from agent.llm.asking import parameters
from agent.llm.background import Background
from agent.llm.endpoint import Endpoint
from agent.llm.errors import KeyRefusedError, ModelError
from agent.llm.failures import Failed, broken, late, not_worth_waiting, of_status, unreachable
from agent.llm.model import Emit, Reply, Request
from agent.llm.receiving import Receiver

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_GRACE = 0.25
_CONNECT_SECONDS = 10.0
_PAUSE = 0.5
"""Seconds before the retry when the endpoint names none."""
_LOOK = 0.2
"""Seconds between looks whether anybody still waits."""
_NO_KEY = "none"
"""The SDK wants a key; servers without one ignore it."""

_Told = str | Reply | ModelError


@dataclass(frozen=True, slots=True)
class _Asked:
    """One call under way. ``limit`` is in ``time.monotonic()`` seconds."""

    request: Request
    started: float
    limit: float
    headers: dict[str, str]
    tell: Callable[[_Told], None]
    streams: bool


class Client:
    """Implements :class:`agent.llm.model.Model` for an endpoint. Threads may share it.

    The calls run on an event loop in a thread of its own, where a deadline ends whatever is awaited: a connection, a
    pause, a stream that drips. A call therefore returns at most 0.25 s after the earlier of its deadline and the
    endpoint's ``call_seconds``, plus the time that one run of ``emit`` takes; ``emit`` runs in the caller's thread.

    This is the one place that retries: once, on 408, 409, 429, 5xx, a failed connection, or a reply cut before anything
    of it came. Features that the endpoint refuses (schemas, a parameter's name) are left out from then on and the request
    is asked again at once; that is neither the retry nor another call.

    ``outgoing`` gives headers for one call, trace context for example; it runs in the caller's thread. Once ``stopped``
    says that nobody waits any more, the call under way is ended within 0.2 s.
    """

    def __init__(
        self, endpoint: Endpoint, *, outgoing: Callable[[], Mapping[str, str]] | None = None,
        stopped: Callable[[], bool] | None = None,
    ) -> None:
        self.name = endpoint.model
        self._to = endpoint
        self._outgoing = outgoing
        self._stopped = stopped
        self._background = Background("oncalm-llm")
        # Both are touched only on the background thread.
        self._sdk: AsyncOpenAI | None = None
        self._lacks: set[str] = set()

    def complete(self, request: Request, *, deadline: float, emit: Emit | None = None) -> Reply:
        """Answer before ``deadline``. With ``emit`` the answer is streamed. Raises :class:`ModelError`."""
        started = time.monotonic()
        limit = min(deadline, started + self._to.call_seconds)
        if limit <= started:
            raise late(self._to, 0.0)
        told: queue.SimpleQueue[_Told] = queue.SimpleQueue()
        headers = dict(self._outgoing()) if self._outgoing else {}
        asked = _Asked(request, started, limit, headers, told.put, streams=emit is not None)
        work = self._submit(asked)
        try:
            outcome = self._await(told, asked, emit)
        finally:
            work.cancel()
        if isinstance(outcome, ModelError):
            raise outcome
        return replace(outcome, seconds=time.monotonic() - started)

    def close(self) -> None:
        """End the calls under way, with an error for those who wait, and the connections."""
        self._background.close(self._disconnect())

    def _submit(self, asked: _Asked) -> Future[None]:
        try:
            return self._background.submit(self._answer(asked))
        except RuntimeError:
            raise unreachable(self._to, "the client is closed") from None

    def _await(self, told: queue.SimpleQueue[_Told], asked: _Asked, emit: Emit | None) -> Reply | ModelError:
        """Pass text on until the outcome comes. The grace is for the loop, which knows best what went wrong."""
        while True:
            left = asked.limit + _GRACE - time.monotonic()
            wait = min(left, _LOOK) if self._stopped else left
            try:
                item = told.get(timeout=wait) if left > 0 else told.get_nowait()
            except queue.Empty:
                if self._stopped and self._stopped():
                    return unreachable(self._to, "nobody waits for the answer any more")
                if wait < left:
                    continue
                return late(self._to, asked.limit - asked.started)
            if not isinstance(item, str):
                return item
            if left <= 0:
                return late(self._to, asked.limit - asked.started)
            if emit:
                emit(item)

    async def _answer(self, asked: _Asked) -> None:
        """Tell the outcome, whatever it is. Errors are told rather than raised: what caused them may hold the key."""
        try:
            async with asyncio.timeout_at(asked.limit):
                asked.tell(await self._ask(asked))
        except TimeoutError:
            asked.tell(late(self._to, asked.limit - asked.started))
        except Failed as failed:
            asked.tell(failed.error)
        except asyncio.CancelledError:
            asked.tell(unreachable(self._to, "the call was ended from here"))
            raise
        except Exception as error:  # noqa: BLE001 (an endpoint can send anything: the run must go on without it)
            asked.tell(broken(self._to, f"the call came to nothing ({type(error).__name__})"))

    async def _ask(self, asked: _Asked) -> Reply:
        """Ask, and ask again where that can help. Raises :class:`Failed`."""
        retried = False
        while True:
            lacks = frozenset(self._lacks)
            given = parameters(asked.request, self._to, stream=asked.streams, lacks=lacks)
            try:
                return await self._attempt(asked, given)
            except Failed as failed:
                if failed.lacks and failed.lacks not in lacks:
                    self._lacks.add(failed.lacks)
                    continue
                if not failed.again or retried:
                    raise
                await self._pause(failed, asked)
                retried = True

    async def _pause(self, failed: Failed, asked: _Asked) -> None:
        seconds = _PAUSE if failed.pause is None else failed.pause
        if failed.pause is not None and (
            seconds > self._to.pause_cap or time.monotonic() + seconds >= asked.limit
        ):
            raise Failed(not_worth_waiting(failed, seconds))
        if time.monotonic() + seconds >= asked.limit:
            raise failed
        await asyncio.sleep(seconds)

    async def _attempt(self, asked: _Asked, given: dict[str, Any]) -> Reply:
        """Ask once. Raises :class:`Failed`."""
        import httpx2
        import openai

        sdk = self._connected()
        receiver = Receiver(
            self._to, given, show=asked.tell if asked.streams else None, tools=bool(asked.request.tools)
        )
        left = max(0.001, asked.limit - time.monotonic())
        # The loop ends the call; these are only so that a connection fails while there is time for another.
        timeout = httpx2.Timeout(left + 1.0, connect=_CONNECT_SECONDS)
        create = sdk.chat.completions.with_streaming_response.create
        try:
            # As extra body, since the SDK's walk over typed parameters takes 7 ms for sixty messages.
            async with create(
                model=self.name, messages=(), extra_body=given, timeout=timeout, extra_headers=asked.headers
            ) as response:
                await receiver.read(response.http_response)
        except openai.APIStatusError as error:
            raise of_status(
                error.status_code, error.response.headers, error.response.text, given, self._to
            ) from None
        except openai.APIConnectionError as error:
            raise Failed(unreachable(self._to, _why(error)), again=True) from None
        except httpx2.TransportError:
            if not receiver.draft.finish:
                again = not receiver.draft.useful
                raise Failed(broken(self._to, "the answer was cut off"), again=again) from None
        reply = receiver.draft.finished(asked.request, self._to.model)
        receiver.show_rest(reply.text)
        return reply

    def _connected(self) -> AsyncOpenAI:
        """The SDK's client, made at the first call: importing it takes most of a second."""
        if self._sdk is None:
            self._sdk = _sdk(self._to)
        return self._sdk

    async def _disconnect(self) -> None:
        if self._sdk is not None:
            await self._sdk.close()


def _sdk(to: Endpoint) -> AsyncOpenAI:
    from openai import AsyncAzureOpenAI, AsyncOpenAI

    if not to.key and to.is_openai:
        raise Failed(KeyRefusedError("there is no key", where=to.where, remedy="set OPENAI_API_KEY"))
    if not (to.key or _NO_KEY).isascii() or not (to.key or _NO_KEY).isprintable():
        what = "the key has characters that no header can carry"
        raise Failed(KeyRefusedError(what, where=to.where, remedy="copy the key again"))
    if not to.usable:
        raise Failed(unreachable(to, "the base URL is not one of http:// or https://"))
    try:
        if to.azure_api_version:
            return AsyncAzureOpenAI(
                azure_endpoint=to.url,
                azure_deployment=to.model,
                api_version=to.azure_api_version,
                api_key=to.key,
                default_headers=dict(to.headers),
                max_retries=0,
            )
        return AsyncOpenAI(
            base_url=to.url, api_key=to.key or _NO_KEY, default_headers=dict(to.headers), max_retries=0
        )
    except Exception:  # noqa: BLE001 (URL parsers raise several kinds, and their words may hold a password)
        raise Failed(unreachable(to, "the base URL cannot be used")) from None


def _why(error: Exception) -> str:
    """What kept a connection from coming about, in the operating system's words where there are any."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno:
            # Name resolution has numbers and words of its own; asyncio words the others by address.
            words = os.strerror(cause.errno) if cause.errno > 0 else cause.strerror
            return f"no connection ({words})"
        cause = cause.__cause__ or cause.__context__
    return f"no connection ({type(error.__cause__ or error).__name__})"
