"""``probes.yaml``: which nodes can be asked for probes, and where what they saw goes (docs/probes.md)."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from api.probes.spans import kept
from ebpf.client import Address
from ebpf.daemon.settings import SOCKET
from telemetry.errors import UsageError
from tools.actions.probes import Nodes

FILE = "probes.yaml"


class NodeFile(BaseModel):
    """One node of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=253)
    socket: str = ""
    host: str = ""
    port: int = Field(default=9464, ge=1, le=65535)
    authority: str = ""
    certificate: str = ""
    key: str = ""

    @model_validator(mode="after")
    def _whole(self) -> NodeFile:
        if bool(self.socket) == bool(self.host):
            raise ValueError("a node has either a socket on this machine, or a host")
        if self.host and not (self.authority and self.certificate and self.key):
            raise ValueError("a host needs authority, certificate and key: three PEM files (mutual TLS)")
        return self


class ProbesFile(BaseModel):
    """``probes.yaml``. ``otlp``: where spans go as well, as ``http://collector:4318``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    nodes: list[NodeFile] = Field(default_factory=list)
    otlp: str = Field(default="", pattern=r"^(https?://\S+)?$")


def settings_of(home: Path) -> ProbesFile:
    """The file of a home; without one the daemon on this machine, if it listens where it usually does. Raises UsageError."""
    from telemetry import yaml_files

    path = home / FILE
    if not path.exists():
        return ProbesFile(nodes=[NodeFile(name=socket.gethostname(), socket=str(SOCKET))] if SOCKET.exists() else [])
    told = yaml_files.read(path, remedy="see docs/probes.md") or {}
    try:
        return ProbesFile.model_validate(told)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg'].removeprefix('Value error, ')}" for one in error.errors()[:5])
        raise UsageError(wrong, where=str(path), remedy="see docs/probes.md") from error


def addresses(home: Path) -> tuple[Address, ...]:
    """The daemons that can be asked. Raises UsageError."""
    return tuple(Address(one.name, one.socket, one.host, one.port, *(str(home / name) if name else "" for name in (one.authority, one.certificate, one.key)))
                 for one in settings_of(home).nodes)


def nodes_of(home: Path, records: Path, *, tell: Callable[[str], None] = lambda _: None) -> Nodes:
    """What the catalogue of actions needs to attach probes; spans go to the store at ``records``. Raises UsageError."""
    endpoint = settings_of(home).otlp
    return Nodes(addresses(home), home / "probe.key", home / "probes", lambda path: kept(path, records, endpoint, tell))
