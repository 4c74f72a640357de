"""From a target as people name it to what the kernel filters by; and whether it is still the same.

Reads ``/proc`` and the tree of control groups, version 2. Nothing is changed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ebpf.errors import TargetError, UnsupportedError
from ebpf.kind import Aim
from ebpf.parsers.words import tokenish
from ebpf.presence import gone, inode, started
from ebpf.spec import Target
from telemetry.masks import masked

PROC = Path("/proc")
_LISTEN = "0A"
_V2 = re.compile(r"^0::(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A target found."""

    aim: Aim
    started: int | None = None
    """When its process began; None for targets that are no process."""
    words: str = ""
    """What it is, for people: also who else is looked at with it."""
    container: str | None = None
    """The whole id of a container, of which people write the beginning."""

    def gone(self) -> str:
        """Why it is not there any more; empty while it is."""
        return gone(self.aim, self.started)


def resolve(target: Target, side: str = "either", *, by_process: bool = False) -> Resolved:
    """Find it. Raises TargetError when it is not there or another process now, UnsupportedError without control groups of version 2.

    ``by_process``: for probes that tell processes apart in the kernel; the others see the packets of a control group, so that
    a process which shares its own has to be told apart by a port.
    """
    tree = mounted()
    if target.pid is not None:
        return _process(target, tree, side, by_process=by_process)
    if target.container is not None:
        folder = _container(target.container, tree)
        return replace(_group(folder, target, side, f"container {target.container[:12]}"), container=_ident(folder.name))
    folder = (tree / (target.cgroup or "/").lstrip("/")).resolve()
    if not folder.is_relative_to(tree.resolve()) or not folder.is_dir():
        raise TargetError("there is no such control group", where=str(target.cgroup), remedy="its path is the part after 0:: in /proc/PID/cgroup")
    whole = folder == tree.resolve()
    number = len(_everybody(folder))
    return _group(folder, target, side, f"the whole node ({_many(number)})" if whole else f"control group {shown(str(target.cgroup))} ({_many(number)})")


def mounted(mounts: Path = PROC / "self" / "mounts") -> Path:
    """Where control groups of version 2 are mounted. Raises UnsupportedError."""
    for line in mounts.read_text(errors="surrogateescape").split("\n"):
        _, place, kind, *_ = [*line.split(" "), "", ""]
        if kind == "cgroup2":
            return Path(place.encode().decode("unicode_escape"))
    raise UnsupportedError("control groups of version 2 are not mounted", remedy="mount them: mount -t cgroup2 none /sys/fs/cgroup/unified")


def group_of(pid: int) -> str:
    """The path of a process's control group in the tree; 0: our own. Raises TargetError."""
    try:
        found = _V2.search((PROC / (str(pid) if pid else "self") / "cgroup").read_text(errors="surrogateescape"))
    except OSError as error:
        raise TargetError(f"there is no process {pid}", where="target") from error
    if found is None:
        raise TargetError(f"process {pid} is in no control group of version 2", where="target")
    path = found[1]
    return _as_the_node_has_it(pid or os.getpid(), mounted()) if path == "/" or path.startswith("/..") else path


def _as_the_node_has_it(pid: int, tree: Path) -> str:
    """A process's path where ours is not the node's: within a container, paths are told from the container's own group on
    (man 7 cgroup_namespaces), and what the tree lists is what is true."""
    for place, folders, _ in os.walk(tree):
        folders.sort()
        if pid in _members(Path(place)):
            return "/" + str(Path(place).relative_to(tree)).removeprefix(".")
    raise TargetError(f"the control group of process {pid} cannot be found", where="target", remedy="mount the node's whole tree of control groups (deploy/probed.yaml does)")


def listening(pid: int) -> frozenset[int]:
    """The TCP ports that a process listens on. Raises TargetError when its files may not be looked at."""
    sockets = set()
    try:
        for entry in (PROC / str(pid) / "fd").iterdir():
            name = str(entry.readlink())
            if name.startswith("socket:["):
                sockets.add(name[8:-1])
    except OSError as error:
        raise TargetError(f"which ports process {pid} listens on cannot be seen: {error.strerror}", where="target", remedy="name the port: target.port") from error
    return frozenset(port for inode, port in _listeners(pid) if inode in sockets)


def _listeners(pid: int) -> Iterator[tuple[str, int]]:
    """Inode and port of every listening socket of its network namespace."""
    for name in ("tcp", "tcp6"):
        try:
            lines = (PROC / str(pid) / "net" / name).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == _LISTEN:
                yield fields[9], int(fields[1].rsplit(":", 1)[1], 16)


def _process(target: Target, tree: Path, side: str, *, by_process: bool) -> Resolved:
    pid = target.pid or 0
    began = started(pid)
    if began is None:
        raise TargetError(f"there is no process {pid}", where="target.pid", remedy="it ended, or its number is another one now")
    if target.started is not None and began != target.started:
        raise TargetError(f"process {pid} is another one now: it began at tick {began}, not {target.started}", where="target.pid", remedy="look up its number, and ask again")
    group = group_of(pid)
    folder = tree / group.lstrip("/")
    port = target.port or 0
    others = set() if by_process else _everybody(folder) - {pid}
    if not port and others and side != "client":
        ports = listening(pid)
        if len(ports) != 1:
            raise TargetError(
                f"process {pid} shares its control group {shown(group)} with others, and listens on {_ports(ports)}", where="target.pid",
                remedy="name the port: target.port")
        port = next(iter(ports))
    aim = Aim(str(folder), inode(str(folder)) or 0, (pid,), port, side)
    beside = f", with {_many(len(others), 'other ')} of its control group" if others else ""
    return Resolved(aim, began, f"process {pid} ({_command(pid)})" + (f", port {port}" if port else "") + beside)


def _group(folder: Path, target: Target, side: str, words: str) -> Resolved:
    ident = inode(str(folder))
    if ident is None:
        raise TargetError("its control group is gone", where=words)
    whole = target.cgroup is None and target.container is None
    aim = Aim(str(folder), ident, (), target.port or 0, side)
    return Resolved(aim, None, words + (f", port {target.port}" if target.port else "")) if not whole else Resolved(aim, None, f"port {target.port} on {words}")


def _container(ident: str, tree: Path) -> Path:
    """The folder that a runtime named after the container: ``ID``, ``docker-ID.scope``, ``cri-containerd-ID.scope``, ``crio-ID.scope`` …"""
    found: list[Path] = []
    for place, folders, _ in os.walk(tree):
        named = [name for name in folders if _ident(name).startswith(ident)]
        found += (Path(place, name) for name in named)
        folders[:] = [name for name in folders if name not in named]
    if not found:
        raise TargetError(f"no container {ident[:12]} runs on this node", where="target.container", remedy="it may have been restarted under another id, or run on another node")
    if len(found) > 1:
        raise TargetError(f"{len(found)} containers of this node are called {ident}…: {', '.join(shown(one.name) for one in sorted(found)[:4])}", where="target.container",
                          remedy="name the whole id, or the control group")
    return found[0]


_CONTAINER = re.compile(r"(?:^|[-:])([0-9a-f]{12,64})(?:\.scope)?$")


def _ident(name: str) -> str:
    """The id of the container that a folder is for; empty for others, and for a container's monitor (``crio-conmon-ID.scope``)."""
    found = _CONTAINER.search(name)
    return found[1] if found and "conmon" not in name else ""


def _members(folder: Path) -> set[int]:
    try:
        return {int(line) for line in (folder / "cgroup.procs").read_text().split()}
    except (OSError, ValueError):
        return set()


def _everybody(folder: Path) -> set[int]:
    """The processes of a control group and of those below it, whose packets are looked at together."""
    return {pid for place, _, _ in os.walk(folder) for pid in _members(Path(place))}


def _many(number: int, word: str = "") -> str:
    return f"{number} {word}process{'' if number == 1 else 'es'}"


def _command(pid: int) -> str:
    """Its name, which it gives itself: nothing that drives a terminal or looks like a secret."""
    try:
        text = (PROC / str(pid) / "comm").read_bytes().removesuffix(b"\n").decode("ascii", "replace")
    except OSError:
        return "?"
    return "{token}" if tokenish(text) else masked(shown(text))


def shown(text: str) -> str:
    """For people and logs: what is not printable in ASCII is ``?``."""
    return re.sub(r"[^\x20-\x7e]", "?", text)


def _ports(ports: frozenset[int]) -> str:
    return f"the ports {', '.join(map(str, sorted(ports)))}" if ports else "no port"
