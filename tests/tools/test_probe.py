"""The agent's tools about probes: they ask and read, and attach nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.probe import probe_tools

ASK = {"probe": "http", "port": 8080, "node": "node-1", "why": "checkout or its database",
       "outcomes": [{"seen": "slow", "means": "the database"}, {"seen": "fast", "means": "checkout"}]}


def session(folder: Path, name: str = "0123456789abcdef") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.jsonl"
    lines = [
        {"type": "session", "session": "s", "approval": "ap", "node": "node-1", "target": "process 7 (shop)", "spec": {"name": "http"}, "started": "2026-03-01T03:00:00+00:00"},
        {"type": "attached", "ms": 40},
        {"type": "call", "call": {"kind": "http", "start": 1772334000_000000000, "duration": 2_500_000_000, "method": "GET", "route": "/cart", "status": 503}},
        {"type": "result", "ended": "the time is over", "cpu": 0.01, "cap": 0.05, "summary": {
            "counts": {"seen": 9, "events": 1, "suppressed": 8, "lost": 0, "duplicates": 0, "gaps": 0, "unparsed": 0, "untracked": 0, "calls": 27, "in_flight": 0, "identity_holds": True},
            "latency": {"count": 9, "p50_ms": 2.0, "p90_ms": 3.0, "p99_ms": 2500.0, "max_ms": 2500.0}, "latency_error": 0.03125, "outcomes": {"5xx": {"count": 9}}, "groups": [], "sentences": []}}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"type": "call", "cut')
    return path


def test_results_are_told_in_sentences_with_what_is_missing(tmp_path: Path) -> None:
    session(tmp_path)

    result = probe_tools(tmp_path, None).call("probe.results", {})

    assert result.output is not None
    told = " ".join(one["text"] for one in result.output["passages"])
    assert "9 seen, 1 handed out; 8 over the budget" in told
    assert "GET /cart → 503 in 2.5 s" in told
    assert "1.00% of one CPU, not predicted, 5.0% approved" in told


def test_nothing_told_is_empty_and_not_failed(tmp_path: Path) -> None:
    result = probe_tools(tmp_path / "none", None).call("probe.results", {})

    assert (result.status, result.reason) == ("nothing_found", "no probe has told anything")


def test_asking_asks_people_and_says_that_nothing_is_attached(tmp_path: Path) -> None:
    asked: list[tuple[str, Mapping[str, Any], str]] = []

    def propose(node: str, params: Mapping[str, Any], reason: str) -> Mapping[str, Any]:
        asked.append((node, params, reason))
        return {"approval": "ap-7", "target": "process 7", "price": "about 1 % of one CPU", "why": ""}

    result = probe_tools(tmp_path, propose).call("probe.propose", ASK)

    (one,) = asked
    assert (one[0], one[1]["probe"], one[1]["port"]) == ("node-1", "http", 8080)
    assert one[2] == "checkout or its database; if slow: the database; if fast: checkout"
    assert result.output is not None
    assert "NOT attached until a person approves it" in result.output["passages"][0]["text"]


def test_code_cannot_be_sent(tmp_path: Path) -> None:
    for extra in ({"code": "int x;"}, {"program": "/tmp/x.o"}):
        result = probe_tools(tmp_path, lambda *_: {}).call("probe.propose", {**ASK, **extra})
        assert result.status == "failed"


def test_neither_tool_can_approve_or_attach(tmp_path: Path) -> None:
    registry = probe_tools(tmp_path, lambda *_: {})

    tools = [registry.tool(name) for name in registry.names()]
    assert {(tool.name, tool.risk) for tool in tools if tool} == {("probe.propose", "probe"), ("probe.results", "read")}
    assert "approver" not in json.dumps([tool.schema() for tool in tools if tool])


def test_what_a_probe_told_is_for_its_owner_alone(tmp_path: Path) -> None:
    from tools.actions.probes import Collected

    (tmp_path / "probes").mkdir(mode=0o755)
    Collected(tmp_path / "probes" / "0.jsonl", {"type": "session"}).read(iter([]))

    assert [(tmp_path / "probes" / name).stat().st_mode & 0o777 for name in (".", "0.jsonl")] == [0o700, 0o600]


def test_a_text_with_an_end_of_line_of_unicode_hides_no_call(tmp_path: Path) -> None:
    from tools.actions.probes import Collected, read_result

    query = "SELECT \u2028 \x85 \x1c FROM t"
    Collected(tmp_path / "0.jsonl", {"type": "session"}).read(iter([{"type": "call", "call": {"kind": "sql", "query": query}}, {"type": "result"}]))

    assert [one["query"] for one in read_result(tmp_path / "0.jsonl")["calls"]] == [query]


def test_a_daemon_that_tells_without_end_fills_no_disk(tmp_path: Path) -> None:
    from tools.actions.probes import ROOM, Collected, read_result

    long = {"type": "progress", "text": "x" * (1 << 20)}
    lines = [*[long] * ((ROOM >> 20) + 20), {"type": "call", "call": {"kind": "http"}}, {"type": "result", "ended": "the time is over"}]
    Collected(tmp_path / "0.jsonl", {"type": "session"}).read(iter(lines))

    assert (tmp_path / "0.jsonl").stat().st_size < ROOM + (3 << 20)
    assert read_result(tmp_path / "0.jsonl")["result"]["ended"] == "the time is over"
    (tmp_path / "0.jsonl").unlink()
