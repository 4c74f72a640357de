"""Whether a model's endpoint answers is told as it is, and never with a secret."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from agent.llm.endpoint import Endpoint
from agent.llm.reaching import reach
from agent.scripted.server import ScriptedServer

KEY = "sk-5ec7e7"


@contextmanager
def answering(status: int) -> Iterator[str]:
    """A server that answers everything with a status."""
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://user:{KEY}@127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()


def test_an_endpoint_with_models_answers() -> None:
    with ScriptedServer([]) as server:
        assert reach(Endpoint("scripted", server.url, KEY)) == (True, f"model scripted at {server.url} answers")


@pytest.mark.parametrize(("status", "ok", "word"), [(404, True, "answers"), (401, False, "refuses the key"), (503, False, "not able"), (429, False, "not able")])
def test_what_an_endpoint_says_is_told(status: int, ok: bool, word: str) -> None:
    with answering(status) as url:
        found, seen = reach(Endpoint("m", url, KEY))

    assert (found, word in seen, KEY in seen) == (ok, True, False)


def test_nobody_there_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    found, seen = reach(Endpoint("m", url, KEY))

    assert (found, "does not answer" in seen) == (False, True)
    assert reach(Endpoint("m", "ftp://x", KEY)) == (False, "the base URL cannot be used")


def test_an_endpoint_that_hangs_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found, seen = reach(Endpoint("m", f"http://127.0.0.1:{silent.getsockname()[1]}/v1", KEY), seconds=0.3)

    assert (found, "does not answer" in seen) == (False, True)
