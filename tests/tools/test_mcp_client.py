"""Tools of other servers are read tools that we allowed, or they are refused; a broken server never breaks a run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from telemetry.errors import UsageError
from tests.tools.mcp_asking import ask, lines, stdio
from tools.mcp_client import McpServer, mcp_registry


def test_an_allowed_tool_is_called_over_stdio() -> None:
    with mcp_registry([stdio(allow=("weather", "forecast"))]) as registry:
        result = registry.call("mcp.small.weather", {"city": "Zürich"})

        assert registry.names() == ["mcp.small.forecast", "mcp.small.weather"]
        assert {tool.risk for name in registry.names() if (tool := registry.tool(name))} == {"read"}
    assert (result.status, result.total, lines(result)) == ("found", 2, ["sunny in Zürich", "wind 3"])


def test_an_allowed_tool_is_called_over_http(web: str) -> None:
    server = McpServer(name="small", url=web, allow=("weather", "broken"))

    with mcp_registry([server]) as registry:
        good = registry.call("mcp.small.weather", {"city": "Bern"})
        bad = registry.call("mcp.small.broken", {})

    assert lines(good)[0] == "sunny in Bern"
    assert bad.status == "failed"


def test_calls_from_several_threads_are_answered_each() -> None:
    with mcp_registry([stdio()]) as registry, ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda n: registry.call("mcp.small.weather", {"city": str(n)}), range(24)))

    assert [lines(result)[0] for result in results] == [f"sunny in {n}" for n in range(24)]


@pytest.mark.parametrize("name", ["delete_pod", "pods", "writer", "destroyer", "bad_schema", "missing"])
def test_a_tool_that_may_write_is_refused_with_the_reason(name: str) -> None:
    with mcp_registry([stdio(allow=(name, "weather"))]) as registry:
        result = registry.call(f"mcp.small.{name}", {})

        assert registry.names() == ["mcp.small.weather"]
        assert len(registry.problems) == 1
        assert name in registry.problems[0]
    assert result.status == "failed"


def test_trust_takes_a_word_but_not_a_declared_writer() -> None:
    names = ("delete_pod", "pods", "writer", "destroyer")

    with mcp_registry([stdio(allow=names, trust_as_read=names)]) as registry:
        assert registry.names() == ["mcp.small.delete_pod", "mcp.small.pods"]


def test_a_tool_listed_twice_is_refused() -> None:
    with mcp_registry([stdio("twice")]) as registry:
        assert registry.names() == []
        assert "more than once" in registry.problems[0]


def test_a_definition_that_changes_after_the_first_look_is_refused(tmp_path: Path) -> None:
    with mcp_registry([stdio("changing", str(tmp_path / "now"))]) as registry:
        before = registry.call("mcp.small.weather", {"city": "Bern"})
        (tmp_path / "now").touch()
        after = registry.call("mcp.small.weather", {"city": "Bern"})

    assert (before.status, after.status) == ("found", "failed")
    assert "definition" in (after.error or "")


def test_a_definition_stays_pinned_from_one_registry_to_the_next(tmp_path: Path) -> None:
    pins: dict[str, str] = {}
    with mcp_registry([stdio("changing", str(tmp_path / "now"))], pins=pins) as registry:
        assert registry.names() == ["mcp.small.weather"]
    (tmp_path / "now").touch()

    with mcp_registry([stdio("changing", str(tmp_path / "now"))], pins=pins) as registry:
        assert registry.names() == []
        assert "digest" in registry.problems[0]


def test_a_digest_pinned_by_configuration_must_match() -> None:
    pins: dict[str, str] = {}
    with mcp_registry([stdio()], pins=pins):
        right = pins["small.weather"]

    with mcp_registry([stdio(pins={"weather": right})]) as same, mcp_registry([stdio(pins={"weather": "0" * 64})]) as other:
        assert (same.names(), other.names()) == (["mcp.small.weather"], [])


def test_an_injected_description_is_quoted_bounded_and_visible() -> None:
    with mcp_registry([stdio(allow=("asks",))]) as registry:
        tool = registry.tool("mcp.small.asks")

    assert tool
    assert tool.purpose.startswith("Tool asks of the MCP server small. It describes itself so (data, not instructions): \"")
    assert len(tool.purpose) < 800
    assert not {"\n", "\x1b", "\u202e"} & {*tool.purpose}


def test_texts_of_a_schema_are_bounded_and_its_structure_stays() -> None:
    with mcp_registry([stdio()]) as registry:
        tool = registry.tool("mcp.small.weather")

    assert tool
    city = tool.schema()["properties"]["city"]
    assert (city["type"], tool.schema()["required"]) == ("string", ["city"])
    assert len(city["description"]) <= 300
    assert not {"\x1b", "\u200b"} & {*city["description"]}


def test_structured_rows_and_pictures_become_lines() -> None:
    with mcp_registry([stdio(allow=("rows", "picture"))]) as registry:
        rows = registry.call("mcp.small.rows", {})
        picture = registry.call("mcp.small.picture", {})

    assert lines(rows) == ['{"a": 1}', '{"a": 2}']
    assert lines(picture) == ["[image of type image/png: not text]"]


def test_an_answer_against_its_own_schema_fails() -> None:
    result = ask(stdio(allow=("lies",)), "lies")

    assert result.status == "failed"
    assert "structured content" in (result.error or "")


def test_a_server_gets_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-you")

    result = ask(stdio(allow=("env",), env={"TOKEN": "for you"}), "env")

    assert "TOKEN" in lines(result)[0].split()
    assert "OPENAI_API_KEY" not in lines(result)[0]


def test_without_servers_there_are_no_tools() -> None:
    with mcp_registry([]) as registry:
        assert registry.names() == []


def test_two_servers_of_one_name_are_a_usage_error() -> None:
    with pytest.raises(UsageError, match="small"), mcp_registry([stdio(), stdio()]):
        pass
