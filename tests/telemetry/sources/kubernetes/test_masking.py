"""No secret value leaves an object."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.sources.kubernetes.masking import masked_lines, without_secrets

PLANTED = "pl4nted-S3cret-value"


def _pod(**container: Any) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": "cart"}, "spec": {"containers": [{"name": "main", **container}]}}


@pytest.mark.parametrize("each", [
    {"kind": "Secret", "metadata": {"name": "x"}, "data": {"k": PLANTED}, "stringData": {"k2": PLANTED}},
    {"kind": "Secret", "metadata": {"name": "x", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"data": PLANTED})}}},
    _pod(env=[{"name": "DB_PASSWORD", "value": PLANTED}]), _pod(env=[{"name": "MYSQL_PWD", "value": PLANTED}]),
    _pod(env=[{"name": "URL", "value": f"postgres://cart:{PLANTED}@db:5432/cart"}]),
    _pod(args=[f"--db-password={PLANTED}"]), _pod(args=["--db-password", PLANTED, "--port", "80"]), _pod(command=["sh", "-c", f"PASSWORD={PLANTED} ./run"]),
    _pod(livenessProbe={"httpGet": {"httpHeaders": [{"name": "Authorization", "value": PLANTED}]}}),
    {"kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"db.password": PLANTED, "app.yaml": f"password: {PLANTED}\nport: 80"}},
    {"kind": "Event", "metadata": {"name": "x"}, "message": f"cannot log in with password={PLANTED}"},
    {"kind": "Deployment", "metadata": {"name": "x", "annotations": {"vault/token": PLANTED}}},
    {"kind": "ControllerRevision", "metadata": {"name": "x"}, "data": {"spec": {"template": _pod(env=[{"name": "API_KEY", "value": PLANTED}])}}},
])
def test_a_planted_secret_is_gone(each: dict[str, Any]) -> None:
    assert PLANTED not in json.dumps(without_secrets(each))


def test_what_is_no_secret_stays() -> None:
    each = _pod(image="registry.example/cart@sha256:" + "ab" * 32, args=["--port", "80", "--token-file=/var/run/token"], env=[
        {"name": "DB_HOST", "value": "db"}, {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}])

    assert without_secrets(each) == each


def test_keys_of_a_secret_stay() -> None:
    assert without_secrets({"kind": "Secret", "metadata": {}, "data": {"a": "x"}, "stringData": {"b": "y"}})["data"] == {"a": "", "b": ""}


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=20),
                    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["env", "args", "data", "name", "value", "spec", "x"]), inner, max_size=4)))
def test_any_json_is_walked_and_masked_twice_alike(value: Any) -> None:
    once = without_secrets({"kind": "Pod", "spec": value})

    assert without_secrets(once) == once


def test_a_private_key_over_several_lines_is_gone_from_a_log() -> None:
    body = "MIIEowIBAAKCAQEA7bq4mYd0cSyqFzJm1lVqkY8m0x4Fq0e0w1S3R8c5"
    lines = ["before", "-----BEGIN RSA PRIVATE KEY-----", body, body, "-----END RSA PRIVATE KEY-----", "after"]
    shown = list(masked_lines(lines))

    assert (shown[0], shown[-1], len(shown)) == ("before", "after", 6)
    assert body not in "".join(shown)


def test_a_key_that_never_ends_does_not_hide_the_log() -> None:
    assert list(masked_lines(["-----BEGIN PRIVATE KEY-----", "INFO started on port 80", "bye"]))[1:] == ["INFO started on port 80", "bye"]
