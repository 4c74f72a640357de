"""A probe on the real kernel, for the time of a workload."""

from __future__ import annotations

import itertools
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ebpf import objects, wire
from ebpf.kind import Aim, Kind, Options
from ebpf.kinds import kind_of
from ebpf.libbpf import library
from ebpf.loaders import bccmodule
from ebpf.loaders.choice import loader_for
from ebpf.loaders.core import CoreLoaded
from ebpf.loaders.interface import Cgroup, Loaded, Loader
from ebpf.targets import mounted

BTF = Path("/sys/kernel/btf/vmlinux")


def why_not() -> str:
    """Why no probe can be tried here; empty when one can."""
    if os.geteuid() != 0:
        return "probes need root here"
    if not BTF.exists():
        return "this kernel does not tell its types (no /sys/kernel/btf/vmlinux)"
    return "" if objects.built() else "the probes' objects were not built: make bpf"


class Watch:
    """A probe at work; ``summary`` takes it off and reads it."""

    def __init__(self, kind: Kind, aim: Aim, options: Options, loader: Loader) -> None:
        places = kind.places(aim, options)
        self.samples: list[dict[str, Any]] = []
        self.loaded: Loaded = loader.load(kind.object, kind.constants(aim, options), only=frozenset(place.program for place in places))
        self.loaded.attach(places)
        self.reader = kind.reader(aim, options, wire.epoch())

    def poll(self) -> None:
        while self.loaded.poll(0, lambda data: self.samples.extend(map(dict, self.reader.event(data)))):
            pass

    def until(self, met: Callable[[Watch], bool], seconds: float = 30) -> None:
        """Go on until something was seen."""
        end = time.monotonic() + seconds
        while not met(self) and time.monotonic() < end:
            self.poll()
            time.sleep(0.02)

    def summary(self) -> dict[str, Any]:
        self.loaded.detach()
        self.poll()
        return dict(self.reader.summary(self.loaded))


@contextmanager
def watching(name: str, aim: Aim | None = None, options: Options | None = None, loader: str = "core") -> Iterator[Watch]:
    """Attach the probe ``name``; by default to this process, with every event handed out."""
    if loader == "bcc" and (why := bccmodule.why_not()):
        pytest.skip(f"bcc cannot be used here: {why}")
    watch = Watch(kind_of(name), aim or Aim(pids=(os.getpid(),)), options or Options(budget=0), loader_for(kind_of(name).object, loader))
    try:
        yield watch
    finally:
        watch.loaded.close()


@contextmanager
def child(code: str, *arguments: str, **more: Any) -> Iterator[subprocess.Popen[str]]:
    """A Python process that waits for a line before it runs ``code``, so that a probe can be there first."""
    program = "import sys\nsys.stdin.readline()\n" + code
    process = subprocess.Popen([sys.executable, "-c", program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **more)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def start(process: subprocess.Popen[str]) -> None:
    """Let a :func:`child` begin."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def finish(process: subprocess.Popen[str], seconds: float = 60) -> str:
    """Let a :func:`child` run to its end; what it wrote."""
    return process.communicate("\n", timeout=seconds)[0]


@contextmanager
def group() -> Iterator[Path]:
    """A control group (version 2) of our own; processes in it must have ended before it is left."""
    folder = mounted() / f"oncalm-test-{os.getpid()}-{next(_numbers)}"
    folder.mkdir()
    try:
        yield folder
    finally:
        end = time.monotonic() + 30
        while True:
            try:
                folder.rmdir()
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)


def join(folder: Path, pid: int) -> None:
    """Put a process into a control group."""
    (folder / "cgroup.procs").write_text(str(pid))


@contextmanager
def dropping(folder: Path, port: int, drops: int, *, syns: bool = False) -> Iterator[CoreLoaded]:
    """Drop the first segments that reach ``port`` in a control group."""
    compiler = shutil.which("clang")
    if compiler is None:
        pytest.skip("clang is not installed: nothing can drop packets here")
    source = Path(__file__).with_name("dropper.bpf.c")
    includes = [f"-I/usr/include/{platform.machine()}-linux-gnu"]
    made = subprocess.run([compiler, "-O2", "-g", "-target", "bpf", "-mcpu=v3", *includes, "-c", str(source), "-o", "/dev/stdout"], check=True, capture_output=True)
    loaded = CoreLoaded(library(), "dropper", made.stdout, {"drops": drops, "syns": int(syns), "port": port}, {}, None)
    loaded.attach([Cgroup("incoming", str(folder))])
    try:
        yield loaded
    finally:
        loaded.close()


_numbers = itertools.count()
