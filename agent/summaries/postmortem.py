"""A draft of what is written after an incident, from its recorded timeline. What only people can say is left to them.

Its parts follow Google's example postmortem (Site Reliability Engineering, appendix D): impact, cause, actions, lessons, timeline.
"""

from __future__ import annotations

from datetime import timedelta

from agent.summaries import statements
from agent.summaries.composing import section
from agent.summaries.document import Item, Section, Summary
from agent.summaries.facts import Approval, Facts, Happening, Incident, Outcome, Period
from agent.summaries.sources import ended
from agent.summaries.wording import clean, lasted, stamp

MARGIN = timedelta(minutes=30)
"""How long before the incident facts are gathered from: what was changed before it began."""
_ROWS = 200


def period_of(incident: Incident, now: Period) -> Period:
    """From a while before it was opened to its end, or to the end of ``now``."""
    end = incident.resolved or (incident.timeline[-1].at if ended(incident) and incident.timeline else now.end)
    return Period(start=incident.opened - MARGIN, end=max(end, incident.opened + timedelta(minutes=1)))


def postmortem(facts: Facts, incident: Incident) -> Summary:
    """The draft. ``facts`` are those of :func:`period_of`."""
    end = incident.resolved or facts.gathered
    took = f"It was open for {lasted(end - incident.opened)}." if incident.resolved else f"It is {clean(incident.state, 20)}, and was opened {lasted(end - incident.opened)} ago."
    return Summary(
        kind="postmortem", title=f"Draft, after {clean(incident.id, 40)}: {clean(incident.title)}", period=facts.period, made=facts.gathered,
        services=incident.services, facts=facts, lead=(took, "A draft from what was recorded; people have to complete and correct it."),
        sections=(
            Section(title="Impact", items=tuple(_impact(facts, incident)), prompts=("Who noticed it, and what could users not do?",)),
            Section(title="Cause", items=tuple(_cause(incident)), prompts=() if incident.cause else ("What was the cause, and what shows it?",)),
            Section(title="Actions", items=tuple(_actions(facts)) or (Item(text="No action is on record for this time."),)),
            section("Changes before and during it", statements.changes(facts)),
            Section(title="Timeline", columns=("Time (UTC)", "What", "Who"), rows=tuple(_rows(facts, incident))),
            Section(title="What went well", prompts=("What went well?",)),
            Section(title="Open questions", prompts=("What is still not known?", "What should be done so that it does not come back, by whom and when?")),
        ),
        missing=tuple(f"{name}: not assessed; {clean(why)}." for name, why in facts.missing().items() if name in {"records", "changes", "approvals", "outcomes"}))


def _impact(facts: Facts, incident: Incident) -> list[Item]:
    named = [Item(text=f"Services named by it: {clean(', '.join(incident.services))}.")] if incident.services else []
    measured = statements.worse(facts)
    if facts.records.missing:
        return [*named, Item(text=f"What was measured is not assessed: {clean(facts.records.missing)}.")]
    return [*named, *measured[:8]] if measured else [*named, Item(text="The records of this time show no more errors than those before it.")]


def _cause(incident: Incident) -> list[Item]:
    if not incident.cause:
        return [Item(text="No cause is on record.")]
    return [Item(text=f"On record: {clean(incident.cause, 400)}"), *(Item(text="Shown by", code=clean(one)) for one in incident.evidence[:10])]


def _actions(facts: Facts) -> list[Item]:
    return [*statements.acted(facts), *statements.waiting(facts)]


def _rows(facts: Facts, incident: Incident) -> list[tuple[str, str, str]]:
    """What the incident's timeline holds, with changes and actions of the time among it."""
    entries = [*incident.timeline, *(_done(one, facts.approvals.items) for one in facts.outcomes.items),
               *(Happening(at=one.at, kind="change", text=f"{one.kind} {one.service}: {one.title}", who=one.actor) for one in facts.changes.items)]
    if not any(one.at == incident.opened for one in incident.timeline):
        entries.append(Happening(at=incident.opened, kind="opened", text="the incident was opened"))
    if incident.resolved and not any(one.at == incident.resolved for one in incident.timeline):
        entries.append(Happening(at=incident.resolved, kind="resolved", text="the incident was resolved"))
    told = sorted(entries, key=lambda one: one.at)
    return [(f"{stamp(one.at)}:{one.at:%S}", clean(one.text), clean(one.who, 60)) for one in told[:_ROWS]]


def _done(one: Outcome, approvals: tuple[Approval, ...]) -> Happening:
    by = next((", ".join(held.approvers) for held in approvals if held.id == one.approval), "")
    return Happening(at=one.at, kind="action", text=f"{one.action} of {one.target}: {one.verified}{f' ({one.statement})' if one.statement else ''}",
                     who=f"approved by {by}" if by else "")
