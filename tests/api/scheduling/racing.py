"""One process that looks after schedules, killed where it is told: ``python -m tests.api.scheduling.racing URL HOME NOW STEP TICKS``."""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from agent.state_db.database import Database
from agent.summaries.composing import compose
from agent.summaries.document import Summary
from agent.summaries.facts import Period
from agent.summaries.gathering import Scope, gather
from agent.summaries.sources import Sources
from api.scheduling.runner import Runner, Step
from api.scheduling.schedule import Schedule
from api.scheduling.sending import Sender
from api.scheduling.store import Plans


def runner(url: str, home: Path, now: datetime, die: str = "") -> Runner:
    def make(schedule: Schedule, period: Period) -> Summary:
        return compose(gather(Scope(period, schedule.services, schedule.team), Sources(home), now))

    def passed(step: Step) -> None:
        if step == die:
            os.kill(os.getpid(), signal.SIGKILL)

    return Runner(Plans(Database(url)), make, Sender(home, os.environ.get, seconds=3), lambda: now, passed=passed)


if __name__ == "__main__":
    ours = runner(sys.argv[1], Path(sys.argv[2]), datetime.fromisoformat(sys.argv[3]), sys.argv[4])
    for _ in range(int(sys.argv[5])):
        ours.tick()
