"""Whom to tell when nothing that is surely harmless mends a cause: its owners, with the facts, by a message or a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from agent.decision.candidates import Candidate
from agent.decision.situation import Believed, Facts
from tools.actions.action import Json, Target

_LONGEST = 1_000
_AGAINST = "it wakes people, and nothing takes it back; whoever got the alert may know already"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who looks after what: a channel of the catalogue, and globs of namespaces and of names of services; none of either: all."""

    channel: str
    kind: Literal["slack", "pagerduty"]
    namespaces: tuple[str, ...] = ()
    services: tuple[str, ...] = ()

    def owns(self, cause: Believed, facts: Facts) -> bool:
        """Whether a cause is in what they look after."""
        space, names = facts.namespace or cause.namespace, {cause.entity.name, facts.name} - {""}
        in_space = not self.namespaces or bool(space) and any(fnmatchcase(space, one) for one in self.namespaces)
        return in_space and (not self.services or any(fnmatchcase(name, one) for name in names for one in self.services))


def notice(cause: Believed, facts: Facts, why: str, owners: Sequence[Owner]) -> tuple[Candidate, ...]:
    """A message to the first who look after it; nothing when nobody is named."""
    owner = next((one for one in owners if one.owns(cause, facts)), None)
    if owner is None:
        return ()
    head = f"{cause.entity.kind} {cause.entity.name}: {cause.cause} (confidence {cause.confidence:.2f})"
    changes = f"Changed shortly before: {', '.join(sorted(cause.changes))}." if cause.changes else ""
    text = "\n".join(part for part in (cause.statement[:_LONGEST], changes, why) if part)
    page: dict[str, Json] = {"summary": head[:_LONGEST], "severity": "error", "source": cause.entity.name[:255], "details": text}
    message: dict[str, Json] = {"text": f"{head}\n{text}"}
    action, params = ("page_pagerduty", page) if owner.kind == "pagerduty" else ("notify_slack", message)
    return (Candidate(action, Target("Channel", owner.channel, system="notice"), params, f"no action of OnCalm surely helps, and {owner.channel} looks after it: {why}", _AGAINST),)
