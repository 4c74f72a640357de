"""A node's daemon as others talk to it: over its Unix socket, or over TCP with mutual TLS. Blocking; one session a connection."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ebpf import errors
from ebpf.daemon.running import LINE
from ebpf.errors import ProbeError, SessionError

_KINDS: dict[str, type[ProbeError]] = {name: getattr(errors, name) for name in ("SpecError", "TargetError", "UnsupportedError", "GrantError", "SessionError")}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a node's daemon listens: a Unix socket's path, or a host and port with three PEM files."""

    node: str
    socket: str = ""
    host: str = ""
    port: int = 0
    authority: str = ""
    certificate: str = ""
    key: str = ""

    def __str__(self) -> str:
        return self.socket or f"{self.host}:{self.port}"


class Client:
    """One connection."""

    def __init__(self, address: Address, *, timeout: float = 10.0) -> None:
        """Raises SessionError when nobody answers there."""
        self._address = address
        try:
            self._socket = _connect(address, timeout)
        except (OSError, ssl.SSLError) as error:
            raise SessionError(f"the probe daemon of {address.node} cannot be reached: {error}", where=str(address),
                               remedy="start it on that node: oncalm probed") from error
        self._file = self._socket.makefile("rb")

    def close(self) -> None:
        """Let go; a session that runs over it ends."""
        with contextlib.suppress(OSError):  # it may be gone already
            self._socket.shutdown(socket.SHUT_RDWR)
        self._file.close()
        self._socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, op: str, **more: Any) -> dict[str, Any]:
        """One question, one answer. Raises what the daemon says, SessionError when it says nothing."""
        self._send({"op": op, **more})
        return self._line()

    def start(self, signed: Mapping[str, str], *, quiet: float = 30.0) -> Iterator[dict[str, Any]]:
        """Run a session: ``session``, ``attached``, ``call`` …, ``progress``, and at last ``result``. ``quiet``: seconds without a line."""
        self._socket.settimeout(quiet)
        self._send({"op": "start", "grant": dict(signed)})
        while True:
            told = self._line()
            yield told
            if told["type"] == "result":
                return

    def stop(self) -> None:
        """End the session now; its result still comes."""
        self._send({"op": "stop"})

    def _send(self, document: Mapping[str, Any]) -> None:
        try:
            self._socket.sendall(json.dumps(document).encode() + b"\n")
        except OSError as error:
            raise self._gone(str(error)) from error

    def _line(self) -> dict[str, Any]:
        try:
            line = self._file.readline(LINE)
            told = json.loads(line) if line.endswith(b"\n") else None
        except (OSError, ValueError) as error:
            raise self._gone(str(error)) from error
        if not isinstance(told, dict):
            raise self._gone("it closed the connection")
        if told.get("type") == "error":
            raise _KINDS.get(str(told.get("kind")), SessionError)(str(told.get("what")), where=str(told.get("where", "")), remedy=str(told.get("remedy", "")))
        return told

    def _gone(self, why: str) -> SessionError:
        return SessionError(f"the probe daemon of {self._address.node} is gone: {why}", where=str(self._address),
                            remedy="nothing stays attached: look at the daemon's log, and ask again")


def _connect(address: Address, timeout: float) -> socket.socket:
    if address.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(timeout)
        made.connect(address.socket)
        return made
    context = ssl.create_default_context(cafile=address.authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(Path(address.certificate), Path(address.key))
    return context.wrap_socket(socket.create_connection((address.host, address.port), timeout), server_hostname=address.host)
