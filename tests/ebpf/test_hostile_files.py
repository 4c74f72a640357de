"""Files and names that a target makes itself: whatever they are, looking into them ends, and in little memory."""

from __future__ import annotations

import os
import shutil
import ssl
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ebpf.attachments import LEAST_NS, WAYS, per_run
from ebpf.errors import TargetError
from ebpf.governor import Governor
from ebpf.kind import Aim, Options
from ebpf.kinds import kind_of
from ebpf.loaders.interface import Uprobes
from ebpf.price import predicted
from ebpf.signals.elf import functions_of
from ebpf.spec import spec_from
from ebpf.uprobes import function_offsets
from tests.ebpf.conftest import Spawn, spawn

__all__ = ["spawn"]  # a fixture
NAMES = frozenset({"SSL_read", "SSL_write", "getpid"})
LOOK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
from ebpf.errors import TargetError
from ebpf.kind import Aim, Options
from ebpf.kinds import kind_of
try:
    kind_of("https").places(Aim(pids=(int(sys.argv[1]),)), Options())
except TargetError as error:
    print("refused:", error.what)
"""
MAPS = """
import mmap, os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
held = mmap.mmap(fd, 0, prot=mmap.PROT_READ | mmap.PROT_EXEC, flags=mmap.MAP_PRIVATE)
print("ready", flush=True)
sys.stdin.read()
"""


def libssl() -> Path:
    """The library that this Python uses."""
    ssl.create_default_context()
    found = [line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libssl" in line]
    if not found:
        pytest.skip("this Python has its own OpenSSL within")
    return Path(found[0])


@pytest.mark.parametrize("instead", [
    lambda path: path.symlink_to("/dev/zero"), os.mkfifo, Path.mkdir, lambda path: path.symlink_to(path), lambda path: path.write_bytes(b"")])
def test_a_library_that_was_replaced_by_something_else_is_left_alone(tmp_path: Path, spawn: Spawn, instead: Callable[[Path], object]) -> None:
    library = tmp_path / "libssl.so.3"
    shutil.copy(libssl(), library)
    process = spawn(MAPS, str(library))
    library.unlink()
    instead(library)

    done = subprocess.run([sys.executable, "-c", LOOK, str(process.pid)], capture_output=True, text=True, timeout=120, check=True)

    assert "refused: none of its processes uses OpenSSL" in done.stdout


def test_what_is_attached_to_is_the_file_that_was_looked_into(tmp_path: Path, spawn: Spawn) -> None:
    library = tmp_path / "libssl.so.3"
    shutil.copy(libssl(), library)
    process = spawn(MAPS, str(library))
    before = library.stat().st_ino

    places = [one for one in kind_of("https").places(Aim(pids=(process.pid,)), Options()) if isinstance(one, Uprobes)]
    library.unlink()
    library.write_text("another")

    assert places
    assert {Path(one.path).stat().st_ino for one in places} == {before}


def hostile(sections: int, size: int, length: int = 1 << 20) -> bytes:
    """An ELF file whose symbol tables, so many, are all of it."""
    head = b"\x7fELF\x02\x01".ljust(16, b"\0") + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 64, 0, 64, 56, 0, 64, sections, 0)
    row = struct.pack("<IIQQQQII", 0, 2, 0, 0, 0, size, 0, 0).ljust(64, b"\0")
    return (head + row * sections).ljust(length, b"\x02")


def test_a_file_that_is_made_to_take_long_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "many").write_bytes(hostile(10_000, 1 << 20))
    (tmp_path / "far").write_bytes(hostile(1, 1 << 60))

    for name in ("many", "far"):
        with pytest.raises(TargetError, match="damaged"):
            function_offsets(tmp_path / name, NAMES)
        assert len(functions_of((tmp_path / name).read_bytes())) == 0


def test_a_file_without_an_end_of_its_names_is_read_in_little_memory(tmp_path: Path) -> None:
    functions_of(hostile(1, 1 << 20))
    (tmp_path / "one").write_bytes(hostile(1, (1 << 20) - 24))

    assert function_offsets(tmp_path / "one", NAMES) == {}


@pytest.mark.parametrize("figure", [None, 0.0, -1e9, float("nan")])
def test_a_cap_without_a_calibration_is_not_blind(figure: float | None) -> None:
    governor = Governor(0.05, per_run("http", figure))
    governor.begin(0, 0)

    governor.look(1, 0, 1_000_000)
    governor.look(2, 0, 2_000_000)

    assert per_run("http", figure) == WAYS["packets"].assumed
    assert governor.exceeded


def test_who_approves_is_told_that_nothing_was_calibrated_here() -> None:
    spec = spec_from({"name": "http", "target": {"port": 80}})

    assert "2,000 ns assumed for each run of a program: this node is not calibrated" in predicted(spec, 100.0, {}, "segments").words()


def test_a_calibration_of_noise_is_made_up_for() -> None:
    assert per_run("http", 1e-3) == LEAST_NS
    assert per_run("http", 400.0) == 400.0


def test_a_map_of_functions_without_end_is_read_in_little_memory(tmp_path: Path) -> None:
    from ebpf.signals.symbols import _read

    with (tmp_path / "perf-1.map").open("wb+") as file:
        file.truncate(1 << 40)  # takes no room on the disk

        assert len(_read(file.fileno())) <= 65 << 20
