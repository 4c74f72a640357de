"""The registry: every tool by name, with typed input, risk class, and a result that says how it was got."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from telemetry.errors import OnCalmError
from telemetry.models import Found, Window

Risk = Literal["read", "probe", "write"]
Status = Literal["found", "nothing_found", "failed", "not_assessed"]
Input = TypeVar("Input", bound=BaseModel)


class ToolResult(BaseModel):
    """What a tool call gave. ``nothing_found`` is an answer; ``failed`` and ``not_assessed`` are not."""

    tool: str
    status: Status
    query: dict[str, Any]
    window: Window
    total: int = 0
    found: Found | None = None
    error: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Tool(Generic[Input]):
    """A callable with a name a model can use and a schema it must fill."""

    name: str
    purpose: str
    risk: Risk
    input: type[Input]
    call: Callable[[Input], Found]

    def schema(self) -> dict[str, Any]:
        """JSON schema of the input."""
        return self.input.model_json_schema()


class Registry:
    """Holds tools; unknown names and bad input become failed results, never exceptions."""

    def __init__(self, tools: list[Tool[Any]]) -> None:
        self._tools = {tool.name: tool for tool in tools}

    def names(self) -> list[str]:
        return sorted(self._tools)

    def tool(self, name: str) -> Tool[Any] | None:
        return self._tools.get(name)

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Run one tool. Errors of the project are told in full; anything else is a defect and surfaces."""
        tool = self._tools.get(name)
        if tool is None:
            return _failed(name, arguments, f"there is no tool {name!r}; known: {', '.join(self.names())}")
        try:
            given = tool.input.model_validate(arguments)
        except ValidationError as error:
            return _failed(name, arguments, f"bad input: {error}")
        started = time.monotonic()
        try:
            found = tool.call(given)
        except OnCalmError as error:
            return _failed(name, arguments, str(error))
        # A count of zero is a result, but it rests on no record: the status says so.
        status: Status = "found" if found.total else "nothing_found"
        return ToolResult(
            tool=name, status=status, query=arguments, window=found.window, total=found.total, found=found,
            seconds=time.monotonic() - started,
        )


def _failed(name: str, arguments: dict[str, Any], error: str) -> ToolResult:
    return ToolResult(tool=name, status="failed", query=arguments, window=Window(), error=error)
