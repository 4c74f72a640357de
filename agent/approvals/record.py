"""What is asked, as it was asked: an immutable record, its seal, and the approval as readers see it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from agent.approvals.errors import ForgedError, NotAskedError
from agent.approvals.states import State
from agent.audit.keys import Key
from telemetry.errors import UsageError
from tools.actions.action import Action, Preview, Target, action_from, canonical, preview_from

LIFETIME = timedelta(minutes=30)
Decision = Literal["allow", "ask", "ask_two"]
"""What the decision engine said: a rule allows it, one person has to, two have to."""
NEEDED: Mapping[str, int] = {"allow": 0, "ask": 1, "ask_two": 2}
_RECORD, _ANSWER = "approval record", "approval answer"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is put before people. ``risk`` is 0 to 1; ``policy`` is the digest of the policy that decided."""

    preview: Preview
    decision: Decision
    risk: float
    policy: str
    reasons: Sequence[str] = ()
    """Why the decision is what it is, in words."""
    evidence: Sequence[Mapping[str, Any]] = ()
    """What speaks for the cause, as plain JSON."""
    cause: str = ""
    """The cause's name as outcomes are counted by it, for example ``memory_limit``."""
    investigation: str = ""
    rule: str = ""
    """The rule that allows it, where one does."""
    alternatives: Sequence[Mapping[str, Any]] = ()
    lifetime: timedelta = LIFETIME
    replaces: str | None = None
    """The approval whose place it takes."""
    key: str | None = None
    """The same key is the same request: asked again, the first approval is given back."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one person said."""

    person: str
    role: str
    answer: Literal["approve", "reject"]
    via: str
    reason: str
    digest: str
    at: int

    def seal(self, approval: str, key: Key) -> str:
        """The MAC that proves that OnCalm took this answer for this approval."""
        return key.mac(_ANSWER, self._content(approval))

    def fits(self, approval: str, key: Key, seal: str) -> bool:
        """Whether ``seal`` is that of this answer."""
        return key.fits(_ANSWER, self._content(approval), seal)

    def _content(self, approval: str) -> bytes:
        return canonical([approval, self.person, self.role, self.answer, self.via, self.reason, self.digest, self.at])


@dataclass(frozen=True, slots=True)
class Passage:
    """One transition."""

    before: State
    after: State
    at: datetime
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """An approval in a list."""

    id: str
    state: State
    action: str
    target: str
    digest: str
    risk: float
    requester: str
    needed: int
    given: int
    created: datetime
    deadline: datetime
    reason: str

    def document(self) -> dict[str, Any]:
        """As ``--json`` and HTTP show it."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return {**told, "created": self.created.isoformat(), "deadline": self.deadline.isoformat()}


@dataclass(frozen=True, slots=True)
class Approval:
    """Everything about one, read in one look and its seals checked."""

    line: Line
    record: Mapping[str, Any]
    """:func:`document_of`: what was asked, unchanged since."""
    preview: Preview
    answers: tuple[Answer, ...] = ()
    history: tuple[Passage, ...] = ()
    effect: Mapping[str, Any] | None = None
    """What the executor noted of the effect: ``message``, ``resource_version``, ``inverse``, ``observed``."""
    superseded_by: str | None = None

    @property
    def id(self) -> str:
        return self.line.id

    @property
    def state(self) -> State:
        return self.line.state

    @property
    def approvers(self) -> tuple[str, ...]:
        """Whose approvals count; ``policy`` where a rule allows it."""
        if self.record["needed"] == 0:
            return ("policy",)
        return tuple(one.person for one in self.answers if one.answer == "approve")

    @property
    def inverse(self) -> Action | None:
        """What takes it back: with the version that its action left, once that is known."""
        noted = (self.effect or {}).get("inverse")
        return action_from(noted) if noted else self.preview.inverse

    def document(self) -> dict[str, Any]:
        """As ``--json`` and HTTP show it."""
        line = self.line
        return {
            **self.record, "id": line.id, "state": line.state, "given": line.given, "reason": line.reason,
            "superseded_by": self.superseded_by, "effect": self.effect,
            "answers": [{"person": a.person, "role": a.role, "answer": a.answer, "via": a.via, "reason": a.reason} for a in self.answers],
            "history": [{"before": p.before, "after": p.after, "at": p.at.isoformat(), "actor": p.actor, "reason": p.reason} for p in self.history],
        }


def document_of(proposal: Proposal, requester: str, created: datetime) -> dict[str, Any]:
    """The record of a proposal. Raises NotAskedError for one that nobody should be asked about."""
    preview = proposal.preview
    blocking = [one.why for one in preview.obstacles if one.blocking]
    if blocking:
        raise NotAskedError(f"this is not worth asking: {'; '.join(blocking)}", where=str(preview.action.target), remedy=_better(preview))
    if proposal.decision not in NEEDED or not 0 <= proposal.risk <= 1 or proposal.lifetime <= timedelta(0):
        raise NotAskedError("a proposal needs a decision (allow, ask, ask_two), a risk from 0 to 1 and time", where="approval", remedy="ask the decision engine")
    if proposal.decision == "allow" and not proposal.rule:
        raise NotAskedError("only a rule may allow an action, and none is named", where="approval", remedy="ask people")
    return {
        "preview": preview.document(), "digest": preview.digest, "decision": proposal.decision, "needed": NEEDED[proposal.decision],
        "risk": float(proposal.risk), "policy": proposal.policy, "rule": proposal.rule, "reasons": list(proposal.reasons),
        "evidence": [dict(one) for one in proposal.evidence], "alternatives": [dict(one) for one in proposal.alternatives],
        "cause": proposal.cause, "investigation": proposal.investigation, "requester": requester,
        "created": created.isoformat(), "deadline": (created + proposal.lifetime).isoformat(),
    }


def sealed(approval: str, record: str, key: Key) -> str:
    """The MAC that proves that OnCalm wrote this record under this id."""
    return key.mac(_RECORD, canonical([approval, record]))


def opened(approval: str, record: str, seal: str, key: Key) -> tuple[dict[str, Any], Preview]:
    """A stored record and its preview. Raises ForgedError when it is not what was written."""
    return json.loads(record), _checked(approval, record, seal, key)


@lru_cache(maxsize=64)
def _checked(approval: str, record: str, seal: str, key: Key) -> Preview:
    """Of exactly this text under this seal; an action is read four times while it is carried out."""
    if not key.fits(_RECORD, canonical([approval, record]), seal):
        raise ForgedError("the stored record was changed since it was written", where=f"approval {approval}",
                          remedy="run `oncalm audit verify`, and propose the action again")
    try:
        return preview_from(json.loads(record)["preview"])
    except (UsageError, KeyError) as error:
        raise ForgedError(f"the stored record cannot be read: {error}", where=f"approval {approval}", remedy="propose the action again") from error


def target_key(target: Target) -> str:
    """The name of a target's lock."""
    return "/".join((target.system, target.namespace, target.kind, target.name))


def _better(preview: Preview) -> str:
    return next((one.better for one in preview.obstacles if one.blocking and one.better), "see what stands against it first")
