"""What a browser sees of an error: a page that says the same as the problem document of programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response

from agent.approvals.people import Person
from api.page.rendering import page

_PROGRAMS = ("/v1/", "/slack/", "/predict/", "/metrics", "/livez", "/readyz", "/openapi.json", "/static/")
"""Below these paths programs ask, whatever they say that they accept."""


def failing(request: Request, problem: Mapping[str, Any]) -> Response | None:
    """A page for somebody who sits before a browser; None for programs."""
    if request.url.path.startswith(_PROGRAMS) or request.url.path.endswith((".png", ".svg")) or "text/html" not in request.headers.get("accept", ""):
        return None
    person = getattr(request.state, "person", None)
    return page(request, person if isinstance(person, Person) else None, "error", status=problem["status"], problem=problem, asked=request.method)
