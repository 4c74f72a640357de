"""A policy: rules over an action, its target and the time, each with what is decided where it holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, time
from fnmatch import fnmatchcase
from typing import Literal
from zoneinfo import ZoneInfo

from agent.decision.names import ACTIONS, NOTICES, PROTECTED
from tools.actions.action import Target, canonical

Decided = Literal["allow", "ask", "ask_two", "refuse"]
ORDER: tuple[Decided, ...] = ("allow", "ask", "ask_two", "refuse")
"""From the least restrictive to the most."""
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Range:
    """``least <= value <= most``."""

    least: float = 0.0
    most: float = 1.0

    def holds(self, value: float) -> bool:
        return self.least <= value <= self.most


@dataclass(frozen=True, slots=True)
class When:
    """A time: between two instants, on some days, between two hours of the day of ``zone``. All that are given must hold.

    From ``after`` to ``before``; where ``before`` is not later, the time runs over midnight and counts to the day on which
    it began.
    """

    zone: str = "UTC"
    start: datetime | None = None
    end: datetime | None = None
    days: tuple[str, ...] = ()
    after: time | None = None
    before: time | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it is then. ``now`` is aware."""
        local = now.astimezone(ZoneInfo(self.zone))
        if self.start is not None and self.end is not None and not self.start <= now < self.end:
            return False
        day, clock = local.weekday(), local.time()
        if self.after is not None and self.before is not None:
            over = self.before <= self.after
            if not (clock >= self.after or clock < self.before if over else self.after <= clock < self.before):
                return False
            if over and clock < self.before:
                day = (day - 1) % 7
        return not self.days or DAYS[day] in self.days


@dataclass(frozen=True, slots=True)
class Question:
    """An action as rules see it. ``risk`` and ``confidence`` (of the cause) are 0 to 1; ``now`` is aware."""

    action: str
    target: Target
    labels: Mapping[str, str]
    risk: float
    confidence: float
    now: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """What is given must hold, all of it; what is not given holds for everything. Patterns are globs, with case."""

    name: str
    decision: Decided
    actions: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    when: When | None = None
    risk: Range = Range()
    confidence: Range = Range()
    why: str = ""
    line: int = 0

    def matches(self, asked: Question) -> bool:
        """Whether the rule is about this. An ``allow`` must name the action in full: a wildcard allows nothing."""
        target = asked.target
        named = asked.action in self.actions if self.decision == "allow" else _any(self.actions, asked.action)
        return (
            named and _any(self.kinds, target.kind) and _any(self.targets, target.name) and _any(self.namespaces, target.namespace)
            and all(key in asked.labels and fnmatchcase(asked.labels[key], value) for key, value in self.labels)
            and (self.when is None or self.when.holds(asked.now))
            and self.risk.holds(asked.risk) and self.confidence.holds(asked.confidence)
        )


def _any(patterns: tuple[str, ...], text: str) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules, and namespaces that nothing is changed in. With nothing said every write asks."""

    rules: tuple[Rule, ...] = ()
    protected: tuple[str, ...] = PROTECTED

    digest: str = field(init=False, compare=False)
    """SHA-256 of what it says, as 64 hex digits; comments, spacing and lines of the file do not count."""

    def __post_init__(self) -> None:
        """The digest is made once: every decision needs it."""
        told = [{**asdict(rule), "when": _said(rule.when), "line": 0} for rule in self.rules]
        object.__setattr__(self, "digest", hashlib.sha256(canonical({"rules": told, "protected": list(self.protected)})).hexdigest())


def _said(when: When | None) -> dict[str, str | list[str]] | None:
    if when is None:
        return None
    moments = {name: str(value) for name in ("zone", "start", "end", "after", "before") if (value := getattr(when, name)) is not None}
    return {**moments, "days": list(when.days)}


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a policy says: the decision, the rule that made it ("" for the default), and why in words, strictest first."""

    decision: Decided
    reasons: tuple[str, ...]
    rule: str = ""


def rule_on(policy: Policy, asked: Question) -> Ruling:
    """The strictest rule that holds. Unknown actions and targets and protected namespaces refuse whatever rules say."""
    stop = _unknown(asked) or _protected(policy, asked)
    if stop:
        return Ruling("refuse", (stop,))
    held = sorted((rule for rule in policy.rules if rule.matches(asked)), key=lambda rule: -ORDER.index(rule.decision))
    if not held:
        return Ruling("ask", (f"no rule is about {asked.action} of {asked.target}: a person has to approve it",))
    return Ruling(held[0].decision, tuple(map(_words, held)), held[0].name)


def _words(rule: Rule) -> str:
    verb = {"allow": "allows it", "ask": "wants a person's approval", "ask_two": "wants two people's approval", "refuse": "refuses it"}[rule.decision]
    place = f" (line {rule.line})" if rule.line else ""
    return f"the rule “{rule.name}”{place} {verb}{': ' + rule.why if rule.why else ''}"


def _unknown(asked: Question) -> str:
    target = asked.target
    if asked.action not in ACTIONS:
        return f"the action {asked.action!r} is not known"
    if target.kind not in ACTIONS[asked.action] or not target.name:
        return f"{asked.action} is not known for {target.kind or 'a target without a kind'} {target.name!r}"
    if target.system == "kubernetes" and target.kind != "Node" and not target.namespace:
        return f"the namespace of {target} is not known"
    if not (0 <= asked.risk <= 1 and 0 <= asked.confidence <= 1):  # also NaN
        return "the risk or the confidence is not a number from 0 to 1"
    if asked.now.tzinfo is None:
        return "the time has no time zone"
    return ""


def _protected(policy: Policy, asked: Question) -> str:
    where = asked.target.namespace
    if where and asked.action not in NOTICES and _any(policy.protected or ("",), where):
        return f"the namespace {where} is protected: everything else rests on it"
    return ""
