"""A probe as it is asked for: by name, with typed and bounded parameters. Its digest is what an approval is for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ebpf.catalog import CATALOG
from ebpf.errors import SpecError

LONGEST = 600
"""Seconds a session lasts at most."""
_CONTAINER = re.compile(r"[0-9a-f]{12,64}")
Port = Annotated[int, Field(ge=1, le=65535)]


class Target(BaseModel):
    """What is looked at: exactly one of ``cgroup``, ``container``, ``pid``; ``port`` narrows it, or stands alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cgroup: str | None = Field(None, max_length=1024, description="folder of a control group, below the mounted tree, for example /kubepods.slice/…")
    container: str | None = Field(None, description="a container's id, as the runtime tells it: 12 to 64 hex digits")
    pid: int | None = Field(None, ge=1, le=1 << 22)
    started: int | None = Field(None, ge=0, description="when that process began, in clock ticks since boot (/proc/PID/stat, field 22): another start is another process")
    port: Port | None = None

    @model_validator(mode="after")
    def _one(self) -> Target:
        given = [name for name in ("cgroup", "container", "pid") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"only one of cgroup, container and pid can be the target, not {' and '.join(given)}")
        if not given and self.port is None:
            raise ValueError("a target needs a cgroup, a container, a pid or a port")
        if self.cgroup is not None and (not self.cgroup.startswith("/") or ".." in self.cgroup.split("/") or "\0" in self.cgroup):
            raise ValueError("cgroup must be an absolute path within the tree of control groups, without ..")
        if self.container is not None and not _CONTAINER.fullmatch(self.container):
            raise ValueError("container must be 12 to 64 hex digits, as the runtime tells it")
        if self.started is not None and self.pid is None:
            raise ValueError("started belongs to a pid")
        return self


class ProbeSpec(BaseModel):
    """One session of one probe."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    target: Target
    seconds: int = Field(30, ge=1, le=LONGEST)
    side: Literal["server", "client", "either"] = "either"
    budget: int = Field(200, ge=1, le=20_000, description="events a second that are handed out; all are counted")
    slow_ms: float = Field(500, ge=0.01, le=600_000, description="slower things may use the half of the budget that is reserved")
    capture: int = Field(512, ge=64, le=512, description="bytes of a head that the worker may look at")
    overhead: float = Field(0.05, gt=0, le=1, description="the most of one CPU it may cost; above it, it is taken away")
    options: dict[str, int] = Field(default_factory=dict)
    service: str = Field("", max_length=128, pattern=r"^[\w./:@-]*$", description="the target's name as other telemetry has it: its spans get this one")

    @model_validator(mode="after")
    def _known(self) -> ProbeSpec:
        entry = CATALOG.get(self.name)
        if entry is None:
            raise ValueError(f"there is no probe {self.name!r}; there are {', '.join(sorted(CATALOG))}")
        if entry.needs_port and self.target.port is None:
            raise ValueError(f"{self.name} needs a port: target.port (usually {entry.port})")
        for name, value in self.options.items():
            allowed = entry.options.get(name)
            if allowed is None:
                raise ValueError(f"{self.name} has no option {name!r}; it has {', '.join(sorted(entry.options)) or 'none'}")
            if not allowed.least <= value <= allowed.most:
                raise ValueError(f"option {name} must be {allowed.least} to {allowed.most}, not {value}")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of its canonical JSON."""
        return hashlib.sha256(canonical(self.model_dump(mode="json"))).hexdigest()


def canonical(document: Any) -> bytes:
    """JSON with sorted names and no spaces, in UTF-8."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def spec_from(document: Mapping[str, Any]) -> ProbeSpec:
    """A spec from plain JSON. Raises SpecError that names every field that is wrong."""
    try:
        return ProbeSpec.model_validate(document)
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'probe'}: {one['msg'].removeprefix('Value error, ')}" for one in error.errors())
        raise SpecError(told, where="probe", remedy="oncalm probe list shows every probe with its parameters") from error
