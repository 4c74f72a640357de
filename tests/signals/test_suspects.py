"""Fusion: the origin first, victims after it, nothing when there is nothing."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.diagnosis import Diagnosis
from signals.observed import Entity, LogEvents, Observed, Series
from signals.suspects import probabilities, rank
from telemetry.records import Change
from tests.signals.arrays import MINUTE, ONSET, WINDOWS, series, service
from tests.signals.traces.build import spans

WEB, CART, DB = service("web"), service("cart"), Entity("database", "db")
CHAIN = ((WEB, CART), (CART, DB))


def names(found: Diagnosis) -> list[str]:
    return [suspect.entity.name for suspect in found.suspects]


def chain(web: float, cart: float, db: float) -> tuple[Series, ...]:
    return tuple(series(entity, "latency", 1, level) for entity, level in ((WEB, web), (CART, cart), (DB, db)))


def test_quiet_origin_outranks_shouting_victims() -> None:
    found = rank(Observed(series=chain(90, 60, 20), calls=CHAIN), at=ONSET)

    assert names(found)[0] == "db"
    assert set(found.suspects[0].victims) == {WEB, CART}
    assert {each.entity for each in found.ruled_out} >= {WEB, CART}


@settings(max_examples=30, deadline=None)
@given(st.floats(10, 100), st.floats(1, 40))
def test_victim_never_outranks_however_loud(origin: float, louder: float) -> None:
    found = rank(Observed(series=chain(origin * louder, origin * louder, origin), calls=CHAIN), at=ONSET)

    assert names(found)[0] == "db"


def test_slow_caller_of_a_well_callee_is_the_origin() -> None:
    assert names(rank(Observed(series=chain(1, 40, 1), calls=CHAIN), at=ONSET))[0] == "cart"


def test_callee_too_little_slower_explains_nothing() -> None:
    few = (series(CART, "latency", 1, 60), series(DB, "latency", 0.01, 0.09))

    assert names(rank(Observed(series=few, calls=CHAIN), at=ONSET))[0] == "cart"


def test_own_resource_is_the_cause() -> None:
    found = rank(Observed(series=(*chain(1, 8, 1), series(CART, "cpu", 5, 95)), calls=CHAIN), at=ONSET)

    assert (found.suspects[0].entity, found.suspects[0].cause) == (CART, "cpu")


def test_cpu_of_more_requests_is_not_the_cause() -> None:
    busy = (series(CART, "cpu", 5, 40), series(CART, "requests", 100, 900), series(WEB, "requests", 100, 900))
    alone = (series(CART, "cpu", 5, 40), series(CART, "requests", 100))

    chance = [next((s.score for s in rank(Observed(series=x, calls=CHAIN), at=ONSET).suspects if s.entity == CART), 0.0) for x in (busy, alone)]

    assert chance[0] < chance[1]


def test_cycle_leaves_the_strongest_first() -> None:
    both = (series(WEB, "latency", 1, 20), series(CART, "latency", 1, 90))

    assert names(rank(Observed(series=both, calls=((WEB, CART), (CART, WEB))), at=ONSET))[0] == "cart"


def test_change_before_the_onset_counts() -> None:
    change = Change("d1", ONSET - MINUTE, "deploy", "release 7", service="cart", version="7")
    alike = (series(CART, "latency", 1, 9), series(service("mail"), "latency", 1, 9))

    found = rank(Observed(series=alike, changes=(change,)), at=ONSET)

    assert names(found)[0] == "cart"
    assert any(sign.kind == "change" for sign in found.suspects[0].evidence)


@pytest.mark.parametrize("lead", [-10, 24 * 60])
def test_change_long_before_or_after_is_none(lead: int) -> None:
    change = Change("d1", ONSET - lead * MINUTE, "deploy", "release 7", service="cart")

    assert rank(Observed(series=(series(CART, "latency", 1),), changes=(change,)), at=ONSET).signs == ()


def test_no_cause_in_the_data_gives_no_suspect() -> None:
    found = rank(Observed(series=chain(1, 1, 1), calls=CHAIN), at=ONSET)

    assert found.suspects == ()
    assert any("traces" in text for text in found.not_assessed)


def test_service_without_telemetry_is_not_assessed() -> None:
    found = rank(Observed(series=chain(1, 9, 1)[:2], calls=CHAIN), at=ONSET)

    assert "database db: no telemetry" in found.not_assessed
    assert "db" not in names(found)


def test_two_incidents_are_both_told() -> None:
    two = [series(name, "cpu", 5, level) for name, level in (("cart", 95), ("mail", 90))]
    calm = [series(name, "cpu", 5) for name in ("a", "b", "c")]

    found = rank(Observed(series=(*two, *calm)), at=ONSET)

    assert set(names(found)) == {"cart", "mail"}
    assert all(suspect.score > 0.25 for suspect in found.suspects)


def test_complaint_rules_out_who_is_off_its_path() -> None:
    other = series("billing", "latency", 1, 40)

    found = rank(Observed(series=(*chain(9, 9, 9), other), calls=(*CHAIN, (service("shop"), service("billing")))), at=ONSET, symptom=WEB)

    assert names(found)[0] == "db"
    assert any(each.entity.name == "billing" for each in found.ruled_out)


def test_who_took_part_in_no_traced_request_is_behind_who_did() -> None:
    idle, busy = series(service("batch"), "cpu", 5, 95), series(CART, "cpu", 5, 60)
    traced = spans([(n, -1, "cart", "GET /", n * 10, 5) for n in range(5)])

    assert names(rank(Observed(series=(idle, busy)), at=ONSET))[0] == "batch"
    assert names(rank(Observed(series=(idle, busy), spans=traced), at=ONSET))[0] == "cart"


def test_who_tells_nothing_is_told_by_what_its_callers_log() -> None:
    rows: list[tuple[int, int, str, str, int, int]] = []
    errors: list[int] = []
    parts: list[tuple[int, int, bool]] = []
    for number in range(70):
        at, bad = number * MINUTE, number * MINUTE >= ONSET
        rows += [(number, -1, "cart", "POST /cart", at, 9000), (number, len(rows), "db", "INSERT", at + 10, 800)]
        errors += [len(rows) - 2, len(rows) - 1] if bad else []
        parts.append((at + 20, number, bad))
    times, traces, bads = (np.array(each, dtype=np.int64) for each in zip(*parts, strict=True))
    logs = LogEvents(times, bads, np.zeros(70, np.int64), traces, ("stored", "cannot store: certificate has expired"), ("a", "b"),
                     ("info", "error"), ("", ""), (CART,))

    first = rank(Observed(spans=spans(rows, errors=errors), logs=logs), windows=WINDOWS).suspects[0]

    assert first.entity.name == "db"
    assert "cart, which calls it, logs 'cannot store: certificate has expired'" in first.statement
    assert "template:b" in {ref for sign in first.evidence for ref in sign.refs}


def test_alert_about_errors_prefers_errors() -> None:
    mixed = (series(CART, "availability", 100, 90, wobble=0), series(DB, "latency", 1, 20), series(DB, "availability", 100, wobble=0))

    assert names(rank(Observed(series=mixed, calls=((WEB, CART), (WEB, DB))), at=ONSET, symptom=WEB, aspect="availability"))[0] == "cart"


def test_front_door_does_not_hide_who_answers() -> None:
    door = Entity("external", "lb.example")
    seen = (series(door, "latency", 1, 30), series(CART, "latency", 1, 20))

    assert names(rank(Observed(series=seen, calls=((WEB, door), (WEB, CART))), at=ONSET))[0] == "cart"


def test_node_is_to_blame_when_its_guests_suffer() -> None:
    node = Entity("node", "n1")
    belongs = {service(name): (node,) for name in "abc"}
    felt = [series(name, "latency", 1, 6) for name in "abc"]

    found = rank(Observed(series=(*felt, series(node, "cpu", 5, 99)), belongs=belongs), at=ONSET)

    assert names(found)[0] == "n1"


def test_guest_that_eats_the_node_is_to_blame() -> None:
    node, pod = Entity("node", "n1"), Entity("pod", "a-1")
    belongs = {pod: (service("a"), node)}

    found = rank(Observed(series=(series(pod, "cpu", 5, 90), series(node, "cpu", 9, 95)), belongs=belongs), at=ONSET)

    assert names(found)[0] == "a"


def test_order_of_input_changes_nothing() -> None:
    everything = [*chain(90, 60, 20), series(CART, "cpu", 5, 6), series(DB, "requests", 10, 1)]
    shuffled = everything.copy()
    random.Random(3).shuffle(shuffled)  # noqa: S311 - an order, not a secret

    a, b = (rank(Observed(series=tuple(x), calls=CHAIN), at=ONSET) for x in (everything, shuffled))

    assert a.suspects == b.suspects


def test_nothing_observed_is_no_error() -> None:
    assert rank(Observed()).suspects == ()


@given(st.lists(st.floats(0.1, 60), min_size=1, max_size=12), st.floats(0, 10))
def test_probabilities_fall_and_stay_in_range(scores: list[float], silence: float) -> None:
    found = probabilities(sorted(scores, reverse=True), silence)

    assert all(0 <= p <= 1 for p in found)
    assert found == sorted(found, reverse=True)
