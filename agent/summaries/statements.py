"""Each fact as a statement. Pure: facts in, items out; what is no news is no item."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from agent.summaries.comparing import compared, risen, share
from agent.summaries.document import Item
from agent.summaries.facts import (
    Approval,
    Budget,
    Change,
    Counted,
    Facts,
    Gap,
    Incident,
    Outcome,
    Service,
    Spending,
    Template,
    Watched,
)
from agent.summaries.sources import ended
from agent.summaries.wording import clean, lasted, number, stamp

SHORT = 0.98
"""Share of a budget's window below which it is said how much of it is on record."""
_OPEN = frozenset({"pending", "approved"})
_STUCK = {"executing": "is being carried out", "rolling_back": "is being taken back", "unknown": "may or may not have been carried out",
          "rollback_unknown": "may or may not have been taken back"}
_VERIFIED = {"confirmed": "it helped", "worse": "it made things worse", "not_assessed": "its effect could not be assessed",
             "failed": "it failed", "unknown": "nobody knows whether it was carried out"}


def incidents(facts: Facts, *, still_open: bool) -> list[Item]:
    """Open ones, the longest open first; or those that ended."""
    found: list[Incident] = [one for one in facts.incidents.items if ended(one) is not still_open]
    return [_incident(one, facts.gathered) for one in sorted(found, key=lambda one: one.opened)]


def _incident(one: Incident, now: datetime) -> Item:
    who = f" ({clean(', '.join(one.services), 80)})" if one.services else ""
    severity = f"{clean(one.severity, 20)}, " if one.severity else ""
    head = f"{clean(one.id, 40)} {clean(one.title)}{who}: {severity}"
    if ended(one):
        took = f" after {lasted(one.resolved - one.opened)}" if one.resolved else ""
        return Item(text=f"{head}{clean(one.state, 20)}{took}.")
    last = one.timeline[-1] if one.timeline else None
    lately = f" Last, {stamp(last.at, now)}: {clean(last.text, 160)}." if last else ""
    return Item(text=f"{head}{clean(one.state, 20)} for {lasted(now - one.opened)}.{lately}", weight="bad")


def waiting(facts: Facts) -> list[Item]:
    """Approvals that somebody has to answer, or that are not settled; the deadline that comes first at the top."""
    found: list[Approval] = [one for one in facts.approvals.items if one.state in _OPEN or one.state in _STUCK]
    return [_waiting(one, facts.gathered) for one in sorted(found, key=lambda one: one.deadline)]


def _waiting(one: Approval, now: datetime) -> Item:
    what = f"{clean(one.id, 40)} {clean(one.action, 60)} of {clean(one.target, 120)}"
    if one.state in _STUCK:
        return Item(text=f"{what} {_STUCK[one.state]}; look at the target.", weight="bad")
    if one.state == "approved":
        return Item(text=f"{what} was approved by {clean(', '.join(one.approvers), 80)} and is not carried out yet.", weight="watch")
    need = one.needed - len(one.approvers)
    return Item(text=f"{what}, asked by {clean(one.requester, 60)}, needs {number(need, 'approval')} by {stamp(one.deadline, now)}.", weight="watch")


def acted(facts: Facts) -> list[Item]:
    """What was done and how it turned out, then what was asked for and not done."""
    approvers = {one.id: one.approvers for one in facts.approvals.items}
    done = {one.approval for one in facts.outcomes.items}
    items = [_outcome(one, approvers.get(one.approval, ()), facts.gathered) for one in facts.outcomes.items]
    others: Iterable[Approval] = (one for one in facts.approvals.items if one.state in {"rejected", "expired", "superseded"} and one.id not in done)
    return items + [Item(text=f"{clean(one.action, 60)} of {clean(one.target, 120)} was {one.state}{_why(one.reason)}.") for one in others]


def _outcome(one: Outcome, approvers: tuple[str, ...], now: datetime) -> Item:
    by = f", approved by {clean(', '.join(approvers), 80)}" if approvers else ""
    said = f" ({clean(one.statement, 160)})" if one.statement else ""
    back = "; it was taken back" if one.rolled_back else "; taking it back failed" if one.rolled_back is False else ""
    bad = one.verified in {"worse", "failed", "unknown"} or one.rolled_back is False
    return Item(text=f"{stamp(one.at, now)} {clean(one.action, 60)} of {clean(one.target, 120)}{by}: {_VERIFIED.get(one.verified, one.verified)}{said}{back}.",
                weight="bad" if bad else "plain")


def _why(reason: str) -> str:
    return f": {clean(reason, 120)}" if reason else ""


def budgets(facts: Facts) -> list[Item]:
    """Budgets that are used up, half used, or burning faster than they refill; and those of which nothing can be said."""
    found: list[Budget] = [one for one in facts.budgets.items if one.reason or (one.used or 0) >= 0.5 or (one.burn or 0) > 1]
    return [_budget(one) for one in sorted(found, key=lambda one: -(one.used if one.used is not None else -1))]


def _budget(one: Budget) -> Item:
    name, days = clean(one.name, 80), (one.window.end - one.window.start).days
    if one.reason or one.used is None:
        return Item(text=f"{name}: not assessed, {clean(one.reason or '')}.")
    of = f"{one.bad:,} of {one.total:,} {one.of} failed" if one.of == "requests" else f"{one.bad:,} of {one.total:,} records were errors"
    burn = f" In this period it burnt {one.burn:.1f} times as fast as the target allows." if one.burn is not None and one.burn > 1 else ""
    partly = f" Records cover only {one.covered:.0%} of the window." if one.covered < SHORT else ""
    window = f"{days} days" if days else lasted(one.window.end - one.window.start)
    used = "the budget is used up" if one.used >= 1 else f"{one.used:.0%} of the budget is used"
    return Item(text=f"{name}: {used} ({of} in {window}; target {one.target * 100:.6g}%).{burn}{partly}", weight="bad" if one.used >= 1 else "watch")


def worse(facts: Facts) -> list[Item]:
    """Services with more errors than chance explains, then error templates that are new, back or bursting."""
    items = [item for one in facts.records.items for item in _service(one)]
    bad: list[Template] = [one for one in facts.templates.items if one.bad and one.change != "vanished"]
    return items + [_template(one, facts.gathered) for one in bad]


def _service(one: Service) -> list[Item]:
    found = []
    for count, whole, what in ((one.failed, one.requests, "requests failed"), (one.errors, one.records, "records were errors")):
        if risen(count) and _ratio_rose(count, whole):
            found.append(Item(text=f"{clean(one.name, 80)}: {count.now:,} of {whole.now:,} {what} ({share(count.now, whole.now)}; {compared(count)}).", weight="bad"))
    return found


def _ratio_rose(count: Counted, whole: Counted) -> bool:
    """Whether the share rose, too: twice the traffic with twice the errors is not worse."""
    return count.now * max(whole.before or 0, 1) > 1.2 * (count.before or 0) * max(whole.now, 1)


def _template(one: Template, now: datetime) -> Item:
    before = f", {number(one.count.before, 'time')} before" if one.count.before else ""
    since = f" since {stamp(one.first, now)}" if one.first else ""
    said = {"new": f"{number(one.count.now, 'time')}, new{since}", "back": f"{number(one.count.now, 'time')}, not seen in the period before",
            "burst": f"{number(one.count.now, 'time')}, {compared(one.count) or 'more often'}", "vanished": f"not seen any more{before}"}[one.change]
    return Item(text=f"{clean(one.service, 80)}, {said}:", code=clean(one.pattern), weight="bad" if one.bad and one.change != "vanished" else "plain")


def templates(facts: Facts) -> list[Item]:
    """Templates that report no error: new, back, bursting, vanished; and errors that vanished."""
    return [_template(one, facts.gathered) for one in facts.templates.items if not one.bad or one.change == "vanished"]


def changes(facts: Facts) -> list[Item]:
    """What somebody changed, the newest first."""
    return [_change(one, facts.gathered) for one in sorted(facts.changes.items, key=lambda one: one.at, reverse=True)]


def _change(one: Change, now: datetime) -> Item:
    of = f" of {clean(one.service, 80)}" if one.service else ""
    by = f" by {clean(one.actor, 60)}" if one.actor else ""
    return Item(text=f"{stamp(one.at, now)} {one.kind}{of}{by}: {clean(one.title, 160)}{f' ({clean(one.version, 40)})' if one.version and one.version not in one.title else ''}.")


def watching(facts: Facts) -> list[Item]:
    """Verifications under way, and sources that stopped."""
    watched: list[Watched] = list(facts.watches.items)
    gone: list[Gap] = list(facts.gaps.items)
    return [
        *(Item(text=f"{clean(one.target, 120)}: the action {clean(one.approval, 40)} of {stamp(one.since, facts.gathered)} is not verified yet"
               f"{f' (last look: {clean(one.last, 120)})' if one.last else ''}.", weight="watch") for one in watched),
        *(Item(text=f"{clean(one.what, 80)}: no {one.kind} since {stamp(one.last, facts.gathered)}; its longest silence before was {_pace(one.usual)}.", weight="bad")
          for one in gone)]


def _pace(seconds: float) -> str:
    from datetime import timedelta

    return lasted(timedelta(seconds=max(seconds, 1)))


def spend(facts: Facts) -> list[Item]:
    """What models cost, if anything."""
    found: list[Spending] = [one for one in facts.spend.items if one.calls]
    return [Item(text=f"{number(one.calls, 'call')} of models, {one.tokens:,} tokens, ${one.usd:,.2f}{_unpriced(one)}"
                 f"{f'; before: ${one.before_usd:,.2f}' if one.before_usd else ''}.") for one in found]


def _unpriced(one: Spending) -> str:
    return f" without {number(one.unpriced, 'call')} of unknown price" if one.unpriced else ""


def totals(facts: Facts) -> Item | None:
    """All services in one sentence."""
    found: list[Service] = list(facts.records.items)
    if not found:
        return None
    def added(name: str) -> Counted:
        parts = [getattr(one, name) for one in found]
        known = all(part.before is not None or not part.now for part in parts) and any(part.before is not None for part in parts)
        return Counted(now=sum(part.now for part in parts), before=sum(part.before or 0 for part in parts) if known else None)

    records, errors, requests, failed = (added(name) for name in ("records", "errors", "requests", "failed"))
    said = [f"{number(records.now, 'log record')} of {number(len(found), 'service')}, {number(errors.now, 'error')}{_beside(errors)}"] if records.now else []
    said += [f"{number(requests.now, 'request')}, {failed.now:,} failed{_beside(failed)}"] if requests.now else []
    return Item(text=f"{'; '.join(said)}.") if said else None


def _beside(count: Counted) -> str:
    said = compared(count)
    return f" ({said})" if said else ""
