"""Signing in and out: ``/login``, ``/logout``, and who one is (``/v1/me``)."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from agent.approvals.people import Person
from agent.keys.secrets import csrf_of, digest
from agent.keys.sessions import Session
from api.door.door import Door
from api.door.identity import Identity
from api.door.needs import Needs, StrangerError, open_to_all
from api.door.pages import local_path, login_css, login_page
from api.door.rates import subscriber
from api.door.reception import COOKIE
from telemetry.errors import UsageError

CSRF_COOKIE = "oncalm_csrf"
"""Our pages read it and send it as ``X-CSRF-Token``; the door compares that with the session, never with the cookie."""
_LARGEST = 65_536


class Me(BaseModel):
    """Whom the server takes one for. ``csrf``: for ``X-CSRF-Token``, empty without a session."""

    name: str
    role: str
    by: str
    scopes: list[str]
    csrf: str


def router(door: Door) -> APIRouter:
    """The routes of a door; ``door.app`` need not be there yet."""
    routes = APIRouter(tags=["door"])

    @routes.get("/login", include_in_schema=False)
    @open_to_all("whoever is not known yet signs in here")
    async def page(request: Request, next: str = "/") -> Response:  # noqa: A002 - the name of the query parameter
        return _html(login_page(next, csrf=_csrf(request)))

    @routes.get("/login.css", include_in_schema=False)
    @open_to_all("the style of the login page")
    async def style() -> Response:
        return Response(login_css(), media_type="text/css")

    @routes.post("/login", response_model=Me, responses={303: {"description": "Signed in by the form"}, 401: {}, 429: {}}, openapi_extra=_BODY)
    @open_to_all("whoever is not known yet signs in here")
    async def sign_in(request: Request) -> Response:
        """Open a session by an API key or a token; sets its cookie and the one of the CSRF token."""
        credential, then = await _given(request)
        try:
            identity = await _known(door, request, credential)
        except StrangerError as error:
            if then is None:
                raise
            return _html(login_page(then, error.what, _csrf(request)), 401)
        secret, session = await door.reception.signed_in(identity, getattr(request.state, "identity", None))
        answer = Response(status_code=303, headers={"location": local_path(then)}) if then is not None else _me(identity.person, identity, csrf_of(secret), "session")
        _set_cookies(answer, secret, session, secure=request.state.secure)
        return answer

    @routes.post("/logout", status_code=204, dependencies=[Depends(Needs("viewer"))],
                 responses={303: {"description": "Signed out by a form"}})
    async def sign_out(request: Request) -> Response:
        """End this session and take its cookies away."""
        identity: Identity | None = getattr(request.state, "identity", None)
        if identity is not None and identity.by == "session":
            await door.reception.signed_out(identity)
        form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        answer = Response(status_code=303, headers={"location": "/login"}) if form else Response(status_code=204)
        answer.delete_cookie(COOKIE[request.state.secure], secure=request.state.secure, httponly=True, samesite="strict")
        answer.delete_cookie(CSRF_COOKIE, secure=request.state.secure, samesite="strict")
        return answer

    @routes.get("/v1/me", response_model=Me)
    async def me(request: Request, person: Annotated[Person, Depends(Needs("viewer"))]) -> Response:
        """Whom the server takes one for."""
        identity: Identity | None = getattr(request.state, "identity", None)
        return _me(person, identity, identity.csrf if identity else "", identity.by if identity else "local")

    return routes


_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {
    "application/json": {"schema": {"type": "object", "required": ["credential"], "properties": {"credential": {"type": "string", "minLength": 1}}}}}}}


async def _known(door: Door, request: Request, credential: str) -> Identity:
    """Whom a credential stands for; failures count as they do in the header. Raises StrangerError, Refused, ProviderError, StoreError."""
    address = subscriber(request.state.address)
    door.limiter.check_failures(address, digest(f"Bearer {credential}"))
    try:
        return await door.reception.by_credential(credential)
    except StrangerError:
        door.limiter.failed(address)
        raise


async def _given(request: Request) -> tuple[str, str | None]:
    """The credential, and from the form where to go then. Raises UsageError."""
    body = await request.body()
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    found: object = None
    if len(body) <= _LARGEST and kind == "application/x-www-form-urlencoded":
        form = parse_qs(body.decode("latin-1"))
        return (form.get("credential") or [""])[0].strip(), (form.get("next") or ["/"])[0]
    if len(body) <= _LARGEST and kind == "application/json":
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            found = None
    credential = found.get("credential") if isinstance(found, dict) else None
    if not isinstance(credential, str) or not credential.strip():
        raise UsageError("there is no credential in it", where="credential", remedy='send {"credential": "an API key or a token"} as application/json')
    return credential.strip(), None


def _me(person: Person, identity: Identity | None, csrf: str, by: str) -> Response:
    found = Me(name=person.name, role=person.role, by=by, scopes=sorted(identity.scopes) if identity else [], csrf=csrf)
    return Response(found.model_dump_json(), media_type="application/json")


def _set_cookies(answer: Response, secret: str, session: Session, *, secure: bool) -> None:
    answer.set_cookie(COOKIE[secure], secret, expires=session.expires, path="/", secure=secure, httponly=True, samesite="strict")
    answer.set_cookie(CSRF_COOKIE, csrf_of(secret), expires=session.expires, path="/", secure=secure, samesite="strict")


def _csrf(request: Request) -> str:
    return str(getattr(request.state, "csrf", ""))


def _html(page: str, status: int = 200) -> Response:
    return Response(page, status_code=status, media_type="text/html")

