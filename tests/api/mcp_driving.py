"""The command as an MCP server, driven with the real client."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult

T = TypeVar("T")
COUNT = {"operation": "count"}


def command(home: Path, *args: str) -> list[str]:
    return [sys.executable, "-m", "api.cli", "--home", str(home), "mcp", *args]


def driven(server: Any, work: Callable[[Client], Awaitable[T]]) -> T:
    """Run ``work`` with the real client, within bounds."""
    async def run() -> T:
        async with asyncio.timeout(60), Client(server, cache=None) as client:
            return await work(client)

    return asyncio.run(run())


def over_stdio(home: Path) -> StdioServerParameters:
    return StdioServerParameters(command=sys.executable, args=command(home)[1:], cwd=str(Path.cwd()))


def said(result: CallToolResult) -> str:
    return "".join(block.text for block in result.content if block.type == "text")
