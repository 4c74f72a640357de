"""Who may talk to an HTTP server of ours: checks of Host, Origin and token before anything of a request is read."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from telemetry.errors import UsageError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_SHORTEST = 16
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")


def loopback(host: str) -> bool:
    """Whether only this machine can reach an address. A name other than ``localhost`` could mean anything: no."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_binding(host: str, token: str | None, where: str = "mcp") -> None:
    """Raise UsageError where others could reach the server without a token, or with one that is no good."""
    if token is None and not loopback(host):
        raise UsageError(f"{host} can be reached from other machines, and no token is set", where=where,
                         remedy="give --token-file FILE, or listen on 127.0.0.1")
    if token is not None and (len(token) < _SHORTEST or not _TOKEN.fullmatch(token)):
        raise UsageError(f"the token must have at least {_SHORTEST} characters, of letters, digits and ._~+/=-", where=where,
                         remedy="make one with: openssl rand -hex 32")


class Gate:
    """An ASGI application that lets only fitting requests through to another.

    A page in a browser can make its own name point to this machine (DNS rebinding); what it sends then carries that
    name as Host and its Origin. Only names that we listen on pass; bound to every address (``0.0.0.0``), whose names
    we do not know, it is the token that no page has, and an Origin must be that of the Host.
    """

    def __init__(self, app: App, host: str, token: str | None) -> None:
        self._app = app
        self._any_host = token is not None and _unspecified(host)
        self._hosts = _LOCAL | {host.lower()}
        self._token = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            refused = self._refusal(scope["headers"])
            await (_refuse(send, *refused) if refused else self._app(scope, receive, send))

    def _refusal(self, headers: list[tuple[bytes, bytes]]) -> tuple[int, str] | None:
        """(status, reason), or None for a request that may pass."""
        hosts, origins = _values(headers, b"host"), _values(headers, b"origin")
        host = _name(f"//{hosts[0]}") if len(hosts) == 1 else None
        if host is None or not (self._any_host or host in self._hosts):
            return 421, "this server is not known by that Host"
        allowed = {host} if self._any_host else self._hosts
        if any(_name(origin) not in allowed for origin in origins):
            return 403, "pages of that Origin may not use this server"
        if self._token is not None and not self._authorised(headers):
            return 401, "a bearer token is needed"
        return None

    def _authorised(self, headers: list[tuple[bytes, bytes]]) -> bool:
        given = [value for name, value in headers if name == b"authorization"]
        scheme, _, token = (given[0] if len(given) == 1 else b"").partition(b" ")
        # The time this takes must not tell how much of a guess was right.
        return hmac.compare_digest(token.strip(), self._token or b"") and scheme.lower() == b"bearer"


def _unspecified(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _values(headers: list[tuple[bytes, bytes]], wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in headers if name == wanted]


def _name(url: str) -> str | None:
    """The host that a URL names, in lower case and without its port."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


async def _refuse(send: Send, status: int, reason: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": reason.encode()})
