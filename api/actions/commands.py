"""Actions on the command line: what is shown, asked and answered. Exit codes: 0 done, 1 failed or refused, 3 nothing there."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from api.actions.cards import card, lines, next_step, preview_card, verification
from api.actions.desk import Desk
from api.actions.targets import parameters, target_of
from api.terminal.escaping import json_line
from api.terminal.printing import printable
from telemetry.errors import UsageError

if TYPE_CHECKING:
    from agent.approvals.people import Person
    from agent.approvals.record import Approval

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
        preview_card(console, preview.document())
        console.print(f"[bold]{verdict.decision.replace('_', ' ')}[/bold] · risk {verdict.risk.score:.2f}")
        for why in verdict.reasons:
            console.print(f"- {printable(why)}")
        if approval is not None:
            console.print(next_step(approval))
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
        Console().print(lines(found))
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


def settle(desk: Desk, ident: str, *, as_json: bool) -> int:
    """Look what became of an action."""
    with closing(desk):
        return _told(desk.executor.settle(_found(desk, ident).id), as_json=as_json)


def judge(desk: Desk, me: Person, ident: str, cause: str | None, effect: str | None, *, as_json: bool) -> int:
    """Keep an engineer's verdict."""
    kept = desk.outcomes.judge(_found(desk, ident).id, me, cause=cause, effect=effect)  # type: ignore[arg-type] # checked there
    typer.echo(json_line(kept.document())) if as_json else Console().print("Kept; later decisions count it.")
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
    typer.echo(json_line(found.document())) if as_json else Console().print(next_step(found))
    return DONE if found.state in _GOOD else FAILED
