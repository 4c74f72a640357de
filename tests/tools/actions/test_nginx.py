"""A rate limit in a real nginx on loopback, with its own prefix, configuration and port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tools.actions.action import Preview, Target
from tools.actions.catalogue import Catalogue, Systems
from tools.actions.errors import RefusedError, WorldChangedError
from tools.actions.nginx_process import Instance

pytestmark = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed: apt-get install nginx")
EDGE = Target("RateLimit", "edge", system="nginx")
FEW = {"requests": 1, "per": "minute", "burst": 2}


class Edge:
    """A running nginx and the catalogue on it."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.instance = Instance("edge", folder / "conf" / "nginx.conf", folder / "conf" / "limits" / "oncalm.conf", prefix=folder)
        self.instance.include.parent.mkdir(parents=True)
        who = "user root;" if os.getuid() == 0 else ""  # the folders of pytest are closed to others
        self.instance.configuration.write_text(f"""
{who} daemon on; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  include {folder}/conf/limits/*.conf;
  server {{ listen 127.0.0.1:{self.port}; location / {{ root {folder}/www; }} }}
}}
""")
        (folder / "www").mkdir()
        (folder / "www" / "index.html").write_text("hello")
        self.actions = Catalogue(Systems(nginx=(self.instance,)))

    def nginx(self, *arguments: str) -> None:
        subprocess.run([shutil.which("nginx") or "nginx", "-c", str(self.instance.configuration), "-p", str(self.instance.prefix), *arguments], check=True, capture_output=True)

    def preview(self) -> Preview:
        return self.actions.preview("limit_nginx_rate", EDGE, FEW)

    def answers(self, count: int = 8) -> list[int]:
        found = []
        for _ in range(count):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/index.html", timeout=5) as reply:
                    found.append(reply.status)
            except urllib.error.HTTPError as error:
                found.append(error.code)
        return found


def soon(true: Callable[[], bool]) -> bool:
    """Whether it becomes true within some seconds: nginx loads its configuration behind our back."""
    until = time.monotonic() + 8
    while not true() and time.monotonic() < until:
        time.sleep(0.05)
    return true()


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    tmp_path.chmod(0o755)
    one = Edge(tmp_path)
    one.nginx()
    yield one
    one.nginx("-s", "stop")


def _files(edge: Edge) -> dict[str, bytes]:
    folder = edge.instance.configuration.parent
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_preview_tries_a_copy_and_writes_nothing(edge: Edge) -> None:
    before, preview = _files(edge), edge.preview()

    assert _files(edge) == before
    assert (preview.obstacles, preview.diff[0].before) == ((), None)
    assert "rate=1r/m" in str(preview.diff[0].after)


def test_the_limit_holds_and_is_taken_back_byte_for_byte(edge: Edge) -> None:
    before, preview = _files(edge), edge.preview()
    effect = edge.actions.perform(preview.action)

    assert soon(lambda: 429 in edge.answers())
    assert soon(lambda: edge.actions.settle(preview) == "applied")
    assert edge.actions.settle(preview, rollback=True) == "not_applied"
    assert effect.inverse is not None
    edge.actions.perform(effect.inverse)
    assert _files(edge) == before
    assert soon(lambda: set(edge.answers()) == {200})
    assert soon(lambda: edge.actions.settle(preview, rollback=True) == "applied")


def test_an_earlier_limit_comes_back_byte_for_byte(edge: Edge) -> None:
    edge.actions.perform(edge.preview().action)
    before = _files(edge)
    effect = edge.actions.perform(edge.actions.preview("limit_nginx_rate", EDGE, {"requests": 9}).action)

    assert _files(edge) != before
    assert effect.inverse is not None
    edge.actions.perform(effect.inverse)
    assert _files(edge) == before


def test_a_file_that_changed_meanwhile_is_left_alone(edge: Edge) -> None:
    preview = edge.preview()
    edge.instance.include.write_text("# Managed by OnCalm, action another\n")
    before = _files(edge)

    with pytest.raises(WorldChangedError):
        edge.actions.perform(preview.action)
    assert _files(edge) == before
    assert edge.actions.settle(preview) == "unclear"


def test_what_nginx_refuses_is_put_back(edge: Edge) -> None:
    preview = edge.preview()
    (edge.instance.include.parent / "theirs.conf").write_text("limit_req_zone $server_name zone=oncalm:1m rate=5r/s;\n")
    before = _files(edge)

    assert edge.preview().obstacles[0].kind == "rejected"
    with pytest.raises(RefusedError, match="nginx was not changed"):
        edge.actions.perform(preview.action)
    assert _files(edge) == before
    assert edge.actions.settle(preview) == "not_applied"


def test_a_broken_configuration_is_told_before_and_not_touched(edge: Edge) -> None:
    preview = edge.preview()
    whole = edge.instance.configuration.read_text()
    edge.instance.configuration.write_text(whole + "nonsense;")

    assert "nonsense" in edge.preview().obstacles[0].why
    with pytest.raises(RefusedError, match="nonsense"):
        edge.actions.perform(preview.action)
    edge.instance.configuration.write_text(whole)


def test_a_file_that_nothing_includes_is_an_obstacle(edge: Edge, tmp_path: Path) -> None:
    other = Catalogue(Systems(nginx=(replace(edge.instance, include=tmp_path / "conf" / "elsewhere.conf"),)))

    assert [one.kind for one in other.preview("limit_nginx_rate", EDGE, FEW).obstacles] == ["not_included"]


def test_a_file_of_somebody_else_is_not_overwritten(edge: Edge) -> None:
    edge.instance.include.write_text("# by hand\n")

    assert "foreign" in [one.kind for one in edge.preview().obstacles if one.blocking]


def test_an_nginx_that_does_not_run_is_an_obstacle(tmp_path: Path) -> None:
    assert [one.kind for one in Edge(tmp_path).preview().obstacles] == ["not_running"]


def test_an_nginx_nobody_configured_is_an_obstacle() -> None:
    assert [one.kind for one in Catalogue(Systems()).preview("limit_nginx_rate", EDGE, FEW).obstacles] == ["no_nginx"]
