"""Quantities, selectors, addresses, times and excerpts: the small readers everything rests on."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.kube.addresses import addresses
from signals.kube.clock import SECOND, micros, moment, written
from signals.kube.excerpts import LONGEST, shortened
from signals.kube.matching import expression_matches, labels_match, nearest, selector_matches, tolerates
from signals.kube.quantities import quantity
from tests.signals.kube.shop import NOW, named


@pytest.mark.parametrize(("text", "value"), [("100m", 0.1), ("1Gi", 2**30), ("2e3", 2000), ("1.5", 1.5), ("12k", 12_000), ("15671352Ki", 15671352 * 1024), (4, 4.0)])
def test_quantities_are_numbers(text: object, value: float) -> None:
    assert quantity(text) == pytest.approx(value)


@given(st.text(max_size=12))
def test_any_text_is_a_quantity_or_none(text: str) -> None:
    found = quantity(text)

    assert found is None or isinstance(found, float)


@given(st.integers(0, 10**6), st.sampled_from(["", "m", "k", "Mi", "Gi"]))
def test_quantities_keep_their_order(number: int, suffix: str) -> None:
    assert (quantity(f"{number}{suffix}") or 0.0) < (quantity(f"{number + 1}{suffix}") or 0.0)


def test_an_empty_service_selector_matches_nothing_and_an_empty_label_selector_everything() -> None:
    assert not labels_match({}, {"app": "web"})
    assert selector_matches({}, {"app": "web"})


@pytest.mark.parametrize(("operator", "values", "matches"), [
    ("In", ["a", "b"], True), ("NotIn", ["a"], False), ("Exists", [], True), ("DoesNotExist", [], False), ("Gt", ["0"], False)])
def test_expressions_of_selectors(operator: str, values: list[str], matches: bool) -> None:
    assert expression_matches({"key": "zone", "operator": operator, "values": values}, {"zone": "a"}) is matches


def test_a_key_that_is_not_there_is_not_in_and_does_not_exist() -> None:
    assert expression_matches({"key": "zone", "operator": "NotIn", "values": ["a"]}, {})
    assert expression_matches({"key": "zone", "operator": "DoesNotExist"}, {})


@pytest.mark.parametrize(("toleration", "good"), [
    ({"operator": "Exists"}, True), ({"key": "gpu", "operator": "Exists"}, True), ({"key": "gpu", "value": "yes"}, True),
    ({"key": "gpu", "value": "no"}, False), ({"key": "gpu", "operator": "Exists", "effect": "NoExecute"}, False)])
def test_tolerations(toleration: dict[str, str], good: bool) -> None:
    assert tolerates(toleration, {"key": "gpu", "value": "yes", "effect": "NoSchedule"}) is good


def test_only_a_near_name_is_meant() -> None:
    assert nearest("carrt", ["cart", "web"]) == "cart"
    assert nearest("adviceservice", ["cartservice", "web"]) == ""


def spec(**env: str) -> dict[str, object]:
    """A pod spec with an environment."""
    return {"containers": [{"env": [{"name": key, "value": value} for key, value in env.items()]}]}


@pytest.mark.parametrize(("env", "service", "port"), [
    ({"CART_ADDR": "cart:7070"}, "cart", 7070), ({"DB_URL": "jdbc:mysql://db.shop.svc.cluster.local:3306/x?a=b"}, "db", 3306),
    ({"DB_HOST": "db", "DB_PORT": "3306"}, "db", 3306), ({"API": "http://user:pw@cart.shop.svc/x"}, "cart", None)])
def test_addresses_in_the_environment(env: dict[str, str], service: str, port: int | None) -> None:
    found = addresses(spec(**env))[0]

    assert (found.service, found.port) == (service, port)


@pytest.mark.parametrize("value", ["localhost:80", "10.0.0.1:80", "api.example.com:443", "true", "http://metrics.cloud.example.com/v1", "1.2.3"])
def test_what_is_no_address_in_the_cluster(value: str) -> None:
    assert [each for each in addresses(spec(SOME_HOST=value)) if each.certain] == []


def test_addresses_in_a_config_map() -> None:
    pod = {"containers": [{"envFrom": [{"configMapRef": {"name": "flags"}}]}]}

    assert addresses(pod, [{**named("ConfigMap", "flags"), "data": {"CART_ADDR": "cart:7070"}}])[0].service == "cart"


@given(st.dictionaries(st.from_regex(r"[A-Z_]{1,12}", fullmatch=True), st.text(max_size=30), max_size=5))
def test_any_environment_can_be_read(env: dict[str, str]) -> None:
    assert all(each.service for each in addresses(spec(**env)))


def test_times_have_zones_or_are_none() -> None:
    assert micros("2026-01-01T08:00:00.123456789+08:00") == NOW + 123_456
    assert micros("2026-01-01 08:00:00") is None
    assert moment("2026-01-01T00:00:01Z INFO up") == NOW + SECOND
    assert written(NOW) == "2026-01-01T00:00:00Z"


@given(st.text(max_size=900))
def test_excerpts_are_short_and_hold_what_was_found(text: str) -> None:
    line = f"{text} refused {text}"
    match = re.search("refused", line)
    assert match is not None

    found = shortened(line, match)

    assert len(found) <= LONGEST + 2
