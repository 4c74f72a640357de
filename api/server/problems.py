"""Errors over HTTP: ``application/problem+json`` (RFC 9457) that says what was wrong, where, and what to do."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from agent.approvals.errors import (
    AlreadyAnsweredError,
    ApprovalRefusedError,
    DigestError,
    LapsedError,
    NoSuchApprovalError,
    NotAllowedError,
)
from agent.state_db.locks import TargetBusyError
from agent.summaries.keeping import NoSuchSummaryError
from api.door.jwks import ProviderError
from api.door.needs import RoleError, StrangerError
from api.door.refusing import Refused
from api.errors import BusyError, ConflictError, NotFoundError
from api.scheduling.store import NoSuchScheduleError
from telemetry.errors import OnCalmError, QueryError, SourceError, StoreError, UsageError
from tools.actions.errors import RefusedError, WorldChangedError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_log = logging.getLogger(__name__)
MEDIA = "application/problem+json"
_LONGEST = 500


_STATUS: tuple[tuple[type[OnCalmError], int], ...] = (
    (StrangerError, 401), (RoleError, 403), (NotAllowedError, 403), (NotFoundError, 404), (NoSuchApprovalError, 404), (NoSuchSummaryError, 404), (NoSuchScheduleError, 404),
    (ConflictError, 409), (AlreadyAnsweredError, 409), (LapsedError, 409), (DigestError, 409), (WorldChangedError, 409), (TargetBusyError, 409),
    (ApprovalRefusedError, 409), (RefusedError, 422), (UsageError, 400), (QueryError, 400), (SourceError, 502), (ProviderError, 503), (BusyError, 503), (StoreError, 503),
)
"""The first that fits; what is none of them is 500."""


def status_of(error: OnCalmError) -> int:
    """The status of an error."""
    own = getattr(error, "status", None)
    if isinstance(own, int):
        return own
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem_of(error: OnCalmError) -> dict[str, Any]:
    """The error as RFC 9457 has it, with ``where`` and ``remedy``."""
    status = status_of(error)
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": error.what, "where": error.where, "remedy": error.remedy,
            **({"errors": told} if (told := getattr(error, "errors", None)) else {})}


AsPage = Callable[[Request, Mapping[str, Any]], Response | None]
"""A problem as a page, for browsers; None for programs."""


def install(app: FastAPI, as_page: AsPage = lambda request, problem: None) -> None:
    """Make every error of an application a problem document; ``as_page`` has the first word."""
    app.state.as_page = as_page
    app.add_exception_handler(OnCalmError, _ours)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _defect)


def answer(status: int, detail: str, *, headers: Mapping[str, str] | None = None, request: Request | None = None, **more: Any) -> Response:
    """A problem document; with ``request`` a page where a browser asked for one."""
    return _answered(request, {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}, headers)


def _answered(request: Request | None, problem: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    shown = request.app.state.as_page(request, problem) if request is not None else None
    if shown is None:
        return JSONResponse(problem, problem["status"], headers=dict(headers or {}), media_type=MEDIA)
    found: Response = shown
    found.headers.update(headers or {})
    return found


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, OnCalmError)  # noqa: S101 - registered for it
    found = problem_of(error)
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}.get(found["status"], {})
    if isinstance(error, Refused):
        headers = {name.decode(): value.decode() for name, value in error.headers()}
    if found["status"] == 500:
        _log.error("%s", error)
    return _answered(request, found, headers)


async def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    told = {404: f"there is nothing at {request.url.path[:200]}", 405: f"{request.method} is not what {request.url.path[:200]} takes"}
    return answer(error.status_code, told.get(error.status_code, str(error.detail)[:_LONGEST]), headers=error.headers, request=request)


async def _invalid(request: Request, error: Exception) -> Response:
    """422 with each field and what is wrong with it; what was sent is not repeated, it may be a secret."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    found = [{"field": _field(one), "reason": str(one["msg"])[:_LONGEST]} for one in error.errors()[:50]]
    return answer(422, "; ".join(f"{one['field']}: {one['reason']}" for one in found[:5]), request=request, errors=found)


def _field(one: ErrorDetails | Mapping[str, Any]) -> str:
    parts = [str(part) for part in one["loc"]]
    return ".".join(parts[1:] if parts[:1] == ["body"] and len(parts) > 1 else parts)[:200]


async def _defect(request: Request, error: Exception) -> Response:
    _log.error("%s %s broke down", request.method, request.url.path, exc_info=error)
    return answer(500, f"a defect of OnCalm: {type(error).__name__}", request=request, remedy="look into the server's log; nothing of this request was kept")
