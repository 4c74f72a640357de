"""No route is open by accident, however it was added."""

from __future__ import annotations

from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from agent.approvals.people import Person
from api.door.needs import Needs, open_to_all
from api.door.route_table import OpenByAccidentError, check_route_table, route_table
from tests.api.door.house import House, bearer
from tests.api.door.roles import ROLES, wrongs


def bare() -> str:
    return ""


def app() -> FastAPI:
    return FastAPI(openapi_url=None, docs_url=None, redoc_url=None)


def deep(person: Annotated[Person, Depends(Needs("approver"))]) -> Person:
    return person


def test_the_table_says_what_each_route_needs() -> None:
    made, inner, outer = app(), APIRouter(), APIRouter(prefix="/v1", dependencies=[Depends(Needs("viewer"))])
    inner.add_api_route("/plain", bare)
    inner.add_api_route("/deep/{x}", bare, methods=["POST", "DELETE"], dependencies=[Depends(deep)])
    outer.include_router(inner, prefix="/in")
    made.include_router(outer)
    made.add_api_route("/open", open_to_all("health")(lambda: ""))

    assert {(str(one), one.role, one.open_because) for one in route_table(made)} == {
        ("GET /v1/in/plain", "viewer", None), ("POST /v1/in/deep/{x}", "approver", None), ("DELETE /v1/in/deep/{x}", "approver", None), ("GET /open", None, "health")}
    check_route_table(made)


@pytest.mark.parametrize("how", ["plain", "included", "mounted", "starlette", "mounted app", "docs"])
def test_a_bare_route_is_found_however_it_was_added(how: str) -> None:
    made, router = FastAPI() if how == "docs" else app(), APIRouter()
    router.add_api_route("/bare", bare)
    if how == "plain":
        made.add_api_route("/bare", bare)
    elif how == "included":
        made.include_router(router, prefix="/a")
    elif how == "mounted":
        below = app()
        below.include_router(router)
        made.mount("/m", below)
    elif how == "starlette":
        made.router.routes.append(Route("/bare", lambda _: PlainTextResponse("")))
    elif how == "mounted app":
        made.router.routes.append(Mount("/m", app=Starlette()))

    with pytest.raises(OpenByAccidentError, match=r"/bare|/m|/docs"):
        check_route_table(made)


def test_the_doors_own_routes_hold_for_every_role(house: House) -> None:
    headers = {role: bearer(house.key(role)) for role in ROLES}
    with house.open():
        check_route_table(house.app)
        assert wrongs(house.app, house.url, headers, skip=frozenset({"GET /flood"})) == []
