"""Findings of a cluster within an incident of telemetry, each rule by a small shop."""

from __future__ import annotations

from dataclasses import replace

from signals.diagnosis import Diagnosis
from signals.kube.clock import SECOND, written
from signals.kube.incident import joined
from signals.observed import Entity, Observed, Series, Window, Windows
from signals.suspects import rank
from tests.signals.arrays import service
from tests.signals.kube.shop import NAMESPACE, NOW, Shop

MINUTE = 60 * SECOND


def ending(minutes: int) -> Windows:
    """An incident of half an hour that ended so many minutes before the cluster was looked at."""
    end = NOW - minutes * MINUTE
    return Windows((Window(end - 90 * MINUTE, end - 30 * MINUTE),), Window(end - 30 * MINUTE, end))


def weighed(shop: Shop, windows: Windows, *series: Series) -> Diagnosis:
    observed = Observed(series=series)
    names = {one.entity.name for one in series}
    look, parts, calls = joined(shop.state(), NOW, names, {})
    return rank(replace(observed, cluster=look, belongs=parts, calls=calls), windows=windows)


def failing(name: str, windows: Windows, *, metric: str = "errors", during: float = 60.0) -> Series:
    """A series a minute that rises in the incident."""
    import numpy as np

    start, onset, end = windows.baseline[0].start, windows.incident.start, windows.incident.end
    times = np.arange(start, end, MINUTE)
    return Series(service(name), metric, times, np.where(times < onset, 1.0 + 0.01 * (times // MINUTE % 3), during))


def unpullable(shop: Shop, name: str, minutes: int) -> None:
    """The workload's image cannot be pulled since so many minutes."""
    since = written(NOW - minutes * MINUTE)
    pod = shop.pods(name)[0]
    pod["status"] = {"phase": "Pending", "conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [
        {"name": name, "ready": False, "restartCount": 0, "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}}]}
    shop.objects["events"].append({
        "metadata": {"name": f"{name}.failed", "namespace": NAMESPACE}, "type": "Warning", "reason": "Failed", "count": 9,
        "involvedObject": {"kind": "Pod", "name": pod["metadata"]["name"], "namespace": NAMESPACE},
        "message": f'Failed to pull image "registry.example/{name}:2": manifest unknown: not found',
        "firstTimestamp": since, "lastTimestamp": written(NOW - SECOND)})


def test_a_workload_without_telemetry_outranks_the_callers_that_suffer_from_it() -> None:
    shop, windows = Shop(), ending(1)
    unpullable(shop, "cart", 25)

    found = weighed(shop, windows, failing("web", windows))

    assert (found.suspects[0].entity, found.suspects[0].cause) == (Entity("deployment", "cart"), "image_reference")
    assert service("web") in found.suspects[0].victims


def test_a_workload_that_telemetry_knows_is_the_service_of_its_name() -> None:
    shop, windows = Shop(), ending(1)
    unpullable(shop, "cart", 25)

    found = weighed(shop, windows, failing("web", windows), failing("cart", windows, metric="cpu", during=1.0))

    assert found.suspects[0].entity == service("cart")


def test_a_healthy_cluster_displaces_nobody() -> None:
    windows = ending(1)
    alone, beside = rank(Observed(series=(failing("web", windows),)), windows=windows), weighed(Shop(), windows, failing("web", windows))

    assert [one.entity for one in beside.suspects] == [one.entity for one in alone.suspects] == [service("web")]


def test_what_stood_for_days_is_not_the_cause_of_this_morning() -> None:
    shop, windows = Shop(), ending(1)
    unpullable(shop, "db", 3 * 24 * 60)

    found = weighed(shop, windows, failing("web", windows, during=900.0), failing("web", windows, metric="cpu", during=99.0))

    assert found.suspects[0].entity == service("web")
    sign = next(one for one in found.signs if one.kind == "kube")
    assert "before the incident" in sign.statement


def test_of_an_incident_long_over_only_what_is_dated_in_it_counts() -> None:
    shop, windows = Shop(), ending(180)
    unpullable(shop, "cart", 25)

    assert not [one for one in weighed(shop, windows, failing("web", windows)).signs if one.kind == "kube"]

    shop.objects["events"].clear()
    unpullable(shop, "cart", 200)
    assert [one.aspect for one in weighed(shop, windows, failing("web", windows)).signs if one.kind == "kube"] == ["image_reference"]
