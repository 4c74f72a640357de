"""What our HTTP servers share: listening before the address is told, and ending in order."""

from __future__ import annotations

import socket

from telemetry.errors import UsageError


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises UsageError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)  # before the address is told: who reads it may call at once
    except (OSError, OverflowError) as error:
        listening.close()
        raise UsageError(f"cannot listen there: {getattr(error, 'strerror', None) or error}", where=f"{host}:{port}",
                         remedy="choose another host or port") from error
    return listening


def leave(*_: object) -> None:
    """The signal has done what it was sent for."""
