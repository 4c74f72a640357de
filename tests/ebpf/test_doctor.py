"""What the doctor says of this machine is what the kernel does, and what is missing is named with its remedy."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig

import pytest

from ebpf import doctor
from ebpf.loaders import bccmodule
from tests.ebpf.unprivileged import ROOT, command

_ASK = """
import json, os, sys
from ebpf import doctor
print(json.dumps([one.document() for one in doctor.examine(calibrated=False)]))
"""


@pytest.fixture(scope="module")
def findings() -> dict[str, doctor.Finding]:
    return {one.what: one for one in doctor.examine(calibrated=False)}


def test_it_tries_every_kind_of_program_that_probes_use(kernel: None, findings: dict[str, doctor.Finding]) -> None:
    tried = [findings[what].works for what, _, _ in doctor._TRIALS]

    assert tried == ["yes"] * 6


def test_it_says_where_offsets_come_from(findings: dict[str, doctor.Finding]) -> None:
    assert "the kernel's own types" in findings["kernel headers"].told


def test_it_tries_the_second_loader(kernel: None, findings: dict[str, doctor.Finding]) -> None:
    if why := bccmodule.why_not():
        pytest.skip(why)

    assert findings["bcc, the second loader"].works == "yes"
    assert "compiled and loaded a program" in findings["bcc, the second loader"].told


def test_what_is_not_right_has_a_remedy(findings: dict[str, doctor.Finding]) -> None:
    assert not [one.what for one in findings.values() if one.works == "no" and not one.remedy]


def test_without_capabilities_it_names_each_and_what_it_is_for(kernel: None) -> None:
    told = _asked_with(frozenset())

    assert {name for name in ("CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN") if told[name]["works"] == "no"} == {"CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"}
    assert "http" in told["CAP_NET_ADMIN"]["told"]
    assert "https" in told["CAP_SYS_PTRACE"]["told"]
    assert "this process lacks CAP_BPF" in told["programs on tracepoints (tp_btf)"]["remedy"]


def test_with_the_units_capabilities_all_but_https_is_well(kernel: None) -> None:
    told = _asked_with(frozenset({"CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"}))

    assert [name for name, one in told.items() if one["works"] == "no"] == []
    assert told["CAP_SYS_PTRACE"]["works"] == "partly"


def test_in_a_user_namespace_it_says_that_capabilities_do_not_count(kernel: None) -> None:
    namespace = "import ctypes, sys\nlibc = ctypes.CDLL(None)\nif libc.unshare(0x10000000): sys.exit('none')\n" \
                "open('/proc/self/setgroups', 'w').write('deny'); open('/proc/self/uid_map', 'w').write('0 0 1')\n"
    done = subprocess.run([sys.executable, "-c", namespace + _ASK], capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        pytest.skip(f"this machine makes no user namespaces: {done.stderr[-200:]}")

    told = {one["what"]: one for one in json.loads(done.stdout)}
    assert told["user namespace"]["works"] == "no"
    assert "user namespace" in told["ring buffers (5.8 and newer)"]["remedy"]


def _asked_with(capabilities: frozenset[str]) -> dict[str, dict[str, str]]:
    """The doctor's findings for a user ``nobody`` with these capabilities."""
    begin = command(capabilities, user="nobody", seccomp=None, arguments=[])[:-1]
    paths = [str(ROOT), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    done = subprocess.run([*begin, f"import sys; sys.path[:0] = {paths!r}\n{_ASK}"], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    return {one["what"]: one for one in json.loads(done.stdout)}
