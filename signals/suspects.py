"""Who is to blame: signs of every kind fused into ranked suspects.

Signs at the parts of a whole (pods, code) count for the whole. The strongest sign counts fully, each next one less, since
signs of one fault repeat each other. What travels (messages about failures, waiting) counts little at an entity that rests
on a suspect of its own: a victim that shouts does not outrank a quiet origin. Scores become probabilities with one more
hypothesis beside the suspects: that the cause is in none of what was observed.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from signals import topology as graphs
from signals import windows as choosing
from signals.aspects import PROPAGATING
from signals.diagnosis import Diagnosis, Excluded, Sign, Suspect
from signals.observed import Entity, Observed, Windows
from signals.sources import gather
from signals.topology import Topology

FADE = 0.4
"""Weight of each next sign of an entity, relative to the one before."""
TRAVELS = frozenset({"template_new", "template_burst", "template_gone", "order_break", "error_ratio", "rate_collapse"})
"""Kinds that show at victims as at origins."""
SHOUT = 0.3
"""Weight of what travels at an entity that rests on a suspect."""
ENOUGH = 0.8
"""Share of an entity's own score from which what it rests on explains what travels."""
APART = 0.35
"""Weight of an entity that has no part in what the symptom's service rests on."""
ALONE = 0.35
"""Weight of a change at an entity of which nothing else speaks."""
LEAST = 0.7
"""Score below which nobody is suspected: odds of e."""
OTHER = 0.4
"""Weight of latency or missing traffic where errors are complained of, and so on: it does not explain the complaint."""
UNSEEN = 1.5
"""Score of the cause being in none of what was observed."""
SHARPNESS = 1.4
"""Probabilities are proportional to exp(SHARPNESS × score)."""
MOST = 10


def rank(
    observed: Observed, *, at: int | None = None, windows: Windows | None = None, symptom: Entity | None = None, aspect: str = ""
) -> Diagnosis:
    """Rank the suspects. ``at`` is a moment within the incident (µs), ``windows`` wins over it; ``symptom`` is who suffers.

    ``aspect`` is what is complained of.
    """
    chosen = windows or choosing.choose(observed, at)
    graph = graphs.build(observed)
    signs = gather(observed, chosen, graph)
    by_home: dict[Entity, list[Sign]] = defaultdict(list)
    for sign in signs:
        by_home[graph.home(sign.entity)].append(sign)
    scores = _scores(by_home, graph, symptom, aspect)
    order = sorted((e for e in scores if scores[e] >= LEAST), key=lambda e: (-scores[e], e))[:MOST]
    chances = _chances([scores[e] for e in order])
    suspects = tuple(_suspect(place, e, chance, by_home[e], order, graph) for place, (e, chance) in
                     enumerate(zip(order, chances, strict=True), start=1))
    excluded = tuple(_excluded(e, by_home[e], graph, order) for e in sorted(by_home) if e not in order)
    return Diagnosis(chosen, suspects, excluded, (*observed.not_assessed, *_blind(observed, graph, by_home)), tuple(signs), graph.edges())


def _scores(by_home: Mapping[Entity, Sequence[Sign]], graph: Topology, symptom: Entity | None, aspect: str) -> dict[Entity, float]:
    """Twice: first as if nothing travelled, then with what travels counted little where it comes from below."""
    weights = {e: _part(e, graph, symptom) for e in by_home}
    loud = {e: weights[e] * _sum(own, aspect) for e, own in by_home.items()}
    scores = {}
    for entity, own in by_home.items():
        rests = max((loud.get(e, 0.0) for e in graph.below(entity) if entity not in graph.below(e)), default=0.0)
        travelled = rests >= ENOUGH * loud[entity]
        told = [_weighed(sign, SHOUT if sign.kind in TRAVELS and travelled else 1.0) for sign in own]
        scores[entity] = weights[entity] * _sum(told, aspect)
    return scores


def _weighed(sign: Sign, weight: float) -> Sign:
    return sign if weight == 1.0 else Sign(sign.entity, sign.kind, sign.strength * weight, sign.statement, sign.at, sign.aspect, sign.refs, sign.figures)


def _sum(own: Sequence[Sign], aspect: str) -> float:
    """The strongest sign of each kind and aspect, each next one fading; a change alone counts less."""
    best: dict[tuple[str, str], float] = {}
    for sign in own:
        if sign.strength > 0:
            other = aspect in PROPAGATING and sign.aspect != aspect and (sign.aspect in PROPAGATING or sign.kind == "rate_collapse")
            key = (sign.kind, sign.aspect)
            best[key] = max(best.get(key, 0.0), sign.strength * (OTHER if other else 1.0))
    if best and all(kind == "change" for kind, _ in best):
        best = {key: value * ALONE for key, value in best.items()}
    return sum(value * FADE**place for place, value in enumerate(sorted(best.values(), reverse=True)))


def _part(entity: Entity, graph: Topology, symptom: Entity | None) -> float:
    """1 for who the symptom's service rests on, itself, its hosts, and who shares what it rests on; less for others."""
    if symptom is None:
        return 1.0
    home = graph.home(symptom)
    below = graph.below(home) | {home}
    known = below & (set(graph.calls) | set(graph.callers))
    if not known or entity in below or any(entity in graph.hosts.get(e, ()) for e in below):
        return 1.0
    return 0.9 if graph.callees(entity) & below else APART


def _chances(scores: Sequence[float]) -> list[float]:
    """Probabilities of the suspects beside the unseen cause (a softmax, computed from its largest term)."""
    top = max([UNSEEN, *scores])
    weights = [math.exp(SHARPNESS * (score - top)) for score in scores]
    whole = sum(weights) + math.exp(SHARPNESS * (UNSEEN - top))
    return [weight / whole for weight in weights]


def _suspect(place: int, entity: Entity, chance: float, own: Sequence[Sign], order: Sequence[Entity], graph: Topology) -> Suspect:
    evidence = sorted((sign for sign in own if sign.strength > 0), key=lambda s: (-s.strength, s.statement))
    against = tuple(sign for sign in own if sign.strength < 0)
    above = graph.above(entity)
    victims = tuple(sorted((e for e in above if e != entity), key=lambda e: (e not in order, e)))[:MOST]
    positions = tuple(dict.fromkeys(ref.removeprefix("code:") for sign in evidence for ref in sign.refs if ref.startswith("code:")))
    return Suspect(place, entity, _cause(evidence[0]), evidence[0].statement, chance, tuple(evidence), against, victims, positions)


def _cause(sign: Sign) -> str:
    """A short word for what a sign shows."""
    if sign.kind == "change":
        return f"{sign.aspect} change"
    return {"missing_data": "down", "template_new": "new errors", "order_break": "code path", "missing_call": "missing calls"}.get(
        sign.kind, sign.aspect or sign.kind.replace("_", " "))


def _excluded(entity: Entity, own: Sequence[Sign], graph: Topology, order: Sequence[Entity]) -> Excluded:
    passing = [sign for sign in own if sign.strength < 0]
    if passing and any(e in order for e in graph.below(entity)):
        worst = min(passing, key=lambda sign: sign.strength)
        return Excluded(entity, f"a victim: {worst.statement}", tuple(own))
    strongest = max(own, key=lambda sign: sign.strength)
    return Excluded(entity, f"too weak: {strongest.statement}", tuple(own))


def _blind(observed: Observed, graph: Topology, by_home: Mapping[Entity, Sequence[Sign]]) -> list[str]:
    """Entities of the graph of which there is no record at all."""
    seen = {graph.home(one.entity) for one in observed.series} | set(by_home)
    if observed.spans is not None:
        seen |= {Entity("service", name) for name in observed.spans.services}
    if observed.logs is not None:
        seen |= {graph.home(entity) for entity in observed.logs.entities}
    silent = sorted((set(graph.calls) | set(graph.callers)) - seen)
    return [f"{entity.kind} {entity.name}: it is called, but no record of it is there" for entity in silent[:MOST]]
