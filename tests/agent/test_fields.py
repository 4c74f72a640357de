"""Nouns of questions find the fields of logs."""

from __future__ import annotations

import pytest

from agent.offline.fields import link
from telemetry.models import Catalog
from tests.agent.books import HDFS, JAVA, K8S, MAIL, NGINX, SSHD


@pytest.mark.parametrize(("catalog", "noun", "ref"), [
    (SSHD, "users", "param:user"), (SSHD, "accounts", "param:user"), (SSHD, "ip addresses", "param:ip"),
    (SSHD, "machines", "host"), (HDFS, "components", "logger"), (HDFS, "files", "param:path"),
    (NGINX, "status codes", "param:status"), (NGINX, "urls", "param:path"), (JAVA, "services", "service"),
    (K8S, "nodes", "param:node"), (K8S, "latency_ms", "param:latency_ms"), (MAIL, "senders", "param:sender"),
])
def test_noun_names_its_field(catalog: Catalog, noun: str, ref: str) -> None:
    linked = link(noun, catalog)

    assert linked is not None
    assert linked.ref == ref


def test_unknown_noun_names_nothing() -> None:
    assert link("elephants", SSHD) is None
