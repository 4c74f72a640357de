"""What a route needs: a role, or nothing for those that prove themselves in another way or tell nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import Request

from agent.approvals.people import Person, Role
from telemetry.errors import OnCalmError


class StrangerError(OnCalmError):
    """Nobody came in through the door (HTTP 401)."""


class RoleError(OnCalmError):
    """Somebody came in whose role does not reach (HTTP 403)."""


class Needs:
    """A dependency that gives the :class:`Person` behind a request whose role reaches ``role``.

    The door (an ASGI middleware) puts whom it let in into ``scope["state"]["person"]``; without it nobody is in.
    Raises StrangerError and RoleError.
    """

    def __init__(self, role: Role) -> None:
        self.role = role

    async def __call__(self, request: Request) -> Person:
        """As :meth:`of`; not in a thread, where FastAPI would call a plain function: such hops cost a busy server more than all else."""
        return self.of(request)

    def of(self, request: Request) -> Person:
        """The person behind a request."""
        person = getattr(request.state, "person", None)
        if not isinstance(person, Person):
            raise StrangerError("this needs somebody who is known", where=request.url.path, remedy="send an API key or a token: Authorization: Bearer …")
        if not person.may(self.role):
            raise RoleError(f"this needs the role {self.role}; {person.name} has {person.role}", where=request.url.path,
                            remedy="ask an administrator for the role")
        return person


def open_to_all(why: str) -> Callable[[Any], Any]:
    """Mark a route that needs no role, saying why: health, static files, callers who sign what they send."""
    def mark(endpoint: Any) -> Any:
        endpoint.open_to_all = why
        return endpoint

    return mark
