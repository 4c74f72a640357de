"""Makes and sends what is due, once, whoever else runs: one leader at a time, and a row before every step that others see."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Literal

from agent.state_db.locks import TargetBusyError, TargetLocks
from agent.summaries.document import Summary
from agent.summaries.facts import Period
from agent.summaries.keeping import Kept
from api.scheduling.schedule import Schedule
from api.scheduling.sending import MaybeSentError, NotSentError, Sender
from api.scheduling.store import Delivery, Plans, Run
from telemetry.errors import OnCalmError

_log = logging.getLogger(__name__)
LEADER = "oncalm summaries leader"
AT_ONCE = 8
"""Deliveries side by side: one dead place keeps nobody waiting."""
Step = Literal["claimed", "made", "sending", "arrived", "sent"]
Make = Callable[[Schedule, Period], Summary]


class Runner:
    """One process's part. ``make`` composes a summary; ``passed`` is told each step right after it, for tests of crashes."""

    def __init__(self, plans: Plans, make: Make, sender: Sender, clock: Callable[[], datetime], *, passed: Callable[[Step], None] = lambda _: None) -> None:
        self.plans, self._make, self._sender, self._clock, self._passed = plans, make, sender, clock, passed
        self._locks = TargetLocks(plans.database)

    def tick(self) -> bool:
        """Do what is due now; False when another process is at it. Raises StoreError when the state database is gone."""
        try:
            with self._locks.held(LEADER, seconds=0):
                self.plans.settle_dead(self._clock())
                self._claim()
                self._make_due()
                self._send_due()
        except TargetBusyError:
            return False
        return True

    def _claim(self) -> None:
        for planned in self.plans.list():
            now = self._clock()
            due = planned.schedule.times.between(planned.settled, now)
            if due is not None and self.plans.claim(planned, due, now):
                self._passed("claimed")

    def _make_due(self) -> None:
        known = {one.id: one.schedule for one in self.plans.list()}
        for run in self.plans.to_make(self._clock()):
            schedule = known.get(run.schedule)
            if schedule is None:
                self.plans.not_made(run, "the schedule was removed", self._clock())
                continue
            try:
                summary = self._make(schedule, Period(start=run.start, end=run.due))
            except Exception as error:  # noqa: BLE001 - one schedule that cannot be made must not stop the others
                _log.warning("a summary of the schedule %s could not be made: %s", schedule.name, error)
                self.plans.not_made(run, str(error) if isinstance(error, OnCalmError) else type(error).__name__, self._clock())
                continue
            if run.missed:
                summary = summary.model_copy(update={"notes": (*summary.notes, _missed(run))})
            self.plans.made(run, summary, [one.told for one in schedule.deliver], self._clock())
            self._passed("made")

    def _send_due(self) -> None:
        known = {one.id: one.schedule for one in self.plans.list()}
        due = self.plans.to_send(self._clock())
        if due:
            with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="summary") as pool:
                for done in [pool.submit(self._send, one, known.get(one.schedule)) for one in due]:
                    done.result()

    def _send(self, delivery: Delivery, schedule: Schedule | None) -> None:
        if schedule is None or delivery.place >= len(schedule.deliver) or not self.plans.begin(delivery, self._clock()):
            return
        self._passed("sending")
        try:
            self._sender.send(schedule.deliver[delivery.place], self._summary(delivery), delivery.key, self._clock().timestamp())
        except NotSentError as error:
            _log.warning("a summary was not delivered to %s: %s", delivery.told, error.what)
            self.plans.later(delivery, error.what, self._clock(), error.after)
        except MaybeSentError as error:
            self.plans.ended(delivery, "maybe", f"it may have arrived, and is not sent again: {error.what}", self._clock())
        except Exception as error:  # noqa: BLE001 - its words may hold a secret; whatever it is, the others go on
            self.plans.ended(delivery, "maybe", f"it may have arrived, and is not sent again ({type(error).__name__})", self._clock())
        else:
            self._passed("arrived")
            self.plans.ended(delivery, "sent", "", self._clock())
            self._passed("sent")

    def _summary(self, delivery: Delivery) -> Summary:
        run = next((one for one in self.plans.runs(delivery.schedule, 1_000) if one.due == delivery.due), None)
        if run is None or run.summary is None:
            raise NotSentError("its summary is not kept any more", where=delivery.told)
        try:
            return Kept(self.plans.database).get(run.summary)
        except OnCalmError as error:
            raise NotSentError(error.what, where=delivery.told) from error


def _missed(run: Run) -> str:
    return f"Nothing was sent at {run.missed} earlier {'time' if run.missed == 1 else 'times'} it was due; this one stands for them, too."


class Scheduler:
    """Ticks by APScheduler from ``start`` to ``stop``: what the server runs beside itself."""

    def __init__(self, runner: Runner, *, seconds: float = 10.0) -> None:
        self._runner, self._seconds = runner, seconds
        self._scheduler: Any = None

    def start(self) -> None:
        """Tick now, and every few seconds from then on."""
        from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]

        self._scheduler = BackgroundScheduler(timezone="UTC", daemon=True)
        self._scheduler.add_job(self._tick, "interval", seconds=self._seconds, max_instances=1, coalesce=True, misfire_grace_time=None,
                                next_run_time=datetime.now().astimezone())
        self._scheduler.start()

    def stop(self) -> None:
        """End after the tick under way."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
            self._scheduler = None

    def _tick(self) -> None:
        try:
            self._runner.tick()
        except Exception as error:  # noqa: BLE001 - a database that is away comes back; the next tick tries again
            _log.warning("summaries could not be looked after: %s", error)
