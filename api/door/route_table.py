"""The route table as the door sees it: what every route needs. None may be open by accident."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Mount, Route

from agent.approvals.people import Role
from api.door.needs import Needs
from telemetry.errors import OnCalmError


class OpenByAccidentError(OnCalmError):
    """Routes that say neither which role they need nor why they need none."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One method of one path: the role it needs, or why it is open; neither is a defect."""

    method: str
    path: str
    role: Role | None
    open_because: str | None

    @property
    def guarded(self) -> bool:
        """Whether it says either."""
        return self.role is not None or self.open_because is not None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def route_table(app: Any) -> list[Entry]:
    """Every route of an application, those of included routers and mounts, too."""
    return list(_entries(app.routes, ""))


def check_route_table(app: Any) -> None:
    """Raise OpenByAccidentError that names them. For a test, and before a server listens."""
    bare = [str(one) for one in route_table(app) if not one.guarded]
    if bare:
        raise OpenByAccidentError(f"open by accident: {', '.join(bare)}", where="routes",
                                  remedy='give each Depends(Needs("viewer")) or @open_to_all("why")')


def _entries(routes: Iterable[BaseRoute], prefix: str) -> Iterator[Entry]:
    for context in iter_route_contexts(list(routes)):
        found, route = context, context.original_route
        path = prefix + str(getattr(found, "path", "") or getattr(route, "path", ""))
        because = _because(route)
        if isinstance(route, Mount):
            inner = getattr(route.app, "routes", None)
            if inner and because is None:
                yield from _entries(inner, path)
            else:
                yield Entry("*", path, None, because)
            continue
        for method in sorted(set(getattr(found, "methods", None) or getattr(route, "methods", None) or {"*"})):
            if method == "HEAD" and isinstance(route, Route):
                continue  # it comes with GET
            yield Entry(method, path, _role(found, route), because)


def _because(route: Any) -> str | None:
    for holder in (getattr(route, "endpoint", None), getattr(route, "app", None)):
        why = getattr(holder, "open_to_all", None)
        if isinstance(why, str) and why:
            return why
    return None


def _role(*holders: Any) -> Role | None:
    """The highest role among the dependencies, at any depth: all of them have to be met."""
    found: list[Role] = [one for holder in holders for one in _needs(getattr(holder, "dependant", None))]
    order: list[Role] = ["viewer", "responder", "approver", "admin"]
    return order[max(map(order.index, found))] if found else None


def _needs(dependant: Any) -> Iterator[Role]:
    if dependant is None:
        return
    if isinstance(dependant.call, Needs):
        yield dependant.call.role
    for inner in dependant.dependencies:
        yield from _needs(inner)
