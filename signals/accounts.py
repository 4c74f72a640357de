"""What is held against each entity, and what of it the graph explains.

Faults travel: slowness and errors from callee to caller, load from caller to callee, use of a resource nowhere. So what
an entity *feels* (latency, errors) counts only as far as none of its callees explains it; what it *does* (its resources,
its own code, changes made to it) is its own.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from signals.aspects import PROPAGATING
from signals.diagnosis import Sign
from signals.observed import Entity
from signals.topology import Topology

FELT_KINDS = frozenset({"error_ratio", "template_new", "template_burst", "template_gone"})
LOAD_KINDS = frozenset({"rate_collapse"})
WAIT_KINDS = frozenset({"latency_wait"})
ILL_KINDS = frozenset({"latency_self", "error_origin", "missing_call"})
"""Seen in its own spans: it answers late, with errors, or not."""
SIDE = 0.3
"""Load, traffic in bytes and metrics of unknown meaning are rarely the fault itself: a third of their weight."""
SURE = 2.0
"""A callee with signs of this strength is as likely as not in trouble itself; its caller's trouble is then half explained."""
ENOUGH = 0.02
"""A callee's extra latency explains its caller's from a fiftieth of it on: one request may call it fifty times."""
OTHER = 0.2
"""Slowness seldom fails requests, and failures seldom slow them: an alert about one is a fifth explained by the other."""
CHANGED = 1.5
"""A change with half of its full strength: not more than some 15 minutes before the onset."""
FADE = 0.5
"""A further aspect of one entity counts half of the one before, for they depend on each other."""


@dataclass(slots=True)
class Account:
    """The sums for one whole: what is its own, what it feels, who explains that."""

    entity: Entity
    signs: list[Sign]
    own: float = 0.0
    felt: float = 0.0
    load: float = 0.0
    explained: float = 0.0
    """How far its trouble is explained, 0 to 1."""
    by: Entity | None = None
    through: Entity | None = None
    """What it calls, in which the trouble begins that its change explains."""
    score: float = 0.0
    notes: list[str] = field(default_factory=list)


def open_accounts(
    signs: Sequence[Sign], topology: Topology, aspect: str = "", measured: Set[tuple[Entity, str]] = frozenset()
) -> dict[Entity, Account]:
    """Sum the signs of each whole and explain what can be explained.

    :param aspect: what the alert is about.
    :param measured: of which wholes which aspect is known, so that its want of signs says it is well.
    """
    groups: dict[Entity, list[Sign]] = defaultdict(list)
    for sign in signs:
        groups[topology.home(sign.entity)].append(sign)
    accounts = {entity: _account(entity, group, aspect, known=(entity, aspect) in measured) for entity, group in sorted(groups.items())}
    for account in accounts.values():
        _explain(account, accounts, topology)
    for account in accounts.values():
        _lighten(account, accounts, topology)
    for account in accounts.values():
        account.score = _score(account, accounts)
    for account in accounts.values():
        if account.entity.kind == "node":
            _judge_node(account, accounts, topology)
    _blame_change(accounts, topology)
    return accounts


def _blame_change(accounts: Mapping[Entity, Account], topology: Topology) -> None:
    """A change of a caller explains the trouble of what it calls: it asks for more, holds a lock, sends what breaks it.

    Of several changes the one nearest to the onset is taken.
    """
    chosen: tuple[float, Account, Account] | None = None
    for account in accounts.values():
        changes = [sign for sign in account.signs if sign.kind == "change" and sign.strength >= CHANGED]
        troubled = [accounts[callee] for callee in topology.callees(account.entity) if callee in accounts]
        worst = max(troubled, key=lambda one: one.score, default=None)
        if not changes or worst is None or worst.score < SURE or any(sign.kind == "change" for sign in worst.signs):
            continue
        lead = min(abs(sign.figures.get("lead_seconds", math.inf)) for sign in changes)
        if chosen is None or lead < chosen[0]:
            chosen = lead, account, worst
    if chosen is not None:
        _, account, worst = chosen
        account.score, account.through = max(account.score, worst.score) + CHANGED, worst.entity
        account.explained, account.by = 0.0, None


def summed(strengths: Mapping[str, float]) -> float:
    """Strengths by aspect as one: the largest, half of the next, a quarter of the third …"""
    return sum(value * FADE**place for place, value in enumerate(sorted(strengths.values(), reverse=True)))


def nature(sign: Sign) -> str:
    """``own``, ``felt``, ``load`` or ``wait``: how a sign's trouble travels."""
    if sign.kind in WAIT_KINDS:
        return "wait"
    if sign.kind in LOAD_KINDS or sign.aspect in {"traffic", "network"} and sign.kind == "metric_shift":
        return "load"
    if sign.kind in FELT_KINDS or (sign.kind == "metric_shift" and sign.aspect in PROPAGATING):
        return "felt"
    return "own"


def _account(entity: Entity, signs: list[Sign], aspect: str, *, known: bool) -> Account:
    sums: dict[str, dict[str, float]] = {"own": {}, "felt": {}, "load": {}, "wait": {}}
    traffic = max((_rise(s) for s in signs if s.aspect == "traffic"), default=1.0)
    for sign in signs:
        weight = sign.strength
        kind = nature(sign)
        if kind == "own" and weight > 0 and traffic > 1.3 and 1 < _rise(sign) <= 1.5 * traffic:
            weight *= SIDE  # it does more because more is asked of it
        if kind == "felt" and aspect in PROPAGATING and sign.aspect in PROPAGATING and sign.aspect != aspect:
            weight *= OTHER * (0.5 if known else 1.0)  # the alert is about the other
        held = sums[kind]
        held[sign.aspect] = max(held.get(sign.aspect, -math.inf), weight)
    return Account(entity, signs, summed(sums["own"]), summed(sums["felt"]), summed(sums["load"]))


def _rise(sign: Sign) -> float:
    """How many times as much as before."""
    before, during = sign.figures.get("before", 0.0), sign.figures.get("during", 0.0)
    return during / before if before > 0 else 1.0


def _explain(account: Account, accounts: Mapping[Entity, Account], topology: Topology) -> None:
    """Find who of those it depends on explains best what it feels; who depends on it in turn explains nothing."""
    entity = account.entity
    above = topology.above(entity)
    for callee in sorted(topology.callees(entity) - above):
        other = accounts.get(callee)
        if other is not None:
            _credit(account, other, 1.0)
    if entity.kind == "external" and not topology.callees(entity):
        for sibling in sorted(_behind(entity, topology)):
            if sibling in accounts and accounts[sibling].felt > 0:
                _credit(account, accounts[sibling], 0.9)


def _lighten(account: Account, accounts: Mapping[Entity, Account], topology: Topology) -> None:
    """More or fewer calls are its callers' doing when these are in trouble, or have more or fewer themselves."""
    callers = [accounts[c] for c in topology.callers.get(account.entity, ()) if c in accounts]
    account.load *= 1 - max((_likely(max(c.own, c.felt, c.load)) for c in callers), default=0.0)


def _credit(account: Account, other: Account, most: float) -> None:
    """Let one account explain another, as sure as it is in trouble and as far as its latency reaches."""
    trouble = max(other.felt, other.own if not _looks_well(other) else 0.0)
    share = most * _likely(trouble) * _reaches(other.signs, account.signs)
    if share > account.explained:
        account.explained, account.by = share, other.entity


def _looks_well(account: Account) -> bool:
    """Whether its resources changed, yet it answers as before: then its callers do not suffer from it."""
    ill = any(sign.kind in ILL_KINDS and sign.strength > 0 for sign in account.signs)
    return not ill and account.felt <= 0 and any(sign.aspect in PROPAGATING for sign in account.signs)


def _likely(strength: float) -> float:
    return 1 / (1 + math.exp(-(strength - SURE))) if strength > 0 else 0.0


def _behind(remote: Entity, topology: Topology) -> set[Entity]:
    """Instrumented services that a remote's callers call too: one of them may answer behind that address.

    A remote (X-Ray) or external is known only from its callers' view; a load balancer is such a one.
    """
    callers = topology.callers.get(remote, frozenset())
    return {callee for caller in callers for callee in topology.callees(caller) if callee.kind != "external"} - {remote}


def _reaches(lower: Iterable[Sign], upper: Iterable[Sign]) -> float:
    """Whether a callee's extra latency is enough to make its caller's, where the same metric tells; 1 when none does."""
    extra = {sign.aspect + _metric(sign): _delta(sign) for sign in lower if sign.aspect == "latency" and sign.figures}
    shares = [
        extra[key] / delta for sign in upper
        if sign.aspect == "latency" and (key := sign.aspect + _metric(sign)) in extra and (delta := _delta(sign)) > 0
    ]  # fmt: skip
    return min(1.0, max(shares) / ENOUGH) if shares else 1.0


def _metric(sign: Sign) -> str:
    return sign.refs[0].rpartition("/")[2] if sign.refs else ""


def _delta(sign: Sign) -> float:
    return sign.figures.get("during", 0.0) - sign.figures.get("before", 0.0)


def _score(account: Account, accounts: Mapping[Entity, Account]) -> float:
    """What remains: its own, what it feels as far as unexplained, a little of its load.

    Once explained for more than half, what it feels counts at most half of its explainer's: a victim may shout.
    """
    felt = account.felt * (1 - account.explained)
    load = SIDE * account.load * (1 - account.explained)
    if account.by is not None and account.explained > 0.5:
        other = accounts[account.by]
        most = 0.5 * max(other.felt, other.own)
        felt, load = min(felt, most), min(load, most)
    parts = {"own": account.own, "felt": felt}
    return summed(parts) + load


def _judge_node(account: Account, accounts: Mapping[Entity, Account], topology: Topology) -> None:
    """A node is to blame when several of its guests suffer and none of them uses up what the node lacks."""
    guests = [accounts[guest] for guest in sorted(topology.guests(account.entity)) if guest in accounts]
    aspects = {sign.aspect for sign in account.signs if sign.strength > 0}
    eaters = [g for g in guests if any(s.aspect in aspects and nature(s) in {"own", "load"} and s.strength > SURE for s in g.signs)]
    suffering = [g for g in guests if g.felt > SURE]
    if eaters and account.score > 0:
        account.explained, account.by = 1.0, max(eaters, key=lambda g: g.own).entity
    if eaters or len(suffering) < 2:
        account.score *= SIDE
