"""The door: an ASGI application around another that says who comes, keeps out who may not, and bounds what comes in.

In this order: names and origins (:mod:`api.door.hosts`), failed attempts, who it is (:mod:`api.door.reception`), what the
key is for, rates, the body, CSRF. What gets in finds ``person``, ``identity``, ``address``, ``secure`` and ``csrf`` in
``request.state``; whether their role reaches is said by each route (:class:`api.door.needs.Needs`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from urllib.parse import parse_qs

from agent.keys.secrets import digest, same
from api.door.bodies import Body, BodyLimits
from api.door.headers import protecting
from api.door.hosts import (
    App,
    Headers,
    HostRule,
    Message,
    Receive,
    Scope,
    Send,
    navigation,
    same_origin,
    values,
)
from api.door.identity import Identity
from api.door.jwks import ProviderError
from api.door.needs import StrangerError
from api.door.pages import browsing, refusal_page, welcoming
from api.door.proxies import Client, Proxies
from api.door.rates import Limiter, Rates, subscriber
from api.door.reception import Reception
from api.door.refusing import Refused, refuse
from api.door.scopes import within
from telemetry.errors import OnCalmError

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
RECHECK = 10.0
"""Seconds after which a long answer asks whether whom it goes to may still have it: so long does a revoked key read on."""
PROVING = ("/v1/alerts/", "/slack/")
"""Below these paths senders prove themselves to the route, with credentials or signatures that the door does not know."""
_FORM = "application/x-www-form-urlencoded"
_LARGEST_FORM = 65_536
_STATUS: tuple[tuple[type[OnCalmError], int], ...] = ((StrangerError, 401), (ProviderError, 503))


class Door:
    """An ASGI application that lets only fitting requests through to another."""

    def __init__(self, app: App, reception: Reception, host: str, *, guarded: bool, names: Iterable[str] = (), proxies: Proxies | None = None,
                 rates: Rates | None = None, bodies: BodyLimits | None = None, recheck: float = RECHECK) -> None:
        """``host``: the address listened on; ``guarded``: nobody is let in without credentials; ``names``: by which it is known."""
        self.app, self.reception, self.limiter = app, reception, Limiter(rates or Rates())
        self._rule = HostRule(host, guarded=guarded, names=names)
        self._proxies, self._bodies, self._recheck = proxies or Proxies(), bodies or BodyLimits(), recheck

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = self._proxies.client(scope)
        send, body = protecting(send, secure=client.secure), None
        try:
            identity, body = await self._admitted(scope, receive, send, client)
            with self.limiter.under_way(identity.person.id if identity else None, subscriber(client.address)):
                await self._checked_csrf(scope, identity, body)
                await self._passed(scope, identity, body, client)
        except Refused as no:
            await refuse(send, no, None if body is not None and body.whole else receive, page=refusal_page if browsing(scope) else None)

    async def _admitted(self, scope: Scope, receive: Receive, send: Send, client: Client) -> tuple[Identity | None, Body]:
        """Who asks, and the body within its bounds. Raises Refused."""
        headers: Headers = scope["headers"]
        self._check_place(scope, headers, client)
        identity = await self._identified(scope, headers, client)
        if identity is not None and not within(scope["path"], identity.scopes):
            raise Refused(403, f"this key is only for {', '.join(sorted(identity.scopes))}", where=scope["path"], remedy="use a key without these scopes", close=False)
        self.limiter.check_rate(identity.person.id if identity else None, subscriber(client.address))
        state = scope.setdefault("state", {})
        state.update(identity=identity, person=identity.person if identity else None, csrf=identity.csrf if identity else "",
                     address=client.address, secure=client.secure)
        return identity, Body(receive, send, headers, self._bodies)

    def _check_place(self, scope: Scope, headers: Headers, client: Client) -> None:
        refused = self._rule.refusal(headers)
        if refused:
            raise Refused(refused[0], refused[1], remedy="ask by the name it listens on, or name others in ONCALM_HOSTS")
        safe = scope["method"] in {"GET", "HEAD"}
        if not same_origin(headers, "https" if client.secure else "http") and not (safe and navigation(headers) and not values(headers, b"origin")):
            raise Refused(403, "pages of another origin may not use this server", remedy="open its own page")

    async def _identified(self, scope: Scope, headers: Headers, client: Client) -> Identity | None:
        """Who it is, None for nobody. What is shown and is no good is refused, but where senders prove themselves to the route; an old
        cookie is as good as none."""
        address, shown = subscriber(client.address), values(headers, b"authorization")
        credential = digest(shown[0]) if shown else ""
        try:
            if not shown:
                return await self.reception.by_cookie(headers, client) or await self.reception.at_home(client)
            self.limiter.check_failures(address, credential)
            identity = await self.reception.by_header(headers)
        except Refused:
            raise
        except OnCalmError as error:
            status = next((status for kind, status in _STATUS if isinstance(error, kind)), 503)
            if status == 401 and _proving(scope):
                return None
            if status == 401:
                self.limiter.failed(address)
            raise Refused(status, error.what, where=error.where, remedy=error.remedy, again=5 if status == 503 else None) from error
        self.limiter.succeeded(credential)
        return identity

    async def _checked_csrf(self, scope: Scope, identity: Identity | None, body: Body) -> None:
        """A cookie comes along with whatever a browser sends; the token only with what our own pages send. Raises Refused."""
        if identity is None or identity.by != "session" or scope["method"] in SAFE:
            return
        given, kinds = values(scope["headers"], b"x-csrf-token"), values(scope["headers"], b"content-type")
        if not given and kinds and kinds[0].split(";")[0].strip().lower() == _FORM:
            given = _field(await body.peek(_LARGEST_FORM), "csrf")
        if len(given) != 1 or not same(given[0], identity.csrf):
            raise Refused(403, "the page's token (X-CSRF-Token, or the field csrf) is missing or of another session", where=scope["path"], remedy="load the page again")

    async def _passed(self, scope: Scope, identity: Identity | None, body: Body, client: Client) -> None:
        send = self._staying(identity, body.send) if identity else welcoming(scope, body.send)
        if identity is None and _proving(scope):
            send = self._counting(send, client, values(scope["headers"], b"authorization"))
        try:
            await self.app(scope, body.receive, send)
        except ConnectionAbortedError:
            return  # by us: not read, or not for them any more
        except Exception:
            if not body.refused:
                raise
        await body.finish()

    def _counting(self, send: Send, client: Client, shown: list[str]) -> Send:
        """``send`` that counts what the route says of a sender as the door counts its own: failed, or good from now on."""
        async def passing(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 401:
                self.limiter.failed(subscriber(client.address))
            elif message["type"] == "http.response.start" and message["status"] < 300 and shown:
                self.limiter.succeeded(digest(shown[0]))
            await send(message)

        return passing

    def _staying(self, identity: Identity, send: Send) -> Send:
        """``send`` that looks from time to time whether a key was revoked or a session ended meanwhile."""
        looked = time.monotonic()

        async def passing(message: Message) -> None:
            nonlocal looked
            if time.monotonic() - looked >= self._recheck:
                looked = time.monotonic()
                if not await self._may_stay(identity):
                    raise ConnectionAbortedError("whoever this goes to may not have it any more")
            await send(message)

        return passing

    async def _may_stay(self, identity: Identity) -> bool:
        try:
            return await self.reception.still(identity)
        except OnCalmError:  # nobody can tell: no
            return False


def _proving(scope: Scope) -> bool:
    return any(scope["path"].startswith(one) for one in PROVING)


def _field(form: bytes | None, name: str) -> list[str]:
    """The values of a field of a form."""
    try:
        return parse_qs((form or b"").decode("latin-1"), max_num_fields=1_000).get(name, [])
    except ValueError:  # too many fields
        return []
