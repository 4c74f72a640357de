"""Nouns of questions find the fields of logs."""

from __future__ import annotations

import pytest

from agent.offline.fields import link, unit_after
from telemetry.models import Catalog, FieldInfo, Query
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


def test_values_that_carry_their_unit_are_said_in_what_they_are_read_into() -> None:
    took = FieldInfo("param:took", "duration", 2, ())
    catalog = Catalog((), (took,), 2, 0, None, None)

    assert unit_after(Query(operation="stats", field="param:took", stats=("mean",)), catalog) == "s"
