"""Incidents on the command line: what is shown and done. Exit codes: 0 done, 2 usage, 3 nothing there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from agent.incidents.states import STATES
from api.terminal.escaping import json_line
from api.terminal.printing import printable
from telemetry.errors import UsageError

if TYPE_CHECKING:
    from agent.approvals.people import Person
    from agent.incidents.incident import Incident
    from agent.incidents.service import Incidents
    from api.actions.desk import Desk

DONE, NOTHING = 0, 3
_LEAST = 4
_LIVE = ("open", "investigating", "mitigated")


def listed(incidents: Incidents, *, every: bool, service: str, severity: str, top: int, as_json: bool) -> int:
    """A table, the newest first. 3: none."""
    found, _ = incidents.list(STATES if every else _LIVE, service=service, severity=severity, limit=top)
    if as_json:
        typer.echo(json_line([one.document() for one in found]))
    elif found:
        table = Table(box=None, pad_edge=False)
        for name in ("id", "state", "severity"):
            table.add_column(name, no_wrap=True)
        for name in ("service", "what", "firing", "since (UTC)", "owner"):
            table.add_column(name, overflow="fold")
        for one in found:
            told = one.document()
            table.add_row(one.id, one.state, one.severity, printable(one.service), printable(one.title[:200]), f"{one.firing}/{one.alerts}",
                          told["created"][:16].replace("T", " "), printable(one.owner))
        Console().print(table)
    else:
        Console().print("No incident is open." if not every else "There was no incident yet.")
    return DONE if found else NOTHING


def shown(incidents: Incidents, ident: str, *, as_json: bool) -> int:
    """Everything about one."""
    told = incidents.show(_found(incidents, ident)).document()
    if as_json:
        typer.echo(json_line(told))
        return DONE
    console = Console()
    console.print(f"[bold]{told['id']}[/bold] · {told['state']} · {told['severity']} · {printable(told['service'])}")
    console.print(printable(told["title"]))
    for one in told["timeline"]:
        console.print(f"{one['at'][:19].replace('T', ' ')} {one['kind'].replace('_', ' ')} by {printable(one['actor'])}"
                      + (f": {printable(one['words'][:500])}" if one["words"] else ""))
    for one in told["links"]:
        console.print(f"link: {printable(one['url'])} {printable(one['title'])}")
    found = told["investigation"]
    if found is not None:
        console.print(f"investigation: {found['state'].replace('_', ' ')}" + (f" · {printable(found['why'])}" if found["why"] else ""))
        if found["result"]:
            console.print(printable(str(found["result"].get("answer", ""))))
    return DONE


def step(incidents: Incidents, me: Person, ident: str, name: str, *, why: str, as_json: bool) -> int:
    """One step in its life. Raises WayError when there is no way, UsageError for who may not."""
    _may(me)
    full = _found(incidents, ident)
    if name == "acknowledge":
        done = incidents.acknowledge(full, me)
        if why.strip():
            done = incidents.note(full, me, why)
    else:
        done = {"mitigate": incidents.mitigate, "resolve": incidents.resolve, "reopen": incidents.reopen, "investigate": incidents.investigate}[name](full, me, why=why)
    return _told(done, as_json=as_json)


def proposed(incidents: Incidents, me: Person, ident: str, desk: Desk, *, as_json: bool) -> int:
    """What its investigation proposes, put before people."""
    from contextlib import closing

    from api.actions.proposals import propose_for

    _may(me)
    with closing(desk):
        approval = propose_for(incidents, _found(incidents, ident), desk, me)
    line = approval.line
    typer.echo(json_line(approval.document())) if as_json else Console().print(
        f"{line.id}: [bold]{line.state}[/bold] · {printable(line.action)} on {printable(line.target)} · oncalm approvals show {line.id}")
    return DONE


def noted(incidents: Incidents, me: Person, ident: str, text: str, *, as_json: bool) -> int:
    """Words for its timeline."""
    _may(me)
    return _told(incidents.note(_found(incidents, ident), me, text), as_json=as_json)


def linked(incidents: Incidents, me: Person, ident: str, url: str, title: str, *, as_json: bool) -> int:
    """A link beside it."""
    _may(me)
    return _told(incidents.link(_found(incidents, ident), me, url, title), as_json=as_json)


def _may(me: Person) -> None:
    if not me.may("responder"):
        raise UsageError(f"a {me.role} may look at incidents, not change them", where=me.name, remedy="ask a responder")


def _found(incidents: Incidents, ident: str) -> str:
    """By its id, or how the id of one begins, with or without ``inc-``. Raises UsageError when that is several."""
    near = incidents.named(ident) if len(ident.removeprefix("inc-")) >= _LEAST else []
    if len(near) > 1:
        raise UsageError(f"{len(near)} incidents begin with {ident!r}", where="ID", remedy="write more of it")
    return near[0] if near else ident


def _told(one: Incident, *, as_json: bool) -> int:
    typer.echo(json_line(one.document())) if as_json else Console().print(f"{one.id}: [bold]{one.state}[/bold]" + (f" · owner {printable(one.owner)}" if one.owner else ""))
    return DONE

