"""The registry: every tool by name, with typed input and output, risk class, and a result that says how it was got."""

from __future__ import annotations

import difflib
import hashlib
import json
import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from telemetry.errors import OnCalmError, UsageError
from telemetry.models import Found, Window
from tools.deadline import LateToolError, within
from tools.result import NotAssessed, Outcome, Output, Status, ToolResult
from tools.schema import compact, renamed, unknown, without_nulls

Risk = Literal["read", "probe", "write"]
Freshness = Literal["closed_window", "live", "never"]
"""What a result may be reused for. ``closed_window``: results over a window that has ended do not change.
``live``: the state of this moment. ``never``: not to be kept for other reasons."""
Input = TypeVar("Input", bound=BaseModel)
SECONDS = 60.0
"""How long a tool may take unless it says otherwise."""
_PROBLEMS = 4
_LISTED = 30
_WIRE = 64
"""Characters of a tool's name that the Chat Completions API takes, of ``[a-zA-Z0-9_-]``."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tool(Generic[Input]):
    """A callable with a name a model can use and a schema it must fill.

    ``purpose`` says in a sentence or two when to use it and when not. ``call`` may run in several threads at once.
    """

    name: str
    purpose: str
    risk: Risk
    input: type[Input]
    call: Callable[[Input], Found | Output | Outcome]
    output: type[BaseModel] = Found
    timeout: float = SECONDS
    freshness: Freshness = "never"
    tags: tuple[str, ...] = ()
    foreign: Mapping[str, Any] | None = None
    """The JSON schema of another server's tool, shown instead of that of ``input``, which must allow what it allows."""

    def schema(self) -> dict[str, Any]:
        """JSON schema of the input."""
        return dict(self.foreign) if self.foreign is not None else self.input.model_json_schema()

    def output_schema(self) -> dict[str, Any]:
        """JSON schema of the output."""
        return self.output.model_json_schema()


class Registry:
    """Holds tools. Every call gives a result: unknown names, bad input, errors and lateness become failed ones."""

    def __init__(self, tools: Sequence[Tool[Any]]) -> None:
        """Raises UsageError when two tools have one name."""
        names = Counter(tool.name for tool in tools)
        for name, count in names.items():
            if count > 1:
                raise UsageError(f"there are {count} tools named {name!r}", where="tools", remedy="rename one of them")
        self._tools = {tool.name: tool for tool in tools}
        self._wire = _wire_names(names)
        self._named = {wire: name for name, wire in self._wire.items()}
        self._loose: dict[str, dict[str, Any]] = {}
        self._offered: dict[bool, list[dict[str, Any]]] = {}
        self._digest = ""

    def names(self) -> list[str]:
        return sorted(self._tools)

    def tool(self, name: str) -> Tool[Any] | None:
        """The tool of this name, also as models write it: ``logs_query`` is ``logs.query``."""
        return self._tools.get(name) or self._tools.get(self._named.get(name, ""))

    def wire(self, name: str) -> str:
        """The name as the Chat Completions API takes it. Raises KeyError for a tool that is not here."""
        return self._wire[name]

    def subset(self, *, risks: Iterable[Risk] = ("read", "probe", "write"), names: Iterable[str] | None = None) -> Registry:
        """The tools of these risk classes, and of these names when some are given."""
        classes = set(risks)
        wanted = set(self._tools if names is None else names)
        return Registry([tool for tool in self._tools.values() if tool.risk in classes and tool.name in wanted])

    def merged(self, other: Registry) -> Registry:
        """The tools of both. Raises UsageError when they share a name."""
        return Registry([*self._tools.values(), *other._tools.values()])

    def openai(self, *, strict: bool = True) -> list[dict[str, Any]]:
        """Chat Completions tool definitions, sorted by name: equal tools give equal bytes, which providers cache.

        Made once, since every request of a run holds them: they are to be read, not changed.
        """
        if strict not in self._offered:
            self._offered[strict] = [self._definition(self._tools[name], strict=strict) for name in self.names()]
        return list(self._offered[strict])

    def digest(self) -> str:
        """SHA-256 of all definitions: it changes when a name, a purpose or a schema does."""
        if not self._digest:
            text = json.dumps(self.openai(), sort_keys=True, separators=(",", ":"))
            self._digest = hashlib.sha256(text.encode()).hexdigest()
        return self._digest

    def _definition(self, tool: Tool[Any], *, strict: bool) -> dict[str, Any]:
        parameters, closed = compact(tool.schema(), strict=strict)
        function = {"name": self._wire[tool.name], "description": tool.purpose, "parameters": parameters}
        return {"type": "function", "function": {**function, "strict": True} if closed else function}

    def call(self, name: str, arguments: dict[str, Any], *, timeout: float | None = None) -> ToolResult:
        """Run one tool; threads may call at once. Never raises.

        ``timeout`` seconds bound the call when they are fewer than the tool's own. What is late is stopped if it
        listens to :data:`telemetry.interrupt.CURRENT`, and left alone if it does not.
        """
        tool = self.tool(name)
        if tool is None:
            return _failed(name, arguments, self._unknown(name))
        seconds = tool.timeout if timeout is None else min(timeout, tool.timeout)
        started = time.monotonic()
        try:
            given = self._read(tool, arguments)
            outcome = within(seconds, lambda: tool.call(given), name=tool.name)
            return _answered(tool, arguments, outcome, time.monotonic() - started)
        except _BadInputError as error:
            return _failed(tool.name, arguments, str(error))
        except NotAssessed as error:
            return _not_assessed(tool.name, arguments, error, time.monotonic() - started)
        except (OnCalmError, LateToolError) as error:
            return _failed(tool.name, arguments, str(error), time.monotonic() - started)
        except Exception as error:  # noqa: BLE001 - a defect of one tool must not end the run it serves
            _log.error("tool %s failed unexpectedly", tool.name, exc_info=error)
            said = " ".join(str(error).split())[:300]
            what = f"unexpected {type(error).__name__}" + (f": {said}" if said else "")
            return _failed(tool.name, arguments, what, time.monotonic() - started)

    def _read(self, tool: Tool[Any], arguments: Any) -> BaseModel:
        if not isinstance(arguments, dict):
            raise _BadInputError(f"bad input: arguments are an object, not {type(arguments).__name__}")
        loose = self._loose.get(tool.name)
        if loose is None:
            loose = self._loose[tool.name] = compact(tool.schema(), strict=False)[0]
        meant = without_nulls(arguments if tool.foreign is not None else renamed(arguments, loose), loose)
        strange = list(unknown(meant, loose)) if tool.foreign is None else []
        if strange:
            raise _BadInputError("bad input: " + "; ".join(_stranger(*one) for one in strange[:_PROBLEMS]))
        try:
            read: BaseModel = tool.input.model_validate(meant)
        except ValidationError as error:
            raise _BadInputError("bad input: " + "; ".join(_problems(error))) from error
        return read

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.names(), 3, 0.5)
        nearest = f"; nearest: {', '.join(near)}" if near else ""
        known = self.names()
        more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
        return f"there is no tool {name[:80]!r}{nearest}; known: {', '.join(known[:_LISTED])}{more}"


class _BadInputError(Exception):
    """The arguments are not what the tool takes."""


def _stranger(path: str, allowed: Sequence[str]) -> str:
    return f"{path[:80]}: there is no such field; allowed: {', '.join(allowed) or 'none'}"


def _problems(error: ValidationError) -> list[str]:
    """One short sentence per field: what is allowed there. The value itself is not repeated."""
    found: dict[str, str] = {}
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        # Which branch of a union was tried is no part of the field's name.
        path = ".".join(str(part) for part in item["loc"] if not (isinstance(part, str) and re.search(r"[\[(]|^(?:str|float|int)$", part)))
        found.setdefault(path or "arguments", item["msg"].removeprefix("Value error, ")[:300])
    told = [f"{path}: {message}" for path, message in found.items()]
    return [*told[:_PROBLEMS], *([f"and {len(told) - _PROBLEMS} more"] if len(told) > _PROBLEMS else [])]


def _answered(tool: Tool[Any], arguments: dict[str, Any], given: Any, seconds: float) -> ToolResult:
    outcome = given if isinstance(given, Outcome) else Outcome(given)
    output = outcome.output
    if not isinstance(output, Found | Output):
        raise TypeError(f"{tool.name} gave a {type(output).__name__}")
    found = output if isinstance(output, Found) else None
    # A count of zero is a result, but it rests on no record: the status says so.
    status: Status = "found" if output.total else "nothing_found"
    window = outcome.window or (found.window if found else Window())
    return ToolResult(
        tool=tool.name, status=status, query=dict(arguments if outcome.query is None else outcome.query), window=window,
        total=output.total, searched=output.searched, found=found, templates=list(outcome.templates),
        output=None if found else output.model_dump(mode="json"), notes=list(outcome.notes), reason=outcome.reason,
        seconds=seconds,
    )


def _failed(name: str, arguments: Any, error: str, seconds: float = 0.0) -> ToolResult:
    return ToolResult(tool=name, status="failed", query=_asked(arguments), window=Window(), error=error, seconds=seconds)


def _not_assessed(name: str, arguments: Any, error: NotAssessed, seconds: float) -> ToolResult:
    return ToolResult(tool=name, status="not_assessed", query=_asked(arguments), window=Window(), reason=str(error),
                      seconds=seconds)


def _asked(arguments: Any) -> dict[str, Any]:
    return arguments if isinstance(arguments, dict) else {}


def _wire_names(names: Iterable[str]) -> dict[str, str]:
    """Names without dots; those that would be alike, or too long, end in a piece of their hash."""
    plain = {name: re.sub(r"[^a-zA-Z0-9_-]", "_", name) for name in names}
    alike = Counter(plain.values())
    return {
        name: wire if alike[wire] == 1 and len(wire) <= _WIRE
        else f"{wire[:_WIRE - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        for name, wire in plain.items()
    }


__all__ = [
    "SECONDS", "Freshness", "NotAssessed", "Outcome", "Output", "Registry", "Risk", "Status", "Tool", "ToolResult",
]
