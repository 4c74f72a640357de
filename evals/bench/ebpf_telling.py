"""A worker of the probes as the benches of truth hear it, and what counts as right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from ebpf.kind import Aim, Options
from ebpf.order import Order
from ebpf.presence import inode

NEAR_SHARE, NEAR_NS = 0.05, 50_000
"""A latency is right within 5 % or 50 µs."""


class Telling:
    """A worker whose lines are read as they come: attached, with everything handed out."""

    def __init__(self, name: str, group: Path, port: int, planted: str = "") -> None:
        """``planted``: what no line may hold, not even eight letters of it. Raises ValueError when it cannot be attached."""
        aim = Aim(str(group), inode(str(group)) or 0, (), port, "server")
        self.process = process = subprocess.Popen([sys.executable, "-m", "ebpf.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(Order(name, aim, Options(0), 600, 1.9, os.getpid()).line())
        process.stdin.flush()
        first = json.loads(process.stdout.readline())
        if first["type"] != "attached":
            raise ValueError(f"the probe {name} was not attached: {first}")
        self.calls: list[dict[str, Any]] = []
        self.result: dict[str, Any] = {}
        self.leaks = 0
        """Lines that hold something planted."""
        self._parts = {form[at:at + 8].lower().encode() for form in (planted, planted.encode().hex()) for at in range(len(form) - 7)}
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told, lower = json.loads(line), line.lower()
            self.leaks += any(part in lower for part in self._parts)
            if told["type"] == "call":
                self.calls.append(told["call"])
            elif told["type"] == "result":
                self.result = told

    def finish(self) -> None:
        """Stop it, and have everything it told."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self._reading.join()
        self.process.wait()


def near(told: int, took: int) -> bool:
    """Whether a latency is right."""
    return abs(told - took) <= max(NEAR_SHARE * took, NEAR_NS)


def share(right: list[bool]) -> float:
    """Of what is right."""
    return round(sum(right) / len(right), 6) if right else 0.0
