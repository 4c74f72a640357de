"""What this machine's kernel can do for probes: looked up, tried, and explained."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ebpf import objects
from ebpf.attachments import WAYS, key_of
from ebpf.calibrate import own_function
from ebpf.catalog import CATALOG
from ebpf.errors import LoadError, ProbeError
from ebpf.explain import effective, filtered, lockdown, namespaced
from ebpf.libbpf import library
from ebpf.loaders import bccmodule
from ebpf.loaders.bcc import BccLoader
from ebpf.loaders.choice import loader_for
from ebpf.loaders.interface import Everywhere, Place, Sampling, Sweep
from ebpf.targets import mounted

Works = Literal["yes", "no", "partly"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that probes rest on. ``needed``: nothing works without it."""

    what: str
    works: Works
    told: str
    remedy: str = ""
    needed: bool = True

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def examine(*, calibrated: bool = True) -> list[Finding]:
    """Everything, the most basic first. Loads small programs of every kind, and takes each out again at once."""
    found = [_kernel(), _types(), _locked(), *_confined(), *_capabilities(), _groups(), _tracefs(), _library(), _objects()]
    found += _trials()
    found += [_bcc(), _headers()]
    if calibrated and all(one.works != "no" for one in found if one.needed):
        found += _costs()
    return found


def _kernel() -> Finding:
    release, machine = platform.release(), platform.machine()
    known = machine in {"x86_64", "aarch64"}
    return Finding("kernel", "yes" if known else "no", f"{release} on {machine}", "" if known else "probes are built for x86-64 and arm64 alone")


def _types() -> Finding:
    path = Path("/sys/kernel/btf/vmlinux")
    if path.exists():
        return Finding("types of the kernel (BTF)", "yes", f"{path}, {path.stat().st_size >> 20} MiB")
    return Finding("types of the kernel (BTF)", "no", f"{path} is not there", "use a kernel with CONFIG_DEBUG_INFO_BTF=y, as distributions ship since 2020")


def _locked() -> Finding:
    mode = lockdown()
    if mode == "confidentiality":
        return Finding("lockdown", "no", "confidentiality: no program may read kernel memory", "boot with lockdown=integrity or without it")
    return Finding("lockdown", "yes", mode or "the kernel tells of none")


def _capabilities() -> Iterator[Finding]:
    held = effective()
    wants = {"CAP_BPF": "to load anything", "CAP_PERFMON": "to trace", "CAP_NET_ADMIN": f"to look at packets of a control group ({_wanting('CAP_NET_ADMIN')})",
             "CAP_SYS_PTRACE": f"to look into programs of other users ({_wanting('CAP_SYS_PTRACE')})"}
    for name, why in wants.items():
        there = name in held or "CAP_SYS_ADMIN" in held
        needed = name in {"CAP_BPF", "CAP_PERFMON"}
        yield Finding(name, "yes" if there else "no" if needed or name == "CAP_NET_ADMIN" else "partly", "held" if there else f"not held: it is needed {why}",
                      "" if there else "run as the daemon's unit does (deploy/probed.service), or as root", needed=needed)


def _wanting(capability: str) -> str:
    """The probes that need a capability."""
    return ", ".join(name for name, entry in CATALOG.items() if capability in entry.capabilities)


def _confined() -> Iterator[Finding]:
    if namespaced():
        yield Finding("user namespace", "no", "this process is in one of its own: its capabilities do not count for bpf()", "run outside of it; a rootless container cannot probe")
    if filtered():
        yield Finding("seccomp", "partly", "a filter is on this process; the trials below show whether it lets bpf() pass", "deploy/probed-seccomp.json allows what is needed", needed=False)


def _groups() -> Finding:
    try:
        return Finding("control groups, version 2", "yes", f"mounted at {mounted()}", needed=False)
    except ProbeError as error:
        return Finding("control groups, version 2", "no", error.what, error.remedy, needed=False)


def _tracefs() -> Finding:
    for place in ("/sys/kernel/tracing", "/sys/kernel/debug/tracing"):
        with suppress(OSError):
            if (Path(place) / "events").is_dir():
                return Finding("tracefs", "yes", f"mounted at {place}; probes do without", needed=False)
    return Finding("tracefs", "partly", "not mounted, or not readable here; probes do without: they attach by the kernel's types",
                   "mount -t tracefs nodev /sys/kernel/tracing, for other tools", needed=False)


def _library() -> Finding:
    try:
        library()
    except ProbeError as error:
        return _replaced("libbpf", error)
    return Finding("libbpf", "yes", "libbpf.so.1")


def _objects() -> Finding:
    try:
        names = objects.manifest()
        for name in names:
            objects.read(name)
    except ProbeError as error:
        return _replaced("compiled probes", error)
    return Finding("compiled probes", "yes", f"{len(names)} objects, each with the digest of the manifest")


def _replaced(what: str, error: ProbeError) -> Finding:
    """What the first loader lacks, where the second may do."""
    if bccmodule.why_not():
        return Finding(what, "no", str(error), error.remedy)
    return Finding(what, "partly", f"{error.what}: bcc compiles probes on this machine instead, which takes seconds and 130 MB", error.remedy, needed=False)


_TRIALS: tuple[tuple[str, str, Callable[[], Place] | None], ...] = (
    ("programs on a control group's packets", "trial_packets", None),
    ("programs on tracepoints (tp_btf)", "trial_tracepoint", lambda: Everywhere("trial_tracepoint")),
    ("ring buffers (5.8 and newer)", "trial_ring", None),
    ("iterators over sockets (5.9 and newer)", "trial_iterator", lambda: Sweep("trial_iterator", "trial_storage")),
    ("samples of every CPU", "trial_sampling", lambda: Sampling("trial_sampling", 1)),
    ("probes on functions of programs (6.6 and newer)", "trial_uprobes", own_function),
)


def _trials() -> Iterator[Finding]:
    for what, program, place in _TRIALS:
        try:
            loaded = loader_for("trials").load("trials", {}, only=frozenset({program}))
            try:
                loaded.attach([place()] if place else [])
            finally:
                loaded.close()
        except (ProbeError, StopIteration, OSError) as error:
            remedy = error.remedy if isinstance(error, ProbeError) else ""
            log = error.log.strip().splitlines()[-1:] if isinstance(error, LoadError) else []
            yield Finding(what, "no", f"{error.what if isinstance(error, ProbeError) else error}" + (f" ({log[0][:200]})" if log else ""), remedy, needed=False)
        else:
            yield Finding(what, "yes", "loaded and attached" if place else "loaded", needed=False)


def _bcc() -> Finding:
    try:
        place = bccmodule.found()
        start = time.monotonic()
        BccLoader().load("trials", {}, only=frozenset({"trial_tracepoint"})).close()
    except ProbeError as error:
        return Finding("bcc, the second loader", "partly", f"{error.what}: compiled probes are used alone", error.remedy, needed=False)
    return Finding("bcc, the second loader", "yes", f"{place}: compiled and loaded a program in {time.monotonic() - start:.1f} s", needed=False)


def _headers() -> Finding:
    release = platform.release()
    there = Path(f"/lib/modules/{release}/build").exists() or Path("/sys/kernel/kheaders.tar.xz").exists()
    told = f"of this very kernel, {release}; not used" if there else f"none of {release}, and none are used"
    return Finding("kernel headers", "yes", f"{told}: offsets come from the kernel's own types, for both loaders", needed=False)


def _costs() -> Iterator[Finding]:
    """What a run of our programs costs by each way of attaching them."""
    from ebpf.calibrate import calibrate
    from ebpf.targets import group_of

    try:
        figures = calibrate(mounted(), group_of(0))
    except (ProbeError, OSError) as error:
        yield Finding("cost", "partly", f"it could not be measured: {error}", needed=False)
        return
    yield Finding("cost of an event", "yes", f"{figures['ns_per_event'] / 1000:.0f} µs in the worker for each that is handed out", needed=False)
    for way, one in WAYS.items():
        what, ns = f"cost of {one.words}", figures.get(key_of(way))
        if ns is None:
            yield Finding(what, "partly", f"it could not be measured: {one.assumed * one.runs:,.0f} ns a run are assumed", needed=False)
        else:
            yield Finding(what, "yes", f"{ns * one.runs:,.0f} ns a run (quartiles ±{figures[f'spread.{way}'] / 2:.0%})", needed=False)
