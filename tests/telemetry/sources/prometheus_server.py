"""A real Prometheus (Debian's package) on a free loopback port, with a data folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

_CONFIG = """\
global: {scrape_interval: 1s}
storage: {tsdb: {out_of_order_time_window: 3h}}
scrape_configs:
"""
_RULE = """\
groups:
- name: of tests
  interval: 1s
  rules: [{{alert: {name}, expr: '{expression}', labels: {{service: {service}}}}}]
"""
_JOB = "- {{job_name: exporter, static_configs: [{{targets: ['{target}'], labels: {{service: scraped}}}}]}}\n"


@contextmanager
def prometheus(folder: Path, target: str | None = None) -> Iterator[str]:
    """The address of a running server that scrapes ``target`` and takes remote writes; skips where there is none."""
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("no Prometheus is installed here (Debian's package `prometheus`)")
    (folder / "prometheus.yml").write_text(_CONFIG + (_JOB.format(target=target) if target else " []\n"))
    port = _free()
    command = [binary, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}",
               "--web.enable-remote-write-receiver", "--enable-feature=native-histograms,exemplar-storage", "--log.level=warn"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env={"PATH": os.environ["PATH"]})
    try:
        _ready(f"http://127.0.0.1:{port}", process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def alerting(folder: Path, expression: str, *, name: str = "CartDown", service: str = "cart") -> None:
    """Have the server that works in ``folder`` evaluate this rule from now on, and no other."""
    rules, config = folder / "rules.yml", folder / "prometheus.yml"
    rules.write_text(_RULE.format(name=name, expression=expression, service=service))
    if "rule_files" not in config.read_text():
        config.write_text(config.read_text() + f"rule_files: ['{rules}']\n")
    (pid,) = [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit() and _works_in(one, folder)]
    os.kill(pid, signal.SIGHUP)


def _works_in(process: Path, folder: Path) -> bool:
    try:
        return f"--config.file={folder}/prometheus.yml" in (process / "cmdline").read_text().split("\0")
    except OSError:
        return False


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            pytest.skip(f"Prometheus does not start here: {log.read_text()[-300:]}")
        try:
            if httpx.get(f"{url}/-/ready", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    pytest.fail(f"Prometheus was not ready in time: {log.read_text()[-300:]}")
