"""Reads an answer with status 200: one JSON body, a stream of events, or something that is no model's reply."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING

from agent.llm.draft import Draft, showable
from agent.llm.endpoint import Endpoint
from agent.llm.failures import Failed, broken, not_a_model, of_error_body

if TYPE_CHECKING:
    import httpx2

_LONGEST = 32 * 2**20
"""Bytes of one answer: a bound on memory, far above what a model writes."""
_DRAIN_SECONDS = 0.1


class Receiver:
    """Reads one answer into ``draft``; ``show`` gets text as it comes. Raises :class:`Failed`."""

    def __init__(
        self, to: Endpoint, sent: Mapping[str, object], *, show: Callable[[str], None] | None, tools: bool
    ) -> None:
        self.draft = Draft()
        self.shown = ""
        self._events = 0
        self._to = to
        self._sent = sent
        self._show = show
        self._tools = tools

    async def read(self, response: httpx2.Response) -> Draft:
        """Read to the end."""
        kind = response.headers.get("content-type", "").lower()
        if "html" in kind:
            raise Failed(not_a_model(self._to, "the address answered with a web page (200)"))
        if "event-stream" in kind:
            await self._stream(response)
        else:
            await self._whole(response)
        self._checked()
        return self.draft

    def show_rest(self, text: str) -> None:
        """Show what of the final text was held back, unless it became something else."""
        if self._show and text.startswith(self.shown) and len(text) > len(self.shown):
            self._show(text[len(self.shown) :])

    async def _whole(self, response: httpx2.Response) -> None:
        text = b"".join([line async for line in self._lines(response, ends=True)]).decode("utf-8", "replace")
        if text.lstrip().startswith("<") or not text.strip():
            what = "a web page" if text.strip() else "nothing"
            raise Failed(not_a_model(self._to, f"the address answered with {what} (200)"))
        if text.lstrip().startswith("data:"):
            for line in text.splitlines():
                self._event(line.encode())
            return
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            raise Failed(broken(self._to, "the reply is no readable JSON")) from None
        self._add(body)
        self.draft.finish = self.draft.finish or "stop"

    async def _stream(self, response: httpx2.Response) -> None:
        lines = self._lines(response)
        async for line in lines:
            if self._event(line):
                self.draft.finish = self.draft.finish or "stop"
                # The rest is read so that the connection can be used again; nothing in it matters.
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(_DRAIN_SECONDS):
                        async for _ in lines:
                            pass
                return

    def _event(self, line: bytes) -> bool:
        """Take in one line of a stream; True at its end. Other fields and comments do not matter here."""
        if not line.startswith(b"data:"):
            return False
        data = line[5:].strip()
        if data.startswith(b"[DONE]"):
            return True
        if data:
            try:
                body = json.loads(data)
            except (ValueError, RecursionError):
                raise Failed(broken(self._to, "a piece of the stream is no readable JSON")) from None
            self._add(body)
        return False

    def _add(self, body: object) -> None:
        self._events += 1
        if not isinstance(body, dict):
            raise Failed(broken(self._to, "the reply is no JSON object"))
        if body.get("error") and not body.get("choices"):
            failed = of_error_body(body, self._sent, self._to)
            failed.again = failed.again and not self.draft.useful
            raise failed
        self.draft.add(body)
        safe = showable(self.draft.text, tools=self._tools)
        if self._show and len(safe) > len(self.shown):
            self._show(safe[len(self.shown) :])
            self.shown = safe

    async def _lines(self, response: httpx2.Response, *, ends: bool = False) -> AsyncIterator[bytes]:
        """The lines of the body, with their ends if asked for."""
        rest, size = b"", 0
        async for data in response.aiter_bytes():
            size += len(data)
            if size > _LONGEST:
                raise Failed(broken(self._to, f"the reply is longer than {_LONGEST // 2**20} MB"))
            if b"\n" not in data:
                rest += data
                continue
            *whole, rest = (rest + data).splitlines(keepends=True) if ends else (rest + data).split(b"\n")
            for line in whole:
                yield line
        if rest:
            yield rest

    def _checked(self) -> None:
        draft = self.draft
        if not self._events:
            raise Failed(broken(self._to, "the stream ended before it began"), again=True)
        if not draft.any_choice:
            raise Failed(broken(self._to, "the reply has no choices"))
        if not draft.any_message:
            raise Failed(broken(self._to, "the reply has no message"))
        if not draft.finish:
            raise Failed(broken(self._to, "the answer was cut off"), again=not draft.useful)
