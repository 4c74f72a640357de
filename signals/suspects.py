"""Who is to blame: signs of every kind fused into ranked suspects, with what speaks for and against each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from signals import topology as graphs
from signals import windows as choosing
from signals.accounts import Account, nature, open_accounts
from signals.aspects import meaning
from signals.diagnosis import Diagnosis, Excluded, Sign, Suspect
from signals.observed import Entity, Observed, Windows
from signals.sources import gather
from signals.topology import Topology
from telemetry.numbering import distinct

OFF_PATH = 0.3
"""Who the complaining service does not depend on keeps a third of its score: the graph may lack an edge."""
UNTRACED = 3.0
"""e³ ≈ 20 times less likely is who took part in no request, where requests were traced."""
OUTSIDE = 1.0
"""e times less likely is what is known only from its callers' view: what they see includes the way there."""
SECOND = math.log(20.0)
"""A second incident at the same time is rare: one in twenty."""
TEMPER = 2.0
"""Signs of one entity depend on each other; their sum counts half when it becomes a probability."""
ALERT = 0.5
"""Each thing known of the alert halves the odds, in logarithms, that the data holds no cause."""
LEAST = 0.1
"""A best suspect less likely than this is none."""
TOLD = frozenset({"template_new", "template_burst"})
LIKE = 0.5
"""A sign half as strong as the strongest may stand for an entity, where it says more."""
MOST = 20
"""So many suspects are told of."""


def rank(
    observed: Observed, *, at: int | None = None, windows: Windows | None = None, symptom: Entity | None = None, aspect: str = ""
) -> Diagnosis:
    """Rank who may be the origin of an incident.

    :param at: when it was noticed (µs); the windows are chosen around it, or from the data alone when it is not given.
    :param windows: baseline and incident, when they are known.
    :param symptom: who complained; suspects it does not depend on count less.
    :param aspect: what it complained about (``latency``, ``errors``, ``availability``).
    """
    chosen = windows or choosing.choose(observed, at)
    graph = graphs.build(observed)
    signs = gather(observed, chosen, graph)
    measured = {(graph.home(series.entity), meaning(series.metric, series.unit).aspect) for series in observed.series}
    accounts = open_accounts(signs, graph, meaning(aspect).aspect if aspect else "", measured)
    _weigh_path(accounts, graph, symptom)
    _weigh_traffic(accounts, graph, observed)
    felt = any(sign.kind != "change" and sign.strength > 0 for sign in signs)
    silence = _silence(observed, alert=at is not None, complaint=symptom is not None)
    suspects = _suspects(accounts, graph, silence) if felt or not _measured(observed) else ()
    blind = tuple(sorted({f"{e.kind} {e.name}: no telemetry" for e in unseen(observed, graph)}))
    return Diagnosis(
        chosen, suspects, _excluded(accounts, suspects), (*observed.not_assessed, *blind, *_needed(observed, suspects)),
        tuple(signs), graph.edges(),
    )  # fmt: skip


def _measured(observed: Observed) -> bool:
    """Whether anything was measured that a change could have moved: where all is as before, a change is no cause."""
    return bool(observed.series) or bool(observed.spans) or bool(observed.logs)


def unseen(observed: Observed, graph: Topology) -> set[Entity]:
    """Who is in the graph, or part of it, and reported nothing at all."""
    known = {entity for pair in graph.edges() for entity in pair} | set(graph.homes.values())
    seen = {graph.home(series.entity) for series in observed.series if len(series.times)}
    if observed.spans is not None:
        seen |= {Entity("service", observed.spans.services[number]) for number in distinct(observed.spans.service).tolist()}
    if observed.logs is not None:
        seen |= {graph.home(observed.logs.entities[number]) for number in distinct(observed.logs.entity).tolist()}
    return known - seen


def _needed(observed: Observed, suspects: Sequence[Suspect]) -> tuple[str, ...]:
    """Without a suspect: what would have to be looked at."""
    if suspects:
        return ()
    kinds = {"metrics": bool(observed.series), "traces": observed.spans is not None, "logs": observed.logs is not None,
             "changes": bool(observed.changes), "a call graph": bool(observed.calls) or observed.spans is not None}  # fmt: skip
    missing = [kind for kind, have in kinds.items() if not have]
    return (f"no cause in this data; what would be needed: {', '.join(missing) or 'a longer baseline, or telemetry of the unseen'}",)


def _weigh_path(accounts: Mapping[Entity, Account], graph: Topology, symptom: Entity | None) -> None:
    """Count less what the complaining service does not depend on, and what is seen from outside only."""
    path: set[Entity] = set()
    if symptom is not None and graph.callees(symptom):
        path = {graph.home(symptom), *graph.below(symptom)}
        path |= {host for each in path for host in graph.hosts.get(each, ())}
    for account in accounts.values():
        if path and account.entity not in path:
            account.score *= OFF_PATH
            account.notes.append("the service that complained does not depend on it")
        if account.entity.kind == "external":
            account.score -= OUTSIDE


def _weigh_traffic(accounts: Mapping[Entity, Account], graph: Topology, observed: Observed) -> None:
    """Count less what took part in no request, where requests were traced."""
    if observed.spans is None or not len(observed.spans):
        return
    seen = {Entity("service", observed.spans.services[number]) for number in distinct(observed.spans.service).tolist()}
    for account in accounts.values():
        if account.entity.kind == "service" and account.entity not in seen and not graph.callers.get(account.entity):
            account.score -= UNTRACED
            account.notes.append("it took part in no request that was traced")


def _silence(observed: Observed, *, alert: bool, complaint: bool) -> float:
    """The score that "none of these" has: each series is a chance to be odd by accident.

    An alert makes that less likely, one that names who complains of what still less.
    """
    return math.log(1 + len(observed.series)) * (ALERT if alert else 1.0) * (ALERT if complaint else 1.0)


def _suspects(accounts: Mapping[Entity, Account], graph: Topology, silence: float) -> tuple[Suspect, ...]:
    order = sorted((a for a in accounts.values() if a.score > 0), key=lambda a: (-a.score, a.entity))[:MOST]
    chances = probabilities([account.score for account in order], silence)
    if not order or chances[0] < LEAST:
        return ()
    return tuple(
        _suspect(number, account, chance, accounts, graph)
        for number, (account, chance) in enumerate(zip(order, chances, strict=True), start=1)
    )


def probabilities(scores: Sequence[float], silence: float) -> list[float]:
    """Each one's chance to be an origin, for scores in falling order: the first against the others and none, the rest as second incidents."""
    if not scores:
        return []
    rivals = sum(math.exp((score - scores[0]) / TEMPER) for score in scores)
    found = [_chance(scores[0] - silence) / rivals]
    for score in scores[1:]:
        together = found[0] * math.exp((score - scores[0]) / TEMPER)
        found.append(min(found[-1], max(together, _chance(score - silence - SECOND) * 0.5)))
    return found


def _chance(odds: float) -> float:
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, odds / TEMPER))))


def _suspect(number: int, account: Account, chance: float, accounts: Mapping[Entity, Account], graph: Topology) -> Suspect:
    strongest = sorted((s for s in account.signs if s.strength > 0), key=lambda s: (-s.strength, s.statement))
    against = tuple(s for s in account.signs if s.strength < 0)
    main = max(strongest, key=lambda s: (s.strength * (nature(s) != "wait"), s.statement), default=account.signs[0])
    if main.kind == "error_ratio":  # what the errors say tells more than that there are some; what was said first, most
        said = [s for s in strongest if s.kind in TOLD and s.aspect == main.aspect and s.strength >= main.strength * LIKE]
        main = min(said, key=lambda s: (s.at is None, s.at or 0, -s.strength), default=main)
    changed = max((s for s in strongest if s.kind == "change"), key=lambda s: s.strength, default=None)
    main = changed if account.through is not None and changed is not None else main
    reached = graph.above(account.entity) if account.through is None else graph.above(account.through) | {account.through}
    victims = tuple(sorted(e for e in reached if e in accounts and e != account.entity and _suffers(accounts[e])))
    named = (s.entity.name if s.entity.kind == "code" else ref.removeprefix("code:") for s in strongest
             for ref in (s.refs or ("",)) if s.entity.kind == "code" or ref.startswith("code:"))  # fmt: skip
    positions = dict.fromkeys(named)
    statement = main.statement + (f"; it uses {account.through.name}, where the trouble begins" if account.through else "")
    if account.by is not None and account.explained > 0.5:
        statement += f"; {account.by.name}, which it depends on, explains it in part"
    heard = _heard(account, accounts, graph) if main.kind == "error_origin" else None
    if heard is not None:
        statement += f"; {heard.entity.name}, which calls it, logs {heard.statement}"
        strongest = [*strongest, heard]
    entity = _finest(account, strongest, graph)
    if main is changed and changed is not None:
        strongest = [changed, *(sign for sign in strongest if sign is not changed)]
    return Suspect(number, entity, f"{main.aspect} change" if main.kind == "change" else main.aspect, statement, round(chance, 4), tuple(strongest), against, victims, tuple(positions))


def _finest(account: Account, strongest: Sequence[Sign], graph: Topology) -> Entity:
    """One pod of several, when all signs are its; else the whole."""
    pods = {part for part, home in graph.homes.items() if home == account.entity and part.kind == "pod"}
    blamed = {sign.entity for sign in strongest}
    return next(iter(blamed)) if len(pods) > 1 and len(blamed) == 1 and blamed <= pods else account.entity


def _heard(account: Account, accounts: Mapping[Entity, Account], graph: Topology) -> Sign | None:
    """What a caller's errors say of one who logs none itself: strongest first."""
    if any(sign.kind in TOLD and sign.strength > 0 for sign in account.signs):
        return None
    callers = (accounts[each] for each in sorted(graph.callers.get(account.entity, ())) if each in accounts)
    said = [sign for caller in callers for sign in caller.signs if sign.kind in TOLD and sign.aspect == "errors" and sign.strength > 0]
    return max(said, key=lambda sign: (sign.strength, sign.statement), default=None)


def _suffers(account: Account) -> bool:
    return account.felt > 0 or any(nature(sign) == "wait" for sign in account.signs)


def _excluded(accounts: Mapping[Entity, Account], suspects: Sequence[Suspect]) -> tuple[Excluded, ...]:
    """Whose signs another explains, or who is off the path."""
    blamed = {suspect.entity for suspect in suspects[:1]}
    found = []
    for account in accounts.values():
        why = list(account.notes)
        if account.by is not None and account.explained > 0.5:
            why.insert(0, f"{account.by.name}, which it depends on, shows the same and explains it")
        if why and account.entity not in blamed:
            found.append(Excluded(account.entity, "; ".join(why), tuple(account.signs)))
    return tuple(found)
