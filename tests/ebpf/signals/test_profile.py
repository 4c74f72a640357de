"""``cpu_profile`` on a program that is busy in one function."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ebpf.kind import Aim, Options
from ebpf.signals import flame
from tests.ebpf.signals.live import child, finish, watching

_BUSY = """
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
volatile unsigned long sum;
__attribute__((noinline)) void busy_inside(void) { for (int i = 0; i < 1000000; i++) sum += i; }
__attribute__((noinline)) void idle_beside(void) { sum++; }
__attribute__((noinline)) void outer(time_t end) { while (time(0) < end) { busy_inside(); idle_beside(); } }
int main(void) { char one; if (read(0, &one, 1) < 0) return 1; outer(time(0) + 2); return 0; }
"""
_OFTEN = Options(budget=0, more={"hertz": 499})


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler: nothing with frame pointers can be built")
    folder = tmp_path_factory.mktemp("busy")
    source = folder / "busy.c"
    source.write_text(_BUSY)
    subprocess.run([compiler, "-O0", "-fno-omit-frame-pointer", "-o", folder / "busybody", source], check=True)
    return folder / "busybody"


def test_a_busy_function_dominates_the_profile_below_its_callers(busy: Path) -> None:
    process = subprocess.Popen([busy], stdin=subprocess.PIPE)
    with watching("cpu_profile", Aim(pids=(process.pid,)), _OFTEN) as watch:
        process.communicate(b"x", timeout=60)
        told = watch.summary()

    assert told["samples"] > 50
    assert told["functions"][0]["name"] == "busy_inside"
    assert told["functions"][0]["own"] > 0.8 * told["samples"]
    assert told["folded"][0].startswith("busybody;")
    assert "main;outer;busy_inside " in told["folded"][0]
    assert told["processes"] == [{"pid": process.pid, "process": "busybody", "samples": told["samples"]}]
    assert told["counts"]["identity_holds"]
    picture = flame.svg(told["folded"], "busybody")
    assert "busy_inside" in picture
    assert any("busy_inside itself" in line for line in told["sentences"])


def test_the_kernel_s_functions_are_named_where_it_tells_them() -> None:
    code = "import os\nfor _ in range(400000): os.stat('/proc/self/status')"
    with child(code) as process, watching("cpu_profile", Aim(pids=(process.pid,)), _OFTEN) as watch:
        finish(process)
        told = watch.summary()
    with Path("/proc/kallsyms").open() as file:
        if int(file.readline().split()[0], 16) == 0:
            pytest.skip("this kernel hides the addresses of its functions")

    kernel = [name for line in told["folded"] for name in line.split(";") if "_[k]" in name]
    assert kernel
    assert not any(name.startswith("[kernel]") for name in kernel[:20])


def test_a_target_that_sleeps_has_no_samples() -> None:
    with child("import time; time.sleep(1)") as process, watching("cpu_profile", Aim(pids=(process.pid,)), Options(more={"hertz": 49})) as watch:
        watch.until(lambda seen: sum(seen.loaded.numbers("samples")) > 20)
        told = watch.summary()

    assert told["samples"] == 0
    assert told["idle"] + told["others"] > 20
    assert "it waits" in told["sentences"][0]


def test_names_of_code_made_at_run_time_are_read_from_its_perf_map() -> None:
    code = """
import ctypes, mmap, os, struct
room = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
room.write(bytes.fromhex("5548 89e5 48c7c100ca9a3b 48ffc9 75fb 5dc3".replace(" ", "")))  # push rbp; mov rbp,rsp; a loop; pop; ret
place = ctypes.addressof(ctypes.c_char.from_buffer(room))
with open(f"/tmp/perf-{os.getpid()}.map", "w") as file:
    file.write(f"{place:x} 20 py::made_at_run_time:/srv/app.py\\n")
for _ in range(3):
    ctypes.CFUNCTYPE(None)(place)()
"""
    if os.uname().machine != "x86_64":
        pytest.skip("the machine code of this test is for x86-64")
    with child(code) as process, watching("cpu_profile", Aim(pids=(process.pid,)), _OFTEN) as watch:
        finish(process)
        told = watch.summary()
        Path(f"/tmp/perf-{process.pid}.map").unlink(missing_ok=True)

    assert any(one["name"] == "py::made_at_run_time:/srv/app.py" and one["own"] > 0.5 * told["samples"] for one in told["functions"])
