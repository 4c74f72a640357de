"""Slack's requests over HTTP. Bolt checks their signature and that they are at most five minutes old."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from api.door.needs import open_to_all

if TYPE_CHECKING:
    from slack_bolt import App

_WHY = "Slack signs what it sends (HMAC with the signing secret), and who it speaks for is looked up by team and user id"


def router(app: App) -> APIRouter:
    """The three addresses of the app's manifest; all lead to one dispatcher."""
    routes = APIRouter()

    @open_to_all(_WHY)
    async def take(request: Request) -> Response:
        from fastapi.concurrency import run_in_threadpool
        from slack_bolt import BoltRequest

        body = (await request.body()).decode("utf-8", "replace")
        told = await run_in_threadpool(app.dispatch, BoltRequest(body=body, query=request.url.query, headers=dict(request.headers)))
        headers = {name: values[0] for name, values in told.headers.items() if name.lower() != "content-length"}
        return Response(told.body, told.status, headers)

    for name in ("events", "interactions", "commands"):
        routes.add_api_route(f"/slack/{name}", take, methods=["POST"], tags=["slack"], name=f"slack_{name}", include_in_schema=False)
    return routes
