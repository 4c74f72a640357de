"""Whom a request is from: the other end of the connection, or what a trusted proxy says of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from api.door.hosts import Scope, loopback, values
from telemetry.errors import UsageError

_FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via")


@dataclass(frozen=True, slots=True)
class Client:
    """Address of whoever asks; whether they speak HTTPS; whether it is this machine itself, with no proxy between."""

    address: str
    secure: bool
    here: bool


class Proxies:
    """Proxies whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed; those of anybody else are not read."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        """Addresses and networks (``10.0.0.0/8``). Raises UsageError."""
        try:
            self._networks = tuple(ipaddress.ip_network(one.strip(), strict=False) for one in networks if one.strip())
        except ValueError as error:
            raise UsageError(f"this is no network: {error}", where="ONCALM_TRUSTED_PROXIES", remedy="write addresses or networks with commas between") from error

    def client(self, scope: Scope) -> Client:
        """Whom a request is from."""
        peer = str((scope.get("client") or ("",))[0])
        secure = scope.get("scheme") == "https"
        headers = scope["headers"]
        if not self._trusted(peer):
            forwarded = any(name in _FORWARDED for name, _ in headers)
            return Client(peer or "unknown", secure, here=loopback(peer) and not forwarded)
        hops = [one.strip() for value in values(headers, b"x-forwarded-for") for one in value.split(",")]
        # From the right: what stands left of the first address that is no proxy of ours was written by whoever asks.
        origin = next((one for one in reversed(hops) if not self._trusted(one)), peer)
        protocols = values(headers, b"x-forwarded-proto")
        return Client(origin[:64] or peer, secure or (len(protocols) == 1 and protocols[0].split(",")[-1].strip() == "https"), here=False)

    def _trusted(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._networks)
