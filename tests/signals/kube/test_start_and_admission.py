"""Images, refusals of the API server, Secrets, and containers that do not stay up."""

from __future__ import annotations

import pytest

from signals.kube.rules.admission import read
from signals.kube.rules.image import answer
from tests.signals.kube.shop import NAMESPACE, NOW, Shop, named

PULL = 'Failed to pull image "registry.example/cart:1": rpc error: code = '


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.mark.parametrize(("words", "cause"), [
    ('NotFound desc = failed to resolve reference "registry.example/cart:1": registry.example/cart:1: not found', "image_reference"),
    ("Unknown desc = manifest for cart:1 not found: manifest unknown: manifest unknown", "image_reference"),
    ("Unknown desc = dial tcp: lookup registry.example on 127.0.0.53:53: no such host", "registry_dns"),
    ("Unknown desc = dial tcp: lookup registry.example: Temporary failure in name resolution", "registry_dns"),
    ("Unknown desc = dial tcp: lookup registry.example on 10.0.0.2:53: server misbehaving", "registry_dns"),
    ("Unknown desc = dial tcp 203.0.113.9:443: i/o timeout", "registry_unreachable"),
    ("Unknown desc = tls: failed to verify certificate: x509: certificate signed by unknown authority", "registry_unreachable"),
    ("Unknown desc = toomanyrequests: You have reached your pull rate limit", "registry_rate_limit"),
    ("Unknown desc = failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized", "image_pull_secret")])
def test_what_the_registry_answered(shop: Shop, words: str, cause: str) -> None:
    shop.wait("cart", "ImagePullBackOff", 'Back-off pulling image "registry.example/cart:1"')
    shop.event("Pod", "cart-6c-x", "Failed", PULL + words)
    shop.event("Pod", "cart-6c-x", "Failed", "Error: ErrImagePull")

    assert answer(words) == cause
    assert shop.first() == (cause, "deployment", "cart")


def test_a_pull_secret_nobody_has(shop: Shop) -> None:
    shop.template("cart")["imagePullSecrets"] = [{"name": "registry-login"}]
    shop.wait("cart", "ImagePullBackOff")
    shop.event("Pod", "cart-6c-x", "FailedToRetrieveImagePullSecret",
               "Unable to retrieve some image pull secrets (registry-login); attempting to pull the image may not succeed.")
    shop.event("Pod", "cart-6c-x", "Failed", PULL + "Unknown desc = failed to authorize: 403 Forbidden")

    assert shop.first() == ("image_pull_secret", "deployment", "cart")
    assert "registry-login" in shop.findings()[0].statement


def test_a_missing_pull_secret_does_not_hide_a_wrong_name(shop: Shop) -> None:
    shop.wait("cart", "ImagePullBackOff")
    shop.event("Pod", "cart-6c-x", "Failed", PULL + "NotFound desc = registry.example/carrt:1: not found")

    assert shop.first()[0] == "image_reference"


DENIED = "Unknown desc = pull access denied, repository does not exist or may require authorization: server message: insufficient_scope"


@pytest.mark.parametrize(("secrets", "cause"), [([], "image_reference"), ([{"name": "registry-login"}], "image_pull_secret")])
def test_a_name_that_does_not_exist_or_is_private(shop: Shop, secrets: list[dict[str, str]], cause: str) -> None:
    shop.template("cart")["imagePullSecrets"] = secrets
    shop.wait("cart", "ImagePullBackOff")
    shop.event("Pod", "cart-6c-x", "Failed", PULL + DENIED)

    assert shop.first()[0] == cause


def test_an_image_that_was_pulled_at_last_is_no_finding(shop: Shop) -> None:
    shop.event("Pod", "cart-6c-x", "Failed", PULL + "Unknown desc = i/o timeout", count=1, ago=400)

    assert shop.findings() == []


QUOTA = 'pods "cart-6c-y" is forbidden: exceeded quota: team, requested: {0}, used: {1}, limited: {2}'


@pytest.mark.parametrize(("asked", "used", "hard", "cause"), [
    ("requests.cpu=100m", "requests.cpu=1", "requests.cpu=1", "quota_cpu"), ("limits.memory=128Mi", "limits.memory=1Gi", "limits.memory=1Gi", "quota_memory"),
    ("pods=1", "pods=3", "pods=3", "quota_pods"), ("persistentvolumeclaims=1", "persistentvolumeclaims=2", "persistentvolumeclaims=2", "quota_storage"),
    ("count/jobs.batch=1", "count/jobs.batch=3", "count/jobs.batch=3", "quota_other")])
def test_a_quota_refuses_pods_and_the_namespace_is_to_blame(shop: Shop, asked: str, used: str, hard: str, cause: str) -> None:
    shop.drop("cart")
    shop.event("ReplicaSet", "cart-6c", "FailedCreate", "Error creating: " + QUOTA.format(asked, used, hard))

    assert shop.first() == (cause, "namespace", NAMESPACE)


def test_of_several_resources_the_one_that_is_over_is_named() -> None:
    message = QUOTA.format("limits.cpu=200m,limits.memory=128Mi", "limits.cpu=400m,limits.memory=1000Mi", "limits.cpu=4,limits.memory=1Gi")

    assert read(message)[0] == "quota_memory"


def test_must_specify_limits_is_the_quota_too() -> None:
    assert read('pods "x" is forbidden: failed quota: team: must specify limits.cpu for: cart')[0] == "quota_cpu"


def test_a_service_that_a_full_quota_kept_from_being_made(shop: Shop) -> None:
    shop.objects["services"] = [each for each in shop.objects["services"] if each["metadata"]["name"] != "cart"]
    shop.objects["resourcequotas"] = [{**named("ResourceQuota", "team"), "status": {"used": {"services": "2"}, "hard": {"services": "2"}}}]

    assert shop.first() == ("quota_services", "namespace", NAMESPACE)


def test_a_claim_that_a_storage_quota_kept_from_being_made(shop: Shop) -> None:
    shop.template("db")["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    shop.pend("db", '0/3 nodes are available: persistentvolumeclaim "data" not found.')
    shop.objects["resourcequotas"] = [{**named("ResourceQuota", "team"), "status": {
        "used": {"requests.storage": "1Gi"}, "hard": {"requests.storage": "1Gi"}}}]

    assert shop.first() == ("quota_storage", "namespace", NAMESPACE)


def test_a_full_quota_that_hurts_nobody_is_no_finding(shop: Shop) -> None:
    shop.objects["resourcequotas"] = [{**named("ResourceQuota", "team"), "status": {"used": {"pods": "3"}, "hard": {"pods": "3"}}}]

    assert shop.findings() == []


def test_a_service_account_nobody_has(shop: Shop) -> None:
    shop.drop("cart")
    shop.template("cart")["serviceAccountName"] = "cart-sa"
    shop.event("ReplicaSet", "cart-6c", "FailedCreate",
               f'Error creating: pods "cart-6c-" is forbidden: error looking up service account {NAMESPACE}/cart-sa: serviceaccount "cart-sa" not found')

    assert shop.first() == ("service_account_missing", "deployment", "cart")


def test_an_account_that_came_late_is_no_finding(shop: Shop) -> None:
    shop.event("ReplicaSet", "web-6c", "FailedCreate",
               'Error creating: pods "web-6c-" is forbidden: error looking up service account shop/web: serviceaccount "web" not found', ago=90)

    assert shop.findings() == []


@pytest.mark.parametrize(("words", "cause"), [
    ('Internal error occurred: failed calling webhook "inject.example": Post "https://hook.sys.svc": connection refused', "webhook_failing"),
    ('admission webhook "policy.example" denied the request: no latest tags', "webhook_denied"),
    ('pods "cart-6c-x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true', "pod_security"),
    ('pods "cart-6c-x" is forbidden: maximum memory usage per Container is 64Mi, but limit is 128Mi', "limit_range")])
def test_other_refusals(shop: Shop, words: str, cause: str) -> None:
    shop.drop("cart")
    shop.event("ReplicaSet", "cart-6c", "FailedCreate", f"Error creating: {words}")

    assert shop.first()[0] == cause


@pytest.mark.parametrize(("words", "cause"), [
    ('secret "db-login" not found', "secret_missing"), ("couldn't find key password in Secret shop/db-login", "secret_missing"),
    ('configmap "flags" not found', "configmap_missing"), ("couldn't find key mode in ConfigMap shop/flags", "configmap_missing")])
def test_configuration_that_is_not_there(shop: Shop, words: str, cause: str) -> None:
    shop.wait("cart", "CreateContainerConfigError", words)
    shop.event("Pod", "cart-6c-x", "Failed", f"Error: {words}")

    assert shop.first() == (cause, "deployment", "cart")


def test_a_secret_volume_that_cannot_be_mounted(shop: Shop) -> None:
    shop.wait("cart", "ContainerCreating")
    shop.event("Pod", "cart-6c-x", "FailedMount", 'MountVolume.SetUp failed for volume "keys" : secret "keys" not found')

    assert shop.first() == ("secret_missing", "deployment", "cart")


def test_a_reference_to_no_secret_is_told_by_the_objects_alone(shop: Shop) -> None:
    shop.container("cart")["envFrom"] = [{"secretRef": {"name": "db-login"}}]
    shop.wait("cart", "CreateContainerConfigError")

    assert shop.first() == ("secret_missing", "deployment", "cart")


def test_an_optional_reference_may_be_missing(shop: Shop) -> None:
    shop.container("cart")["envFrom"] = [{"secretRef": {"name": "db-login", "optional": True}}]
    shop.wait("cart", "CrashLoopBackOff", exit_code=1)

    assert shop.first()[0] == "crash_loop"


def test_out_of_memory_by_status(shop: Shop) -> None:
    shop.wait("cart", "CrashLoopBackOff", exit_code=137, last="OOMKilled")

    assert shop.first() == ("oom_killed", "deployment", "cart")
    assert "128Mi" in shop.findings()[0].statement


def test_an_init_process_killed_for_memory(shop: Shop) -> None:
    shop.wait("cart", "ContainerCreating")
    shop.event("Pod", "cart-6c-x", "FailedCreatePodSandBox", "Failed to create pod sandbox: container init was OOM-killed (memory limit too low?): unknown")

    assert shop.first() == ("oom_killed", "deployment", "cart")


def test_a_java_heap_that_is_full(shop: Shop) -> None:
    shop.wait("cart", "CrashLoopBackOff", exit_code=1)
    shop.log("cart", 'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space')

    assert shop.first() == ("oom_killed", "deployment", "cart")


def test_two_containers_that_want_one_port(shop: Shop) -> None:
    shop.template("cart")["containers"].append({"name": "sidecar", "image": "proxy:1", "ports": [{"containerPort": 7070}]})
    shop.wait("cart", "CrashLoopBackOff", exit_code=1)
    shop.log("cart", "listen tcp :7070: bind: address already in use", container="sidecar")

    assert shop.first() == ("port_conflict", "deployment", "cart")


def test_a_sidecar_told_to_listen_where_the_program_does(shop: Shop) -> None:
    shop.template("cart")["containers"].append({"name": "sidecar", "image": "python:3", "command": ["python", "-m", "http.server", "7070"]})
    shop.wait("cart", "CrashLoopBackOff", exit_code=1)

    assert shop.first() == ("port_conflict", "deployment", "cart")


def test_a_command_the_image_does_not_hold(shop: Shop) -> None:
    shop.wait("cart", "RunContainerError", 'exec: "servre": executable file not found in $PATH: unknown', exit_code=128, last="StartError")

    assert shop.first() == ("command_wrong", "deployment", "cart")


def test_no_replicas_of_something_that_is_called(shop: Shop) -> None:
    shop.deployment("cart")["spec"]["replicas"] = 0
    shop.drop("cart")
    shop.event("Deployment", "cart", "ScalingReplicaSet", "Scaled down replica set cart-6c to 0 from 1", normal=True)
    shop.log("web", "dial tcp 10.0.0.7:7070: connect: connection refused")

    assert shop.first() == ("zero_replicas", "deployment", "cart")
    assert "needed by web" in shop.findings()[0].statement


def test_a_crash_nobody_explains_is_a_weak_finding(shop: Shop) -> None:
    shop.wait("cart", "CrashLoopBackOff", exit_code=1)
    best = shop.findings()[0]

    assert best.cause == "crash_loop"
    assert best.strength < 3


def test_an_evicted_pod(shop: Shop) -> None:
    pod = shop.pods("cart")[0]
    pod["status"] = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: ephemeral-storage."}

    assert shop.first() == ("evicted", "deployment", "cart")


def test_times_are_those_of_the_events(shop: Shop) -> None:
    shop.wait("cart", "ImagePullBackOff")
    shop.event("Pod", "cart-6c-x", "Failed", PULL + "NotFound desc = not found", ago=30)

    assert shop.findings()[0].at == NOW - 30_000_000
