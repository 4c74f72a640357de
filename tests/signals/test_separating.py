"""Which look into the kernel would separate the suspects that are left."""

from __future__ import annotations

import pytest

from signals.diagnosis import Diagnosis, Sign, SignKind, Suspect
from signals.observed import Entity, Window, Windows
from signals.separating import suggestions

CHECKOUT, DATABASE, CART = (Entity("service", name) for name in ("checkout", "orders-postgres", "cart"))
WINDOWS = Windows(Window(100, 200), (Window(0, 100),), "given")


def suspect(entity: Entity, score: float, *, kind: SignKind = "latency_self", aspect: str = "latency", statement: str = "it is slow", cause: str = "") -> Suspect:
    return Suspect(1, entity, cause, statement, score, (Sign(entity, kind, 3.0, statement, aspect=aspect),))


def found(*suspects: Suspect, calls: tuple[tuple[Entity, Entity], ...] = ()) -> Diagnosis:
    return Diagnosis(WINDOWS, suspects, calls=calls)


def test_between_caller_and_database_the_statements_are_asked_for_at_the_caller() -> None:
    first, *_ = suggestions(found(suspect(CHECKOUT, 0.5), suspect(DATABASE, 0.4), calls=((CHECKOUT, DATABASE),)))

    assert (first.probe, first.entity, first.side) == ("postgres", CHECKOUT, "client")
    assert [means for _, means in first.outcomes][:2] == [
        "orders-postgres or what that calls is the origin, and checkout suffers", "the time is lost in checkout itself"]


def test_between_two_services_their_requests_are_asked_for() -> None:
    first, *_ = suggestions(found(suspect(CART, 0.5), suspect(CHECKOUT, 0.4), calls=((CHECKOUT, CART),)))

    assert (first.probe, first.entity) == ("http", CHECKOUT)


@pytest.mark.parametrize(("statement", "aspect", "kind", "probe"), [
    ("lookup db.shop.internal: no such host", "errors", "template_burst", "dns"),
    ("dial tcp 10.0.0.5:5432: connection refused", "errors", "template_burst", "tcp_connect"),
    ("read: connection reset by peer", "errors", "template_burst", "tcp_resets"),
    ("working set at the limit", "memory", "saturation", "oom_kills"),
    ("4 restarts", "", "restart", "process_exits"),
    ("3.9 of 4 cores", "cpu", "saturation", "cpu_profile"),
    ("writes wait", "disk", "metric_shift", "block_io"),
    ("loss of packets", "network", "metric_shift", "tcp_retransmits"),
    ("p95 3 s instead of 0.1 s", "latency", "latency_self", "off_cpu"),
])
def test_what_a_suspect_is_suspected_of_is_asked_of_the_kernel(statement: str, aspect: str, kind: SignKind, probe: str) -> None:
    first, *_ = suggestions(found(suspect(CHECKOUT, 0.5, kind=kind, aspect=aspect, statement=statement)))

    assert first.probe == probe
    assert len(first.outcomes) >= 2
    assert "checkout" in first.statement


def test_every_suggested_probe_is_in_the_catalogue() -> None:
    import re
    from pathlib import Path

    from ebpf.catalog import CATALOG

    named = set(re.findall(r'Suggestion\("(\w+)"', Path("signals/separating.py").read_text()))

    assert named <= set(CATALOG)
    assert {"dns", "off_cpu", "cpu_profile"} <= named


@pytest.mark.parametrize("diagnosis", [found(), found(suspect(CHECKOUT, 0.95), suspect(CART, 0.03))])
def test_where_nothing_is_open_nothing_is_suggested(diagnosis: Diagnosis) -> None:
    assert suggestions(diagnosis) == ()
