"""Who came in, and by what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agent.approvals.people import Person

By = Literal["key", "token", "session", "local"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody behind a request. The door puts it into ``scope["state"]["identity"]``, and ``person`` beside it.

    ``key``: the id of the API key behind it; ``scopes``: what it is narrowed to, nothing for no limit; ``csrf``: what a page
    of this session sends with what it changes; ``until``: when it ends (UTC); ``secret``: to look it up again, never shown.
    """

    person: Person
    by: By
    key: str | None = None
    scopes: frozenset[str] = frozenset()
    csrf: str = ""
    until: datetime | None = None
    secret: str = ""

    def __repr__(self) -> str:
        return f"Identity({self.person.name!r}, {self.by})"
