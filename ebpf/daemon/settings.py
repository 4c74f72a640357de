"""What a daemon is told. Read by the command line; nothing here looks at the environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SOCKET = Path("/run/oncalm/probed.sock")


@dataclass(frozen=True, slots=True)
class Tls:
    """Mutual TLS for a cluster: PEM files; clients prove themselves by a certificate of ``authority``."""

    host: str
    port: int
    certificate: Path
    key: Path
    authority: Path


@dataclass(frozen=True, slots=True)
class DaemonSettings:
    """``state``: a folder of its own, for used grants and calibrations; ``keys``: public keys that may grant."""

    node: str
    state: Path
    keys: Path
    socket: Path | None = SOCKET
    socket_mode: int = 0o660
    tls: Tls | None = None
    sessions: int = 4
    """At once on this node."""
    overhead: float = 0.2
    """The most of one CPU that a session may be granted."""
    otlp: str = ""
    """Where spans go as they come, as ``http://collector:4318``."""
    loader: str = "auto"
    """``core``, ``bcc``, or ``auto``: compiled objects where they fit, else bcc."""
