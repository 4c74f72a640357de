"""Investigations that also look at the cluster, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from api.wiring.investigation import Holdings
from api.wiring.product import Product
from signals.kube.clock import SECOND, written
from telemetry.store.beyond import RecordReader
from telemetry.store.reader import Reader
from tests.signals.kube.shop import NOW
from tests.signals.kube.test_incident import unpullable
from tests.tools.cluster.shops import Held
from tools.cluster.double import ApiDouble, Fault
from tools.cluster.seen import Seen, see

MINUTE = 60 * SECOND


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Held]:
    (tmp_path / "kube").mkdir()
    with ApiDouble(token="t0ken-of-oncalm") as double:
        one = Held(double, tmp_path / "kube")
        yield one
        one.cluster.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hours of a web service that cannot reach its cart in the last twenty minutes; cart writes nothing."""
    folder = tmp_path_factory.mktemp("web")
    with (folder / "web.jsonl").open("w") as out:
        for second in range(0, 7200, 4):
            at, bad = NOW - 7200 * SECOND + second * SECOND, second >= 6000
            said = "cannot reach cart: connection refused" if bad else f"served /cart in {second % 7 + 3} ms"
            out.write(json.dumps({"timestamp": written(at), "level": "error" if bad else "info", "service": "web", "message": said}) + "\n")
    product = Product(folder / "home")
    product.ingest([str(folder / "web.jsonl")])
    product.index()
    return product.home


@contextmanager
def weighing(home: Path, look: Callable[[Any], Seen]) -> Iterator[dict[str, Any]]:
    with closing(Reader(home)) as reader, closing(RecordReader(home)) as records:
        result = Holdings(reader, records, look).tools().call("incident.suspects", {})
        assert result.output is not None, result.error
        yield result.output if isinstance(result.output, dict) else result.output.model_dump(mode="json")


def test_a_culprit_that_only_the_cluster_knows_comes_first(shop: Held, home: Path) -> None:
    unpullable(shop.shop, "cart", 19)
    shop.load()
    with weighing(home, lambda window: see(shop.cluster, window, now=lambda: NOW)) as found:
        first = found["suspects"][0]

    assert (first["entity"], first["cause"]) == ({"kind": "deployment", "name": "cart"}, "image_reference")
    assert {"kind": "service", "name": "web"} in first["victims"]


def test_a_healthy_cluster_leaves_the_logs_their_culprit(shop: Held, home: Path) -> None:
    shop.load()
    with weighing(home, lambda window: see(shop.cluster, window, now=lambda: NOW)) as found:
        assert found["suspects"][0]["entity"]["name"] == "web"


def test_a_cluster_that_refuses_is_not_assessed_and_ends_nothing(shop: Held, home: Path) -> None:
    shop.load()
    shop.double.allowed = set()
    with weighing(home, lambda window: see(shop.cluster, window, now=lambda: NOW)) as found:
        assert found["suspects"][0]["entity"]["name"] == "web"
        assert any(one.startswith("cluster: ") for one in found["not_assessed"])


def test_a_cluster_that_hangs_costs_its_time_and_no_more(shop: Held, home: Path) -> None:
    shop.load()
    shop.double.faults.append(Fault("", "silent", seconds=3.0))
    with weighing(home, lambda window: see(shop.cluster, window, now=lambda: NOW, seconds=1.5)) as found:
        assert found["suspects"][0]["entity"]["name"] == "web"
        assert any(one.startswith("cluster: ") for one in found["not_assessed"])


def test_of_an_old_incident_the_cluster_is_not_asked(shop: Held, home: Path) -> None:
    shop.load()
    with weighing(home, lambda window: see(shop.cluster, window, now=lambda: NOW + 3 * 24 * 60 * MINUTE)) as found:
        assert any("3 days ago" in one for one in found["not_assessed"])
    assert not shop.double.asked
