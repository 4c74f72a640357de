"""What the kernel means when it refuses: errno and the verifier's log in plain words, with the remedy."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ebpf.errors import LoadError
from ebpf.libbpf import reason

CAPABILITIES = {38: "CAP_PERFMON", 39: "CAP_BPF", 12: "CAP_NET_ADMIN", 19: "CAP_SYS_PTRACE", 21: "CAP_SYS_ADMIN"}
_DEFECT = "this is a defect of the probe on this kernel: report it with its log"
_STRICTER = "this process lacks CAP_PERFMON, without which the verifier forbids much of what probes do"
_OTHER = "use a probe that does without, or a newer kernel"


@dataclass(frozen=True, slots=True)
class Sign:
    """A failure that is known by its log. ``{what}`` stands for the group ``what`` of the pattern."""

    pattern: str
    meaning: str
    remedy: str


SIGNS = (
    Sign(r"cannot call GPL.restricted function", "its licence does not allow this helper", "the licence string must be GPL-compatible: Dual MIT/GPL"),
    Sign(r"Unreleased reference|reference leak", "it keeps something that it has to give back", _DEFECT),
    Sign(r"infinite loop detected|back-edge", "the verifier found a loop without a bound", "bound the loop; kernels before 5.3 take none at all"),
    Sign(r"BPF program is too large|too many (?:instructions|states)|sequence of \d+ jumps is too complex|prog '[^']*': failed to load: -7\b",
         "it is too complex for this kernel's verifier, which looks at a million instructions (kernels before 5.2: 4,096)", "use a newer kernel, or a probe that does less"),
    Sign(r"failed to resolve CO-RE relocation <\w+> (?:\[\d+\] )?(?P<what>[\w .:<>\[\]]+?) \(", "what it reads is not in this kernel: {what}", _OTHER),
    Sign(r"<invalid CO-RE relocation>|unknown#195896080", "a field that it reads is not in this kernel", _OTHER),
    Sign(r"program of this type cannot use helper (?P<what>\w+)", "a program of its kind may not call {what} in this kernel", _OTHER),
    Sign(r"(?:invalid func unknown#|unknown func )(?P<what>\w+)", "this kernel has not the helper {what}", _OTHER),
    Sign(r"failed to find valid kernel BTF|kernel BTF is missing|vmlinux BTF is not found|Error loading vmlinux BTF", "this kernel does not tell its types (BTF)",
         "use a kernel with CONFIG_DEBUG_INFO_BTF=y, and look whether /sys/kernel/btf/vmlinux is there"),
    Sign(r"failed to find kernel BTF type ID of '(?P<what>[\w/]+)'|Could not find BTF for (?P<also>\w+)|(?P<or>\w+) is not found in kernel BTF",
         "the kernel has no such tracepoint or function: {what}", _OTHER),
    Sign(r"legacy [ku]probe event|create [ku]probe '[^']*' perf event", "this kernel has no probes on its functions, or not this function", "use a probe on tracepoints, or a kernel with CONFIG_KPROBES=y"),
    Sign(r"combined stack size|stack (?:size|limit|depth).*(?:too large|exceed)|invalid (?:variable-offset )?write to stack R10", "it needs more than the 512 bytes of stack that a program has", _DEFECT),
    Sign(r"invalid mem access '\w*_or_null'", "it uses what a lookup may not have found, without asking", _DEFECT),
    Sign(r"!read_ok|invalid (?:indirect )?read from stack", "it reads what was never written", _DEFECT),
    Sign(r"At program exit the register R0 ", "it returns a number that a program of its kind may not return", _DEFECT),
    Sign(r"invalid bpf_context access", "it reads what a program of its kind is not given", _DEFECT),
    Sign(r"invalid access to (?:map value|packet|memory)|unbounded memory access|unbounded min value|(?:min|max) value is (?:negative|outside)|value is outside of|invalid (?:indirect )?access to stack|"
         r"invalid mem access|pointer arithmetic|math between \w+ pointer|invalid size of register spill",
         "the verifier could not prove that a memory access stays inside its bounds", _DEFECT),
)
_TABLE = Sign(r"map '(?P<what>[^']*)': failed to create|Error in bpf_create_map\w*\((?P<or>\w+)\)", "the kernel did not make its table {what}: {why}", "")
_TABLES = {
    errno.E2BIG: "ask for fewer or smaller entries",
    errno.ENOMEM: "ask for fewer or smaller entries, or raise the memory limit (kernels before 5.11: also RLIMIT_MEMLOCK)",
    errno.EINVAL: "this kernel does not know tables of this kind, or none of this size",
}
_BY_ERROR = {
    errno.EPERM: "the kernel does not permit it",
    errno.EACCES: "access is denied",
    errno.ENOMEM: "there is no memory for it",
    errno.ENOENT: "what it names is not there",
    errno.ENOSYS: "this kernel has no such system call, or a seccomp profile hides it",
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
        if found := re.search(sign.pattern, log, re.IGNORECASE):
            remedy = _STRICTER if sign.remedy == _DEFECT and not held & {"CAP_PERFMON", "CAP_SYS_ADMIN"} else sign.remedy
            return LoadError(f"{what}: {sign.meaning.format(what=_named(found))}", where=where, remedy=remedy, errno=error, log=log)
    words = _BY_ERROR.get(error, reason(error) if error else "for no reason it named")
    if error in _TABLES and (found := re.search(_TABLE.pattern, log)):
        return LoadError(f"{what}: {_TABLE.meaning.format(what=_named(found), why=words)}", where=where, remedy=_TABLES[error], errno=error, log=log)
    return LoadError(f"{what}: {words}", where=where, remedy=_remedy(error, held), errno=error, log=log)


def _named(found: re.Match[str]) -> str:
    return next((text for text in found.groupdict().values() if text), "its log names it")


def _remedy(error: int, held: frozenset[str]) -> str:
    if error in {errno.EPERM, errno.EACCES}:
        return _permission(held)
    return {
        errno.ENOMEM: "raise the memory limit (kernels before 5.11: also RLIMIT_MEMLOCK)",
        errno.EINVAL: "use a newer kernel; oncalm probe doctor tells which kinds this one has",
        errno.ENOSYS: "allow bpf() in the seccomp profile (deploy/probed-seccomp.json does), or use a kernel with CONFIG_BPF_SYSCALL=y",
        errno.EMFILE: "raise the limit of open files (ulimit -n)",
    }.get(error, "oncalm probe doctor tells what this machine can do")


def _permission(held: frozenset[str]) -> str:
    """Why the kernel does not permit, the likeliest first."""
    missing = [name for name in ("CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN") if name not in held and "CAP_SYS_ADMIN" not in held]
    if missing:
        return f"this process lacks {', '.join(missing)}"
    if namespaced():
        return "this process is in a user namespace, as in a rootless container: capabilities there do not count for bpf(); run it outside"
    if filtered():
        return "a seccomp filter is on this process: allow bpf() and perf_event_open() in its profile (deploy/probed-seccomp.json does)"
    if lockdown() == "confidentiality":
        return "the kernel is locked down (confidentiality): no probe can read its memory; boot without it"
    return "look for a security module that forbids bpf(); oncalm probe doctor tries each kind"


def filtered(path: str = "/proc/self/status") -> bool:
    """Whether a seccomp filter is on this process (man 5 proc_pid_status)."""
    return bool(re.search(r"^Seccomp:\s*2$", Path(path).read_text(), re.MULTILINE))


def namespaced(path: str = "/proc/self/uid_map") -> bool:
    """Whether this process is in a user namespace of its own (man 7 user_namespaces)."""
    try:
        return Path(path).read_text().split() != ["0", "0", str((1 << 32) - 1)]
    except OSError:
        return False


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
