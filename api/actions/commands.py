"""Actions on the command line: what is shown, asked and answered. Exit codes: 0 done, 1 failed or refused, 3 nothing there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from api.actions.desk import Desk
from api.actions.targets import parameters, target_of
from api.terminal.escaping import json_line
from api.terminal.printing import printable
from telemetry.errors import UsageError

if TYPE_CHECKING:
    from agent.approvals.outcomes import Outcome
    from agent.approvals.people import Person
    from agent.approvals.record import Approval, Line
    from agent.verification.state import State

DONE, FAILED, NOTHING = 0, 1, 3
_GOOD = frozenset({"pending", "approved", "succeeded", "confirmed", "rolled_back", "rejected"})
_LEAST = 8


def catalogue(desk: Desk, *, as_json: bool) -> int:
    """Every action with its targets and parameters."""
    known = desk.catalogue
    rows: list[dict[str, Any]] = [{"action": name, "what": known.what(name), "kinds": list(known.kinds(name)), "params": known.schema(name).get("properties", {})}
                                  for name in known.names()]
    if as_json:
        typer.echo(json_line(rows))
        return DONE
    table = Table("action", "what", "targets", "parameters", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row["action"], printable(row["what"]), ", ".join(row["kinds"]), ", ".join(row["params"]))
    Console().print(table)
    return DONE


def propose(desk: Desk, me: Person, action: str, target: str, namespace: str, params: list[str], *, cause: str, confidence: float, reason: str,
            incident: str = "", only_preview: bool, as_json: bool) -> int:
    """Preview, decide, ask. 1: refused."""
    with closing(desk):
        known = desk.catalogue
        kinds = known.kinds(action)
        aimed = target_of(target, namespace, kinds, known.system(action))
        if only_preview:
            preview = desk.connection(me).catalogue.preview(action, aimed, parameters(params))
            verdict, approval = desk.decisions.decide(preview, cause=cause, confidence=confidence, by=me), None
        else:
            asked = desk.propose(action, aimed, parameters(params), me, cause=cause, confidence=confidence, reason=reason, of=incident)
            preview, verdict, approval = asked.preview, asked.verdict, asked.approval
            if approval is not None and approval.state == "approved":  # a rule of the policy allows it
                approval = desk.carry_out(approval)
                desk.finish()
    if as_json:
        typer.echo(json_line({"preview": preview.document(), "decision": verdict.document(), "approval": approval.document() if approval else None}))
    else:
        console = Console()
        _preview(console, preview.document())
        console.print(f"[bold]{verdict.decision.replace('_', ' ')}[/bold] · risk {verdict.risk.score:.2f}")
        for why in verdict.reasons:
            console.print(f"- {printable(why)}")
        if approval is not None:
            console.print(_next(approval))
        elif not only_preview:
            console.print("NOT executed, NOT queued.")
    return FAILED if verdict.decision == "refuse" or approval is not None and approval.state not in _GOOD else DONE


def listed(desk: Desk, *, every: bool, as_json: bool) -> int:
    """What waits, or with ``every`` all there is. 3: nothing."""
    from agent.approvals.states import WAYS

    desk.tend()
    found = desk.approvals.list(WAYS if every else ("pending", "approved"))
    if as_json:
        typer.echo(json_line([one.document() for one in found]))
    elif found:
        Console().print(_lines(found))
    else:
        Console().print("Nothing waits for an answer." if not every else "Nothing was asked yet.")
    return DONE if found else NOTHING


def shown(desk: Desk, ident: str, *, as_json: bool) -> int:
    """One approval."""
    found = _found(desk, ident)
    typer.echo(json_line(found.document())) if as_json else card(found)
    return DONE


def approve(desk: Desk, me: Person, ident: str, *, digest: str, reason: str, as_json: bool) -> int:
    """Approve what is shown: asked for on a terminal, or by the digest that was seen elsewhere."""
    found = _found(desk, ident)
    if digest:
        if len(digest) < _LEAST or not found.line.digest.startswith(digest.lower()):
            raise UsageError(f"it is not the action of the digest {digest[:16]}…", where=f"approval {found.id}", remedy="look at it again: oncalm approvals show")
    else:
        if as_json:
            raise UsageError("say which digest you saw", where="--digest", remedy=f"oncalm approvals show {found.id[:12]} --json")
        card(found)
        if found.state != "pending" or not typer.confirm("Approve and carry out exactly this?"):
            Console().print("NOT executed, NOT queued." if found.state == "pending" else f"It is {found.state}.")
            return FAILED
    with closing(desk):
        done = desk.approve(found.id, me, digest=found.line.digest, reason=reason)
        desk.finish()
    return _told(done, as_json=as_json)


def run(desk: Desk, me: Person, ident: str, *, as_json: bool) -> int:
    """Carry out what was approved before and did not begin, as after a crash; nothing is approved by it."""
    if not me.may("responder"):
        raise UsageError(f"a {me.role} may not carry actions out", where=me.name, remedy="ask a responder")
    with closing(desk):
        done = desk.carry_out(_found(desk, ident))
        desk.finish()
        return _told(done, as_json=as_json)


def reject(desk: Desk, me: Person, ident: str, *, reason: str, as_json: bool) -> int:
    """Say no."""
    return _told(desk.reject(_found(desk, ident).id, me, reason=reason), as_json=as_json)


def rollback(desk: Desk, me: Person, ident: str, *, reason: str, as_json: bool) -> int:
    """Take an action back. Raises UsageError for who may not."""
    if not me.may("approver"):
        raise UsageError(f"a {me.role} may not take actions back", where=me.name, remedy="ask an approver")
    with closing(desk):
        return _told(desk.rollback(_found(desk, ident).id, reason=reason or f"asked for by {me.name}", by=me), as_json=as_json)


def watch(desk: Desk, ident: str, *, interval: float | None, hold: float | None, patience: float | None, as_json: bool) -> int:
    """Verify an action until there is a verdict. 1: it was worse, or nobody can tell."""
    import threading

    from agent.verification.verifier import Limits

    found, usual = _found(desk, ident), Limits()
    if found.state not in {"succeeded", "confirmed", "rolled_back"}:
        raise UsageError(f"it is {found.state}; there is nothing to verify", where=f"approval {found.id}", remedy="carry it out first")
    limits = None
    if any(one is not None for one in (interval, hold, patience)):
        step, within = interval or usual.every, usual.within if patience is None else patience
        limits = Limits(settle=min(usual.settle, step), every=step, within=within, hold=usual.hold if hold is None else hold,
                        rolling=within / 2, rollback=min(usual.rollback, within))
    told = Console(stderr=True)
    with closing(desk):
        held = desk.watch(found, limits, wait=threading.Event().wait, tell=lambda said: told.print(printable(said)))
    state = desk.approvals.show(found.id).state
    if as_json:
        typer.echo(json_line({**held.document(), "state": state}))
    else:
        verification(held, state)
    return DONE if held.verdict == "confirmed" else FAILED


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


def settle(desk: Desk, ident: str, *, as_json: bool) -> int:
    """Look what became of an action."""
    with closing(desk):
        return _told(desk.executor.settle(_found(desk, ident).id), as_json=as_json)


def judge(desk: Desk, me: Person, ident: str, cause: str | None, effect: str | None, *, as_json: bool) -> int:
    """Keep an engineer's verdict."""
    kept = desk.outcomes.judge(_found(desk, ident).id, me, cause=cause, effect=effect)  # type: ignore[arg-type] # checked there
    typer.echo(json_line(kept.document())) if as_json else Console().print("Kept; later decisions count it.")
    return DONE


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


def _found(desk: Desk, ident: str) -> Approval:
    """By its id, or how the id of one begins. Raises NoSuchApprovalError, UsageError."""
    from agent.approvals.states import WAYS

    desk.tend()
    near = [one.id for one in desk.approvals.list(WAYS) if one.id.startswith(ident)] if len(ident) >= 4 else []
    if len(near) > 1 and ident not in near:
        raise UsageError(f"{len(near)} approvals begin with {ident!r}", where="ID", remedy="write more of it")
    return desk.approvals.show(near[0] if len(near) == 1 else ident)


def _told(found: Approval, *, as_json: bool) -> int:
    typer.echo(json_line(found.document())) if as_json else Console().print(_next(found))
    return DONE if found.state in _GOOD else FAILED


def _next(found: Approval) -> str:
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
    _preview(console, found.preview.document())
    console.print(f"risk {line.risk:.2f} · asked by {printable(line.requester)} · deadline {line.deadline:%Y-%m-%d %H:%M:%S} UTC · approvals {line.given} of {line.needed}")
    for why in record.get("reasons", ()):
        console.print(f"- {printable(str(why))}")
    for passage in found.history:
        console.print(f"{passage.at:%H:%M:%S} {passage.after.replace('_', ' ')} by {printable(passage.actor)}" + (f": {printable(passage.reason)}" if passage.reason else ""))
    console.print(_next(found))


def _preview(console: Console, preview: Mapping[str, Any]) -> None:
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


def _lines(found: list[Line]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("id", "state"):
        table.add_column(name, no_wrap=True)
    for name in ("what", "risk", "asked by", "given", "deadline (UTC)"):
        table.add_column(name, overflow="fold")
    for one in found:
        table.add_row(one.id, one.state.replace("_", " "), f"{one.action} {printable(one.target)}", f"{one.risk:.2f}", printable(one.requester),
                      f"{one.given}/{one.needed}", f"{one.deadline:%m-%d %H:%M}")
    return table
