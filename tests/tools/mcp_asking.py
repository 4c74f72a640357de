"""Configurations of the small servers, and asking them once."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tools.mcp_client import McpServer, mcp_registry
from tools.registry import ToolResult

SERVERS = Path(__file__).parent / "mcp_servers.py"


def stdio(kind: str = "good", *args: str, allow: tuple[str, ...] = ("weather",), **more: Any) -> McpServer:
    return McpServer(name="small", command=sys.executable, args=(str(SERVERS), kind, *args), allow=allow, **more)


def lines(result: ToolResult) -> list[str]:
    assert result.found, result.error
    return [str(row[0]) for row in result.found.result.rows or []]


def unanswered(result: ToolResult) -> str:
    """Why a call gave nothing: neither "found" nor "nothing found"."""
    assert result.status in {"failed", "not_assessed"}
    assert result.found is None
    return result.error or str(getattr(result, "reason", ""))


def ask(server: McpServer, tool: str, arguments: dict[str, Any] | None = None) -> ToolResult:
    with mcp_registry([server]) as registry:
        return registry.call(f"mcp.small.{tool}", arguments or {})


def serve(form: str) -> tuple[str, subprocess.Popen[bytes]]:
    """Start a server that speaks HTTP; its address, and the process to end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(SERVERS), "web", form, str(port)])
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return f"http://127.0.0.1:{port}/mcp", process
        time.sleep(0.1)
    raise AssertionError("the server did not start")
