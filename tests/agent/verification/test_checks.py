"""Single checks: rollouts, restarts, fields, error templates, metrics."""

from __future__ import annotations

import numpy as np
import pytest

from agent.verification.checks import Check, check_from, summed
from agent.verification.load import Times
from agent.verification.logs import templates
from agent.verification.rollout import Health, health_from, restarts, rollout, spec
from agent.verification.series import metrics
from signals.observed import Entity, LogEvents, Observed, Series, Window
from tools.actions.action import Edit

SECOND = 1_000_000
TIMES = Times(Window(1_000 * SECOND, 1_900 * SECOND), Window(1_960 * SECOND, 2_560 * SECOND), Window(0, 900 * SECOND))
SHOP = Entity("service", "shop")


@pytest.mark.parametrize(("before", "after", "result"), [
    (Health(4, 4, 1), Health(4, 4, 4), "confirmed"), (Health(4, 4, 4), Health(4, 4, 4), "unchanged"),
    (Health(4, 4, 4), Health(4, 4, 2), "worse"), (Health(4, 4, 2), Health(4, 4, 1), "worse"),
    (Health(4, 4, 1), Health(4, 4, 2), "unchanged"), (None, Health(4, 4, 4), "unchanged"), (Health(4, 4, 4), None, "not_assessed"),
    (Health(2, 2, 2), Health(0, 0, 0), "unchanged"),
])
def test_a_rollout_is_as_well_as_its_ready_replicas(before: Health | None, after: Health | None, result: str) -> None:
    assert rollout("shop", before, after).result == result


def test_pods_that_no_longer_restart_are_confirmed() -> None:
    before = Health(2, 2, 2, {"a": 12, "b": 9}, {"a": 3600, "b": 3600})

    assert restarts("shop", before, Health(2, 2, 2, {"c": 0, "d": 0}), 1800).result == "confirmed"
    assert restarts("shop", before, Health(2, 2, 2, {"c": 0, "d": 0}), 60).result == "not_assessed"
    assert restarts("shop", before, Health(2, 2, 2, {"c": 6, "d": 7}), 600).result == "worse"


def test_restarts_of_old_pods_count_from_the_action_on() -> None:
    before = Health(1, 1, 1, {"a": 3}, {"a": 86_400})

    assert restarts("shop", before, Health(1, 1, 1, {"a": 3}), 600).after == 0


def test_a_field_that_somebody_changed_is_named() -> None:
    check = spec("shop", [Edit("spec.replicas", 2, 4), Edit("spec.paused", None, True)], {"spec.replicas": 3, "spec.paused": True})

    assert (check.result, check.after) == ("worse", 1)
    assert "spec.replicas is 3, approved was 4" in check.statement


def logs(*errors: tuple[int, int]) -> Observed:
    """A line a second, and an error line a second within each stretch."""
    calm = np.arange(0, 2_560)
    bad = np.concatenate([np.arange(*one) for one in errors]) if errors else np.zeros(0, np.int64)
    time = np.concatenate([calm, bad]) * SECOND
    template = np.concatenate([np.zeros(len(calm), np.int64), np.ones(len(bad), np.int64)])
    none = np.full(len(time), -1)
    return Observed(logs=LogEvents(time, template, np.zeros(len(time), np.int64), none, ("served <*>", "cannot reach <*>"), ("T1", "T2"),
                                   ("INFO", "ERROR"), ("", ""), (SHOP,)))


@pytest.mark.parametrize(("observed", "result", "ill"), [
    (logs((1_000, 1_905)), "confirmed", True), (logs((1_950, 2_560)), "worse", False), (logs(), "unchanged", False),
    (logs((1_000, 2_560)), "unchanged", True),
])
def test_error_templates_tell_what_came_and_went(observed: Observed, result: str, ill: bool) -> None:
    check = templates(observed, TIMES, ["shop"])[0]

    assert (check.result, check.ill) == (result, ill)


def series(during: float, after: float) -> Observed:
    at = np.arange(0, 2_560, 15)
    level = np.where(at < 1_000, 0.02, np.where(at < 1_905, during, after)) * (1 + 0.05 * np.sin(at))
    return Observed(series=(Series(SHOP, "http_request_duration_seconds_p95", at * SECOND, level.astype(np.float64), "s"),))


@pytest.mark.parametrize(("during", "after", "result"), [(0.9, 0.02, "confirmed"), (0.02, 0.9, "worse"), (0.9, 0.9, "unchanged"), (0.02, 0.02, "unchanged")])
def test_metrics_tell_where_spans_do_not(during: float, after: float, result: str) -> None:
    check = metrics(series(during, after), TIMES, ["shop"])[0]

    assert (check.kind, check.result, check.ill) == ("latency", result, during > 0.1)


def test_one_worse_outweighs_all_that_got_well() -> None:
    well, worse = Check("errors", "a", "confirmed", "a is well", ill=True), Check("errors", "b", "worse", "b is worse")

    assert summed([well, worse]) == "worse"
    assert summed([well]) == "repaired"
    assert summed([well, Check("latency", "c", "unchanged", "c is slow", ill=True)]) == "partly"
    assert summed([Check("errors", "a", "not_assessed", "few", ill=True)]) == "too_little"


def test_checks_and_health_survive_json() -> None:
    check, health = Check("errors", "a", "worse", "said", 0.1, 0.2), Health(2, 2, 1, {"a": 1}, {"a": 9.0})

    assert check_from(check.document()) == check
    assert health_from(health.document()) == health


@pytest.mark.parametrize(("now", "rolling", "result"), [
    (Health(4, 2, 3), True, "not_assessed"),  # as many as a rolling update lets be missing
    (Health(4, 2, 3), False, "worse"),
    (Health(4, 2, 3, crashing=2), True, "worse"),
    (Health(4, 1, 4, crashing=1), True, "not_assessed"),  # the old ones serve still
    (Health(4, 4, 4, current=False), True, "not_assessed"),  # its controller has not seen it yet
])
def test_a_rollout_gets_its_time_unless_pods_cannot_start(now: Health, rolling: bool, result: str) -> None:
    assert rollout("web", Health(4, 4, 4), now, rolling=rolling).result == result
