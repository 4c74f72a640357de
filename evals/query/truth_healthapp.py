"""Expected answers over the HealthApp log, from the raw lines."""

from __future__ import annotations

from collections.abc import Callable

from evals.query import make
from evals.query.expect import Expect, Nothing, Refused, Scalar, Top
from evals.query.rows import Log

MIDNIGHT = "2017-12-24 00:00"
TICK = "^processHandleBroadcastAction action:android.intent.action.TIME_TICK"

PLACES: dict[str, Callable[[Log], str]] = {}
TRUTHS: dict[str, Callable[[Log], Expect]] = {
    "screen_on": lambda log: make.count(log.has("^onReceive action: android.intent.action.SCREEN_ON")),
    "no_cloud": lambda log: make.count(log.has("ifCanSync not! no cloud version")),
    "calories_max": lambda log: make.stat(log, r"calculateCaloriesWithCache totalCalories=(\d+)", "max"),
    "altitude_mean": lambda log: make.stat(log, r"totalAltitude=(\d+)", "mean"),
    "steps_max": lambda log: make.stat(log, r"^onStandStepChanged (\d+)", "max"),
    "loggers": lambda log: Top(log.by(lambda row: row.service), 4),
    "step_changes_22": lambda log: make.count(
        log.has("^onStandStepChanged").span("2017-12-23 22:15", "2017-12-23 22:30")),
    "after_midnight": lambda log: make.count(log.since(MIDNIGHT)),
    "last_hour": lambda log: make.count(
        log.has("^onReceive action: .*SCREEN_OFF").newest_span(hours=2), log.has("SCREEN_OFF").newest_span(hours=2)),
    "first_sync": lambda log: make.first(log.has("^sendSyncFailedBroadcast")),
    "last_flush": lambda log: make.last(log.has("^flush sensor data")),
    "per_ten_minutes": lambda log: make.trend(log, 600),
    "gap": make.gap,
    "report_share": lambda log: make.share(log.of("Step_LSC"), log),
    "then_after_midnight": lambda log: make.count(log.has(TICK).since(MIDNIGHT)),
    "crashes": lambda _: Nothing(),
    "weather": lambda _: Refused(),
    "components_distinct": lambda log: Scalar(len({row.service for row in log})),
}
