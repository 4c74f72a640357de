"""Logs of containers: this run and the one before, bounded and masked."""

from __future__ import annotations

from tests.tools.cluster.shops import Held, ago, rows
from tools.output import render

POD = "cart-6c-x"


def _lines(held: Held, previous: bool, *texts: str) -> None:
    held.double.logs["shop", POD, "cart", previous] = "".join(f"{ago(100 - number)} {text}\n" for number, text in enumerate(texts))


def test_lines_come_in_time_order_with_level_and_place(held: Held) -> None:
    _lines(held, False, "INFO started", "ERROR cannot connect to db")
    result = held.call("logs", pod=POD, namespace="shop")
    assert result.found is not None
    lines = result.found.result.lines or []

    assert [(one.text, one.level, one.source, one.host) for one in lines] == [
        ("INFO started", "info", f"shop/{POD}/cart", POD), ("ERROR cannot connect to db", "error", f"shop/{POD}/cart", POD)]
    assert lines[0].time is not None
    assert {one.count for one in result.templates} == {1}


def test_the_run_before_a_restart_is_asked_for(held: Held) -> None:
    held.shop.pods("cart")[0]["status"]["containerStatuses"][0]["restartCount"] = 2
    _lines(held, True, "FATAL out of memory")
    result = held.call("logs", pod=POD, previous=True)

    assert "out of memory" in str(result.found)
    assert held.double.asked[-1].query["previous"] == "true"


def test_a_container_that_never_restarted_has_no_earlier_log(held: Held) -> None:
    result = held.call("logs", pod=POD, previous=True)

    assert result.status == "nothing_found"
    assert "it was not restarted" in result.notes[0]


def test_bounds_go_to_the_server(held: Held) -> None:
    _lines(held, False, *(f"line {number}" for number in range(50)))
    result = held.call("logs", pod=POD, tail=5, since_seconds=600)

    assert result.total == 5
    assert {"tailLines": "5", "sinceSeconds": "600", "limitBytes": "1048576"}.items() <= held.double.asked[-1].query.items()


def test_text_selects_and_what_was_searched_is_told(held: Held) -> None:
    _lines(held, False, "a", "B needle", "c")
    result = held.call("logs", pod=POD, contains="NEEDLE")

    assert (result.total, result.searched) == (1, 3)


def test_secrets_in_logs_are_masked(held: Held) -> None:
    _lines(held, False, "login with password=hunter2-very-secret", "-----BEGIN PRIVATE KEY-----", "MIIEowIBAAKCAQEA7bq4mYd0cSyqFzJm1lVqkY8m0x4Fq0e0w1S3R8c5", "-----END PRIVATE KEY-----")
    said = str(held.call("logs", pod=POD))

    assert "hunter2" not in said
    assert "MIIEow" not in said


def test_pods_of_a_selector_are_read_and_failing_ones_first(held: Held) -> None:
    result = held.call("logs", labels="app in (cart,web)")

    assert {line.host for line in result.found.result.lines or []} == {POD, "web-6c-x"} if result.found else False


def test_an_unknown_container_names_those_there_are(held: Held) -> None:
    assert "it is one of cart" in str(held.call("logs", pod=POD, container="sidecar").error)


def test_a_pod_that_is_gone_may_have_been_replaced(held: Held) -> None:
    result = held.call("logs", pod="cart-old", namespace="shop")

    assert (result.status, "may have been replaced" in str(result.error)) == ("failed", True)


def test_logs_that_may_not_be_read_are_not_assessed(held: Held) -> None:
    held.double.allowed = {("*", "pods", "*")}
    result = held.call("logs", pod=POD, namespace="shop")

    assert result.status == "not_assessed"
    assert "pods/log" in str(result.reason)


def test_a_long_log_is_rendered_within_a_budget_and_can_be_read_on(held: Held) -> None:
    _lines(held, False, *(f"request {number} took {number} ms" for number in range(3000)))
    result = held.call("logs", pod=POD, tail=3000)
    shown = render(result, "E2", 600)

    assert shown.tokens <= 600
    assert "evidence.read id=E2" in shown.text
    assert len(rows(result)) == 0
    assert len(result.found.result.lines or []) == 3000 if result.found else False
