"""The MCP server over HTTP: who may reach it, and who is refused."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult

from api.mcp.server import address
from api.wiring.product import Product
from telemetry.errors import UsageError
from tests.api.mcp_driving import COUNT, command, driven

TOKEN = "correct-horse-battery"
HOST = "127.0.0.1"
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


@pytest.fixture
def web(sshd: Product, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Starts the command with ``--http`` and gives its address."""
    running: list[subprocess.Popen[str]] = []

    def start(token: str | None = None, host: str = f"{HOST}:0") -> str:
        extra = []
        if token:
            (tmp_path / "token").write_text(token + "\n")
            extra = ["--token-file", str(tmp_path / "token")]
        process = subprocess.Popen(command(sshd.home, "--http", host, *extra), stderr=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stderr
        return process.stderr.readline().rsplit(" ", 1)[-1].strip()

    yield start
    for process in running:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def post(url: str, body: Any = None, **headers: str) -> int:
    content = json.dumps(CALL if body is None else body)
    return httpx2.post(url, content=content, headers={**HEADERS, **headers}, timeout=30).status_code


def test_the_command_answers_over_http(web: Callable[..., str]) -> None:
    async def work(client: Client) -> tuple[int, CallToolResult]:
        return len((await client.list_tools()).tools), await client.call_tool("logs_query", COUNT)

    listed, result = driven(web(), work)

    assert listed >= 2
    assert result.structured_content["total"] == 7


def test_with_a_token_only_those_who_send_it_are_answered(web: Callable[..., str]) -> None:
    url = web(TOKEN)

    statuses = [post(url), post(url, authorization=f"Bearer {TOKEN}x"), post(url, authorization=f"Basic {TOKEN}"),
                post(url, authorization="Bearer"), post(url, authorization=f"Bearer {TOKEN}")]

    assert statuses == [401, 401, 401, 401, 200]


def test_the_real_client_sends_the_token(web: Callable[..., str]) -> None:
    url = web(TOKEN)

    async def run() -> CallToolResult:
        headers = {"authorization": f"Bearer {TOKEN}"}
        async with (
            asyncio.timeout(60), httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(url, http_client=http), cache=None) as client,
        ):
            return await client.call_tool("logs_query", COUNT)

    assert asyncio.run(run()).structured_content["total"] == 7


@pytest.mark.parametrize(("headers", "status"), [
    ({}, 200), ({"host": "localhost:9999"}, 200), ({"host": "evil.example"}, 421), ({"host": "127.0.0.1.evil.example:80"}, 421),
    ({"host": "localhost@evil.example"}, 421), ({"origin": "http://evil.example"}, 403), ({"origin": "null"}, 403),
    ({"origin": "http://localhost:3000"}, 200), ({"origin": "http://localhost.evil.example"}, 403),
])
def test_a_page_that_rebinds_its_name_is_refused(web: Callable[..., str], headers: dict[str, str], status: int) -> None:
    assert post(web(), **headers) == status


def test_a_page_is_refused_on_all_addresses_too_even_with_the_token(web: Callable[..., str]) -> None:
    url = web(TOKEN, "0.0.0.0:0").replace("0.0.0.0", HOST)
    right = {"authorization": f"Bearer {TOKEN}"}

    assert post(url, **right, host="oncalm.internal") == 200
    assert post(url, **right, origin="http://evil.example") == 403
    assert post(url, host="oncalm.internal") == 401


def test_a_body_that_is_too_large_or_no_json_is_refused_and_the_server_goes_on(web: Callable[..., str]) -> None:
    url = web()

    assert post(url, {**CALL, "params": {"x": "y" * 2_000_000}}) == 413
    assert httpx2.post(url, content="{", headers=HEADERS).status_code == 400
    assert post(url) == 200


@pytest.mark.parametrize("host", ["0.0.0.0:0", "[::]:0", "192.0.2.1:80", "example.org:80"])
def test_without_a_token_it_listens_on_this_machine_only(sshd: Product, host: str) -> None:
    done = subprocess.run(command(sshd.home, "--http", host), capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert "--token-file" in done.stderr


@pytest.mark.parametrize(("args", "named"), [
    (("--http", "nonsense"), "nonsense"), (("--http", "127.0.0.1:99999"), "99999"), (("--token-file", "x"), "--http"),
    (("--http", "127.0.0.1:0", "--token-file", "/nowhere"), "/nowhere"),
])
def test_a_command_line_that_makes_no_sense_is_a_usage_error(sshd: Product, args: tuple[str, ...], named: str) -> None:
    done = subprocess.run(command(sshd.home, *args), capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert named in done.stderr


def test_a_short_token_is_refused(sshd: Product, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("1234")
    done = subprocess.run(command(sshd.home, "--http", "127.0.0.1:0", "--token-file", str(tmp_path / "token")),
                          capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 2
    assert "at least 16" in done.stderr


@pytest.mark.parametrize(("text", "read"), [
    ("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:80", ("::1", 80)), (":80", ("127.0.0.1", 80)), ("80", ("127.0.0.1", 80)), ("host:0", ("host", 0)),
])
def test_addresses_are_read(text: str, read: tuple[str, int]) -> None:
    assert address(text) == read


@pytest.mark.parametrize("text", ["", "host", "host:", "a b:1", "::1:80", "host:80:90", "host:-1", "host:70000"])
def test_what_is_no_address_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        address(text)
