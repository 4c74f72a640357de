"""Actions on a terminal: what is proposed, how an approval stands, what a verification found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from api.terminal.printing import printable

if TYPE_CHECKING:
    from agent.approvals.record import Approval, Line
    from agent.verification.state import State


def verification(held: State, state: str) -> None:
    """The verdict, the checks that carry it, and what became of the rollback."""
    console = Console()
    console.print(f"[bold]{printable((held.verdict or 'under way').replace('_', ' '))}[/bold] · {state.replace('_', ' ')}")
    for why in held.statement.split("; "):
        console.print(f"- {printable(why)}")
    if held.rollback:
        console.print(f"{held.rollback.replace('_', ' ')}{f', {held.rollback_verdict}' if held.rollback_verdict else ''}:")
        for why in (held.rollback_statement or "not looked at yet").split("; "):
            console.print(f"- {printable(why)}")


def next_step(found: Approval) -> str:
    """How it stands, and what is next."""
    line = found.line
    said = f"{printable(line.id)}: [bold]{line.state.replace('_', ' ')}[/bold]" + (f" · {printable(line.reason)}" if line.reason else "")
    if line.state == "pending":
        more = f"{line.needed - line.given} more to approve by {line.deadline:%H:%M:%S} UTC: oncalm approvals approve {line.id}"
    elif line.state == "approved":
        more = f"not begun yet: oncalm approvals run {line.id}"
    elif line.state in {"executing", "rolling_back", "unknown", "rollback_unknown"}:
        more = f"nobody saw how it ended: oncalm approvals settle {line.id}"
    elif line.state == "succeeded" and found.preview.changes:
        more = f"did it help? oncalm approvals watch {line.id}"
    else:
        more = ""
    return f"{said}\n{more}" if more else said


def card(found: Approval) -> None:
    """One approval, with everything that is known of it."""
    console, line, record = Console(), found.line, found.record
    preview_card(console, found.preview.document())
    console.print(f"risk {line.risk:.2f} · asked by {printable(line.requester)} · deadline {line.deadline:%Y-%m-%d %H:%M:%S} UTC · approvals {line.given} of {line.needed}")
    for why in record.get("reasons", ()):
        console.print(f"- {printable(str(why))}")
    for passage in found.history:
        console.print(f"{passage.at:%H:%M:%S} {passage.after.replace('_', ' ')} by {printable(passage.actor)}" + (f": {printable(passage.reason)}" if passage.reason else ""))
    console.print(next_step(found))


def preview_card(console: Console, preview: Mapping[str, Any]) -> None:
    """What exactly would be done: the dry run, who feels it, and how it is taken back."""
    action, target = preview["action"], preview["action"]["target"]
    place = f"{target['kind']} {target['namespace'] + '/' if target['namespace'] else ''}{target['name']}"
    console.print(f"[bold]{printable(action['name'])}[/bold] {printable(place)} · digest {preview['digest'][:16]} · checked by {preview['checked_by']}")
    for edit in preview["diff"]:
        console.print(f"  {printable(str(edit['path']))}: {_value(edit['before'])} → {_value(edit['after'])}")
    console.print(f"felt by: {printable(preview['blast']['statement'] or 'not known')}")
    console.print(f"expected: {printable(preview['predicted'])}")
    back = preview["inverse"]
    console.print(f"taken back: {preview['reversible'].replace('_', ' ')}" + (f", by {printable(back['name'])}" if back else ""))
    for one in preview["obstacles"]:
        console.print(f"{'against it' if one['blocking'] else 'note'}: {printable(one['why'])}" + (f" — {printable(one['better'])}" if one["better"] else ""))


def _value(value: Any) -> str:
    return "(absent)" if value is None else printable(str(value)[:200])


def lines(found: list[Line]) -> Table:
    """Approvals, a line each."""
    table = Table(box=None, pad_edge=False)
    for name in ("id", "state"):
        table.add_column(name, no_wrap=True)
    for name in ("what", "risk", "asked by", "given", "deadline (UTC)"):
        table.add_column(name, overflow="fold")
    for one in found:
        table.add_row(one.id, one.state.replace("_", " "), f"{one.action} {printable(one.target)}", f"{one.risk:.2f}", printable(one.requester),
                      f"{one.given}/{one.needed}", f"{one.deadline:%m-%d %H:%M}")
    return table
