"""Probes: a wrong port, a wrong protocol, a wrong path, too little patience, or a program that really is down."""

from __future__ import annotations

from typing import Any

import pytest

from tests.signals.kube.shop import Shop

TIMING = {"initialDelaySeconds": 10, "periodSeconds": 10, "timeoutSeconds": 1, "failureThreshold": 3}
GRPC_LATE = 'probe failed: timeout: failed to connect service "10.0.0.1:{0}" within 1s: context deadline exceeded'
REFUSED = "probe failed: dial tcp 10.0.0.1:{0}: connect: connection refused"
MALFORMED = 'probe failed: Get "http://10.0.0.1:{0}/": net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x00\\x00\\x06"'


@pytest.fixture
def shop() -> Shop:
    return Shop()


def probed(shop: Shop, which: str, message: str, probe: dict[str, Any], *, restarts: int = 0, other: dict[str, Any] | None = None, **timing: int) -> None:
    """The cart has a failing probe, and perhaps another that passes."""
    shop.container("cart")[f"{which}Probe"] = {**TIMING, **timing, **probe}
    if other:
        shop.container("cart")["readinessProbe" if which == "liveness" else "livenessProbe"] = {**TIMING, **other}
    if which == "readiness":
        shop.unready("cart")
    else:
        shop.apply("cart")
        shop.pods("cart")[0]["status"]["containerStatuses"][0]["restartCount"] = restarts
    shop.event("Pod", "cart-6c-x", "Unhealthy", f"{which.capitalize()} {message}", count=9, ago=2)


@pytest.mark.parametrize("which", ["liveness", "readiness"])
@pytest.mark.parametrize(("message", "probe"), [
    (GRPC_LATE.format(7071), {"grpc": {"port": 7071}}), (REFUSED.format(7071), {"tcpSocket": {"port": 7071}}),
    ('probe failed: Get "http://10.0.0.1:7071/": dial tcp 10.0.0.1:7071: connect: connection refused', {"httpGet": {"port": 7071, "path": "/"}})])
def test_a_port_the_container_does_not_listen_on(shop: Shop, which: str, message: str, probe: dict[str, Any]) -> None:
    probed(shop, which, message, probe, restarts=2)

    assert shop.first() == (f"{which}_port", "deployment", "cart")
    assert "7070 (its containerPort), not on 7071" in shop.findings()[0].statement


def test_a_named_port_no_container_has(shop: Shop) -> None:
    shop.container("cart")["ports"][0]["name"] = "grpc"
    probed(shop, "readiness", "probe errored: couldn't find port", {"httpGet": {"port": "web", "path": "/"}})

    assert shop.first()[0] == "readiness_port"


@pytest.mark.parametrize("which", ["liveness", "readiness"])
def test_http_asked_of_a_grpc_port(shop: Shop, which: str) -> None:
    probed(shop, which, MALFORMED.format(7070), {"httpGet": {"port": 7070, "path": "/"}}, restarts=2, other={"grpc": {"port": 7070}})

    assert shop.first() == (f"{which}_protocol", "deployment", "cart")


def test_grpc_asked_of_an_http_port_that_its_service_names(shop: Shop) -> None:
    shop.service("cart")["spec"]["ports"][0]["name"] = "http"
    probed(shop, "liveness", GRPC_LATE.format(7070), {"grpc": {"port": 7070}}, restarts=2)

    assert shop.first() == ("liveness_protocol", "deployment", "cart")


def test_tls_asked_of_a_plain_port(shop: Shop) -> None:
    probed(shop, "readiness", 'probe failed: Get "https://10.0.0.1:7070/": http: server gave HTTP response to HTTPS client',
           {"httpGet": {"port": 7070, "path": "/", "scheme": "HTTPS"}})

    assert shop.first()[0] == "readiness_protocol"


def test_a_path_that_is_not_there(shop: Shop) -> None:
    probed(shop, "readiness", "probe failed: HTTP probe failed with statuscode: 404", {"httpGet": {"port": 7070, "path": "/helth"}})

    assert shop.first()[0] == "readiness_path"


def test_a_program_that_answers_500_is_not_a_wrong_probe(shop: Shop) -> None:
    probed(shop, "readiness", "probe failed: HTTP probe failed with statuscode: 500", {"httpGet": {"port": 7070, "path": "/"}})

    assert shop.first()[0] == "readiness_failing"


@pytest.mark.parametrize("timing", [{"initialDelaySeconds": 0, "periodSeconds": 1, "failureThreshold": 1},
                                    {"initialDelaySeconds": 1, "periodSeconds": 2, "failureThreshold": 2}])
def test_a_liveness_probe_without_patience(shop: Shop, timing: dict[str, int]) -> None:
    probed(shop, "liveness", GRPC_LATE.format(7070), {"grpc": {"port": 7070}}, restarts=4, other={"grpc": {"port": 7070}}, **timing)

    assert shop.first() == ("liveness_timing", "deployment", "cart")


def test_a_startup_probe_without_patience(shop: Shop) -> None:
    probed(shop, "startup", REFUSED.format(7070), {"tcpSocket": {"port": 7070}}, restarts=3, initialDelaySeconds=0, periodSeconds=1)

    assert shop.first()[0] == "startup_timing"


def test_one_failure_at_start_of_a_pod_that_serves_is_no_finding(shop: Shop) -> None:
    shop.container("cart")["livenessProbe"] = {**TIMING, "grpc": {"port": 7070}}
    shop.apply("cart")
    shop.event("Pod", "cart-6c-x", "Unhealthy", "Liveness " + GRPC_LATE.format(7070), count=1, ago=30)
    shop.event("Pod", "cart-6c-x", "Unhealthy", "Readiness " + GRPC_LATE.format(7070), count=1, ago=30)

    assert shop.findings() == []


def test_a_probe_of_a_program_that_is_gone_says_less_than_the_reason(shop: Shop) -> None:
    shop.container("cart")["readinessProbe"] = {**TIMING, "tcpSocket": {"port": 7070}}
    shop.wait("cart", "CrashLoopBackOff", exit_code=1)
    shop.event("Pod", "cart-6c-x", "Unhealthy", "Readiness " + REFUSED.format(7070))
    shop.log("cart", "Access denied for user 'shop'@'10.0.0.1' (using password: YES)")

    assert shop.first() == ("db_credentials", "deployment", "cart")


def test_a_probe_that_only_the_event_tells_of(shop: Shop) -> None:
    shop.unready("cart")
    shop.event("Pod", "cart-6c-x", "Unhealthy", "Readiness " + REFUSED.format(7071))

    assert shop.first() == ("readiness_port", "deployment", "cart")


def test_every_finding_asks_what_would_refute_it(shop: Shop) -> None:
    probed(shop, "liveness", GRPC_LATE.format(7071), {"grpc": {"port": 7071}}, restarts=2)

    assert all(each.refute.endswith("?") for each in shop.findings())
