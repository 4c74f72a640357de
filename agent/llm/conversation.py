"""What a model is sent: the static part first, then the question, then turns and results as they came.

A result is written once per run, inside markers of its own, and stays as it is, so that what was sent before is
a prefix of what is sent next and a provider can cache it. Only when a request would not fit are the oldest
results cut down to their heads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any, Protocol

from pydantic import ValidationError

from agent.analyst import Given, Progress, ToolCall, Triage, Turn
from agent.boundary import Boundary
from agent.evidence import Conclusion
from agent.llm.model import Message, Request, Schema
from agent.llm.profile import Profile
from agent.offline.moments import FAR
from agent.placeholders import HidingError, Placeholders
from prompts.loader import Prompt, load
from telemetry.models import Catalog
from tools.output import render, tokens
from tools.registry import ToolResult

_ROW = 8
"""Fields without known values on one line."""
EARLIER = {"question": 300, "answer": 1200}
"""Characters of the turn before that a model is told."""
HEAD = 300
"""Tokens to which an old result is cut down."""


class Offered(Protocol):
    """The tools as a model is told of them."""

    def openai(self) -> list[dict[str, Any]]: ...

    def digest(self) -> str: ...

    def wire(self, name: str) -> str: ...


@dataclass(slots=True)
class Conversation:
    """The requests of one run."""

    catalog: Catalog
    tools: Offered
    profile: Profile
    boundary: Boundary
    placeholders: Placeholders
    _written: dict[tuple[str, int], str] = field(default_factory=dict)
    _opening: str = ""

    def request(
        self, given: Given, triage: Triage, progress: Progress, *, with_tools: bool, ending: str = ""
    ) -> Request:
        """The next request; ``ending`` is what the model is told last."""
        system, question = load(self.profile.prompt), load("question")
        head: list[Message] = [
            {"role": "system", "content": system.text},
            {"role": "user", "content": self._opened(question, given, triage)},
        ]
        tools = tuple(self.tools.openai()) if with_tools else ()
        room = self.profile.room - _size(head) - _weighed(json.dumps(tools)) - tokens(ending)
        turns = self._turns(progress, room)
        tail: list[Message] = [{"role": "user", "content": ending}] if ending else []
        return Request(
            messages=(*head, *turns, *tail), tools=tools, schema=Schema("conclusion", Conclusion.json_schema()),
            max_output_tokens=self.profile.answer,
            digests={one.name: one.digest for one in (system, question, load("check_word"), load("schema_in_words"))} | {"tools": self.tools.digest()},
        )

    def memory(self) -> dict[str, Any]:
        """What :meth:`recall` needs: the marks that were used, and nothing of what they hide."""
        return {"boundary": self.boundary.snapshot(), "placeholders": self.placeholders.snapshot()}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Go on with the marks of a run begun in another process, so that none means two things."""
        self.boundary = Boundary(snapshot=memory["boundary"])
        self.placeholders = Placeholders(snapshot=memory["placeholders"])

    def size(self, request: Request) -> int:
        """Tokens of a request, estimated."""
        return _size(list(request.messages)) + _weighed(json.dumps(request.tools))

    def _opened(self, question: Prompt, given: Given, triage: Triage) -> str:
        """The question and what is known before any tool ran; the same in every request of a run."""
        if not self._opening:
            window = given.window.model_dump(mode="json") if given.window else "as the question says"
            self._opening = question.render(
                question=self.placeholders.hide(given.question), now=now_text(given, self.catalog),
                window=json.dumps(window), reading=self._data(reading_text(triage), "reading"),
                catalog=self._data(catalog_text(self.catalog, self.profile.catalog), "catalog"), earlier=self._before(given),
            )
            self._opening = f"{self.boundary.preamble()}\n\n{self._opening}"
        return self._opening

    def _before(self, given: Given) -> str:
        """What was asked and answered before, hidden and then cut; no evidence, since nothing of it can be cited."""
        if not given.earlier:
            return "none: this is the first question"
        said = {key: self.placeholders.hide(given.earlier.get(key, "")) for key in ("question", "answer")}
        cut = {key: text if len(text) <= EARLIER[key] else f"{text[: EARLIER[key]]} …" for key, text in said.items()}
        return self._data(f"asked: {cut['question']}\nanswered: {cut['answer']}", "earlier")

    def _turns(self, progress: Progress, room: int) -> list[Message]:
        """The turns so far, the newest results whole, as many of the older ones as there is room for."""
        heads: set[str] = set()
        names = list(progress.results)
        while True:
            messages = [m for turn in progress.turns for m in self._turn(turn, progress.results, heads)]
            if _size(messages) <= room or len(heads) >= len(names):
                return messages
            heads.add(names[len(heads)])

    def _turn(self, turn: Turn, results: Mapping[str, ToolResult], heads: set[str]) -> list[Message]:
        said: list[Message] = []
        if turn.calls:
            said.append({"role": "assistant", "content": turn.text or None, "tool_calls": [
                {"id": name, "type": "function",
                 "function": {"name": self._wire(call.tool), "arguments": json.dumps(call.arguments)}}
                for name, call in turn.calls.items()
            ]})
            said += [self._result(name, results.get(name), call, short=name in heads) for name, call in turn.calls.items()]
        elif turn.text:
            said.append({"role": "assistant", "content": turn.text})
        if turn.nudge:
            said.append({"role": "user", "content": turn.nudge})
        return said

    def _result(self, name: str, result: ToolResult | None, call: ToolCall, *, short: bool) -> Message:
        """A result inside markers; a call whose result is missing is answered too."""
        budget = HEAD if short else self.profile.result
        if (name, budget) not in self._written:
            text = f"{name} {call.tool}: not assessed, the run was stopped"
            if result is not None:  # secrets are told by the names of fields, so they go before the text is made and cut
                text = render(self.hidden(result), name, budget).text
            self._written[name, budget] = self._data(text, f"{name} {call.tool}")
        return {"role": "tool", "tool_call_id": name, "content": self._written[name, budget]}

    def hidden(self, result: ToolResult) -> ToolResult:
        """The result without its secrets, as the model is shown it. Raises HidingError when it is no result any more: nothing is sent then."""
        try:
            return ToolResult.model_validate(self.placeholders.hide_json(result.model_dump(mode="json")))
        except ValidationError as error:
            raise HidingError(f"a result of {result.tool} cannot be shown without its secrets", where="hiding secrets",
                              remedy="ask with --analyst offline") from error

    def _wire(self, name: str) -> str:
        """A tool's name as the API takes it, also of one that there is not."""
        try:
            return self.tools.wire(name)
        except KeyError:
            return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or "unknown"

    def _data(self, text: str, label: str) -> str:
        return self.boundary.wrap(self.placeholders.hide(text), label)


def reading_text(triage: Triage) -> str:
    """How the offline analyst read the question."""
    if triage.opening is not None:
        return "\n".join([f"{triage.opening.tool} {json.dumps(triage.opening.arguments)}", *triage.statements])
    if triage.refusal is not None or triage.query is None:
        return f"not readable without a model: {triage.refusal}"
    from agent.offline.phrasing import interpretation

    notes = [triage.target, *triage.statements, *(f"also possible: {a}" for a in triage.ambiguities)]
    return "\n".join([f"{interpretation(triage.query)} (confidence {triage.confidence:.2f})", *(n for n in notes if n)])


def now_text(given: Given, catalog: Catalog) -> str:
    """The time a model is told: to the minute, so that equal questions are equal requests; in old data the newest record's,
    which is what relative times count from."""
    old = catalog.last is not None and not timedelta() <= given.now - catalog.last <= FAR
    if old and catalog.last is not None:
        return f"{catalog.last:%Y-%m-%d %H:%M} UTC (of the newest record: relative times count from there)"
    return f"{given.now:%Y-%m-%d %H:%M} UTC"


def catalog_text(catalog: Catalog, budget: int) -> str:
    """What the store holds, the most telling first, in at most ``budget`` tokens."""
    lines = [f"{catalog.records:,} records, {catalog.undated:,} without a time; {len(catalog.templates):,} templates",
             f"from {catalog.first} to {catalog.last} (UTC)"]
    known = [info for info in catalog.fields if info.values]
    for info in known:
        values = ", ".join(f"{value} ({count:,})" for value, count in info.values[:6])
        lines.append(f"{info.ref} [{info.type}], {info.distinct:,} different: {values}")
    others = [f"{info.ref} [{info.type}]" for info in catalog.fields if not info.values]
    lines += [f"also: {', '.join(others[at:at + _ROW])}" for at in range(0, len(others), _ROW)]
    kept: list[str] = []
    for line in lines:
        short = line if len(line) <= 240 else f"{line[:240]}…"
        if tokens("\n".join([*kept, short])) > budget:
            kept.append(f"… {len(lines) - len(kept)} more; the tool logs.fields lists them")
            break
        kept.append(short)
    return "\n".join(kept)


def _size(messages: list[Message]) -> int:
    return sum(_weighed(json.dumps(message, ensure_ascii=False)) for message in messages)


@lru_cache(maxsize=512)
def _weighed(text: str) -> int:
    """Tokens of a text that every request of a run holds."""
    return tokens(text)
