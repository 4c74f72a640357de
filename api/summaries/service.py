"""Where summaries are made, kept and scheduled: one object that joins store, approvals, incidents, spend and a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.summaries.document import Kind, Summary
from agent.summaries.facts import Period, Watched
from agent.summaries.gathering import Scope, gather
from agent.summaries.sources import IncidentBook, NoIncidents, Sources, incident_of, moment
from telemetry.errors import UsageError

if TYPE_CHECKING:
    from fastapi import APIRouter

    from agent.approvals.service import Approvals
    from agent.state_db.database import Database
    from agent.summaries.keeping import Kept
    from api.scheduling.runner import Runner, Scheduler
    from api.scheduling.schedule import Schedule
    from api.scheduling.sending import SlackPoster
    from api.scheduling.store import Plans
    from api.wiring.model import Thinking

VERIFICATIONS = "verifications"


def _now() -> datetime:
    return datetime.now(UTC)


class Summarising:
    """The summaries of one home. Nothing is opened before it is needed."""

    def __init__(self, home: Path, *, state_url: str | None = None, incidents: IncidentBook | None = None, thinking: Thinking | None = None,
                 variable: Callable[[str], str | None] = lambda _: None, slack: SlackPoster | None = None, clock: Callable[[], datetime] = _now) -> None:
        """``incidents``: where they are kept; ``slack``: who posts to channels; ``variable`` gives environment variables that schedules name."""
        self.home, self.clock = home, clock
        self._state_url, self._incidents, self._thinking, self._variable, self._slack = state_url, incidents or NoIncidents(), thinking, variable, slack

    def make(self, period: Period, *, services: Sequence[str] = (), team: str = "", kind: Kind = "period", incident: str = "") -> Summary:
        """Make one. Raises UsageError for a wrong period, an unknown team, and a draft of no incident."""
        if kind == "postmortem":
            summary = self._postmortem(period, incident)
        else:
            from agent.summaries.composing import compose

            summary = compose(gather(Scope(period, tuple(services), team), self._sources(), self.clock()), kind)
        return self._written(summary)

    @cached_property
    def database(self) -> Database:
        """The state database, made when there is none."""
        from agent.state_db.database import Database

        return Database(self._state_url) if self._state_url else Database.at(self.home)

    @property
    def kept(self) -> Kept:
        """The summaries that are kept."""
        from agent.summaries.keeping import Kept

        return Kept(self.database)

    @property
    def plans(self) -> Plans:
        """The schedules."""
        from api.scheduling.store import Plans

        return Plans(self.database)

    def runner(self) -> Runner:
        """Who makes and sends what is due."""
        from api.pictures.summary import pictures
        from api.scheduling.runner import Runner
        from api.scheduling.sending import Sender

        def scheduled(schedule: Schedule, period: Period) -> Summary:
            return self.make(period, services=schedule.services, team=schedule.team, kind=schedule.kind)

        return Runner(self.plans, scheduled, Sender(self.home, self._variable, pictures, self._slack), self.clock)

    def scheduler(self) -> Scheduler:
        """The same, ticking beside a server from ``start()`` to ``stop()``."""
        from api.scheduling.runner import Scheduler

        return Scheduler(self.runner())

    def _sources(self) -> Sources:
        from agent.spend import Ledger

        watches = self._watches if (self.home / VERIFICATIONS).is_dir() else None
        return Sources(self.home, self._incidents, self._approvals, watches, Ledger(self.home / "spend.db"))

    def _approvals(self) -> Approvals | None:
        """None where no state was ever kept."""
        from agent.approvals.service import Approvals
        from agent.audit.journal import Journal

        if self._state_url is None and not (self.home / "state.db").exists():
            return None
        return Approvals(Journal.of(self.home, clock=self.clock, url=self._state_url))

    def _watches(self) -> list[Watched]:
        """Verifications without a verdict; a file that is none is left out."""
        import json

        from agent.verification.state import state_from
        from tools.actions.action import Target

        found = []
        for path in sorted((self.home / VERIFICATIONS).glob("*.json")):
            with suppress(ValueError, KeyError, TypeError, OSError):
                held = state_from(json.loads(path.read_text("utf-8")))
                if held.verdict is None:
                    last = "; ".join(str(one["statement"]) for one in held.checks if one["result"] in {"confirmed", "worse"})
                    found.append(Watched(approval=held.approval, target=str(Target(**held.target)), since=moment(held.acted), last=last))  # type: ignore[arg-type] # as it was kept
        return found

    def _postmortem(self, period: Period, ident: str) -> Summary:
        from agent.summaries.postmortem import period_of, postmortem

        if not ident:
            raise UsageError("a draft after an incident needs the incident", where="--incident", remedy="name it; `oncalm incidents list` shows them")
        incident = incident_of(self._incidents.incident(ident))
        facts = gather(Scope(period_of(incident, Period(start=period.start, end=self.clock())), incident.services), self._sources(), self.clock())
        return postmortem(facts, incident)

    def _written(self, summary: Summary) -> Summary:
        """In the words of the model, if there is one and the kind lets it."""
        if self._thinking is None or summary.kind == "postmortem":
            return summary
        from agent.summaries.writing import written

        with self._thinking.writer(self.home) as (model, purse):
            return written(summary, model, purse)


def rendered(summary: Summary, form: str) -> str:
    """As ``md``, ``html``, ``slack`` (JSON) or ``json``. Raises UsageError for another."""
    import json

    from agent.summaries.html import html
    from agent.summaries.markdown import markdown
    from agent.summaries.slack import slack

    ways: Mapping[str, Callable[[], str]] = {
        "md": lambda: markdown(summary), "html": lambda: html(summary), "slack": lambda: json.dumps(slack(summary), ensure_ascii=False, indent=1) + "\n",
        "json": lambda: json.dumps(_document(summary), ensure_ascii=False, indent=1) + "\n"}
    if form not in ways:
        raise UsageError(f"there is no format {form[:20]!r}", where="--format", remedy=f"use {', '.join(ways)}")
    return ways[form]()


def _document(summary: Summary) -> dict[str, Any]:
    return summary.document()


class Summing:
    """Summaries as a part of the server: their routes, and the schedules that are due."""

    def __init__(self, made: Summarising) -> None:
        self._made = made
        self._scheduler = made.scheduler()

    def routers(self) -> list[APIRouter]:
        """``/v1/summaries`` and ``/v1/schedules``."""
        from api.routes.summaries import router

        return [router(self._made)]

    def start(self) -> None:
        """Begin to look what is due."""
        self._scheduler.start()

    def stop(self) -> None:
        """End in order."""
        self._scheduler.stop()
