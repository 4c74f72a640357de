"""What a node's daemon answers is shown to people, and signed: it cannot be another probe than the one that was asked for."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ebpf.client import Address
from tools.actions.action import Target
from tools.actions.probes import ACTION, Nodes, ProbeActions


@contextmanager
def answering(path: Path, change: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """A daemon that changes what it was asked for."""
    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rwb") as file:
            spec = json.loads(file.readline())["spec"]
            change(spec)
            file.write(json.dumps({"type": "preview", "node": "n", "spec": spec, "target": "process 7 (shop)", "price_words": "little", "lacking": []}).encode() + b"\n")

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)
        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def wider(spec: dict[str, Any]) -> None:
    spec["target"] = {"port": 80}


def longer(spec: dict[str, Any]) -> None:
    spec["seconds"] = 600


def other(spec: dict[str, Any]) -> None:
    spec["target"]["pid"] = 8


def pinned(spec: dict[str, Any]) -> None:
    spec["target"]["started"] = 12345


@pytest.mark.parametrize(("change", "obstacles"), [(wider, 1), (longer, 1), (other, 1), (pinned, 0)])
def test_only_a_process_may_be_told_more_exactly(tmp_path: Path, change: Callable[[dict[str, Any]], None], obstacles: int) -> None:
    actions = ProbeActions(Nodes((Address("n", str(tmp_path / "s")),), tmp_path / "key", tmp_path / "probes"))

    with answering(tmp_path / "s", change):
        preview = actions.preview(ACTION, Target("Node", "n", "", "probe"), {"probe": "http", "pid": 7, "port": 80})

    assert len(preview.obstacles) == obstacles
    if obstacles:
        assert "another probe than it was asked for" in preview.obstacles[0].why
