"""What holds on every cluster: the double's, and with ``pytest --cluster`` the real one of KUBECONFIG (only read)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry.sources.answers import Gathering, Trouble
from telemetry.sources.kubernetes.configuration import Access
from telemetry.sources.kubernetes.history import read_changes
from telemetry.sources.kubernetes.reading import Cluster
from tests.tools.cluster.shops import Held, rows
from tools.cluster.double import ApiDouble
from tools.cluster.permissions import readable
from tools.cluster.tools import cluster_tools, open_cluster
from tools.registry import Registry


class Subject:
    """A cluster and its tools."""

    def __init__(self, cluster: Cluster, tools: Registry) -> None:
        self.cluster, self.tools = cluster, tools


@pytest.fixture
def double(tmp_path: Path) -> Iterator[Subject]:
    with ApiDouble(token="t0ken-of-oncalm") as server:
        held = Held(server, tmp_path)
        held.load()
        yield Subject(held.cluster, held.tools)
        held.cluster.close()


@pytest.fixture
def real_cluster(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if not request.config.getoption("--cluster"):
        pytest.skip("--cluster was not given: no real cluster is asked")
    path = os.environ.get("KUBECONFIG")
    if not path:
        pytest.skip("KUBECONFIG is not set: there is no real cluster to ask")
    cluster = open_cluster(Access(path, commands=True))
    yield Subject(cluster, cluster_tools(cluster))
    cluster.close()


@pytest.fixture(params=["double", "real_cluster"])
def subject(request: pytest.FixtureRequest) -> Subject:
    """Asked for by name, so that the real one is only set up where it is meant."""
    found: Subject = request.getfixturevalue(request.param)
    return found


def test_it_says_its_version(subject: Subject) -> None:
    assert subject.cluster.version(Gathering("cluster")).startswith("v1.")


def test_something_may_be_read(subject: Subject) -> None:
    assert readable(subject.cluster).may


def test_pages_of_one_and_one_page_give_the_same_namespaces(subject: Subject) -> None:
    whole = [each["metadata"]["name"] for each in subject.cluster.objects(Gathering("cluster"), "namespaces")]
    paged = Cluster(subject.cluster.server, page=1)

    assert [each["metadata"]["name"] for each in paged.objects(Gathering("cluster"), "namespaces")] == whole
    assert whole


def test_pods_of_all_namespaces_are_those_of_each(subject: Subject) -> None:
    g = Gathering[object]("cluster")
    every = {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in subject.cluster.objects(g, "pods")}
    spaces = {namespace for namespace, _ in every}

    assert every == {(space, each["metadata"]["name"]) for space in spaces for each in subject.cluster.objects(g, "pods", space)}


def test_an_object_is_got_as_it_was_listed(subject: Subject) -> None:
    g = Gathering[object]("cluster")
    listed = subject.cluster.objects(g, "nodes")
    if not listed:
        pytest.skip("the cluster has no nodes")
    single = subject.cluster.object(g, "nodes", listed[0]["metadata"]["name"])

    assert single is not None
    assert single["metadata"]["uid"] == listed[0]["metadata"]["uid"]


def test_what_is_not_there_is_nothing_found(subject: Subject) -> None:
    result = subject.tools.call("cluster.get", {"kind": "pods", "name": "oncalm-no-such-pod", "namespace": "default"})

    assert (result.status, "there is no Pod" in str(result.reason)) == ("nothing_found", True)


def test_an_extension_nobody_has_is_not_assessed_or_found(subject: Subject) -> None:
    assert subject.tools.call("cluster.get", {"kind": "virtualservices"}).status in {"not_assessed", "nothing_found", "found"}


def test_secrets_come_without_values(subject: Subject) -> None:
    try:
        found = subject.cluster.objects(Gathering("cluster"), "secrets")
    except Trouble as trouble:
        pytest.skip(f"Secrets may not be listed: {trouble.what}")

    assert all(value == "" for each in found for value in (each.get("data") or {}).values())
    assert not any("last-applied" in str(each) for each in found)


@pytest.mark.parametrize("name", ["endpoints", "events", "quotas", "storage", "webhooks", "service_accounts", "probes", "changes", "diagnose"])
def test_every_tool_gives_an_honest_status(subject: Subject, name: str) -> None:
    result = subject.tools.call(f"cluster.{name}", {})

    assert result.status in {"found", "nothing_found", "not_assessed"}, result.error
    assert result.status == "found" or result.reason


def test_logs_of_a_running_pod_can_be_read(subject: Subject) -> None:
    running = [row for row in rows(subject.tools.call("cluster.get", {"kind": "pods", "limit": 500})) if row["status"] == "Running"]
    if not running:
        pytest.skip("no pod runs")
    result = subject.tools.call("cluster.logs", {"pod": running[0]["name"], "namespace": running[0]["namespace"], "tail": 5})

    assert result.status in {"found", "nothing_found", "not_assessed"}, result.error


def test_changes_have_times_and_ids_of_their_own(subject: Subject) -> None:
    found = read_changes(subject.cluster).records

    assert len({one.id for one in found}) == len(found)
    assert [one.time for one in found] == sorted(one.time for one in found)
