"""Which servers and tools of theirs are taken, and what is shown of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from telemetry.errors import UsageError
from telemetry.unseen import unseen
from tools.mcp_client import McpServer, read_servers
from tools.mcp_client.rules import Offered, refusal
from tools.mcp_client.words import clean, clean_schema


@pytest.mark.parametrize("wrong", [
    {}, {"command": "x", "url": "http://h/"}, {"url": "file:///etc/passwd"}, {"url": "http://u:p@h/"}, {"url": "http://h/", "env": {"A": "b"}},
    {"command": "x", "headers": {"A": "b"}}, {"command": "x", "allow": []}, {"command": "x", "trust_as_read": ["z"]},
    {"command": "x", "timeout": 0}, {"command": "x", "timeout": 3600}, {"command": "x", "name": "a.b"}, {"command": "x", "more": 1},
])
def test_a_server_that_makes_no_sense_is_not_accepted(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        McpServer.model_validate({"name": "a", "allow": ["t"], **wrong})


def test_servers_are_read_from_the_file_other_clients_use(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": {"wiki": {"url": "https://wiki.example/mcp", "headers": {"Authorization": "Bearer k3y"}, "allow": ["search"]}}}))

    (server,) = read_servers(file)

    assert (server.name, server.headers["Authorization"].get_secret_value()) == ("wiki", "Bearer k3y")
    assert "k3y" not in repr(server)


@pytest.mark.parametrize(("text", "named"), [
    ("{", "not JSON"), ("[]", "mcpServers"), ('{"mcpServers": {"wiki": 3}}', "wiki"),
    ('{"mcpServers": {"wiki": {"command": "x", "allow": ["t"], "token": "k3y"}}}', "wiki.token"),
])
def test_a_file_that_cannot_be_used_is_named_without_its_values(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "mcp.json").write_text(text)

    with pytest.raises(UsageError, match=named) as raised:
        read_servers(tmp_path / "mcp.json")

    assert "k3y" not in str(raised.value)


def offered(name: str, description: str = "Looks.", **hints: Any) -> Offered:
    return Offered(name, None, description, {"type": "object"}, None, hints)


def judged(tool: Offered) -> str | None:
    return refusal(tool, McpServer(name="a", command="x", allow=(tool.name,)), None)


@pytest.mark.parametrize("name", [
    "get_pod", "list_deployments", "search_code", "query_range", "get_workflow_run", "list_commits", "readFile", "describe_instance",
    "get_updated_issues", "list_open_alerts", "fetch-traces", "top_offsets",
])
def test_names_that_read_are_taken(name: str) -> None:
    assert judged(offered(name)) is None


@pytest.mark.parametrize("name", [
    "create_issue", "deletePod", "deletepod", "UPDATE_ROW", "kubectl-apply", "patch.node", "exec_in_pod", "restartService", "scale_deployment",
    "write_file", "set_level", "run_query", "get_and_set", "add_label", "upsertRows", "updates_apply",
])
def test_names_that_change_something_are_refused(name: str) -> None:
    assert judged(offered(name)) is not None


@pytest.mark.parametrize("description", [
    "Lists pods.", "Returns the set of labels and when each was updated.", "Shows who created an issue.", "Search recently deleted lines",
])
def test_descriptions_that_read_are_taken(description: str) -> None:
    assert judged(offered("look", description)) is None


@pytest.mark.parametrize("description", [
    "Creates an issue.", "Lists pods, and can restart them.", "Used to set the log level", "DELETE rows", "Send a message", "Scaling of pods",
    "Runs a command in a pod", "Look\u200bs, then de\u200bletes",
])
def test_descriptions_that_change_something_are_refused_unless_annotated(description: str) -> None:
    assert judged(offered("look", description)) is not None
    assert judged(offered("look", description, readOnlyHint=True)) is None


@given(st.text(max_size=400), st.integers(1, 100))
def test_cleaned_text_is_one_bounded_visible_line(text: str, most: int) -> None:
    cleaned = clean(text, most)

    assert len(cleaned) <= most
    assert cleaned.isprintable()
    assert not [char for char in cleaned if unseen(char)]


SCHEMAS = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "properties", "items", "$ref", "required", "x"]), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from(["type", "properties", "items", "required", "$defs"]), SCHEMAS, max_size=4))
def test_any_schema_is_judged_and_cleaned_without_an_error(schema: dict[str, Any]) -> None:
    tool = Offered("look", None, "Looks.", schema, None, {})

    assert judged(tool) is None or "schema" in str(judged(tool))
    assert isinstance(clean_schema(schema), dict)
