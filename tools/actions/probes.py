"""Look into a node's kernel: the daemon of that node is handed a grant for exactly what was approved, and attaches one probe.

A probe changes nothing but the time that things take, within the approved overhead, and ends by itself. What it tells is
kept in a file of the home; nothing that was captured is read here.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field

from ebpf.catalog import CATALOG
from ebpf.client import Address, Client
from ebpf.errors import GrantError, ProbeError, SessionError, SpecError, TargetError, UnsupportedError
from ebpf.grants import grant, private_key, sign
from ebpf.spec import ProbeSpec, spec_from
from telemetry.errors import UsageError
from tools.actions.action import Action, Blast, Edit, Effect, Json, Obstacle, Preview, Settled, Target
from tools.actions.errors import RefusedError, UnknownOutcomeError
from tools.actions.kinds import Params, validated
from tools.actions.performing import Part
from tools.approval import Grant

ACTION = "run_probe"
KEPT, ROOM = 20_000, 64 << 20
"""Calls of one session, and bytes, that are kept in its file; the rest is counted. A node is not trusted to be brief."""
_OVERDUE = 120.0
"""Seconds beyond its time for which a daemon is listened to."""
_PATIENCE = 15.0
"""Seconds that a session gets to tell its result when we have to end."""


class ProbeParams(Params):
    """A probe of the catalogue and its target; see ``oncalm probe list``."""

    probe: str = Field(min_length=1, max_length=64)
    cgroup: str | None = None
    container: str | None = None
    pid: int | None = None
    started: int | None = None
    port: int | None = None
    side: str = "either"
    seconds: int = 30
    budget: int = 200
    slow_ms: float = 500
    capture: int = 512
    overhead: float = 0.05
    options: dict[str, int] = Field(default_factory=dict)
    service: str = ""

    def spec(self) -> ProbeSpec:
        """As the node's daemon takes it. Raises SpecError."""
        told = self.model_dump(exclude_none=True)
        target = {name: told.pop(name) for name in _TARGET if name in told}
        return spec_from({"name": told.pop("probe"), "target": target, **told})


_TARGET = ("cgroup", "container", "pid", "started", "port")


@dataclass(frozen=True, slots=True)
class Nodes:
    """The daemons that can be asked; ``key``: where the home's private key is; ``folder``: where results are kept."""

    addresses: tuple[Address, ...]
    key: Path
    folder: Path
    ended: Callable[[Path], None] = field(default=lambda _: None)
    """Told when a session's file is complete."""


class ProbeActions(Part):
    """The catalogue's part that attaches probes."""

    params: Mapping[str, type[Params]] = {ACTION: ProbeParams}

    def __init__(self, nodes: Nodes | None, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._nodes, self._clock = nodes, clock
        self._collecting: dict[threading.Thread, Client] = {}

    def finish(self) -> None:
        """Wait until every session that runs has told its result: it would end if we left."""
        for thread in list(self._collecting):
            thread.join()

    def close(self) -> None:
        """End the sessions that run; what they saw so far is kept."""
        for thread, client in list(self._collecting.items()):
            with suppress(ProbeError):
                client.stop()
            thread.join(_PATIENCE)
            if thread.is_alive():
                client.close()
                thread.join()

    def preview(self, name: str, target: Target, params: Mapping[str, Json]) -> Preview:
        """See :meth:`tools.actions.performing.Performer.preview`: the node resolves the target and predicts the price; nothing is attached."""
        given: ProbeParams = validated(self.params[name], name, params)
        if target.kind != "Node" or target.namespace:
            raise UsageError(f"{name} is for a Node without a namespace", where=name, remedy="name a node of oncalm probe nodes")
        spec = _spec(given)
        address = self._address(target.name)
        if isinstance(address, Obstacle):
            return _hindered(Action(name, target, given.plain()), spec, address)
        try:
            with Client(address) as node:
                told = node.ask("preview", spec=spec.model_dump(mode="json"))
        except ProbeError as error:
            return _hindered(Action(name, target, given.plain()), spec, Obstacle(_KINDS.get(type(error), "unreachable"), str(error), error.remedy))
        if not _pinned(spec, told.get("spec")):
            return _hindered(Action(name, target, given.plain()), spec, Obstacle(
                "not_allowed", f"the daemon of {target.name} answered for another probe than it was asked for", "run the same version of OnCalm there, and see that it is the daemon you mean"))
        return _preview(Action(name, target, _flat(told["spec"])), told)

    def perform(self, action: Action, granted: Grant | None = None) -> Effect:
        """See :meth:`tools.actions.performing.Performer.perform`. Returns once it is attached; what it tells is collected meanwhile."""
        address = self._address(action.target.name)
        if isinstance(address, Obstacle) or self._nodes is None:
            raise RefusedError(address.why if isinstance(address, Obstacle) else "no node is configured", where=str(action.target), remedy="see oncalm probe nodes")
        if granted is None:
            raise RefusedError("a probe is attached with an approval alone", where=str(action.target), remedy="propose it")
        spec = _spec(validated(self.params[action.name], action.name, action.params))
        try:
            signed = sign(grant(spec, address.node, granted.approval, granted.approvers, self._clock()), private_key(self._nodes.key))
            client = Client(address)
        except ProbeError as error:
            raise RefusedError(error.what, where=error.where, remedy=error.remedy) from error
        lines = client.start(signed)
        session, target, predicted = _attached(client, lines)
        path = self._nodes.folder / f"{action.marker}.jsonl"
        head = {"type": "session", "session": session, "approval": granted.approval, "node": address.node, "target": target,
                "spec": spec.model_dump(mode="json"), "predicted": predicted, "started": self._clock().isoformat()}
        try:
            collected = Collected(path, head)
        except OSError as error:
            client.close()  # which ends the session
            raise RefusedError(f"what it tells cannot be kept: {error.strerror}", where=str(path), remedy="make room in the home, and propose it again") from error
        self._collect(collected, client, lines)
        return Effect(f"attached to {target} for at most {spec.seconds} s; oncalm probe results {action.marker} tells what it saw",
                      observed={"session": session, "marker": action.marker, "target": target})

    def settle(self, preview: Preview, *, rollback: bool = False) -> Settled:
        """Its file tells that it was attached. Without one nobody knows, and nothing is attached any more."""
        if self._nodes is not None and (self._nodes.folder / f"{preview.action.marker}.jsonl").exists():
            return "applied"
        return "unclear"

    def _address(self, node: str) -> Address | Obstacle:
        known = {one.node: one for one in self._nodes.addresses} if self._nodes else {}
        return known.get(node) or Obstacle("no_node", f"no probe daemon of a node {node} is configured", f"configured are: {', '.join(sorted(known)) or 'none'}")

    def _collect(self, collected: Collected, client: Client, lines: Iterator[dict[str, Any]]) -> None:
        def work() -> None:
            with client, suppress(OSError):  # no room: the session ends with the connection, and its file says nothing of an end
                collected.read(lines)
            if self._nodes is not None:
                self._nodes.ended(collected.path)

        thread = threading.Thread(target=work, name=f"probe {collected.path.stem}")
        self._collecting = {one: kept for one, kept in self._collecting.items() if one.is_alive()} | {thread: client}
        thread.start()


class Collected:
    """A session's file: a line of JSON each, the head first, the result last."""

    def __init__(self, path: Path, head: Mapping[str, Any]) -> None:
        self.path, self._head = path, head
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.parent.stat().st_mode & 0o077:
            path.parent.chmod(0o700)  # it was made by a version that did not care
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "w", encoding="utf-8")
        self._write(head)
        self._file.flush()

    def read(self, lines: Iterator[dict[str, Any]]) -> None:
        """To the end of the session, whatever that is."""
        calls = left_out = 0
        end = time.monotonic() + float(self._head.get("spec", {}).get("seconds", 0)) + _OVERDUE
        try:
            for told in lines:
                if time.monotonic() > end:
                    raise SessionError("the daemon goes on telling long after the session's time", where=str(self._head.get("node", "")), remedy="look at that daemon")
                calls += told["type"] == "call"
                if told["type"] != "result" and (calls > KEPT or self._file.tell() > ROOM):
                    left_out += told["type"] == "call"
                else:
                    self._write(told)
            if left_out:
                self._write({"type": "left_out", "calls": left_out})
        except ProbeError as error:
            self._write({"type": "error", "what": error.what, "where": error.where, "remedy": error.remedy})
        finally:
            self._file.close()

    def _write(self, told: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n")


def _attached(client: Client, lines: Iterator[dict[str, Any]]) -> tuple[str, str, float | None]:
    """The session, its target and its predicted price once it is attached. Raises RefusedError when it was not, UnknownOutcomeError when nobody knows."""
    session = target = ""
    predicted: float | None = None
    try:
        for told in lines:
            if told["type"] == "session":
                session, target, predicted = str(told["id"]), str(told["target"]), told.get("predicted")
            if told["type"] == "attached":
                return session, target, predicted
    except SessionError as error:
        client.close()
        if session or "is gone" in error.what:
            raise UnknownOutcomeError(f"{error.what}; nothing stays attached", where=error.where, remedy=error.remedy) from error
        raise RefusedError(error.what, where=error.where, remedy=error.remedy) from error
    except ProbeError as error:
        client.close()
        raise RefusedError(error.what, where=error.where, remedy=error.remedy) from error
    client.close()
    raise RefusedError("the session ended before it was attached", where=session, remedy="look at the daemon's log")


def _spec(given: ProbeParams) -> ProbeSpec:
    try:
        return given.spec()
    except SpecError as error:
        raise UsageError(error.what, where=ACTION, remedy=error.remedy) from error


def _pinned(asked: ProbeSpec, told: Any) -> bool:
    """Whether a daemon's answer is the probe that was asked for, its process or container told more exactly: people are shown the answer."""
    try:
        found = spec_from(told)
    except (SpecError, TypeError):
        return False
    target = asked.target
    if target.container is not None and (found.target.container or "").startswith(target.container):
        target = target.model_copy(update={"container": found.target.container})
    if target.pid is not None and target.started is None:
        target = target.model_copy(update={"started": found.target.started})
    return found == asked.model_copy(update={"target": target})


def _flat(spec: Mapping[str, Any]) -> dict[str, Json]:
    told = {**spec, **spec["target"], "probe": spec["name"]}
    return {name: value for name, value in told.items() if name not in {"target", "name"} and value not in (None, "", {})}


def _preview(action: Action, told: Mapping[str, Any]) -> Preview:
    entry = CATALOG[str(action.params["probe"])]
    obstacles = tuple([Obstacle("forbidden", f"the daemon of {told['node']} lacks {', '.join(told['lacking'])}", "give it these capabilities")] if told["lacking"] else [])
    diff = tuple(Edit(f"probe.{name}", None, value) for name, value in sorted(action.params.items()))
    return Preview(action, diff, None, "exactly", Blast(0, 0.0, (), f"nothing is changed; {told['price_words']}"),
                   f"for {action.params['seconds']} s on {told['target']}: {entry.tells}", obstacles, checked_by="server")


def _hindered(action: Action, spec: ProbeSpec, why: Obstacle) -> Preview:
    return Preview(action, tuple(Edit(f"probe.{name}", None, value) for name, value in sorted(action.params.items())), None, "exactly",
                   Blast(0, 0.0, (), "nothing is changed"), CATALOG[spec.name].tells, (why,), checked_by="nothing")


_KINDS: Mapping[type[ProbeError], str] = {
    TargetError: "missing_target", UnsupportedError: "unsupported", GrantError: "forbidden", SpecError: "not_allowed", SessionError: "unreachable"}


def results(folder: Path) -> list[Path]:
    """Files of sessions, the newest first."""
    with suppress(FileNotFoundError):
        return sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime, reverse=True)
    return []


def read_result(path: Path) -> dict[str, Any]:
    """A session: ``head``, ``calls``, ``result`` or ``error``, None of both while it runs. Lines that a kill cut are left out."""
    found: dict[str, Any] = {"head": {}, "calls": [], "result": None, "error": None}
    for line in path.read_bytes().split(b"\n"):  # not splitlines: there are more ends of lines in Unicode, and texts may hold them
        with suppress(ValueError, KeyError, TypeError):
            told = json.loads(line)
            match told["type"]:
                case "session":
                    found["head"] = found["head"] or told
                case "call":
                    found["calls"].append(told["call"])
                case "result" | "error":
                    found[told["type"]] = told
    return found
