"""The exact response cache: a request that was answered before gets the same reply, and nothing is sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from agent.cache.counters import Counters
from agent.cache.disk import PlainCache
from agent.llm.model import Call, Reply, Request, Usage

KEPT_SECONDS = 30 * 86_400.0
"""A reply rests on nothing but its request; but endpoints put other models behind a name."""
_VERSION = 1
Neutral = Callable[[Any], Any]
"""Takes the random marks of a run out of plain data (:meth:`agent.boundary.Boundary.neutral`)."""


class ReplyCache:
    """Replies by everything they rest on: endpoint, model, parameters, tools, prompts and messages with their windows.

    Placeholders of secrets stay as they are: equal requests number them alike, and each run restores its own.
    """

    def __init__(self, cache: PlainCache, scope: str, counters: Counters | None = None) -> None:
        """``scope`` names what may share replies: tenant, endpoint, model."""
        self._cache = cache
        self._scope = scope
        self._counters = counters or Counters()

    def find(self, key: str) -> Reply | None:
        """The reply that was kept under the :meth:`key` of a request."""
        found = self._read(self._cache.get(key))
        self._counters.looked_up("replies", hit=found is not None)
        return found

    def holds(self, key: str) -> bool:
        """Whether :meth:`find` would give a reply; not counted."""
        return self._read(self._cache.get(key)) is not None

    def keep(self, key: str, reply: Reply, neutral: Neutral) -> None:
        """Keep a reply that was of use; one that holds a refusal or calls that cannot be made is not."""
        if reply.stored or reply.refusal or any(call.problem for call in reply.calls):
            return
        value = {"text": reply.text, "calls": [asdict(call) for call in reply.calls], "finish": reply.finish,
                 "usage": asdict(reply.usage), "model": reply.model}
        self._cache.put(key, neutral(value), seconds=KEPT_SECONDS)

    def key(self, request: Request, neutral: Neutral) -> str:
        """Digest of all that a reply to the request rests on."""
        parts = [_VERSION, self._scope, neutral(list(request.messages)), request.tools,
                 asdict(request.schema) if request.schema else None, request.max_output_tokens, request.temperature,
                 request.digests]
        text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return f"reply:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"

    def _read(self, value: Any) -> Reply | None:
        """A kept value as a reply; None for what is none."""
        try:
            return Reply(text=str(value["text"]), calls=tuple(Call(**call) for call in value["calls"]),
                         finish=str(value["finish"]), usage=Usage(**value["usage"]), model=str(value["model"]), stored=True)
        except (TypeError, KeyError):
            return None
