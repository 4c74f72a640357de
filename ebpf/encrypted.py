"""HTTP/1 inside TLS: read at the functions of libssl, in the target's processes, without a key and without a change."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ebpf.errors import TargetError
from ebpf.exchanges import SIDES, ExchangeReader
from ebpf.kind import Aim, Document, Options
from ebpf.loaders.interface import Loaded, Place, Sweep, Uprobes
from ebpf.parsers import http1
from ebpf.uprobes import offsets_in

_PROCESSES = 64
"""Processes of a control group that are looked into at most."""
_FUNCTIONS = frozenset({"SSL_read", "SSL_write", "SSL_read_ex", "SSL_write_ex", "SSL_free"})


@dataclass(frozen=True, slots=True)
class EncryptedKind:
    """HTTPS by OpenSSL's libssl, shared or linked into the program with its symbols."""

    name: str = "https"
    object: str = "tls"
    capabilities: frozenset[str] = frozenset({"CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE"})
    tracepoints: frozenset[str] = frozenset()

    def constants(self, aim: Aim, options: Options) -> Mapping[str, int]:
        """See :class:`~ebpf.kind.Kind`."""
        return {"protocol": 1, "side": SIDES[aim.side], "budget": options.budget, "slow": options.slow, "capture": options.capture,
                "target_pid": aim.pids[0] if len(aim.pids) == 1 else 0}

    def places(self, aim: Aim, options: Options) -> Sequence[Place]:
        """See :class:`~ebpf.kind.Kind`: one link a process and function, for the processes that are there now."""
        found: list[Place] = [Sweep("sweep", "exchanges")]
        for pid in _processes(aim):
            for path in _libraries(pid):
                found += _uprobes(pid, path)
        if len(found) == 1 and any(map(_hidden, _processes(aim))):
            raise TargetError("the files of its processes may not be looked at: they are another user's", where="target", remedy="give the daemon CAP_SYS_PTRACE as well")
        if len(found) == 1:
            raise TargetError("none of its processes uses OpenSSL's libssl with the names of its functions", where="target",
                              remedy="Go, Rust and BoringSSL bring their own TLS, which this does not see: look at the server behind, or at the proxy before it")
        return found

    def reader(self, aim: Aim, options: Options, epoch: int) -> EncryptedReader:
        """See :class:`~ebpf.kind.Kind`."""
        return EncryptedReader(http1.calls, epoch)


class EncryptedReader(ExchangeReader):
    """As for plain HTTP; who is on the other side is not known at this place."""

    def event(self, data: bytes) -> Sequence[Document]:
        """See :class:`~ebpf.kind.Reader`."""
        return [{name: value for name, value in one.items() if name not in {"peer", "port"}} for one in ExchangeReader.event(self, data)]

    def summary(self, loaded: Loaded) -> Document:
        """See :class:`~ebpf.kind.Reader`."""
        told = dict(ExchangeReader.summary(self, loaded))
        nothing = told["counts"]["calls"] == 0
        return {**told, "sentences": ["Nothing was read or written by libssl. Processes that began later are not looked at."] if nothing else []}


def _processes(aim: Aim) -> Sequence[int]:
    if aim.pids:
        return aim.pids
    try:
        return [int(line) for line in (Path(aim.cgroup) / "cgroup.procs").read_text().split()][:_PROCESSES]
    except OSError as error:
        raise TargetError(f"its processes cannot be listed: {error.strerror}", where=aim.cgroup) from error


def _hidden(pid: int) -> bool:
    """Whether which files a process uses is kept from us (man 7 capabilities, CAP_SYS_PTRACE)."""
    try:
        Path(f"/proc/{pid}/exe").readlink()
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _libraries(pid: int) -> Iterator[Path]:
    """Files mapped by a process that hold libssl's functions: the library, or the program itself, as the process sees its files."""
    try:
        lines = Path(f"/proc/{pid}/maps").read_text(errors="surrogateescape").split("\n")
        program = str(Path(f"/proc/{pid}/exe").readlink())
    except OSError:
        return
    mapped = {line.split(maxsplit=5)[5] for line in lines if len(line.split(maxsplit=5)) == 6 and " r-xp " in line}
    for name in sorted(mapped):
        if "libssl" in name.rsplit("/", 1)[-1] or name == program:
            yield Path(f"/proc/{pid}/root{name.removesuffix(' (deleted)')}")


def _uprobes(pid: int, path: Path) -> Iterator[Place]:
    """Places in the very file that was looked into: by its path, another one could be there by then."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return
    try:
        known = offsets_in(fd, _FUNCTIONS, str(path))
    except TargetError:
        os.close(fd)
        return
    yield from _in_file(pid, f"/proc/self/fd/{fd}", known)  # open until the worker ends


def _in_file(pid: int, file: str, known: Mapping[str, int]) -> Iterator[Place]:
    plain, extended, read, write = (
        tuple(known[name] for name in names if name in known)
        for names in (("SSL_read", "SSL_write"), ("SSL_read_ex", "SSL_write_ex"), ("SSL_read", "SSL_read_ex"), ("SSL_write", "SSL_write_ex")))
    if not (read and write):
        return
    yield Uprobes("enters", file, plain, pid=pid)
    if extended:
        yield Uprobes("enters_ex", file, extended, pid=pid)
    yield Uprobes("read_leaves", file, read, returns=True, pid=pid)
    yield Uprobes("write_leaves", file, write, returns=True, pid=pid)
    if "SSL_free" in known:
        yield Uprobes("ends", file, (known["SSL_free"],), pid=pid)


KINDS = (EncryptedKind(),)
