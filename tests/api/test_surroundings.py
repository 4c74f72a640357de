"""What a decision learns of a target from the store's records and from the cluster's rollouts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.actions.desk import Desk
from telemetry.store.beyond import RecordWriter
from tests.telemetry.store.made import BASE, change, span
from tests.tools.actions.worlds import Shop
from tools.actions.action import Target
from tools.actions.world import kind_of
from tools.cluster.double import ApiDouble

NOW = datetime.fromtimestamp(BASE / 1e6 + 1800, UTC)
WEB = Target("Deployment", "web", "shop")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    (tmp_path / "kube").mkdir()
    with ApiDouble(token="t0ken-of-oncalm") as double:
        made = Shop(double, tmp_path / "kube")
        yield made
        made.actions.close()


@pytest.fixture
def desk(tmp_path: Path, shop: Shop) -> Iterator[Desk]:
    made = Desk(tmp_path / "home", shop.access, clock=lambda: NOW)
    yield made
    made.close()


def chain(home: Path, *services: str, first: int = 1) -> None:
    """A trace in which each service calls the next."""
    with RecordWriter(home) as writer:
        writer.add_spans([span(at, at - 1 if at > first else None, second=at / 1000, service=name) for at, name in enumerate(services, first)])
        writer.commit()


def factors(desk: Desk) -> dict[str, float]:
    return dict(desk.decisions.decide(desk.catalogue.preview("scale", WEB, {"replicas": 5})).risk.factors)


def test_nothing_on_record_is_no_worry(desk: Desk) -> None:
    assert (factors(desk)["criticality"], factors(desk)["recent changes"]) == (0, 0)


def test_everybody_above_in_the_calls_depends_on_it(desk: Desk) -> None:
    chain(desk.home, "gate", "shopfront", "web", "store")

    assert factors(desk)["criticality"] == pytest.approx(0.2)  # gate and shopfront of ten


def test_a_graph_is_read_again_when_the_store_has_grown(desk: Desk) -> None:
    chain(desk.home, "gate", "web")
    before = factors(desk)["criticality"]
    chain(desk.home, "a", "b", "c", "web", first=10)

    assert (before, factors(desk)["criticality"]) == (pytest.approx(0.1), pytest.approx(0.4))


def test_changes_of_the_last_hour_of_this_target_count(desk: Desk) -> None:
    with RecordWriter(desk.home) as writer:
        writer.add_changes([change("1", 0, service="web"), change("2", 600, service="web", namespace="shop"),
                            change("3", 600, service="cart"), change("4", 900, service="web", namespace="other"),
                            replace(change("5", service="web"), time=BASE - 7_200_000_000)])
        writer.commit()

    assert factors(desk)["recent changes"] == pytest.approx(2 / 5)


def test_a_rollout_that_the_cluster_tells_counts_once_beside_its_record(desk: Desk, shop: Shop) -> None:
    found = shop.double.objects.get(kind_of("ReplicaSet"), "shop", "web-h2")
    assert found is not None
    found["metadata"]["creationTimestamp"] = (NOW - timedelta(minutes=10)).isoformat().replace("+00:00", "Z")
    shop.double.objects.put(found)
    with RecordWriter(desk.home) as writer:
        writer.add_changes([replace(change("1", service="web"), time=round((NOW - timedelta(minutes=10)).timestamp() * 1e6) + 5_000_000)])
        writer.commit()

    assert factors(desk)["recent changes"] == pytest.approx(1 / 5)


def test_what_cannot_be_read_is_told(desk: Desk) -> None:
    chain(desk.home, "gate", "web")
    for one in desk.home.rglob("*.parquet"):
        one.write_bytes(b"broken")

    reasons = desk.decisions.decide(desk.catalogue.preview("scale", WEB, {"replicas": 5})).reasons

    assert any("who depends on" in one and "not known" in one for one in reasons)
