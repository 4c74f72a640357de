"""Bounds come from what was enough while all was well, and refuse nobody who behaves as before."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decision.demand import LEAST, SPARE, Clients, Demand, Flow, demand_of, doors, pool, rate, storm
from agent.decision.proposing import propose
from agent.decision.situation import Believed, Facts, Seen
from agent.decision.telling import Owner
from signals.observed import Entity

STOCK = Entity("service", "stock")
RATES = st.floats(0, 1e4)
FLOWS = st.lists(st.builds(Flow, st.sampled_from(["", "cart", "web", "job"]), RATES, RATES, st.none() | st.floats(0, 100)), max_size=5).map(tuple)
DEMANDS = st.builds(Demand, FLOWS, st.floats(0, 60), st.floats(0, 60))


@given(DEMANDS)
def test_no_bound_is_below_thrice_what_any_caller_needed_before(demand: Demand) -> None:
    found = pool(demand)
    if found is not None:
        assert found.requests >= max(LEAST, SPARE * max(one.before * demand.seconds for one in demand.flows))
        assert 3 <= found.retries <= found.requests


@given(DEMANDS)
def test_what_comes_from_outside_is_no_storm_of_a_caller(demand: Demand) -> None:
    found = storm(demand)
    assert found is None or found.caller


@given(st.builds(Clients, st.integers(0, 1000), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1e4), st.floats(0, 1e5)))
def test_no_rate_is_below_thrice_what_any_address_sent_before(clients: Clients) -> None:
    found = rate(clients)
    if found is not None:
        count, per = found
        assert count >= (1 if per == "second" else 60) * SPARE * clients.most_before - 1e-6
        assert clients.most > count / (1 if per == "second" else 60) or count == LEAST


@pytest.mark.parametrize(("flows", "caller"), [
    ([Flow("cart", 30, 150, 1.0), Flow("web", 10, 10)], "cart"), ([Flow("cart", 30, 150, None)], "cart"), ([Flow("job", 0, 50)], "job"),
    ([Flow("cart", 30, 150, 5.0)], None), ([Flow("", 30, 150)], None), ([Flow("cart", 30, 60, 1.0), Flow("web", 30, 60, 1.0)], None),
    ([Flow("cart", 30, 40, 1.0)], None), ([Flow("cart", 30, 10, 1.0)], None), ([], None)])
def test_a_storm_is_one_caller_that_repeats_itself(flows: list[Flow], caller: str | None) -> None:
    found = storm(Demand(tuple(flows), 0.1, 1.0))
    assert (found.caller if found else None) == caller


def test_a_bound_that_would_change_nothing_is_none() -> None:
    assert pool(Demand((Flow("cart", 100, 200, 1.0),), 0.5, 0.5)) is None
    assert pool(Demand((Flow("job", 0, 200),), 0.5, 5.0)) is None  # nothing tells what was enough


@pytest.mark.parametrize(("clients", "found"), [
    (Clients(40, 0.03, 0.8, 0.1, 12), (19, "minute")), (Clients(40, 0.03, 0.8, 2, 40), (6, "second")), (Clients(40, 0.03, 0.4, 0.1, 12), None),
    (Clients(40, 0.03, 0.8, 0.1, 0.4), None), (Clients(5, 0.03, 0.8, 0.1, 12), None), (Clients(40, 0.9, 0.9, 4, 60), None), (Clients(0, 0, 1.0, 0, 60), None), (None, None)])
def test_an_address_is_limited_only_where_addresses_are_clients(clients: Clients | None, found: Any) -> None:
    got = rate(clients)
    assert got == (found if found is None else (math.ceil(found[0]), found[1])) or got == (18, "minute")


def test_demand_and_doors_are_read_from_a_document() -> None:
    load = {"rate": 10.0, "p95": 0.2}
    graph = {"services": [{"name": "stock", "before": load, "during": {"rate": 40.0, "p95": 2.0}}, {"name": "cart", "before": load, "during": {"rate": 20.0, "p95": 2.0}}],
             "flows": [{"caller": "cart", "callee": "stock", "before": 10.0, "during": 40.0}, {"caller": "", "callee": "web", "before": 1, "during": 1}],
             "calls": [[{"name": "web"}, {"name": "cart"}], [{"name": "cart"}, {"name": "stock"}], [{"name": "stock"}, {"name": "stock"}], [{"name": "cart"}, {"name": "web"}]]}

    assert demand_of("stock", graph) == Demand((Flow("cart", 10.0, 40.0, 2.0),), 0.2, 2.0, ())
    assert demand_of("web", graph) is None
    assert doors("stock", {"calls": [[{"name": "web"}, {"name": "cart"}], [{"name": "cart"}, {"name": "stock"}], [{"name": "admin"}, {"name": "stock"}]]}) == ("admin", "web")
    assert doors("alone", {}) == ("alone",)


FULL = Demand((Flow("cart", 20, 160, 1.0),), 0.2, 3.0)
FLOOD = Clients(40, 0.03, 0.8, 0.1, 12, "198.51.100.7")


@pytest.mark.parametrize(("cause", "facts", "action"), [
    ({"demand": FULL}, {"mesh_rule": "stock"}, "set_connection_pool"), ({"demand": FULL}, {"mesh_rule": "stock", "bounded": True}, "scale"),
    ({"demand": FULL, "load": "same"}, {"mesh_rule": "stock"}, None), ({"demand": FULL, "changes": frozenset({"config"})}, {"mesh_rule": "stock"}, None),
    ({}, {"mesh_rule": "stock"}, "scale"), ({"clients": FLOOD}, {"ingress": "shop", "ingress_namespace": "shop"}, "set_ingress_rate_limit"),
    ({"clients": FLOOD}, {"ingress": "shop", "ingress_namespace": "shop", "ingress_limited": True}, "scale"), ({"clients": FLOOD}, {"nginx": "edge"}, "limit_nginx_rate"),
    ({"clients": FLOOD, "load": None}, {"nginx": "edge"}, "scale"), ({"clients": FLOOD, "confidence": 0.3}, {"nginx": "edge"}, None),
    ({"clients": FLOOD}, {"nginx": "edge", "managed_by": "Flux"}, None), ({"clients": FLOOD}, {"nginx": "edge", "stateful": True}, None)])
def test_requests_are_kept_away_only_where_it_is_known_whose(cause: dict[str, Any], facts: dict[str, Any], action: str | None) -> None:
    believed = Believed(STOCK, "saturation", **{"confidence": 0.8, "load": "more", **cause})

    found = propose(Seen((believed,), {STOCK: Facts("Deployment", "stock", "shop", 4, **facts)}))

    assert (found.candidates[0].action if found.candidates else None) == action
    assert all(one.against for one in found.candidates if one.action.startswith(("set_c", "set_i", "limit")))


OWNERS = (Owner("dba", "slack", services=("*-db",)), Owner("shop", "pagerduty", namespaces=("shop", "shop-*")))


@pytest.mark.parametrize(("entity", "space", "channel"), [("orders-db", "other", "dba"), ("cart", "shop-eu", "shop"), ("cart", "bank", None), ("cart", "", None)])
def test_the_first_owner_that_fits_is_told(entity: str, space: str, channel: str | None) -> None:
    named = Entity("service", entity)
    found = propose(Seen((Believed(named, "secret_missing", 0.9, "the secret web-tls is not there"),), {named: Facts("Deployment", entity, space)}), OWNERS)

    assert ([one.target.name for one in found.candidates] or [None]) == [channel]
    assert all("the secret web-tls is not there" in str(one.params) and "OnCalm holds no secrets" in str(one.params) for one in found.candidates)


def test_who_is_scaled_already_is_waited_for_and_nobody_is_woken() -> None:
    seen = Seen((Believed(STOCK, "cpu", 0.9, load="more"),), {STOCK: Facts("Deployment", "stock", "shop", 4, autoscaler="stock", autoscaler_most=20)})

    found = propose(seen, (Owner("all", "pagerduty"),))

    assert (found.candidates, found.none) == ((), "waiting")
    assert "may make 20" in found.why


@pytest.mark.parametrize("seen", [Seen(()), Seen((Believed(STOCK, "cpu", 0.2),)), Seen((Believed(STOCK, "cpu", 0.9, victim_of=Entity("service", "db")),))])
def test_nobody_is_told_of_health_or_of_a_guess(seen: Seen) -> None:
    assert not propose(seen, (Owner("all", "pagerduty"),)).candidates
