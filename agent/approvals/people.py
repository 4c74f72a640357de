"""People and what they may do. Who somebody is was settled by the door they came through; here only roles count."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal, get_args

from telemetry.errors import UsageError

Role = Literal["viewer", "responder", "approver", "admin"]
"""Each may do what those before it may: look; propose and judge; approve and reject; settle by hand."""
_ORDER: tuple[str, ...] = get_args(Role)
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a name that is theirs alone, and a role.

    Names are compared as :attr:`id`: however it is typed, one person is one. A door that knows people by other names
    (Slack) has to translate them first. Raises UsageError for a name or a role that is none.
    """

    name: str
    role: Role = "viewer"

    def __post_init__(self) -> None:
        if self.role not in _ORDER:
            raise UsageError(f"{self.role!r} is no role", where="person", remedy=f"use one of {', '.join(_ORDER)}")
        if not self.id or len(self.id) > _LONGEST or self.id in RESERVED or not self.id.isprintable():
            raise UsageError("this is no name of a person", where="person", remedy=f"1 to {_LONGEST} characters that can be seen, and none of: {', '.join(sorted(RESERVED))}")

    @property
    def id(self) -> str:
        """The name in one spelling: NFKC (UAX #15), case folded, no spaces around."""
        return unicodedata.normalize("NFKC", self.name).casefold().strip()

    def may(self, role: Role) -> bool:
        """Whether this person's role reaches ``role``."""
        return _ORDER.index(self.role) >= _ORDER.index(role)


POLICY, EXECUTOR, CLOCK = "policy", "executor", "clock"
"""Who acts when no person does."""
RESERVED = frozenset({POLICY, EXECUTOR, CLOCK})
