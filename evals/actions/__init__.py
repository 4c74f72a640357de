"""``python -m evals actions [DIR]``: from invented causes to the right action, no action, or a refusal.

DIR holds files of scenarios (``*.yaml``); those beside this module without it. ``right`` is the share of scenarios whose
end is the expected one; ``unsafe`` counts those in which something other than what is expected would be done or asked
for. The baseline restarts the loudest service, whatever the cause. A scenario with a ``cluster`` goes the whole way over
HTTP (:mod:`evals.actions.whole`); of the others previews are made from the facts, and no cluster is asked.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from agent.decision.candidates import Candidate
from agent.decision.demand import Clients, Demand, Flow
from agent.decision.engine import decide
from agent.decision.policy import Policy
from agent.decision.proposing import propose
from agent.decision.reading import parse
from agent.decision.risk import Circumstances
from agent.decision.situation import Believed, Facts, Seen
from evals.actions.whole import ended
from signals.observed import Entity
from telemetry.errors import OnCalmError
from tools.actions.action import Action, Blast, Preview

SCENARIOS = Path(__file__).parent / "scenarios"
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
_AFTER_ANOTHER_WAY = frozenset({"recreate_pod", "restart_rollout"})
Scenario = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class End:
    """What would come of a scenario: ``none``, ``refuse``, or an action with its target and parameters."""

    said: str
    params: Mapping[str, Any]
    why: str


def run(folder: Path | None = None) -> dict[str, Any]:
    """Score every scenario of every file."""
    started = time.perf_counter()
    folder = folder or SCENARIOS
    ends: list[tuple[str, Scenario, End]] = []
    missing = []
    for path in sorted(folder.glob("*.yaml")):
        for one in yaml.safe_load(path.read_text("utf-8")):
            try:
                ends.append((path.stem, one, end(one)))
            except (OnCalmError, KeyError, TypeError, ValueError) as error:
                missing.append({"case": one.get("name"), "could_not_run": repr(error)})
    parts = {part: _scores([(one, got) for each, one, got in ends if each == part]) for part in sorted({part for part, _, _ in ends})}
    ours, peer = _scores([(one, got) for _, one, got in ends]), _scores([(one, loudest(one)) for _, one, _ in ends])
    return {"suite": "actions", "data": [folder.name], "cases": len(ends), "could_not_run": len(missing),
            "metrics": {**ours, "per_file": parts}, "baseline": {"named": "restart the loudest service", **peer},
            "seconds": time.perf_counter() - started,
            "failures": [*missing, *({"case": one["name"], "expected": one["expect"], "got": got.said, "why": got.why}
                                     for _, one, got in ends if not is_right(one, got))]}


def end(one: Scenario) -> End:
    """Propose and decide, as the product does, on the scenario's cluster or facts."""
    if "cluster" in one:
        return End(*ended(one))
    causes = tuple(_believed(each) for each in one["causes"])
    named = one.get("facts", {})
    seen = Seen(causes, {each.entity: Facts(**{**named[each.entity.name], "bad_pods": tuple(named[each.entity.name].get("bad_pods", ()))})
                         for each in causes if each.entity.name in named})
    proposed = propose(seen)
    if not proposed.candidates:
        return End("none", {}, proposed.why)
    first, *others = proposed.candidates
    facts = next(facts for facts in seen.facts.values())
    verdict = decide(
        parse(one["policy"]) if "policy" in one else Policy(), _preview(first, facts, one.get("labels", {})),
        Circumstances(proposed.confidence, recent_actions=one.get("recent_actions", 0)),
        now=datetime.fromisoformat(one["now"]) if "now" in one else NOW, cause=proposed.cause, alternatives=[each.document() for each in others])
    if verdict.decision == "refuse":
        return End("refuse", {}, "; ".join(verdict.reasons))
    return End(f"{first.action} {first.target}", first.params, first.reason)


def _believed(told: Mapping[str, Any]) -> Believed:
    kind, name = told["entity"].split()
    victim = told.get("victim_of", "").split()
    return Believed(Entity(kind, name), told["cause"], told["confidence"], changes=frozenset(told.get("changes", ())),
                    victim_of=Entity(victim[0], victim[1]) if victim else None, load=told.get("load"), demand=_demand(told.get("demand")),
                    clients=Clients(**told["clients"]) if "clients" in told else None)


def _demand(told: Mapping[str, Any] | None) -> Demand | None:
    """``flows`` as [caller, before, during, how many times as much the caller is asked]; ``seconds`` before and during."""
    return None if told is None else Demand(tuple(Flow(*one) for one in told["flows"]), *told["seconds"])


def _preview(candidate: Candidate, facts: Facts, labels: Mapping[str, str]) -> Preview:
    pods = 1 if candidate.action == "recreate_pod" else facts.replicas
    share = None if not facts.replicas or pods is None else pods / facts.replicas
    return Preview(Action(candidate.action, candidate.target, candidate.params), (), None,
                   "in_effect" if candidate.action in _AFTER_ANOTHER_WAY else "exactly", Blast(pods, share), candidate.reason, labels=labels)


def loudest(one: Scenario) -> End:
    """The baseline: who is loudest is restarted."""
    return End(f"restart_rollout Deployment {one.get('namespace', 'shop')}/{one['loudest']}" if one.get("loudest") else "none", {}, "it is the loudest")


def is_right(one: Scenario, got: End) -> bool:
    """Whether the end is the expected one, with the parameters that are expected."""
    return got.said in one["expect"].split(" or ") and all(got.params.get(key) == value for key, value in one.get("params", {}).items())


def is_unsafe(one: Scenario, got: End) -> bool:
    """Whether something would be done or asked for that is not what is expected, by action, target or parameters."""
    return got.said not in ("none", "refuse") and not is_right(one, got)


def _scores(ends: list[tuple[Scenario, End]]) -> dict[str, float | int]:
    return {"right": sum(is_right(*each) for each in ends) / max(len(ends), 1), "unsafe": sum(is_unsafe(*each) for each in ends)}
