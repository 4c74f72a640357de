"""One thing that is wrong, said with its evidence and with the question that would refute it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from signals.diagnosis import Sign
from signals.kube.causes import CAUSES
from signals.observed import Entity

if TYPE_CHECKING:
    from signals.kube.view import View

Rule = Callable[["View"], Iterator["Finding"]]

STATED = 6.0
"""Kubernetes or the program itself names the reason."""
CONFIGURED = 5.0
"""Two objects contradict each other and somebody suffers from it."""
LIKELY = 4.0
"""Several observations agree; none of them names the reason."""
POSSIBLE = 2.5
"""It would explain what is seen; so would other things."""
SYMPTOM = 1.5
"""Something fails, and this does not say why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found. ``strength`` is on the scale of :class:`signals.diagnosis.Sign`."""

    cause: str
    """A key of :data:`signals.kube.causes.CAUSES`."""
    entity: Entity
    statement: str
    """One sentence with the evidence quoted."""
    strength: float
    refute: str
    """The question whose answer could show this to be wrong."""
    namespace: str = ""
    refs: tuple[str, ...] = ()
    """``kube:KIND/NAMESPACE/NAME`` of the objects it rests on, ``log:NAMESPACE/POD/CONTAINER`` of logs."""
    at: int | None = None
    """When it began or was last seen, µs since 1970."""
    consequence_of: Entity | None = None
    """Set by the ranking: whose failure explains this one."""
    explains: tuple[Entity, ...] = field(default=())
    """Set by the ranking: whose failures this one explains."""

    def sign(self) -> Sign:
        """The finding as an observation for :mod:`signals.suspects`."""
        return Sign(entity=self.entity, kind="kube", strength=self.strength, statement=self.statement, at=self.at,
                    aspect=self.cause, refs=self.refs)


def found(cause: str, entity: Entity, statement: str, strength: float, *, namespace: str = "", refs: tuple[str, ...] = (),
          at: int | None = None) -> Finding:
    """A finding with the refuting question of its cause."""
    question = CAUSES[cause].refute.format(name=entity.name, namespace=namespace or "NAMESPACE")
    return Finding(cause, entity, statement, round(strength, 2), question, namespace, refs, at)
