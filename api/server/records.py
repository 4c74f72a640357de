"""Records for programs and the page: the read tools as they are, and short ways to templates, lines and traces."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from agent.approvals.people import Person
from api.door.needs import Needs
from api.errors import NotFoundError
from api.mcp.answers import document
from api.server.services import Services
from telemetry.errors import UsageError
from tools.registry import Registry
from tools.result import ToolResult

Viewer = Annotated[Person, Depends(Needs("viewer"))]
Top = Annotated[int, Query(ge=1, le=1_000)]


class Call(BaseModel):
    """A call of a read tool."""

    model_config = ConfigDict(extra="forbid")
    arguments: dict[str, Any] = Field(default_factory=dict)


class _Tools:
    """The read tools, made when the first is called; each call opens its own reader, and so sees what came since.

    Where people ask the cluster in their own name they are made anew for each call.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    @cached_property
    def registry(self) -> Registry:
        return self._services.product.tools().subset(risks=("read",))

    def call(self, name: str, arguments: dict[str, Any], by: Person) -> ToolResult:
        """The result, which may be `not_assessed`. Raises NotFoundError, UsageError for arguments that do not fit."""
        product = self._services.product
        with ExitStack() as stack:
            registry = product.tools(by, stack).subset(risks=("read",)) if product.names else self.registry
            if registry.tool(name) is None:
                raise NotFoundError("there is no read tool of this name", where=name[:100], remedy="GET /v1/tools lists them")
            found = registry.call(name, arguments)
        if found.status == "failed":
            raise UsageError(found.error or "it failed", where=name, remedy="see its schema: GET /v1/tools")
        return found


def router(services: Services) -> APIRouter:
    """The routes."""
    routes, tools = APIRouter(), _Tools(services)

    @routes.get("/v1/tools", tags=["records"])
    def listed(_: Viewer) -> dict[str, Any]:
        """The read tools with their schemas."""
        known = tools.registry
        return {"items": [{"name": name, "purpose": tool.purpose, "schema": tool.schema()} for name in known.names() if (tool := known.tool(name))], "next": None}

    @routes.get("/v1/probes", tags=["records"])
    def probes(_: Viewer) -> dict[str, Any]:
        """Sessions of kernel probes, the newest first."""
        from api.probes.sessions import sessions_of

        return {"items": sessions_of(services.home), "next": None}

    @routes.get("/v1/probes/{session}", tags=["records"])
    def probe(session: Annotated[str, Path(max_length=64)], _: Viewer) -> dict[str, Any]:
        """One session: what was asked (`head`), its calls, and its result or error; neither while it runs."""
        from api.probes.sessions import session_of

        return session_of(services.home, session)

    @routes.post("/v1/tools/{name}", tags=["records"])
    def called(name: str, asked: Call, person: Viewer) -> dict[str, Any]:
        """Call a read tool; long texts are cut and long lists shortened, `left_out` says so."""
        return document(tools.call(name, asked.arguments, person))

    @routes.get("/v1/templates", tags=["records"])
    def templates(_: Viewer, query: Annotated[str, Query(max_length=500)] = "", top: Top = 50) -> dict[str, Any]:
        """Templates by meaning, or the commonest."""
        found = services.product.templates(query, top)
        return {"items": [_template(one, score) for one, score in found], "next": None}

    @routes.get("/v1/templates/{template}", tags=["records"])
    def template(template: str, person: Viewer) -> dict[str, Any]:
        """One template: examples, and its counts over time."""
        known = next((one for one in services.product.catalog().templates if one.id == template), None)
        if known is None:
            raise NotFoundError("there is no such template", where=f"template {template[:40]}", remedy="GET /v1/templates lists them")
        trend = document(tools.call("logs.trend", {"templates": [template]}, person))
        return {**_template(known, None), "examples": list(known.examples), "counts": trend}

    @routes.get("/v1/lines/context", tags=["records"])
    def context(person: Viewer, source: Annotated[str, Query(max_length=4_096)], line: Annotated[int, Query(ge=1)], around: Annotated[int, Query(ge=1, le=50)] = 10) -> dict[str, Any]:
        """A line of a source among its neighbours."""
        return document(tools.call("logs.context", {"source": source, "line_no": line, "before": around, "after": around}, person))

    @routes.get("/v1/traces/{trace}", tags=["records"])
    def trace(trace: str, person: Viewer) -> dict[str, Any]:
        """A trace with its spans."""
        found = tools.call("traces.show", {"trace_id": trace}, person)
        if found.status != "found":
            raise NotFoundError(found.reason or "there is no such trace", where=f"trace {trace[:64]}", remedy="POST /v1/tools/traces.find finds some")
        return {**document(found), "spans": services.product.spans(trace)}

    return routes


def _template(one: Any, score: float | None) -> dict[str, Any]:
    return {"id": one.id, "pattern": one.pattern, "display": one.display, "count": one.count, "levels": list(one.levels), "services": list(one.services),
            "first_seen": one.first_seen.isoformat() if one.first_seen else None, "last_seen": one.last_seen.isoformat() if one.last_seen else None,
            "score": round(score, 4) if score is not None else None}
