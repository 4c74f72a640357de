"""Who is it: an API key, a token of the identity provider, a session's cookie, or whoever sits at this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from agent.approvals.people import Person
from agent.keys.keys import Keys
from agent.keys.secrets import PREFIX, csrf_of, is_session
from agent.keys.sessions import Session, Sessions
from api.door.hosts import Headers, values
from api.door.identity import Identity
from api.door.needs import StrangerError
from api.door.proxies import Client
from api.door.tokens import Tokens
from telemetry.errors import OnCalmError

COOKIE = {True: "__Host-oncalm", False: "oncalm"}
"""The session's cookie by whether the connection is HTTPS: the prefix keeps other hosts and plain HTTP from setting it (RFC 6265bis)."""
_THREADS = 4


class Reception:
    """Tells who comes. The database is asked in threads of its own: no busy server and no slow disk keeps it from answering."""

    def __init__(self, keys: Keys, sessions: Sessions, tokens: Tokens | None, local: Person | None) -> None:
        """``local``: whoever sits at this machine, let in as long as there was never a key and no identity provider."""
        self._keys, self._sessions, self._tokens = keys, sessions, tokens
        self._local = None if tokens else local
        self._threads = ThreadPoolExecutor(_THREADS, "door")
        self._noting = ThreadPoolExecutor(1, "door notes")
        self._pending: set[str] = set()
        self._looking: asyncio.Future[bool] | None = None

    async def by_header(self, headers: Headers) -> Identity | None:
        """Whom ``Authorization`` names; None without one. Raises StrangerError for one that is no good, ProviderError, StoreError."""
        given = values(headers, b"authorization")
        if not given:
            return None
        scheme, _, credential = given[0].partition(" ")
        if len(given) > 1 or scheme.lower() != "bearer" or not credential.strip():
            raise _stranger("Authorization has to be one bearer token")
        return await self.by_credential(credential.strip())

    async def by_credential(self, credential: str) -> Identity:
        """Whom an API key or a token stands for. Raises StrangerError, ProviderError, StoreError."""
        if credential.startswith(PREFIX):
            key = await self._asked(self._keys.find, credential)
            if key is None:
                raise _stranger("this API key opens nothing: it is not known, revoked or has expired")
            self._note(key.id, self._keys.note_use, key)
            return Identity(key.person, "key", key.id, key.scopes, until=key.expires, secret=credential)
        if self._tokens is None:
            raise _stranger("this is no API key")
        found = await self._tokens.believed(credential)
        return Identity(found.person, "token", until=found.until, secret=credential)

    async def by_cookie(self, headers: Headers, client: Client) -> Identity | None:
        """Whom the session's cookie stands for; None without one that is good. Raises StoreError."""
        secret = cookie_of(headers, COOKIE[client.secure])
        session = await self._asked(self._sessions.find, secret) if is_session(secret) else None
        if session is None:
            return None
        self._note(session.digest, self._sessions.note_use, session)
        return Identity(session.person, "session", session.key, session.scopes, csrf_of(secret), session.expires, secret)

    async def at_home(self, client: Client) -> Identity | None:
        """Whoever sits at this machine, while nothing else opens the door. Raises StoreError."""
        if self._local is None or not client.here:
            return None
        if await self._ever():
            self._local = None  # there is a key now, and this never stands open again
            return None
        return Identity(self._local, "local")

    async def still(self, identity: Identity) -> bool:
        """Whether somebody who came in some time ago may stay. Raises StoreError."""
        if identity.by == "key":
            return await self._asked(self._keys.find, identity.secret) is not None
        if identity.by == "session":
            return await self._asked(self._sessions.find, identity.secret) is not None
        if identity.by == "token":
            return identity.until is None or datetime.now(UTC) < identity.until
        return self._local is not None and not await self._asked(self._keys.ever)

    async def signed_in(self, identity: Identity, before: Identity | None) -> tuple[str, Session]:
        """A session for somebody who showed a key or a token, and its cookie's secret. Raises StoreError."""
        from agent.keys.secrets import digest

        old = digest(before.secret) if before is not None and before.by == "session" else None
        opened: tuple[str, Session] = await self._asked(lambda: self._sessions.open(
            identity.person, key=identity.key, scopes=identity.scopes, until=identity.until, instead_of=old))
        return opened

    async def signed_out(self, identity: Identity) -> None:
        """End the session behind a request. Raises StoreError."""
        session = await self._asked(self._sessions.find, identity.secret)
        if session is not None:
            await self._asked(self._sessions.end, session)

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False)
        self._noting.shutdown(wait=False)

    async def _ever(self) -> bool:
        """Whether there was ever a key. Those who come while it is looked up share one look."""
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._asked(self._keys.ever))
            self._looking.add_done_callback(lambda _: setattr(self, "_looking", None))
        return bool(await asyncio.shield(self._looking))

    async def _asked(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def _note(self, name: str, work: Callable[[Any], None], what: Any) -> None:
        """Note a use when there is time; a database that cannot be written keeps nobody out."""
        if name in self._pending:
            return
        self._pending.add(name)

        def noting() -> None:
            try:
                with suppress(OnCalmError):
                    work(what)
            finally:
                self._pending.discard(name)

        self._noting.submit(noting)


def cookie_of(headers: Headers, name: str) -> str:
    """The value of a cookie; "" without one, or with several that differ: one of them may be somebody else's."""
    pairs = [pair.strip().partition("=") for value in values(headers, b"cookie") for pair in value.split(";")]
    found = {value for key, _, value in pairs if key == name}
    return found.pop() if len(found) == 1 else ""


def _stranger(what: str) -> StrangerError:
    return StrangerError(what, where="Authorization", remedy="send an API key or a token: Authorization: Bearer …")
