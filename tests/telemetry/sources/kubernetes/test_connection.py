"""The connection: who we are, whom we trust, how long we wait, and what is said when it does not work."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from pathlib import Path

import pytest
from kubernetes import client

from telemetry.sources.kubernetes.configuration import Access
from telemetry.sources.kubernetes.connection import ApiServer
from tests.telemetry.sources.kubernetes.certificates import certificate
from tests.telemetry.sources.kubernetes.opened import SHORT, Opened, pod
from tools.cluster.double import ApiDouble, Fault, kubeconfig


def test_the_kubeconfigs_token_is_sent_and_accepted(opened: Opened) -> None:
    opened.server.objects.put(pod("cart"))

    assert opened.names(opened.cluster()) == ["cart"]


def test_nothing_global_is_set_and_no_file_is_written(opened: Opened) -> None:
    cluster = opened.cluster()
    before = (opened.folder / "kubeconfig").read_bytes()
    opened.names(cluster)

    assert client.Configuration._default is None
    assert (opened.folder / "kubeconfig").read_bytes() == before


def test_two_connections_of_one_process_ask_their_own_clusters(opened: Opened, tmp_path: Path) -> None:
    opened.server.objects.put(pod("here"))
    with ApiDouble([pod("there")]) as other:
        second = opened.open(Access(str(kubeconfig(tmp_path, other, name="other")), limits=SHORT))

        assert opened.names(opened.cluster()) == ["here"]
        assert opened.names(second) == ["there"]


def test_a_missing_kubeconfig_is_named(opened: Opened) -> None:
    trouble = opened.trouble(opened.open(Access(str(opened.folder / "none"))))

    assert (trouble.status, "there is no kubeconfig at" in trouble.what) == ("not_assessed", True)


def test_a_wrong_context_is_answered_with_those_there_are(opened: Opened) -> None:
    path = kubeconfig(opened.folder, opened.server)
    trouble = opened.trouble(opened.open(Access(str(path), "production")))

    assert trouble.status == "not_assessed"
    assert "no context 'production'; it has: double" in trouble.what


@pytest.mark.parametrize("text", ["", "[]", "a: b: c", "\x00\x01", "contexts: 3\ncurrent-context: x", "apiVersion: v1\nkind: Config"])
def test_what_is_no_kubeconfig_is_not_assessed(opened: Opened, text: str) -> None:
    (opened.folder / "odd").write_text(text)

    assert opened.trouble(opened.open(Access(str(opened.folder / "odd")))).status == "not_assessed"


def test_a_context_without_its_cluster_says_so(opened: Opened) -> None:
    path = kubeconfig(opened.folder, opened.server)
    path.write_text(json.dumps({**json.loads(path.read_text()), "clusters": []}))

    assert "names the cluster 'c', which is not in it" in opened.trouble(opened.open(Access(str(path)))).what


def test_outside_a_pod_the_service_account_is_missed(opened: Opened) -> None:
    trouble = opened.trouble(opened.open(Access("in-cluster")))

    assert trouble.status == "not_assessed"
    assert "this is no pod of a cluster" in trouble.what


def test_a_login_command_is_not_run_unasked(opened: Opened) -> None:
    ran = opened.folder / "ran"
    plugin = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [str(ran)], "interactiveMode": "Never"}}
    trouble = opened.trouble(opened.cluster(user=plugin))

    assert (trouble.status, ran.exists()) == ("not_assessed", False)
    assert "logs in by a command (touch)" in trouble.what
    assert "ONCALM_KUBE_COMMANDS" in trouble.remedy


def test_a_permitted_login_command_gives_the_token(opened: Opened) -> None:
    said = json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "t0ken-of-oncalm"}})
    plugin = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "echo", "args": [said], "interactiveMode": "Never"}}
    path = kubeconfig(opened.folder, opened.server, user=plugin)
    opened.server.objects.put(pod("cart"))

    assert opened.names(opened.open(Access(str(path), commands=True, limits=SHORT))) == ["cart"]


def test_a_login_command_that_fails_says_which(opened: Opened) -> None:
    plugin = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "false", "interactiveMode": "Never"}}
    path = kubeconfig(opened.folder, opened.server, user=plugin)

    assert "'false' gave no credentials" in opened.trouble(opened.open(Access(str(path), commands=True))).what


def test_nobody_listening_is_not_assessed(opened: Opened, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        opened.server.url = f"http://127.0.0.1:{free.getsockname()[1]}"
    trouble = opened.trouble(opened.cluster())

    assert trouble.status == "not_assessed"
    assert "cannot connect to the API server: Connection refused" in trouble.what


def test_a_name_that_does_not_resolve_is_not_assessed(opened: Opened) -> None:
    opened.server.url = "http://no-such-host.invalid:6443"
    trouble = opened.trouble(opened.cluster())

    assert (trouble.status, "cannot connect to the API server" in trouble.what) == ("not_assessed", True)


def test_an_authority_of_the_kubeconfig_is_trusted(opened: Opened, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    with ApiDouble([pod("cart")], certificate=(cert, key)) as server:
        opened.server = server

        assert opened.names(opened.cluster(ca=cert)) == ["cart"]


def test_an_unknown_authority_is_not_assessed(opened: Opened, tmp_path: Path) -> None:
    with ApiDouble([pod("cart")], certificate=certificate(tmp_path)) as server:
        opened.server = server
        trouble = opened.trouble(opened.cluster())

    assert trouble.status == "not_assessed"
    assert "certificate is not trusted" in trouble.what


def test_a_certificate_of_another_host_is_not_assessed_unless_its_name_is_given(opened: Opened, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "DNS:api.example")
    with ApiDouble([pod("cart")], certificate=(cert, key)) as server:
        opened.server = server

        assert "not trusted" in opened.trouble(opened.cluster(ca=cert)).what
        assert opened.names(opened.cluster(ca=cert, **{"tls-server-name": "api.example"})) == ["cart"]


def test_plain_http_behind_https_is_not_assessed(opened: Opened) -> None:
    opened.server.url = opened.server.url.replace("http:", "https:")
    trouble = opened.trouble(opened.cluster())

    assert (trouble.status, "no TLS connection" in trouble.what) == ("not_assessed", True)


def test_wrong_credentials_are_not_assessed(opened: Opened) -> None:
    trouble = opened.trouble(opened.cluster(user={"token": "expired-token"}))

    assert (trouble.status, trouble.code) == ("not_assessed", 401)
    assert "does not accept the credentials" in trouble.what
    assert "expired-token" not in str(trouble)


def test_a_missing_permission_names_who_what_where_and_the_grant(opened: Opened) -> None:
    opened.server.allowed = set()
    trouble = opened.trouble(opened.cluster(), "deployments")

    assert trouble.status == "not_assessed"
    assert trouble.what == "the service account oncalm of oncalm may not list deployments.apps in shop"
    assert 'grant: apiGroups: ["apps"], resources: ["deployments"], verbs: ["list"]' in trouble.remedy


def test_a_missing_permission_for_all_namespaces_suggests_to_name_some(opened: Opened) -> None:
    opened.server.allowed = {("list", "pods", "shop")}

    assert "ONCALM_KUBE_NAMESPACES" in opened.trouble(opened.cluster(), namespace="").remedy


@pytest.mark.parametrize(("how", "said"), [
    ("html", "web page (Sign in)"), ("truncated", "no JSON, or was cut"), ("cut", "the answer was cut"), ("error", "etcdserver: request timed out"),
    ("silent", "sent nothing for 0.4 s")])
def test_a_broken_answer_failed_and_says_how(opened: Opened, how: str, said: str) -> None:
    opened.server.objects.put(pod("cart"))
    opened.server.faults.append(Fault("/pods", how, seconds=0.8))  # type: ignore[arg-type]
    trouble = opened.trouble(opened.cluster())

    assert (trouble.status, said in trouble.what) == ("failed", True), trouble.what


def test_a_busy_server_is_asked_once_more_when_it_says(opened: Opened) -> None:
    opened.server.objects.put(pod("cart"))
    opened.server.faults.append(Fault("/pods", "busy", times=1))
    limits = type(SHORT)(1, 1, 5)

    assert opened.names(opened.cluster(limits=limits)) == ["cart"]
    assert "asked again after 1 s" in opened.g.notes[0]


def test_a_server_that_stays_busy_failed(opened: Opened) -> None:
    opened.server.faults.append(Fault("/pods", "busy"))
    trouble = opened.trouble(opened.cluster(limits=type(SHORT)(1, 1, 5)))

    assert (trouble.status, trouble.code, len(opened.server.asked)) == ("failed", 429, 2)


def test_credentials_do_not_follow_a_redirect_to_another_host(opened: Opened) -> None:
    with ApiDouble() as other:
        opened.server.faults.append(Fault("/pods", "redirect", text=f"{other.url}/api/v1/pods"))
        trouble = opened.trouble(opened.cluster())

        assert (trouble.status, other.asked) == ("not_assessed", [])
        assert "redirects to" in trouble.what


def test_an_answer_larger_than_the_bound_is_refused(opened: Opened) -> None:
    for number in range(60):
        opened.server.objects.put({**pod(f"p{number}"), "status": {"message": "x" * 30_000}})
    trouble = opened.trouble(opened.cluster())

    assert "larger than 1,048,576 bytes" in trouble.what


def test_the_total_time_bounds_a_server_that_drips(opened: Opened) -> None:
    opened.server.faults.append(Fault("/pods", "silent", seconds=3))
    began = time.monotonic()
    trouble = opened.trouble(opened.cluster(limits=type(SHORT)(1, 30, 0.5)))

    assert time.monotonic() - began < 2
    assert "no whole answer within 0.5 s" in trouble.what


def test_the_connection_cannot_write(opened: Opened) -> None:
    server = ApiServer(Access(str(kubeconfig(opened.folder, opened.server))))

    for method in ("POST", "PUT", "PATCH", "DELETE"):
        with pytest.raises(ValueError, match="only reads"):
            asyncio.run(server._once(method, opened.server.url, None, {}))
    server.close()
    assert opened.server.asked == []
