"""The door of servers with one token and no people (``oncalm mcp``, ``oncalm receive``), by the rules of :mod:`api.door.hosts`."""

from __future__ import annotations

import hmac
import re

from api.door.hosts import App, Headers, HostRule, Receive, Scope, Send, loopback, values
from telemetry.errors import UsageError

_SHORTEST = 16
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")


def check_binding(host: str, token: str | None, where: str = "mcp") -> None:
    """Raise UsageError where others could reach the server without a token, or with one that is no good."""
    if token is None and not loopback(host):
        raise UsageError(f"{host} can be reached from other machines, and no token is set", where=where,
                         remedy="give --token-file FILE, or listen on 127.0.0.1")
    if token is not None and (len(token) < _SHORTEST or not _TOKEN.fullmatch(token)):
        raise UsageError(f"the token must have at least {_SHORTEST} characters, of letters, digits and ._~+/=-", where=where,
                         remedy="make one with: openssl rand -hex 32")


class Gate:
    """An ASGI application that lets only fitting requests through to another."""

    def __init__(self, app: App, host: str, token: str | None) -> None:
        self._app = app
        self._rule = HostRule(host, guarded=token is not None)
        self._token = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            refused = self._refusal(scope["headers"])
            await (_refuse(send, *refused) if refused else self._app(scope, receive, send))

    def _refusal(self, headers: Headers) -> tuple[int, str] | None:
        """(status, reason), or None for a request that may pass."""
        refused = self._rule.refusal(headers)
        if refused is None and self._token is not None and not self._authorised(headers):
            return 401, "a bearer token is needed"
        return refused

    def _authorised(self, headers: Headers) -> bool:
        given = values(headers, b"authorization")
        scheme, _, token = (given[0] if len(given) == 1 else "").partition(" ")
        # The time this takes must not tell how much of a guess was right.
        return hmac.compare_digest(token.strip().encode("latin-1"), self._token or b"") and scheme.lower() == "bearer"


async def _refuse(send: Send, status: int, reason: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": reason.encode()})
