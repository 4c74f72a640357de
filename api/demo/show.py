"""What ``oncalm demo`` shows: questions, the cause, a proposal, a hunch that makes it worse and is taken back, the fix that holds."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from agent.approvals.people import Person
from agent.verification.verifier import Limits
from api.actions import cards
from api.actions.desk import Desk
from api.actions.proposals import ask, incident
from api.demo import rehearsal
from api.terminal import answers, progress, reports
from api.terminal.escaping import json_line
from api.wiring.product import Product
from telemetry.models import Window

DONE, FAILED = 0, 1
QUESTIONS = (
    "how many checkouts failed?",
    "errors per minute",
    "what changed in the last 2 minutes compared with the 2 minutes before?",
    "which users were hit by failed checkouts the most?",
    "when did the database is locked error first happen?",
    "summarise the errors",
)
SYMPTOM = "checkouts are failing: why?"
ALERTED = timedelta(seconds=72)
"""How long before the fault's end somebody saw that checkouts fail: three seconds after it began."""
ASKED, HUNCH = timedelta(seconds=27), timedelta(seconds=25)
"""Before the fault's end, too."""
LIMITS = Limits(settle=4, every=5, within=40, hold=15, recent=15, rolling=20, rollback=15)
"""Quicker than usual: what was recorded ends 50 s after the fault."""
ME, OTHER = Person("oncall-of-the-demo", "approver"), Person("hunch-of-the-demo", "responder")


def demo(home: Path | None, *, as_json: bool) -> int:
    """Read the recorded incident into a fresh home, ask about it, find its cause, and act in a simulated cluster. 1: it did not end well."""
    from api.ingestion.importing import import_files
    from samples import incident_folder, incident_records

    with tempfile.TemporaryDirectory(prefix="oncalm-demo-") as folder:
        product = Product(home or Path(folder) / "home")
        with progress.IngestProgress(enabled=not as_json) as shown:
            report = product.ingest([incident_folder()], progress=shown.update, started=shown.start)
        product.index()
        imported = import_files(product, [str(path) for path in incident_records()], None)
        if not as_json:
            reports.report(report)
            reports.imported(imported.records)
        given = []
        for question in QUESTIONS:
            answer = product.ask(question, conversation="demo")
            given.append(answer)
            if not as_json:
                answers.answer(answer, brief=True)
        played = _Acting(product, Path(folder), say=(lambda _: None) if as_json else _say).play(ask_people=sys.stdin.isatty() and not as_json)
    if as_json:
        typer.echo(json_line({"ingested": report.records, "imported": dict(imported.records), "answers": given, **played}))
    return DONE if all(one["understood"] for one in given) and played["ended_well"] else FAILED


def _say(what: object) -> None:
    if isinstance(what, str):
        Console(highlight=False).print(what)
    elif callable(what):
        what()


class _Acting:
    """The second half: everything in it happens at the recording's time."""

    def __init__(self, product: Product, folder: Path, say: Callable[[object], None]) -> None:
        self._product, self._folder, self._say = product, folder, say
        self._end = rehearsal.fault_ends()
        self._clock = rehearsal.RecordedClock(self._end - ASKED)

    def play(self, *, ask_people: bool) -> dict[str, Any]:
        """Investigate, propose, act, verify. The result is for ``--json``."""
        with rehearsal.cluster(self._folder, self._clock) as access, closing(Desk(self._folder / "desk", access, clock=self._clock)) as desk:
            self._product.cluster, self._product.desk = access, desk
            desk.records = self._product.home
            asked = self._end - ASKED
            found = self._product.investigate(SYMPTOM, now=self._clock(), window=Window(start=self._end - ALERTED, end=asked))
            self._heading(f"The cause, as of {asked:%H:%M:%S} UTC in the recording, with a simulated cluster beside it")
            self._say(lambda: answers.investigation(found, brief=True))
            if not found["proposals"]:
                return {"investigation": found, "ended_well": False}
            hunch = self._hunch(desk, found)
            fix = self._fix(desk, found, ask_people=ask_people)
            sound = self._audit(desk)
        well = hunch["state"] == "rolled_back" and fix["state"] == ("confirmed" if fix["approved"] else "rejected") and sound
        return {"investigation": found, "hunch": hunch, "fix": fix, "audit_sound": sound, "ended_well": well}

    def _hunch(self, desk: Desk, found: dict[str, Any]) -> dict[str, Any]:
        """Somebody suspects the storefront's deploy instead; the version before does not start any more."""
        from api.actions.targets import target_of

        self._clock.until(self._end - HUNCH)
        self._heading(f"{self._clock():%H:%M:%S} A hunch against the evidence: somebody takes the storefront's deploy back")
        target = target_of("Deployment/storefront", rehearsal.SPACE, ("Deployment",), "kubernetes")
        approval = desk.propose("undo_rollout", target, {}, OTHER, cause="deploy", confidence=0.5, reason="it was rolled out before", incident=incident(found)).approval
        if approval is None:
            return {"state": "refused"}
        self._say(lambda: cards.card(approval))
        done = desk.approve(approval.id, ME, digest=approval.line.digest)
        self._say(f"{self._clock():%H:%M:%S} approved by {ME.name}, carried out once: [bold]{done.state}[/]")
        return self._verified(desk, done.id)

    def _fix(self, desk: Desk, found: dict[str, Any], *, ask_people: bool) -> dict[str, Any]:
        """The proposal: asked for, approved on the terminal where there is one, carried out as the recording's change was."""
        self._heading(f"{self._clock():%H:%M:%S} The proposal")
        ident = ask(found, desk, Person("oncalm-of-the-demo", "responder"))
        if ident is None:
            return {"state": "refused", "approved": False}
        approval = desk.approvals.show(ident)
        self._say(lambda: cards.card(approval))
        if ask_people and not typer.confirm("Approve and carry out exactly this, in the simulated cluster?", default=True):
            desk.reject(ident, ME, reason="said no on the terminal")
            self._say("NOT executed, NOT queued.")
            return {"state": "rejected", "approved": False}
        self._say("" if ask_people else f"(nobody at a terminal: approved by {ME.name})")
        self._clock.until(self._end)  # from here on the recording shows the shop with the setting taken back
        done = desk.approve(ident, ME, digest=approval.line.digest)
        self._say(f"{self._clock():%H:%M:%S} carried out once: [bold]{done.state}[/]; the recording goes on with the same change made by hand")
        return {**self._verified(desk, ident), "approved": True}

    def _verified(self, desk: Desk, ident: str) -> dict[str, Any]:
        held = desk.watch(desk.approvals.show(ident), LIMITS, wait=self._clock.wait, tell=lambda said: self._say(f"  {self._clock.now:%H:%M:%S} {said}"))
        state = desk.approvals.show(ident).state
        self._say(lambda: cards.verification(held, state))
        return {"approval": ident, "state": state, "verification": held.document()}

    def _audit(self, desk: Desk) -> bool:
        from agent.audit.verifying import verify

        report = verify(desk.journal)
        self._say(f"\naudit: {report.entries} entries, {'sound' if report.sound else 'NOT sound'}")
        return bool(report.sound)

    def _heading(self, text: str) -> None:
        self._say(f"\n[bold magenta]{text}[/]")
