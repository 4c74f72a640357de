"""Who is to blame: signs of every kind fused into ranked suspects."""

from __future__ import annotations

from collections import defaultdict

from signals import topology
from signals import windows as choosing
from signals.diagnosis import Diagnosis, Sign, Suspect
from signals.observed import Entity, Observed, Windows
from signals.sources import gather


def rank(
    observed: Observed, *, at: int | None = None, windows: Windows | None = None, symptom: Entity | None = None, aspect: str = ""
) -> Diagnosis:
    """Rank the suspects."""
    chosen = windows or choosing.choose(observed, at)
    graph = topology.build(observed)
    signs = gather(observed, chosen, graph)
    by_home: dict[Entity, list[Sign]] = defaultdict(list)
    for sign in signs:
        by_home[graph.home(sign.entity)].append(sign)
    scores = {entity: sum(s.strength for s in own) for entity, own in by_home.items()}
    order = sorted(scores, key=lambda e: (-scores[e], e))
    suspects = tuple(
        Suspect(n, e, by_home[e][0].aspect, by_home[e][0].statement, 0.5, tuple(by_home[e])) for n, e in enumerate(order, 1)
    )
    return Diagnosis(chosen, suspects, (), observed.not_assessed, tuple(signs), graph.edges())
