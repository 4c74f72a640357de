"""kubectl's tables and descriptions, read back into API objects."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.kube import described, specs
from evals.kube.tables import description, seconds, table

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POD = """\
Name:             cart-6c-x
Namespace:        shop
Service Account:  cart
Node:             n1/10.1.0.4
Start Time:       Thu, 01 Jan 2026 07:58:00 +0800
Labels:           app=cart
                  tier=back
Annotations:      note: a: b
Status:           Running
IP:               10.0.0.7
Controlled By:    ReplicaSet/cart-6c
Containers:
  server:
    Container ID:  containerd://ab
    Image:         registry.example/cart:1
    Port:          7070/TCP
    Host Port:     0/TCP
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
      Started:      Thu, 01 Jan 2026 07:59:00 +0800
      Finished:     Thu, 01 Jan 2026 07:59:10 +0800
    Ready:          False
    Restart Count:  3
    Limits:
      cpu:     200m
      memory:  128Mi
    Requests:
      cpu:     100m
    Liveness:   http-get http://:7070/ok delay=5s timeout=1s period=10s #success=1 #failure=3
    Readiness:  grpc <pod>:7070  delay=0s timeout=2s period=5s #success=1 #failure=1
    Environment Variables from:
      login  Secret     Optional: false
      flags  ConfigMap  Optional: true
    Environment:
      DB_ADDR:   db:3306
      PASSWORD:  <set to the key 'password' in secret 'db-login'>  Optional: false
      NODE:       (v1:spec.nodeName)
    Mounts:
      /data from data (rw)
      /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-x (ro)
Conditions:
  Type              Status
  Ready             False
  PodScheduled      True
Volumes:
  data:
    Type:       PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)
    ClaimName:  data
    ReadOnly:   false
Node-Selectors:              disk=ssd
Tolerations:                 gpu=yes:NoSchedule
                             node.kubernetes.io/not-ready:NoExecute op=Exists for 300s
Events:
  Type     Reason     Age                From     Message
  ----     ------     ----               ----     -------
  Normal   Pulled     2m                 kubelet  Container image "cart:1" already present on machine
  Warning  Unhealthy  10s (x9 over 80s)  kubelet  Readiness probe failed: first line
second line
"""


@pytest.fixture
def pod() -> specs.Json:
    found = described.read("pods", POD)
    assert found is not None
    return found


def test_a_pod_keeps_who_it_is_and_where(pod: specs.Json) -> None:
    assert pod["metadata"]["labels"] == {"app": "cart", "tier": "back"}
    assert pod["metadata"]["ownerReferences"] == [{"kind": "ReplicaSet", "name": "cart-6c"}]
    assert (pod["spec"]["nodeName"], pod["spec"]["serviceAccountName"], pod["spec"]["nodeSelector"]) == ("n1", "cart", {"disk": "ssd"})
    assert pod["status"]["conditions"][0] == {"type": "Ready", "status": "False"}


def test_a_container_keeps_its_probes_ports_and_environment(pod: specs.Json) -> None:
    container = pod["spec"]["containers"][0]

    assert container["livenessProbe"]["httpGet"] == {"port": 7070, "path": "/ok", "scheme": "HTTP"}
    assert container["readinessProbe"]["grpc"]["port"] == 7070
    assert container["readinessProbe"]["failureThreshold"] == 1
    assert container["ports"] == [{"containerPort": 7070, "protocol": "TCP"}]
    assert container["resources"] == {"limits": {"cpu": "200m", "memory": "128Mi"}, "requests": {"cpu": "100m"}}
    assert container["envFrom"] == [{"secretRef": {"name": "login", "optional": False}}, {"configMapRef": {"name": "flags", "optional": True}}]
    assert container["env"][0] == {"name": "DB_ADDR", "value": "db:3306"}
    assert container["env"][1]["valueFrom"]["secretKeyRef"]["key"] == "password"
    assert container["volumeMounts"][0] == {"mountPath": "/data", "name": "data", "readOnly": False}


def test_a_container_that_crashed_keeps_how(pod: specs.Json) -> None:
    status = pod["status"]["containerStatuses"][0]

    assert status["state"] == {"waiting": {"reason": "CrashLoopBackOff"}}
    assert status["lastState"]["terminated"]["exitCode"] == 137
    assert status["lastState"]["terminated"]["startedAt"] == "2025-12-31T23:59:00+00:00"
    assert status["restartCount"] == 3


def test_volumes_and_tolerations(pod: specs.Json) -> None:
    assert pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] == "data"
    assert pod["spec"]["tolerations"] == [{"operator": "Equal", "key": "gpu", "value": "yes", "effect": "NoSchedule"},
                                          {"operator": "Exists", "key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}]


def test_ages_of_events_become_times_and_messages_keep_their_lines() -> None:
    events = list(described.events("pods", POD, NOW))

    assert [each["reason"] for each in events] == ["Pulled", "Unhealthy"]
    assert (events[1]["count"], events[1]["lastTimestamp"], events[1]["firstTimestamp"]) == (9, "2025-12-31T23:59:50+00:00", "2025-12-31T23:58:40+00:00")
    assert events[1]["involvedObject"] == {"kind": "Pod", "name": "cart-6c-x", "namespace": "shop"}


def test_a_service_keeps_every_port() -> None:
    text = ("Name: cart\nNamespace: shop\nSelector: app=cart\nType: ClusterIP\nPort: grpc  7070/UDP\nTargetPort: 7071/TCP\n"
            "Port: <unset>  80/TCP\nTargetPort: web/TCP\nEvents: <none>\n")
    found = described.read("services", text)

    assert found is not None
    assert found["spec"]["ports"] == [{"name": "grpc", "port": 7070, "protocol": "UDP", "targetPort": 7071},
                                      {"name": "", "port": 80, "protocol": "TCP", "targetPort": "web"}]


def test_a_deployment_keeps_its_wish_and_its_template() -> None:
    text = ("Name: cart\nNamespace: shop\nSelector: app=cart\nReplicas:  0 desired | 0 updated | 0 total | 0 available | 0 unavailable\n"
            "Pod Template:\n  Labels:  app=cart\n  Containers:\n   server:\n    Image:  cart:1\n    Port:   7070/TCP\n"
            "Conditions:\n  Type           Status  Reason\n  ----           ------  ------\n  ReplicaFailure  True    FailedCreate\n")
    found = described.read("deployments", text)

    assert found is not None
    assert found["spec"]["replicas"] == 0
    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == "cart:1"
    assert found["status"]["conditions"][0]["type"].startswith("ReplicaFail")


def test_a_node_keeps_taints_conditions_and_room() -> None:
    text = ("Name: n1\nLabels: zone=a\nTaints: gpu=yes:NoSchedule\n        old:NoExecute\nUnschedulable: true\nConditions:\n"
            "  Type    Status   Reason             Message\n  ----    ------   ------             -------\n"
            "  Ready   Unknown  NodeStatusUnknown  Kubelet stopped posting node status.\nAllocatable:\n  cpu:     4\n  memory:  8Gi\n")
    found = described.read("nodes", text)

    assert found is not None
    assert found["spec"] == {"taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}, {"key": "old", "value": "", "effect": "NoExecute"}],
                             "unschedulable": True}
    assert found["status"]["conditions"][0]["message"] == "Kubelet stopped posting node status."
    assert found["status"]["allocatable"] == {"cpu": "4", "memory": "8Gi"}


def test_quotas_claims_volumes_and_policies() -> None:
    quota = described.read("resourcequotas", "Name:       team\nNamespace:  shop\nResource    Used  Hard\n--------    ----  ----\npods        3     3\n")
    claim = described.read("persistentvolumeclaims", "Name: data\nNamespace: shop\nStorageClass:  fast\nStatus: Pending\nAccess Modes:  \n")
    volume = described.read("persistentvolumes", "Name: pv\nStatus: Bound\nClaim: shop/older\nAccess Modes: RWO,ROX\nCapacity: 1Gi\n")
    policy = described.read("networkpolicies", "Name: deny\nNamespace: shop\nSpec:\n  PodSelector:  app=cart\n  Allowing ingress traffic:\n"
                                               "    <none> (Selected pods are isolated for ingress connectivity)\n  Policy Types: Ingress\n")

    assert quota is not None
    assert quota["status"] == {"used": {"pods": "3"}, "hard": {"pods": "3"}}
    assert claim is not None
    assert "accessModes" not in claim["spec"]
    assert volume is not None
    assert volume["spec"]["claimRef"] == {"namespace": "shop", "name": "older"}
    assert volume["spec"]["accessModes"] == ["ReadWriteOnce", "ReadOnlyMany"]
    assert policy is not None
    assert policy["spec"] == {"podSelector": {"matchLabels": {"app": "cart"}}, "policyTypes": ["Ingress"], "ingress": []}


def test_of_a_secret_only_the_keys_are_read() -> None:
    found = described.read("secrets", "Name: login\nNamespace: shop\nType: Opaque\n\nData\n====\nuser:      4 bytes\npassword:  9 bytes\n")

    assert found is not None
    assert found["data"] == {"user": "", "password": ""}


def test_a_config_map_keeps_its_lines() -> None:
    text = "Name: flags\nNamespace: shop\n\nData\n====\nmode:\n----\nfast\nand loose\n\nroute.yml:\n----\n- id: a\n  uri: http://b\n\nBinaryData\n====\n"
    found = described.read("configmaps", text)

    assert found is not None
    assert found["data"] == {"mode": "fast\nand loose", "route.yml": "- id: a\n  uri: http://b"}


@pytest.mark.parametrize(("age", "expected"), [("73s", 73), ("5m8s", 308), ("3d9h", 291_600), ("<unknown>", None)])
def test_ages(age: str, expected: int | None) -> None:
    assert seconds(age) == expected


def test_rows_of_a_table_by_their_headings() -> None:
    rows = table("NAME   READY   STATUS    NOMINATED NODE\nweb-1  0/1     Pending   <none>\n")

    assert rows == [{"NAME": "web-1", "READY": "0/1", "STATUS": "Pending", "NOMINATED NODE": "<none>"}]


def test_a_list_of_events_names_its_objects() -> None:
    text = "LAST SEEN   TYPE      REASON     OBJECT           MESSAGE\n90s         Warning   Failed     pod/cart-6c-x    no\n"

    each = next(iter(described.listed_events(text, "shop", NOW)))

    assert each["involvedObject"] == {"kind": "Pod", "name": "cart-6c-x", "namespace": "shop"}
    assert (each["reason"], each["message"], each["lastTimestamp"]) == ("Failed", "no", "2025-12-31T23:58:30+00:00")


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    description(text)
    table(text)

    assert described.read("pods", text) is None or text
    for kind in described.KINDS:
        described.read(kind, f"Name: x\n{text}")
