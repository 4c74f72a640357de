"""What was done: outcomes with what they taught, and the audit, on the command line. Exit codes: 0 done, 1 not sound, 3 nothing there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from api.terminal.escaping import json_line
from api.terminal.printing import printable

if TYPE_CHECKING:
    from agent.approvals.outcomes import Outcome
    from api.actions.desk import Desk

DONE, FAILED, NOTHING = 0, 1, 3


def history(desk: Desk, *, as_json: bool) -> int:
    """What became of actions. 3: none yet."""
    found = desk.approvals.history()
    if as_json:
        typer.echo(json_line([one.document() for one in found]))
    elif found:
        table = Table("when (UTC)", "action", "target", "cause", "verified", "rolled back", "verdict", box=None, pad_edge=False)
        for one in found:
            verdict = ", ".join(filter(None, (one.cause_verdict and f"cause {one.cause_verdict}", one.effect_verdict)))
            table.add_row(f"{one.at:%Y-%m-%d %H:%M:%S}", one.action, printable(one.target), printable(one.cause), one.verified.replace("_", " "),
                          "" if one.rolled_back is None else "yes" if one.rolled_back else "failed", verdict)
        Console().print(table)
        for line in taught(found):
            Console().print(printable(line))
    else:
        Console().print("No action was carried out yet.")
    return DONE if found else NOTHING


def taught(found: Sequence[Outcome]) -> list[str]:
    """What outcomes taught of each cause and action, a line each; nothing of those that taught nothing."""
    from agent.decision.learning import learned, trusted

    lines = []
    for cause, action in sorted({(one.cause, one.action) for one in found}):
        seen, kept = learned(found, cause, action), trusted((one for one in found if one.action == action), cause)
        less = f"; its confidence counts {kept:.2f} of itself, for engineers said that it was wrong" if kept < 1 else ""
        if seen.cases or less:
            lines.append(f"{action} against {cause or 'no cause that was said'}: {seen.words()}{less}")
    return lines


def verify(desk: Desk, *, as_json: bool) -> int:
    """Check the audit. 1: something was changed."""
    from agent.audit.verifying import verify as check

    report = check(desk.journal)
    if as_json:
        typer.echo(json_line(report.document()))
    else:
        console = Console()
        console.print(f"{report.entries} entries: " + ("sound" if report.sound else "[bold]NOT sound[/bold]"))
        for problem in report.problems:
            console.print(f"- entry {problem.seq}: {printable(problem.what)}")
    return DONE if report.sound else FAILED


def export(desk: Desk) -> int:
    """Every entry, a line each."""
    for line in desk.journal.export():
        typer.echo(line)
    return DONE
