"""Makes a summary of facts, without a model: what is open first, then what got worse, what changed, what to watch. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from agent.summaries import statements
from agent.summaries.document import Item, Kind, Section, Summary
from agent.summaries.facts import Facts
from agent.summaries.wording import clean, listed, number, span

MOST = 10
"""Statements of a section; how many more there are is said."""
_NAMES = {"records": "Records and errors", "templates": "Templates", "budgets": "Error budgets", "changes": "Changes", "incidents": "Incidents",
          "approvals": "Approvals", "outcomes": "Outcomes of actions", "watches": "Verifications", "spend": "Spend", "gaps": "Data gaps"}


def compose(facts: Facts, kind: Kind = "period") -> Summary:
    """The summary of a period, or the handover of a shift."""
    sections = _handover(facts) if kind == "handover" else _period(facts)
    return Summary(kind=kind, title=_title(facts, kind), period=facts.period, made=facts.gathered, team=facts.team, services=facts.services,
                   lead=tuple(_lead(facts)), sections=tuple(one for one in sections if one.items), missing=tuple(_missing(facts)), facts=facts)


def _period(facts: Facts) -> list[Section]:
    total = statements.totals(facts)
    return [
        section("Open incidents", statements.incidents(facts, still_open=True)),
        section("Waiting for people", statements.waiting(facts)),
        section("Watch", statements.watching(facts)),
        section("Error budgets", statements.budgets(facts)),
        section("What got worse", statements.worse(facts)),
        section("What changed", statements.changes(facts)),
        section("Actions", statements.acted(facts)),
        section("Incidents that ended", statements.incidents(facts, still_open=False)),
        section("Other changes in the logs", statements.templates(facts), most=6),
        section("In numbers", [*([total] if total else []), *statements.spend(facts)]),
    ]


def _handover(facts: Facts) -> list[Section]:
    """What an engineer who takes over has to know; numbers of the whole period are no part of it."""
    watch = [*statements.watching(facts), *(one for one in statements.budgets(facts) if one.weight != "plain"), *statements.worse(facts)]
    return [
        section("Open incidents", statements.incidents(facts, still_open=True), most=30),
        section("Waiting for people", statements.waiting(facts), most=30),
        section("Watch", watch),
        section("Recent changes", statements.changes(facts)),
        section("Done in this shift", [*statements.incidents(facts, still_open=False), *statements.acted(facts)]),
    ]


def section(title: str, items: Sequence[Item], most: int = MOST) -> Section:
    """The first ``most`` statements of a kind."""
    return Section(title=title, items=tuple(items[:most]), more=max(0, len(items) - most))


def _title(facts: Facts, kind: Kind) -> str:
    of = clean(facts.team, 60) or listed([clean(one, 60) for one in facts.services]) or "all services"
    return f"{'Handover' if kind == 'handover' else 'Summary'}: {of}, {span(facts.period.start, facts.period.end)}"


def _lead(facts: Facts) -> list[str]:
    """What to know first, in at most four sentences; and of a quiet period that it was one, as far as was looked."""
    open_, waiting, stopped = statements.incidents(facts, still_open=True), statements.waiting(facts), list(facts.gaps.items)
    over = [one for one in facts.budgets.items if (one.used or 0) >= 1]
    worse = statements.worse(facts)
    said = [
        f"{number(len(open_), 'incident')} {'is' if len(open_) == 1 else 'are'} open." if open_ else "",
        f"{number(len(waiting), 'action')} {'waits' if len(waiting) == 1 else 'wait'} for people." if waiting else "",
        f"{listed([clean(one.what, 60) for one in stopped])} stopped sending log records." if stopped else "",
        f"The error budget of {listed([clean(one.name, 60) for one in over])} is used up." if over else "",
        f"Worst: {worse[0].whole}" if worse else "",
    ]
    told = [one for one in said if one]
    if told:
        return told[:4]
    looked = [name for name in ("records", "templates", "incidents") if getattr(facts, name).missing is None]
    if not looked:
        return ["Nothing can be said of this period: neither records nor incidents could be looked at."]
    return [f"Quiet, as far as {listed([_NAMES[name].lower() for name in looked])} tell: nothing is open, and nothing got worse."]


def _missing(facts: Facts) -> list[str]:
    """What was not assessed, with the reason; groups of one source and one reason in one line."""
    by_reason: dict[str, list[str]] = {}
    for name, why in facts.missing().items():
        by_reason.setdefault(why, []).append(_NAMES[name])
    return [f"{listed(names, 10)}: not assessed; {clean(why)}." for why, names in by_reason.items()]
