"""What needs no kernel: histograms, names of functions, flame graphs, words."""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebpf.explain import explained
from ebpf.kind import Aim
from ebpf.signals import flame
from ebpf.signals.base import command, duration, path, share
from ebpf.signals.callnames import ARM64, X86_64
from ebpf.signals.causes import waits_for
from ebpf.signals.elf import Functions, functions_of
from ebpf.signals.exits import outcome
from ebpf.signals.stacks import folded
from ebpf.signals.symbols import Symbols, cleaned, regions
from ebpf.signals.tallies import ERROR, FINE, POWERS, Tally, tally


def slot_of(ns: int) -> int:
    """As ``add`` in ``bpf/tally.h``."""
    power = min((ns | 1).bit_length() - 1, POWERS - 1)
    return (ns & 3 if power < 2 else ns >> (power - 2) & 3) + power * FINE


def tally_of(values: list[int]) -> Tally:
    slots = [0] * (FINE * POWERS)
    for value in values:
        slots[slot_of(value)] += 1
    return tally(struct.pack(f"=5Q{FINE * POWERS}I", len(values), 0, sum(values), max(values), 0, *slots))


@settings(deadline=None)
@given(st.lists(st.integers(4, 10**12), min_size=1, max_size=60), st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_percentiles_are_off_by_no_more_than_is_told(values: list[int], wanted: float) -> None:
    found = tally_of(values).quantile(wanted)
    exact = sorted(values)[max(0, -(-int(wanted * 1000) * len(values) // 1000) - 1)]

    assert found is not None
    assert abs(found - exact) <= ERROR * exact + 1


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=20), st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_two_tallies_together_are_the_tally_of_both(left: list[int], right: list[int]) -> None:
    assert tally_of(left) + tally_of(right) == tally_of(left + right)


def test_a_flame_graph_is_valid_xml_with_every_name_and_widths_by_samples() -> None:
    lines = ["app;main;work<int>&co 60", "app;main;rest 30", "app;read_[k] 10", "no number here"]
    root = ET.fromstring(flame.svg(lines, "a < b"))  # noqa: S314 - our own
    space = "{http://www.w3.org/2000/svg}"
    widths = {group.find(f"{space}title").text.split(" (")[0]: float(group.find(f"{space}rect").get("width")) for group in root.iter(f"{space}g")}  # type: ignore[union-attr,arg-type]

    assert set(widths) == {"all", "app", "main", "work<int>&co", "rest", "read_[k]"}
    assert widths["work<int>&co"] == pytest.approx(0.6 * widths["all"], abs=0.1)
    assert widths["main"] == pytest.approx(widths["work<int>&co"] + widths["rest"], abs=0.1)
    texts = [one.text for one in root.iter(f"{space}text")]
    assert "work<int>&co" in texts
    assert not {"script", "style", "image"} & {element.tag.removeprefix(space) for element in root.iter()}


def test_a_flame_graph_of_nothing_says_so() -> None:
    assert "nothing was seen" in flame.svg([], "idle")


@settings(deadline=None)
@given(st.lists(st.text(max_size=30), max_size=10))
def test_any_lines_make_a_flame_graph(lines: list[str]) -> None:
    assert flame.svg(lines, "x").endswith("</svg>")


def test_functions_of_a_library_are_found_by_address() -> None:
    symbols = Symbols(Aim(pids=(os.getpid(),)))
    library = ctypes.CDLL(None)
    place = ctypes.cast(library.strtoul, ctypes.c_void_p).value or 0
    try:
        assert "strtou" in symbols.user(os.getpid(), place)
        assert symbols.user(os.getpid(), 1) == "[unknown]"
        assert symbols.user(2**22 - 1, place) == "[unknown]"
    finally:
        symbols.close()


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_damaged_files_have_no_functions(data: bytes) -> None:
    functions_of(b"\x7fELF\x02\x01" + data)

    assert len(functions_of(data)) == 0


def test_a_cut_library_makes_no_error() -> None:
    content = Path(os.path.realpath("/proc/self/exe")).read_bytes()
    for size in (64, 4096, len(content) // 2):
        functions_of(content[:size])


def test_the_function_that_holds_an_address_is_found() -> None:
    functions = Functions([(100, 10, b"first"), (110, 0, b"second"), (300, 5, b"third")])

    assert [functions.at(place) for place in (99, 100, 109, 110, 250, 304, 305)] == ["", "first", "first", "second", "second", "third", ""]


def test_regions_are_the_executable_ones() -> None:
    text = (b"55d0-55e0 r--p 00000000 fe:01 12 /bin/x y\n55e0-55f0 r-xp 00001000 fe:01 12 /bin/x y\n7f00-7f10 rwxp 00000000 00:00 0 \nnonsense\n")

    assert [(one.start, one.offset, one.file, one.path) for one in regions(text)] == [(0x55E0, 0x1000, ("fe:01", 12), "/bin/x y"), (0x7F00, 0, ("00:00", 0), "")]


@pytest.mark.parametrize(("name", "clean"), [
    (b"python3\0\0", "python3"), (b"kworker/0:1H", "kworker/0:1H"), (b"a\x1bb", "a?b"), (b"deadbeefcafe0123", "{token}")])
def test_names_of_tasks_are_cleaned(name: bytes, clean: str) -> None:
    assert command(name) == clean


@pytest.mark.parametrize(("name", "clean"), [
    (b"/var/lib/postgresql/16/main/base/16384/2619", "/var/lib/postgresql/16/main/base/16384/2619"),
    (b"/srv/password/hunter2", "/srv/password/{secret}"), (b"/home/jo@example.com/x", "/home/{email}/x"),
    (b"/k/dGhpc0lzQVNlY3JldA", "/k/{token}"), (b"a\nb", "a?b"), (b"", "")])
def test_paths_are_cleaned(name: bytes, clean: str) -> None:
    assert path(name) == clean


def test_names_in_stacks_hold_no_separator() -> None:
    assert cleaned("std::map<int; int>") == "std::map<int: int>"
    assert len(cleaned("x" * 500)) <= 120


@pytest.mark.parametrize(("code", "told"), [(0, ("", 0, False)), (3 << 8, ("", 3, False)), (9, ("SIGKILL", None, False)), (11 | 0x80, ("SIGSEGV", None, True)), (100, ("signal 100", None, False))])
def test_codes_of_wait_are_read(code: int, told: tuple[str, int | None, bool]) -> None:
    assert outcome(code) == told


def test_calls_have_the_numbers_of_their_machine() -> None:
    assert (X86_64[257], X86_64[74], X86_64[202], ARM64[56], ARM64[82], ARM64[98]) == ("openat", "fsync", "futex", "openat", "fsync", "futex")


@pytest.mark.parametrize(("call", "reason", "stack", "words"), [
    ("futex", "sleeping", (), "a lock or a condition of its own process"), ("read", "sleeping", ("pipe_read_[k]",), "data from a pipe"),
    ("", "disk", (), "the disk"), ("fsync", "uninterruptible", ("jbd2_log_wait_commit_[k]",), "its data to be durable: the journal or the disk is slow"),
    ("read", "preempted", (), "a CPU: another thread was given it"), ("", "uninterruptible", (), "something in the kernel")])
def test_what_a_thread_waits_for_is_told_by_call_and_stack(call: str, reason: str, stack: tuple[str, ...], words: str) -> None:
    assert waits_for(call, reason, stack) == words


@pytest.mark.parametrize(("ns", "words"), [(5, "5 ns"), (1_500, "1.5 µs"), (2_000_000, "2 ms"), (1_250_000_000, "1.25 s"), (None, "an unknown time")])
def test_durations_are_told_in_their_unit(ns: float | None, words: str) -> None:
    assert duration(ns) == words


def test_shares_are_never_rounded_to_nothing() -> None:
    assert (share(0, 10), share(1, 100_000), share(1, 30), share(10, 10)) == ("0.0 %", "under 0.1 %", "3.3 %", "100 %")


def test_folded_stacks_that_find_no_room_are_summed_up() -> None:
    stacks = {("app", f"function_{number}"): number for number in range(1, 100)}
    lines = folded(stacks, room=300)

    assert lines[0] == "app;function_99 99"
    assert sum(int(line.rpartition(" ")[2]) for line in lines) == sum(stacks.values())
    assert sum(map(len, lines)) < 330
    assert lines[-1].startswith("[others] ")


def test_a_verifier_s_closing_line_is_not_taken_for_a_program_that_is_too_large() -> None:
    log = "Unreleased reference id=12 alloc_insn=442\nprocessed 365 insns (limit 1000000) max_states_per_insn 1 total_states 27"

    assert "has to give back" in str(explained("probe program x", "the kernel did not take it", 22, log))
    assert "too complex" in str(explained("probe program x", "the kernel did not take it", 7, "BPF program is too large. Processed 1000001 insn"))
