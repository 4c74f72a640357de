"""What the kernel refuses is told in plain words with a remedy: every failure here is a real refusal of the running kernel."""

from __future__ import annotations

import errno
import platform
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ebpf import direct, privileges
from ebpf.errors import LoadError
from ebpf.explain import SIGNS, effective, explained, filtered, lockdown, namespaced
from ebpf.libbpf import library
from ebpf.loaders.core import CoreLoaded
from ebpf.loaders.interface import Cgroup, Everywhere, Place, Uprobes
from ebpf.uprobes import link_uprobes

_HEAD = """
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
char LICENSE[] SEC("license") = LICENCE;
#define MAP(name, kind, entries, of) struct { __uint(type, kind); __uint(max_entries, entries); __type(key, __u32); __type(value, of); } name SEC(".maps")
"""
_EXITS = 'SEC("tp_btf/sched_process_exit") int p(__u64 *ctx) '
_LOOKUP = "__u32 zero = 0; __u64 *found = bpf_map_lookup_elem(&m, &zero); "


def compiled(source: str, licence: str = "Dual MIT/GPL") -> bytes:
    compiler = shutil.which("clang")
    if compiler is None:
        pytest.skip("clang is not installed: no failure can be staged")
    done = subprocess.run([compiler, "-O2", "-g", "-target", "bpf", "-mcpu=v3", f"-I/usr/include/{platform.machine()}-linux-gnu", f'-DLICENCE="{licence}"',
                           "-x", "c", "-", "-c", "-o", "/dev/stdout"], input=(_HEAD + source).encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def _load(content: bytes, place: Place) -> None:
    loaded = CoreLoaded(library(), "staged", content, {}, {}, None)
    try:
        loaded.attach([place])
    finally:
        loaded.close()


def refused(source: str, place: Place | None = None, licence: str = "Dual MIT/GPL") -> LoadError:
    """The kernel's refusal of a source, explained."""
    content = compiled(source, licence)
    with pytest.raises(LoadError) as caught:
        _load(content, place or Everywhere("p"))
    assert caught.value.remedy
    return caught.value


STAGED = {
    "loop": (_EXITS + "{ volatile int i = 0; while (bpf_ktime_get_ns()) i++; return i; }", "a loop without a bound"),
    "complex": (_EXITS + "{ volatile __u64 t = 0; for (int i = 0; i < 5000000; i++) t += i; return t; }", "too complex for this kernel's verifier"),
    "bounds": ("MAP(m, BPF_MAP_TYPE_ARRAY, 1, __u64); " + _EXITS + "{ " + _LOOKUP + "return found ? found[bpf_get_prandom_u32()] : 0; }", "inside its bounds"),
    "null": ("MAP(m, BPF_MAP_TYPE_HASH, 1, __u64); " + _EXITS + "{ " + _LOOKUP + "return *found; }", "may not have found, without asking"),
    "unwritten": (_EXITS + '{ int x; asm volatile("%0 = r7" : "=r"(x)); return x; }', "reads what was never written"),
    "argument": (_EXITS + "{ return ctx[99]; }", "is not given"),
    "tracepoint": ('SEC("tp_btf/no_such_thing") int p(__u64 *ctx) { return 0; }', "no such tracepoint or function: no_such_thing"),
    "field": ("struct task_struct { int colour; } __attribute__((preserve_access_index)); " + _EXITS
              + "{ return BPF_CORE_READ((struct task_struct *)ctx[0], colour); }", "not in this kernel: struct task_struct.colour"),
    "stack": (_EXITS + '{ asm volatile("*(u64 *)(r10 - 520) = %0" :: "r"(ctx[0])); return 0; }', "512 bytes of stack"),
    "reference": ('struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } r SEC(".maps"); ' + _EXITS
                  + "{ __u64 *room = bpf_ringbuf_reserve(&r, 8, 0); if (room) *room = 1; return 0; }", "has to give back"),
    "kind": (_EXITS + "{ char b[8]; return bpf_skb_load_bytes((void *)ctx, 0, b, 8); }", "its kind may not call bpf_skb_load_bytes"),
    "helper": (_EXITS + "{ return ((int (*)(void))9999)(); }", "has not the helper 9999"),
    "result": ('SEC("cgroup_skb/egress") int p(struct __sk_buff *skb) { return 17; }', "may not return"),
    "table": ("MAP(m, BPF_MAP_TYPE_HASH, 1 << 30, char[1024]); " + _EXITS + "{ __u32 zero = 0; return !bpf_map_lookup_elem(&m, &zero); }", "did not make its table m"),
}


@pytest.mark.parametrize("name", STAGED)
def test_a_staged_failure_is_explained(kernel: None, name: str) -> None:
    source, told = STAGED[name]

    assert told in refused(source).what


def test_a_licence_that_is_not_enough_is_explained(kernel: None) -> None:
    error = refused(_EXITS + "{ char b[8]; bpf_probe_read_kernel(b, 8, (void *)ctx[0]); return b[0]; }", licence="Apache-2.0")

    assert "its licence does not allow this helper" in error.what
    assert "Dual MIT/GPL" in error.remedy


def test_a_place_that_is_no_control_group_is_explained(kernel: None, tmp_path: Path) -> None:
    error = refused('SEC("cgroup_skb/egress") int p(struct __sk_buff *skb) { return 1; }', Cgroup("p", str(tmp_path)))

    assert "cannot be attached" in error.what


def test_a_kind_of_program_that_the_kernel_does_not_know_is_explained(kernel: None) -> None:
    with pytest.raises(direct.RefusedError) as caught:
        direct.load_program("p", 999, 0, bytes.fromhex("b700000000000000") + bytes.fromhex("9500000000000000"))

    error = explained("staged", "the kernel did not take it", caught.value.errno or 0, caught.value.log)
    assert "does not know this kind of program" in error.what
    assert "newer kernel" in error.remedy


def test_a_process_that_has_ended_is_explained(kernel: None) -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    libc = next(line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libc" in line and "/" in line)
    loaded = CoreLoaded(library(), "staged", compiled('SEC("uprobe") int p(void *ctx) { return 0; }'), {}, {}, None)
    try:
        fd = int(loaded._bpf.bpf_program__fd(loaded._bpf.bpf_object__find_program_by_name(loaded._object, b"p")))
        with pytest.raises(LoadError, match="the process has ended"):
            link_uprobes(fd, Uprobes("p", libc, (0x1000,), pid=done.pid))
    finally:
        loaded.close()


def _in_a_process(before: str) -> str:
    """What a load is refused with in a process of its own that did ``before``."""
    program = f"""
import ctypes, errno, os, struct, sys
from ebpf import privileges
from ebpf.errors import ProbeError
from ebpf.loaders.core import CoreLoader
loader = CoreLoader()
loader.load("trials", {{}}).close()
{before}
try:
    loader.load("trials", {{}})
    print("it was loaded")
except ProbeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.stdout


def test_missing_capabilities_are_named(kernel: None) -> None:
    assert "this process lacks CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN" in _in_a_process("privileges.drop(os.getppid())")


def test_a_seccomp_filter_that_forbids_bpf_is_named(kernel: None) -> None:
    number = {"x86_64": 321, "aarch64": 280}[platform.machine()]
    told = _in_a_process(f"""
rules = struct.pack("=HBBI", 0x20, 0, 0, 0) + struct.pack("=HBBI", 0x15, 0, 1, {number}) + struct.pack("=HBBI", 6, 0, 0, 0x50000 | errno.EPERM) + struct.pack("=HBBI", 6, 0, 0, 0x7fff0000)
room = ctypes.create_string_buffer(rules, len(rules))
program = ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", 4, ctypes.addressof(room)), 16)
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, program, 0, 0) == 0, os.strerror(ctypes.get_errno())
""")

    assert "a seccomp filter is on this process" in told


def test_too_many_open_files_are_named(kernel: None) -> None:
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 16

    assert "raise the limit of open files" in _in_a_process("import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir('/proc/self/fd')) + 2,) * 2)")


def test_capabilities_of_a_user_namespace_do_not_count_and_it_is_said(kernel: None) -> None:
    try_it = "libc = ctypes.CDLL(None, use_errno=True)\nassert libc.unshare(0x10000000) == 0\n" \
             "open('/proc/self/setgroups', 'w').write('deny'); open('/proc/self/uid_map', 'w').write('0 0 1')"
    if subprocess.run([sys.executable, "-c", f"import ctypes\n{try_it}"], capture_output=True, check=False).returncode:
        pytest.skip("this machine makes no user namespaces")

    assert "user namespace" in _in_a_process(try_it)


def test_a_table_without_memory_is_told_from_a_program_without() -> None:
    held = frozenset({"CAP_SYS_ADMIN"})
    table = explained("x", "the kernel did not take it", errno.ENOMEM, "libbpf: map 'calls': failed to create: Cannot allocate memory(-12)", capabilities=lambda: held)
    program = explained("x", "the kernel did not take it", errno.ENOMEM, "", capabilities=lambda: held)

    assert "its table calls: there is no memory" in table.what
    assert "fewer or smaller entries" in table.remedy
    assert "RLIMIT_MEMLOCK" in program.remedy


def test_every_verifier_log_ends_alike_and_that_line_is_no_sign() -> None:
    last = "processed 17 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 1 mark_read 0"

    assert explained("x", "no", errno.EINVAL, last, capabilities=lambda: frozenset({"CAP_SYS_ADMIN"})).what.startswith("no: the kernel does not know")


def test_no_sign_is_without_a_remedy() -> None:
    assert all(sign.meaning and sign.remedy for sign in SIGNS)


def test_what_a_process_may_is_read_from_the_kernel(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tx\nCapEff:\t000000c000081000\nSeccomp:\t2\n")
    (tmp_path / "lockdown").write_text("none integrity [confidentiality]\n")
    (tmp_path / "map").write_text("         0       1000          1\n")

    assert effective(str(status)) == {"CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_SYS_PTRACE"}
    assert filtered(str(status))
    assert lockdown(str(tmp_path / "lockdown")) == "confidentiality"
    assert namespaced(str(tmp_path / "map"))
    assert privileges.held() >= 0
