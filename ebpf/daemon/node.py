"""What one node knows: its name and keys, what its probes cost, what a probe would look at."""

from __future__ import annotations

import asyncio
import json
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ebpf import objects
from ebpf.attachments import WAYS, calibrated_ns
from ebpf.catalog import CATALOG
from ebpf.daemon.children import command
from ebpf.daemon.settings import DaemonSettings
from ebpf.daemon.used import Used
from ebpf.errors import ProbeError, SessionError, SpecError
from ebpf.explain import effective
from ebpf.grants import Grant, others_may_write, public_keys, verified
from ebpf.price import predicted
from ebpf.rates import observed
from ebpf.spec import ProbeSpec, spec_from
from ebpf.targets import Resolved, resolve

_PRICES = 256
VERSION = 1
"""Of the protocol."""


class Node:
    """The daemon's knowledge. Calibrations are kept for the kernel and objects they were made with."""

    def __init__(self, settings: DaemonSettings, clock: Callable[[], datetime]) -> None:
        self._settings, self._clock = settings, clock
        settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        if why := others_may_write(settings.state):
            raise SessionError(why, where=str(settings.state), remedy="give the daemon a folder of its own with --state: whoever writes there can have a grant used again")
        self._used = Used(settings.state / "used-grants")
        self._calibrated: Mapping[str, float] = {}
        self._predicted: OrderedDict[str, float | None] = OrderedDict()
        """Prices told by previews, by the digest of the spec."""

    def ns_per_call(self, probe: str) -> float:
        """What one run of a probe's programs costs; 0 when that was not calibrated."""
        return calibrated_ns(probe, self._calibrated) or 0.0

    def loader(self) -> str:
        """Which loader sessions use: one by name, or ``auto``."""
        return self._settings.loader

    async def hello(self) -> dict[str, Any]:
        """What this node is and can do."""
        uname = os.uname()
        return {"type": "node", "version": VERSION, "node": self._settings.node, "kernel": uname.release, "machine": uname.machine,
                "probes": {name: sorted(entry.capabilities - effective()) for name, entry in CATALOG.items()},
                "calibrated": dict(self._calibrated), "sessions": self._settings.sessions, "overhead": self._settings.overhead}

    async def preview(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """What a probe would look at, pinned to the process or control group of now, and its price. Raises ProbeError."""
        spec = self._bounded(spec_from(document))
        target = self.resolve(spec)
        pinned = spec
        if spec.target.pid is not None:
            pinned = spec.model_copy(update={"target": spec.target.model_copy(update={"started": target.started})})
        elif target.container is not None:
            pinned = spec.model_copy(update={"target": spec.target.model_copy(update={"container": target.container})})
        rate = await asyncio.to_thread(_rate, pinned, target)
        price = predicted(pinned, rate, self._calibrated, CATALOG[spec.name].rate)
        self._predicted[pinned.digest] = price.share
        if len(self._predicted) > _PRICES:
            self._predicted.popitem(last=False)
        lacking = sorted(CATALOG[spec.name].capabilities - effective())
        return {"type": "preview", "node": self._settings.node, "spec": pinned.model_dump(mode="json"), "digest": pinned.digest, "target": target.words,
                "price": price.document(), "price_words": price.words(), "lacking": lacking}

    def predicted(self, spec: ProbeSpec) -> float | None:
        """The share of one CPU that the last preview of exactly this told; None where there was none."""
        return self._predicted.get(spec.digest)

    def accept(self, signed: Mapping[str, Any]) -> Grant:
        """The grant, if it is good here and now. Raises GrantError, SpecError."""
        grant = verified(signed, public_keys(self._settings.keys), self._settings.node, self._clock())
        self._bounded(grant.spec)
        return grant

    def resolve(self, spec: ProbeSpec) -> Resolved:
        """The target as it is now. Raises TargetError, UnsupportedError."""
        return resolve(spec.target, spec.side, by_process=CATALOG[spec.name].by_process)

    def use(self, grant: Grant) -> None:
        """Use a grant up. Raises GrantError the second time."""
        self._used.take(grant, self._clock())

    async def calibrate(self) -> None:
        """Measure what programs cost here, unless it is known; without the capabilities it stays unknown."""
        place, key = self._settings.state / "calibrated.json", self._key()
        try:
            kept = json.loads(place.read_text())
            if kept.get("key") == key:
                self._calibrated = {str(name): float(value) for name, value in kept["figures"].items()}
                return
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            pass  # nothing kept, or not by us: measured anew
        process = await asyncio.create_subprocess_exec(
            *command("ebpf.calibrate"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env={})
        try:
            told = json.loads((await process.communicate(f"{os.getpid()}\n".encode()))[0] or b"{}")
        except ValueError:
            return
        finally:
            if process.returncode is None:
                process.kill()
        if "ns_per_call" in told:
            self._calibrated = {str(name): float(value) for name, value in told.items()}
            _write(place, {"key": key, "figures": told})

    def _key(self) -> str:
        try:
            digests = json.dumps(objects.manifest(), sort_keys=True)
        except ProbeError:
            digests = ""
        return f"{os.uname().release} {os.cpu_count()} {' '.join(WAYS)} {digests}"

    def _bounded(self, spec: ProbeSpec) -> ProbeSpec:
        if spec.overhead > self._settings.overhead:
            raise SpecError(f"overhead is {spec.overhead:.1%}, and this node allows {self._settings.overhead:.1%} of a CPU", where="probe.overhead", remedy="ask for less")
        return spec


def _rate(spec: ProbeSpec, target: Resolved) -> float | None:
    """Events a second that the price grows with: those of a sampling probe are asked for, others are counted for a second."""
    entry = CATALOG[spec.name]
    if entry.rate == "samples":
        return float(spec.options.get("hertz", entry.options["hertz"].default) * (os.cpu_count() or 1))
    return observed(entry.rate, target.aim)


def _write(path: Path, document: Mapping[str, Any]) -> None:
    made = path.with_suffix(".new")
    made.write_text(json.dumps(document))
    made.replace(path)
