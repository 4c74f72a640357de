"""Pages of probes: what there is to ask for, what was seen, and one session with its picture."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from agent.approvals.people import Person
from api.door.needs import Needs
from api.errors import NotFoundError
from api.page.rendering import page
from api.probes.sessions import flame_of, session_of, sessions_of
from api.server.services import Services

Viewer = Annotated[Person, Depends(Needs("viewer"))]
Session = Annotated[str, Path(max_length=64)]
_CALLS = 50


def add(routes: APIRouter, services: Services) -> None:
    """Add the routes over one home's probes."""

    @routes.get("/probes")
    def listed(request: Request, person: Viewer) -> Response:
        from ebpf.catalog import ENTRIES

        return page(request, person, "probes", items=sessions_of(services.home), catalogue=ENTRIES)

    @routes.get("/probes/{session}")
    def one(request: Request, session: Session, person: Viewer) -> Response:
        from ebpf.telling import told_of

        found = session_of(services.home, session)
        return page(request, person, "probe", session=session, head=found["head"], lines=list(told_of(found, _CALLS)), flame=flame_of(found) is not None)

    @routes.get("/probes/{session}/flame.svg")
    def flame(session: Session, _: Viewer) -> Response:
        """The flame graph of a session with stacks."""
        drawn = flame_of(session_of(services.home, session))
        if drawn is None:
            raise NotFoundError("this session has no stacks", where=f"probe {session[:40]}", remedy="cpu_profile and off_cpu have")
        return Response(drawn, media_type="image/svg+xml")
