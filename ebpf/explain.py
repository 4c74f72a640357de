"""What the kernel means when it refuses: errno and the verifier's log in plain words, with the remedy."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ebpf.errors import LoadError
from ebpf.libbpf import reason

CAPABILITIES = {38: "CAP_PERFMON", 39: "CAP_BPF", 12: "CAP_NET_ADMIN", 21: "CAP_SYS_ADMIN"}


@dataclass(frozen=True, slots=True)
class Sign:
    """A failure that is known: what to look for, what it means, what to do."""

    pattern: str
    meaning: str
    remedy: str
    errors: frozenset[int] = frozenset()


SIGNS = (
    Sign(r"cannot call GPL.restricted function", "the object's licence does not allow this helper", "the licence string must be GPL-compatible: Dual MIT/GPL"),
    Sign(r"BPF program is too large|too many (instructions|states)|The sequence of \d+ jumps is too complex",
         "the program is too complex for this kernel's verifier", "use a newer kernel (5.2 and newer take a million instructions)"),
    Sign(r"invalid access to map value|R\d+ (min|max|unbounded) (value|memory)|invalid (indirect )?access to stack|invalid read from stack|R\d+ invalid mem access",
         "the verifier could not prove that a memory access stays inside its bounds", "this is a defect of the probe on this kernel: report it with this log"),
    Sign(r"infinite loop detected|back-edge", "the verifier found a loop without a bound", "use a kernel from 5.3 on"),
    Sign(r"Unreleased reference|reference leak", "the program keeps something it has to give back", "this is a defect of the probe: report it with this log"),
    Sign(r"unknown func|invalid func unknown|program of this type cannot use helper", "this kernel lacks a helper that the program calls", "use a newer kernel, or a probe that does without"),
    Sign(r"CO-RE relocat\w+.*(failed|unresolved)|failed to resolve CO-RE|invalid func unknown#195896080|<invalid CO-RE relocation>",
         "a field that the program reads is not in this kernel", "use a newer kernel; the probe's objects need no rebuild"),
    Sign(r"failed to find valid kernel BTF|kernel BTF is missing|vmlinux BTF is not found|Error loading vmlinux BTF", "this kernel does not tell its types (BTF)",
         "use a kernel with CONFIG_DEBUG_INFO_BTF=y, and look whether /sys/kernel/btf/vmlinux is there"),
    Sign(r"(failed to find kernel BTF type ID|not found in kernel BTF|Could not find BTF).*", "the kernel has no such tracepoint or function", "use a probe that does without, or a newer kernel"),
    Sign(r"hash_of_maps|failed to create map|Error creating map|Error in bpf_create_map|failed to create.*map", "the kernel did not make one of the program's tables", ""),
)
_BY_ERROR = {
    errno.EPERM: "the kernel does not permit it",
    errno.EACCES: "access is denied",
    errno.ENOMEM: "there is no memory for it",
    errno.ENOENT: "what it names is not there",
    errno.EOPNOTSUPP: "this kernel does not support it",
    errno.EINVAL: "the kernel does not know this kind of program, map or attachment",
    errno.E2BIG: "it is too large for this kernel",
    errno.EBUSY: "something else holds the place",
    errno.ESRCH: "the process has ended",
    errno.ENOSPC: "there is no room left",
    errno.EMFILE: "too many files are open",
}


def explained(where: str, what: str, error: int, log: str, *, capabilities: Callable[[], frozenset[str]] | None = None) -> LoadError:
    """The error to raise: the first sign that the log shows, else what the errno says; the log itself is kept with it."""
    held = (capabilities or effective)()
    for sign in SIGNS:
        if re.search(sign.pattern, log, re.IGNORECASE) and sign.remedy:
            return LoadError(f"{what}: {sign.meaning}", where=where, remedy=sign.remedy, errno=error, log=log)
    words = _BY_ERROR.get(error, reason(error) if error else "for no reason it named")
    return LoadError(f"{what}: {words}", where=where, remedy=_remedy(error, held), errno=error, log=log)


def _remedy(error: int, held: frozenset[str]) -> str:
    missing = [name for name in ("CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN") if name not in held and "CAP_SYS_ADMIN" not in held]
    if error in {errno.EPERM, errno.EACCES}:
        if missing:
            return f"this process lacks {', '.join(missing)}"
        if lockdown() == "confidentiality":
            return "the kernel is locked down (confidentiality): no probe can read its memory; boot without it"
        return "look for a seccomp profile or a security module that forbids bpf(); oncalm probe doctor tries each kind"
    return {
        errno.ENOMEM: "raise the memory limit (kernels before 5.11: also RLIMIT_MEMLOCK)",
        errno.EINVAL: "use a newer kernel; oncalm probe doctor tells which kinds this one has",
        errno.EMFILE: "raise the limit of open files (ulimit -n)",
    }.get(error, "oncalm probe doctor tells what this machine can do")


def effective(path: str = "/proc/self/status") -> frozenset[str]:
    """The capabilities of this process, by name, of those that probes need."""
    found = re.search(r"^CapEff:\s*([0-9a-f]+)", Path(path).read_text(), re.MULTILINE)
    bits = int(found[1], 16) if found else 0
    return frozenset(name for bit, name in CAPABILITIES.items() if bits >> bit & 1)


def lockdown(path: str = "/sys/kernel/security/lockdown") -> str:
    """``none``, ``integrity`` or ``confidentiality``; empty where the kernel does not tell."""
    try:
        found = re.search(r"\[(\w+)\]", Path(path).read_text())
    except OSError:
        return ""
    return found[1] if found else ""
