"""As whom people act on a cluster: what an API server receives, over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent.approvals.people import Person
from api.door.impersonation import impersonated
from telemetry.errors import UsageError
from telemetry.sources.kubernetes.configuration import Access, Impersonation
from tools.actions.connection import WriteServer, gathering

SETTINGS: Any = {"roles": {"viewer": {"user": "oncalm-viewer", "groups": ["viewers", "people"]}, "approver": {"user": "oncalm:{name}"}},
                 "people": {"Ann": {"user": "ann@x.example", "groups": ["sre"]}}}


@pytest.fixture
def server() -> Iterator[tuple[str, list[list[tuple[str, str]]]]]:
    seen: list[list[tuple[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append([(name, value) for name, value in self.headers.items() if name.lower().startswith("impersonate")])
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_PATCH = do_GET  # noqa: N815 - as the base class wants it

        def log_message(self, *_: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}", seen
    running.shutdown()
    running.server_close()


def kubeconfig(folder: Path, url: str) -> str:
    path = folder / "kubeconfig"
    path.write_text(json.dumps({"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                                "clusters": [{"name": "c", "cluster": {"server": url}}], "users": [{"name": "u", "user": {"token": "t0ken"}}]}))
    return str(path)


def test_reads_and_writes_are_the_persons(tmp_path: Path, server: tuple[str, list[list[tuple[str, str]]]]) -> None:
    url, seen = server
    as_viewer = WriteServer(Access(kubeconfig(tmp_path, url), impersonation=impersonated(SETTINGS, Person("vic"))))
    as_viewer.ask(gathering(), "/api")
    as_viewer.send("PATCH", "/apis/apps/v1/x", [], dry=True)
    as_viewer.close()
    as_ourselves = WriteServer(Access(kubeconfig(tmp_path, url)))
    as_ourselves.ask(gathering(), "/api")
    as_ourselves.close()

    expected = [("Impersonate-User", "oncalm-viewer"), ("Impersonate-Group", "viewers"), ("Impersonate-Group", "people")]
    assert seen == [expected, expected, []]


def test_names_come_before_roles() -> None:
    assert impersonated(SETTINGS, Person("ann", "approver")) == Impersonation("ann@x.example", ("sre",))
    assert impersonated(SETTINGS, Person("bob", "approver")) == Impersonation("oncalm:bob")


def test_who_is_not_named_is_nobody() -> None:
    with pytest.raises(UsageError, match="stands for root"):
        impersonated(SETTINGS, Person("root", "admin"))


@pytest.mark.parametrize("bad", [("",), ("a\r\nX: y",), ("ü",), ("a", ("system:masters",)), ("a", ("b\n",)), ("system:admin",)])
def test_what_would_be_another_header_or_everything_is_refused(bad: Any) -> None:
    with pytest.raises(UsageError):
        Impersonation(*bad)


@pytest.mark.parametrize("settings", [{"role": {}}, {"roles": {"viewer": {"groups": ["a"]}}}, {"roles": {"viewer": {"user": "a", "groups": "b"}}}])
def test_settings_that_mean_nothing_are_refused(settings: Any) -> None:
    with pytest.raises(UsageError):
        impersonated(settings, Person("vic"))
