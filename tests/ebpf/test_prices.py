"""Prices that are told before: what each way of attaching costs, times how often it runs. Counts are compared, never times."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ebpf import calibrating, rates
from ebpf.attachments import WAYS, calibrated_ns, key_of, per_run, runs_of, way_of
from ebpf.calibrate import calibrate
from ebpf.catalog import CATALOG
from ebpf.governor import Governor
from ebpf.kind import Aim, Options
from ebpf.kinds import kind_of
from ebpf.loaders.core import CoreLoader
from ebpf.loaders.interface import Loaded
from ebpf.price import IDLE, predicted
from ebpf.rates import observed
from ebpf.spec import spec_from
from ebpf.targets import group_of, mounted

FIGURES = {key_of(way): 100.0 * 3**number for number, way in enumerate(WAYS)} | {"ns_per_event": 0.0}
CALLS = 8
"""The slot of ``counters`` for runs of programs."""


def spec(name: str) -> dict[str, object]:
    return {"name": name, "target": {"port": 80, "pid": os.getpid()} if CATALOG[name].needs_port else {"pid": os.getpid()}}


@pytest.mark.parametrize("name", CATALOG)
def test_what_is_told_before_is_what_the_cap_counts(name: str) -> None:
    things = 10_000.0
    price = predicted(spec_from(spec(name)), things, FIGURES, CATALOG[name].rate)
    governor = Governor(1.0, per_run(name, calibrated_ns(name, FIGURES)))
    governor.begin(0, 0)

    assert price.kernel == pytest.approx(governor.look(1, 0, round(things * runs_of(name))))
    assert price.share == pytest.approx((price.kernel or 0) + IDLE)


def test_each_way_has_its_own_price_and_a_trap_is_paid_before_its_program() -> None:
    found = {way_of(name): calibrated_ns(name, FIGURES) for name in CATALOG}

    assert found == {**{way: FIGURES[key_of(way)] for way in WAYS}, "uprobes": FIGURES[key_of("uprobes")] + FIGURES[key_of("packets")]}


@pytest.mark.parametrize("name", CATALOG)
def test_a_way_that_was_not_calibrated_is_assumed_dear_whatever_else_was(name: str) -> None:
    known = {key: value for key, value in FIGURES.items() if key != key_of(way_of(name))}
    price = predicted(spec_from(spec(name)), 1.0, known, CATALOG[name].rate)

    assert (price.share, price.assumed) == (None, per_run(name, None))
    assert f"{price.assumed:,.0f} ns assumed" in price.words()


def test_of_a_lower_bound_the_words_say_at_least() -> None:
    told = {name: predicted(spec_from(spec(name)), 1.0, FIGURES, CATALOG[name].rate).words() for name in ("syscall_errors", "run_queue")}

    assert told["syscall_errors"].startswith("at least")
    assert told["run_queue"].startswith("about")


def test_reads_and_writes_of_every_process_are_counted(tmp_path: Path) -> None:
    def read(_: float) -> None:
        with (tmp_path / "file").open("wb", buffering=0) as file:
            for _ in range(5000):
                file.write(b"x")

    rate = observed("system_calls", Aim(), wait=read)
    before = rates._system_calls(Aim())
    read(0)
    after = rates._system_calls(Aim())

    assert rate
    assert after[str(os.getpid())] - before[str(os.getpid())] >= 5000


def test_a_calibration_tells_of_each_way(kernel: None) -> None:
    figures = calibrate(mounted(), group_of(0), rounds=2)

    assert {key_of(way) for way in WAYS} <= figures.keys()
    assert {f"spread.{way}" for way in WAYS} <= figures.keys()
    assert figures["ns_per_call"] == figures[key_of("packets")]


@contextmanager
def attached(name: str) -> Iterator[Loaded]:
    kind, aim, options = kind_of(name), Aim(pids=(os.getpid(),)), Options()
    places = kind.places(aim, options)
    loaded = CoreLoader().load(kind.object, kind.constants(aim, options), only=frozenset(place.program for place in places))
    try:
        loaded.attach(places)
        yield loaded
    finally:
        loaded.close()


@pytest.mark.parametrize("name", ["off_cpu", "run_queue"])
def test_switches_are_predicted_within_a_factor_of_two_of_what_runs(kernel: None, name: str) -> None:
    there, back = os.pipe(), os.pipe()
    answering = os.fork()
    if not answering:
        os.close(there[1])
        while os.read(there[0], 1):
            os.write(back[1], b"x")
        os._exit(0)
    count, aim = rates._COUNTERS[CATALOG[name].rate], Aim(pids=(os.getpid(),))
    with attached(name) as loaded:
        runs, things = loaded.numbers("counters")[CALLS], count(aim)
        for _ in range(20_000):
            os.write(there[1], b"x")
            os.read(back[0], 1)
        predicted_runs = rates._more(things, count(aim)) * runs_of(name)
        runs = loaded.numbers("counters")[CALLS] - runs
    for fd in (there[1], there[0], *back):
        os.close(fd)
    os.waitpid(answering, 0)

    assert runs > 20_000
    assert 0.5 < predicted_runs / runs < 2


@pytest.mark.parametrize("name", ["file_latency", "syscall_errors"])
def test_of_system_calls_each_runs_as_often_as_is_predicted(kernel: None, name: str) -> None:
    with attached(name) as loaded:
        before = loaded.numbers("counters")[CALLS]
        calibrating.system_calls()
        runs = loaded.numbers("counters")[CALLS] - before

    assert runs >= calibrating.CALLS * runs_of(name)  # other processes make calls, too


ALONE = """
import ctypes, fcntl, json, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
assert libc.unshare(0x40000000) == 0, os.strerror(ctypes.get_errno())  # a network of its own
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
    fcntl.ioctl(one, 0x8914, struct.pack("16sh", b"lo", 1))  # SIOCSIFFLAGS: up
from ebpf import calibrating, rates
from ebpf.kind import Aim, Options
from ebpf.kinds import kind_of
from ebpf.loaders.core import CoreLoader
with calibrating.connection() as (client, server, port):
    kind, aim, options = kind_of("http"), Aim(sys.argv[1], 0, (), port, "server"), Options()
    places = kind.places(aim, options)
    loaded = CoreLoader().load(kind.object, kind.constants(aim, options), only=frozenset(place.program for place in places))
    loaded.attach(places)
    before = rates._segments(Aim())
    calibrating.exchanges(client, server)
    print(json.dumps([rates._segments(Aim()) - before, loaded.numbers("counters")[8]]))
"""


def test_packets_are_predicted_within_a_factor_of_three_and_not_below_what_runs(kernel: None) -> None:
    folder = mounted() / group_of(0).lstrip("/")
    done = subprocess.run([sys.executable, "-c", ALONE, str(folder)], capture_output=True, text=True, check=False, timeout=60)
    if "Operation not permitted" in done.stderr:
        pytest.skip("no network namespace may be made here")
    segments, runs = json.loads(done.stdout)

    assert runs == 2 * calibrating.EXCHANGES
    assert runs <= segments <= 3 * runs
