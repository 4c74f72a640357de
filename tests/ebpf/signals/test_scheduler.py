"""``run_queue`` and ``off_cpu`` on known workloads."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from ebpf.kind import Aim, Options
from tests.ebpf.signals.live import child, finish, start, watching

_SPIN = """
import os, time
os.sched_setaffinity(0, {int(sys.argv[1])})
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    pass
"""
EVERY = Options(budget=0, more={"least_ms": 0})


def test_two_processes_on_one_cpu_wait_for_each_other_and_both_are_named() -> None:
    cpu = str(min(os.sched_getaffinity(0)))
    with child(_SPIN, cpu, "1.5") as process, child(_SPIN, cpu, "1.5") as hog, watching("run_queue", Aim(pids=(process.pid,)), EVERY) as watch:
        start(hog)
        finish(process)
        finish(hog)
        told = watch.summary()

    assert {one["pid"] for one in told["waiters"]} == {process.pid}
    assert sum(one["total_ms"] for one in told["waiters"]) > 300  # it had half of 1.5 s at most
    assert {process.pid, hog.pid} <= {one["pid"] for one in told["users"]}
    assert told["waits"]["count"] == told["counts"]["seen"] == len(watch.samples)
    assert all(one["pid"] == process.pid and one["ns"] >= 0 for one in watch.samples)
    assert told["counts"]["identity_holds"], told["counts"]
    assert any("CPUs were busy" in line for line in told["sentences"])


def test_waits_below_the_bound_are_counted_and_not_shown() -> None:
    options = Options(budget=0, more={"least_ms": 60_000})
    with child("import time\nfor _ in range(200): time.sleep(0.001)") as process, watching("run_queue", Aim(pids=(process.pid,)), options) as watch:
        finish(process)
        told = watch.summary()

    assert watch.samples == []
    assert told["waits"]["count"] >= 100  # a sleep that is over before the thread is off the CPU is no wait
    assert told["counts"]["suppressed"] == told["counts"]["seen"]
    assert told["counts"]["identity_holds"], told["counts"]


def blocked(code: str, *arguments: str) -> tuple[dict, list[dict]]:  # type: ignore[type-arg]
    with child(code, *arguments) as process, watching("off_cpu", Aim(pids=(process.pid,)), EVERY) as watch:
        finish(process)
        told = watch.summary()
    assert told["counts"]["identity_holds"], told["counts"]
    return told, watch.samples


def test_sleeping_on_purpose_is_told_as_that_with_its_time() -> None:
    told, samples = blocked("import time\nfor _ in range(10): time.sleep(0.1)")

    rows = [one for one in told["causes"] if one["call"] in {"clock_nanosleep", "nanosleep"}]
    assert 8 <= sum(one["count"] for one in rows) <= 10  # on a busy machine a time may be over before the thread sleeps
    assert sum(one["total_ms"] for one in rows) >= 500
    assert {one["waits_for"] for one in rows} == {"nothing: it sleeps on purpose"}
    assert sum(one["call"] in {"clock_nanosleep", "nanosleep"} for one in samples) == sum(one["count"] for one in rows)


def test_waiting_for_a_lock_is_told_apart_from_sleeping() -> None:
    told, _ = blocked("""
import threading, time
lock = threading.Lock()
def wait():
    with lock:
        pass
with lock:
    threads = [threading.Thread(target=wait) for _ in range(3)]
    [one.start() for one in threads]
    time.sleep(0.5)
[one.join() for one in threads]
""")

    locked = [one for one in told["causes"] if one["call"] == "futex" and one["max_ms"] >= 300]
    assert sum(one["count"] for one in locked) >= 3
    assert {one["waits_for"] for one in locked} == {"a lock or a condition of its own process"}
    assert "a lock or a condition" in told["sentences"][0]


def test_waiting_for_a_pipe_is_found_on_the_kernel_s_stack() -> None:
    told, _ = blocked("""
import os, threading, time
reader, writer = os.pipe()
def late():
    time.sleep(0.4)
    os.write(writer, b"x")
threading.Thread(target=late).start()
os.read(reader, 1)
""")

    row = next(one for one in told["causes"] if one["call"] == "read" and one["max_ms"] >= 300)
    named = any(name.endswith("pipe_read_[k]") for name in row["stack"])
    assert row["waits_for"] == ("data from a pipe" if named else "data")
    assert any(line.endswith(f" {round(row['total_ms'] * 1e3)}") for line in told["folded"])


def test_a_wait_that_does_not_end_is_told_as_still_going_on() -> None:
    with child("import time; time.sleep(60)") as process, watching("off_cpu", Aim(pids=(process.pid,)), EVERY) as watch:
        start(process)
        watch.until(lambda seen: len(seen.loaded.entries("started")) == 1 and _asleep(process.pid))
        told = watch.summary()

    row = next(one for one in told["causes"] if one["still"])
    assert (row["call"], row["still"], row["waits_for"]) == ("clock_nanosleep", 1, "nothing: it sleeps on purpose")
    assert told["counts"]["in_flight"] == 1
    assert told["counts"]["identity_holds"], told["counts"]


def _asleep(pid: int) -> bool:
    return Path(f"/proc/{pid}/syscall").read_text().split()[0] in {"230", "115"}  # clock_nanosleep on x86-64, on arm64


def test_a_preempted_thread_waits_for_a_cpu() -> None:
    cpu = str(min(os.sched_getaffinity(0)))
    hog = subprocess.Popen([sys.executable, "-c", "import os\nos.sched_setaffinity(0, {" + cpu + "})\nwhile True: pass"])
    try:
        told, _ = blocked(_SPIN, cpu, "1")
    finally:
        hog.kill()
        hog.wait()

    row = next(one for one in told["causes"] if one["reason"] == "preempted")
    assert row["waits_for"].startswith("a CPU")
    assert told["by_reason"]["preempted"]["count"] >= 1


def test_threads_that_stood_still_all_the_time_are_told_though_nothing_happened_to_them() -> None:
    code = """
import threading, time
lock = threading.Lock()
lock.acquire()
for _ in range(3):
    threading.Thread(target=lock.acquire, daemon=True).start()
time.sleep(0.2)
print("ready", flush=True)
time.sleep(60)
"""
    with child(code) as process:
        start(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with watching("off_cpu", Aim(pids=(process.pid,)), EVERY) as watch:
            time.sleep(0.3)
            told = watch.summary()

    standing = {one["call"]: one for one in told["standing"]}
    assert (standing["futex"]["threads"], standing["futex"]["pid"]) == (3, process.pid)
    assert "3 threads named python" in told["sentences"][0]
    assert "a lock or a condition of its own process (futex)" in told["sentences"][0]
    assert "did not run at all" in told["sentences"][-1]
    assert told["counts"]["seen"] == 0
