"""Services, names, routes and databases: who is asked for what, and what comes back."""

from __future__ import annotations

import pytest

from tests.signals.kube.shop import NAMESPACE, NOW, Shop, named


@pytest.fixture
def shop() -> Shop:
    return Shop()


def stamp(seconds: int) -> str:
    """A second of the minute before now."""
    return f"2025-12-31T23:59:{seconds:02d}Z"


def test_a_selector_that_matches_no_pod(shop: Shop) -> None:
    shop.service("cart")["spec"]["selector"] = {"app": "carts"}
    shop.objects["endpoints"] = []

    assert shop.first() == ("service_selector", "deployment", "cart")


def test_a_selector_that_matches_another_workload(shop: Shop) -> None:
    shop.service("cart")["spec"]["selector"] = {"app": "web"}

    assert shop.first() == ("service_selector", "deployment", "cart")


def test_labels_that_an_operator_adds_to_pods_count(shop: Shop) -> None:
    shop.pods("db")[0]["metadata"]["labels"]["role"] = "leader"
    shop.service("db")["spec"]["selector"] = {"app": "db", "role": "leader"}

    assert shop.findings() == []


def test_a_target_port_nobody_listens_on(shop: Shop) -> None:
    shop.service("cart")["spec"]["ports"][0]["targetPort"] = 7071

    assert shop.first() == ("service_port", "deployment", "cart")


def test_a_named_target_port_no_container_has(shop: Shop) -> None:
    shop.container("cart")["ports"][0]["name"] = "grpc"
    shop.service("cart")["spec"]["ports"][0]["targetPort"] = "web"
    shop.apply("cart")

    assert shop.first() == ("service_port", "deployment", "cart")


def test_a_port_no_client_uses(shop: Shop) -> None:
    shop.service("cart")["spec"]["ports"][0] |= {"port": 7071}

    assert shop.first() == ("service_port", "deployment", "cart")


@pytest.mark.parametrize("change", [{"protocol": "UDP"}, {"appProtocol": "http"}, {"name": "http-cart"}])
def test_a_protocol_the_container_does_not_speak(shop: Shop, change: dict[str, str]) -> None:
    shop.container("cart")["readinessProbe"] = {"grpc": {"port": 7070}}
    shop.service("cart")["spec"]["ports"][0] |= change

    assert shop.first() == ("service_protocol", "deployment", "cart")


def test_a_policy_that_lets_no_caller_in(shop: Shop) -> None:
    shop.objects["networkpolicies"] = [{**named("NetworkPolicy", "deny"), "spec": {
        "podSelector": {"matchLabels": {"app": "cart"}}, "policyTypes": ["Ingress"], "ingress": []}}]
    shop.log("web", "dial tcp 10.0.0.7:7070: i/o timeout")

    assert shop.first() == ("network_policy", "deployment", "cart")


def test_a_policy_for_the_caller_is_no_finding(shop: Shop) -> None:
    shop.objects["networkpolicies"] = [{**named("NetworkPolicy", "allow"), "spec": {
        "podSelector": {"matchLabels": {"app": "cart"}}, "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}]}}]

    assert shop.findings() == []


def test_a_wrong_port_in_the_environment_of_one_client(shop: Shop) -> None:
    shop.container("web")["env"][0]["value"] = "cart:7071"
    shop.log("web", "dial tcp: lookup ok; cart:7071: connect: connection refused")

    assert shop.first() == ("env_address", "deployment", "web")


def test_a_misspelt_service_in_the_environment(shop: Shop) -> None:
    shop.container("web")["env"][0]["value"] = "carrt:7070"
    shop.log("web", "dial tcp: lookup carrt on 10.96.0.10:53: no such host")

    assert shop.first() == ("env_address", "deployment", "web")


@pytest.mark.parametrize("value", ["web:8080", "cart-old:7070", "nothing:7070"])
def test_a_variable_named_after_a_service_it_does_not_lead_to(shop: Shop, value: str) -> None:
    shop.add("ads", 9000, {"CART_ADDR": value})

    assert shop.first() == ("env_address", "deployment", "ads")


def test_an_optional_service_that_never_was_is_a_weak_finding(shop: Shop) -> None:
    shop.container("web")["env"].append({"name": "ADVICE_SERVICE_ADDR", "value": "adviceservice:80"})

    assert all(each.strength < 2 for each in shop.findings())


def test_names_that_exist_and_do_not_resolve_for_one_workload(shop: Shop) -> None:
    shop.template("web")["dnsPolicy"] = "None"
    shop.template("web")["dnsConfig"] = {"nameservers": ["203.0.113.1"]}
    shop.log("web", *(f"{stamp(second)} lookup cart on 203.0.113.1:53: i/o timeout" for second in range(0, 60, 5)))

    assert shop.first() == ("dns_resolution", "deployment", "web")
    assert "203.0.113.1" in shop.findings()[0].statement


def test_a_service_that_is_gone_is_told_by_its_callers(shop: Shop) -> None:
    shop.objects["services"] = [each for each in shop.objects["services"] if each["metadata"]["name"] != "cart"]
    shop.log("web", *(f"{stamp(second)} lookup cart on 10.96.0.10:53: no such host" for second in range(0, 60, 5)))

    assert shop.first() == ("dns_resolution", "deployment", "cart")


def test_a_name_that_resolves_by_now_is_no_finding(shop: Shop) -> None:
    shop.log("web", f"{stamp(1)} lookup cart on 10.96.0.10:53: no such host", *(f"{stamp(second)} GET / 200" for second in range(2, 60)))

    assert shop.findings() == []


def test_the_dns_of_the_cluster_without_a_pod(shop: Shop) -> None:
    shop.objects["deployments"].append({"metadata": {"name": "coredns", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}},
                                        "spec": {"replicas": 0, "selector": {"matchLabels": {"k8s-app": "kube-dns"}}, "template": {}}})

    assert ("dns_resolution", "coredns") in {(each.cause, each.entity.name) for each in shop.findings()}


def test_an_ingress_to_a_service_that_does_not_exist(shop: Shop) -> None:
    shop.objects["ingresses"] = [{**named("Ingress", "web"), "spec": {"rules": [{"http": {"paths": [
        {"path": "/", "backend": {"service": {"name": "wbe", "port": {"number": 8080}}}}]}}]}}]

    assert shop.first() == ("gateway_route", "deployment", "web")


def test_an_ingress_to_a_port_the_service_does_not_offer(shop: Shop) -> None:
    shop.objects["ingresses"] = [{**named("Ingress", "entry"), "spec": {"rules": [{"http": {"paths": [
        {"path": "/", "backend": {"service": {"name": "web", "port": {"number": 9999}}}}]}}]}}]

    assert shop.first() == ("gateway_route", "deployment", "web")


def test_a_virtual_service_to_another_service(shop: Shop) -> None:
    shop.objects["virtualservices"] = [{**named("VirtualService", "cart"), "spec": {"hosts": ["cart"], "http": [
        {"route": [{"destination": {"host": "web", "port": {"number": 8080}}}]}]}}]

    assert shop.first() == ("gateway_route", "deployment", "cart")


def test_an_http_route_to_a_wrong_port(shop: Shop) -> None:
    shop.objects["httproutes"] = [{**named("HTTPRoute", "web"), "spec": {"rules": [{"backendRefs": [{"name": "web", "port": 81}]}]}}]

    assert shop.first() == ("gateway_route", "deployment", "web")


@pytest.mark.parametrize("route", ["- id: cart\n  uri: http://web:8080\n", "- id: cart\n  uri: http://cart:7072\n", "- id: cart\n  uri: lb://carts\n"])
def test_a_gateway_whose_configuration_misroutes(shop: Shop, route: str) -> None:
    shop.template("web")["volumes"] = [{"name": "routes", "configMap": {"name": "routes"}}]
    shop.objects["configmaps"] = [{**named("ConfigMap", "routes"), "data": {"application.yml": f"routes:\n{route}"}}]

    assert shop.first() == ("gateway_route", "deployment", "web")


def test_a_gateway_whose_environment_misroutes(shop: Shop) -> None:
    shop.container("web")["env"] += [{"name": "SPRING_CLOUD_GATEWAY_ROUTES_0_ID", "value": "cart"},
                                     {"name": "SPRING_CLOUD_GATEWAY_ROUTES_0_URI", "value": "http://cart:9"}]

    assert "gateway_route" in {each.cause for each in shop.findings()}


def test_a_gateway_that_logs_refusals_of_a_port_nobody_offers(shop: Shop) -> None:
    shop.add("gateway", 80, {})
    shop.log("gateway", *["io.netty.channel.AnnotatedConnectException: Connection refused: cart/10.0.0.7:7072"] * 3)

    assert shop.first() == ("gateway_route", "deployment", "gateway")


@pytest.mark.parametrize("status", [404, 503])
def test_a_path_that_an_entry_never_serves_may_be_misrouted(shop: Shop, status: int) -> None:
    shop.add("gateway", 80, {})
    shop.log("gateway", *[f'10.0.0.1 - - [x] "GET /api/cart/{number} HTTP/1.1" {status} 12' for number in range(6)],
             *['10.0.0.1 - - [x] "GET /api/web/home HTTP/1.1" 200 12'] * 6)
    best = shop.findings()[0]

    assert (best.cause, best.entity.name) == ("gateway_route", "gateway")
    assert best.strength < 3.5


@pytest.mark.parametrize("line", [
    "java.sql.SQLNonTransientConnectionException: Too many connections", "FATAL: sorry, too many clients already",
    "FATAL: remaining connection slots are reserved for non-replication superuser connections", "ERR max number of clients reached"])
def test_a_database_without_room_for_connections(shop: Shop, line: str) -> None:
    shop.wait("cart", "CrashLoopBackOff", exit_code=1)
    shop.log("cart", line)

    assert shop.first() == ("db_connections", "deployment", "db")


@pytest.mark.parametrize("line", [
    "The MySQL server is running with the --read-only option so it cannot execute this statement",
    "The MySQL server is running with the --super-read-only option so it cannot execute this statement",
    "ERROR: cannot execute INSERT in a read-only transaction", "READONLY You can't write against a read only replica."])
def test_a_database_that_takes_no_writes(shop: Shop, line: str) -> None:
    shop.log("cart", *[line] * 4)

    assert shop.first() == ("db_read_only", "deployment", "db")


@pytest.mark.parametrize("line", ["java.sql.SQLException: Access denied for user 'shop'@'10.0.0.1' (using password: YES)",
                                  'FATAL: password authentication failed for user "shop"', "WRONGPASS invalid username-password pair"])
def test_a_client_with_wrong_credentials(shop: Shop, line: str) -> None:
    shop.wait("cart", "CrashLoopBackOff", exit_code=1)
    shop.log("cart", line)

    assert shop.first() == ("db_credentials", "deployment", "cart")


def test_a_database_name_nobody_made(shop: Shop) -> None:
    shop.wait("cart", "CrashLoopBackOff", exit_code=1)
    shop.log("cart", "java.sql.SQLSyntaxErrorException: Unknown database 'shopp'")

    assert shop.first() == ("db_name", "deployment", "cart")


def test_a_client_that_asks_a_port_the_database_does_not_have(shop: Shop) -> None:
    shop.container("cart")["env"] = []
    shop.wait("cart", "CrashLoopBackOff", exit_code=1)
    shop.log("cart", "com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure")

    assert shop.first() == ("db_port", "deployment", "cart")


def test_a_database_that_is_down_is_the_cause_of_its_client(shop: Shop) -> None:
    shop.wait("db", "CrashLoopBackOff", exit_code=137, last="OOMKilled")
    shop.wait("cart", "CrashLoopBackOff", exit_code=1)
    shop.log("cart", "com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure")
    findings = shop.findings()

    assert (findings[0].cause, findings[0].entity.name) == ("oom_killed", "db")
    assert next(each for each in findings if each.cause == "db_port").consequence_of == findings[0].entity


def test_a_failing_webhook_service_is_named(shop: Shop) -> None:
    shop.add("hook", 443, {})
    shop.unready("hook")
    shop.objects["validatingwebhookconfigurations"] = [{"metadata": {"name": "checks"}, "webhooks": [
        {"name": "checks.example", "failurePolicy": "Fail", "clientConfig": {"service": {"name": "hook", "namespace": NAMESPACE}}}]}]

    assert ("webhook_failing", "hook") in {(each.cause, each.entity.name) for each in shop.findings()}


@pytest.mark.parametrize("kind", ["pods", "services", "secrets", "nodes", "events", "serviceaccounts", "endpoints", "configmaps"])
def test_what_could_not_be_read_is_not_taken_for_absent(shop: Shop, kind: str) -> None:
    del shop.objects[kind]
    shop.objects["resourcequotas"] = [{**named("ResourceQuota", "team"), "status": {"used": {"pods": "3"}, "hard": {"pods": "3"}}}]

    assert [each for each in shop.findings() if each.strength > 2] == []


def test_the_report_of_a_workload_by_name_counts_a_little(shop: Shop) -> None:
    shop.service("cart")["spec"]["ports"][0]["targetPort"] = 7071

    assert shop.findings("the cart is broken")[0].strength == pytest.approx(shop.findings()[0].strength + 0.25)
    assert NOW > 0
