"""The command as a process, and what its home holds afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from telemetry.errors import StoreError
from telemetry.store.guard import reading
from telemetry.store.reader import Reader

Done = subprocess.CompletedProcess[str]


def oncalm(home: Path, *args: str | Path, **more: Any) -> Done:
    """Run one command to its end; no run may ever show a traceback."""
    done = subprocess.run(_words(home, args), capture_output=True, text=True, check=False, timeout=120, **more)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def document(done: Done) -> Any:
    """The one JSON document on stdout."""
    return json.loads(done.stdout)


def begin(home: Path, *args: str | Path) -> subprocess.Popen[str]:
    """Start a command that goes on."""
    return subprocess.Popen(_words(home, args), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(process: subprocess.Popen[str], how: signal.Signals = signal.SIGTERM) -> Done:
    """End a command that goes on and wait for it."""
    process.send_signal(how)
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err, err
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def _words(home: Path, args: Sequence[str | Path]) -> list[str]:
    return [sys.executable, "-m", "api.cli", "--home", str(home), *map(str, args)]


def lines_of(home: Path) -> list[str]:
    """Every stored record, by source and place; none before there is a store."""
    with suppress(StoreError), reading(home), closing(Reader(home)) as reader:
        scan = reader._scan(reader.segments)
        return [text for (text,) in reader.rows(f"SELECT line FROM {scan} ORDER BY source, line_no")]
    return []


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something that must happen; the bound only keeps a broken test from waiting forever."""
    last = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < last, "it never happened"
        time.sleep(0.05)


def log(count: int, start: int = 0) -> str:
    """Lines of a service, one a second."""
    return "".join(
        f"2026-01-01 {i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02},000 INFO [main] app.Web: request {i} done\n"
        for i in range(start, start + count))


def root() -> bool:
    return os.geteuid() == 0
