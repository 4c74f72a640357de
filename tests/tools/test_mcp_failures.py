"""A server that is slow, broken, gone or hostile fails its calls in time, with the reason, and leaves nothing behind."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.tools.mcp_asking import SERVERS, ask, lines, stdio, unanswered
from tools.mcp_client import McpServer, mcp_registry


def test_a_slow_tool_fails_at_its_deadline_and_the_next_call_works() -> None:
    with mcp_registry([stdio(allow=("slow", "weather"), timeout=5)]) as registry:
        began = time.monotonic()
        late = registry.call("mcp.small.slow", {})
        seconds = time.monotonic() - began
        good = registry.call("mcp.small.weather", {"city": "Bern"})

    assert "within 5 s" in unanswered(late)
    assert good.status == "found"
    assert seconds < 20  # the tool sleeps for longer


def test_a_crash_in_a_call_fails_with_the_servers_last_words_and_the_next_call_starts_it_anew() -> None:
    with mcp_registry([stdio(allow=("crash", "weather"))]) as registry:
        crashed = registry.call("mcp.small.crash", {})
        good = registry.call("mcp.small.weather", {"city": "Bern"})

    assert good.status == "found"
    assert "exit code 3" in unanswered(crashed)
    assert "out of memory" in unanswered(crashed)
    assert "\x1b" not in unanswered(crashed)


def test_an_error_of_the_tool_is_a_failure_with_its_words() -> None:
    result = ask(stdio(allow=("broken",)), "broken")

    assert result.status == "failed"
    assert "the city is not known" in (result.error or "")


def test_an_answer_without_text_found_nothing() -> None:
    assert ask(stdio(allow=("empty",)), "empty").status == "nothing_found"


def test_a_giant_answer_is_cut_and_says_so() -> None:
    result = ask(stdio(allow=("giant",)), "giant")

    assert (result.status, result.total) == ("found", 20_000)
    assert sum(map(len, lines(result))) < 101_000
    assert "left out" in lines(result)[-1]


def test_a_message_larger_than_anybody_reads_fails() -> None:
    result = ask(stdio(allow=("huge",)), "huge")

    assert "8 MB" in unanswered(result)


def test_a_message_larger_than_anybody_reads_fails_over_http(web: str) -> None:
    with mcp_registry([McpServer(name="small", url=web, allow=("huge", "weather"))]) as registry:
        huge = registry.call("mcp.small.huge", {})
        good = registry.call("mcp.small.weather", {"city": "Bern"})

    assert unanswered(huge)
    assert good.status == "found"


@pytest.mark.parametrize(("kind", "reason", "seconds"), [
    ("silent", "within 2 s", 2), ("deaf", "within 2 s", 2), ("babble", "within 2 s", 2), ("flood", "8 MB", 40), ("exits", "no licence", 40),
])
def test_a_server_that_does_not_answer_fails_its_calls_in_time(kind: str, reason: str, seconds: int) -> None:
    began = time.monotonic()
    with mcp_registry([stdio(kind, timeout=seconds)]) as registry:
        result = registry.call("mcp.small.weather", {})
        told = registry.problems

    assert reason in f"{unanswered(result)} {told}"
    assert time.monotonic() - began < 60


def test_a_command_that_is_not_there_and_a_closed_port_fail_with_the_reason() -> None:
    missing = McpServer(name="a", command="/nowhere/to/be/found", allow=("x",))
    closed = McpServer(name="b", url="http://127.0.0.1:9/mcp", allow=("y",), timeout=5)

    with mcp_registry([missing, closed]) as registry:
        results = [registry.call(name, {}) for name in registry.names()]

    assert registry.names() == ["mcp.a.x", "mcp.b.y"]
    assert "/nowhere/to/be/found" in unanswered(results[0])
    assert unanswered(results[1])


def test_one_broken_server_leaves_the_others_working() -> None:
    broken = McpServer(name="gone", command="/nowhere/to/be/found", allow=("x",))

    with mcp_registry([broken, stdio()]) as registry:
        assert registry.call("mcp.small.weather", {"city": "Bern"}).status == "found"


def test_processes_are_gone_when_the_registry_is_even_those_that_refuse(tmp_path: Path) -> None:
    began = time.monotonic()
    with mcp_registry([stdio("stubborn", str(tmp_path / "pids"))]) as registry:
        assert registry.call("mcp.small.weather", {"city": "Bern"}).status == "found"
        pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]

    assert time.monotonic() - began < 15
    assert not any(_alive(pid) for pid in pids)


def _alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_no_process_or_thread_is_left_behind() -> None:
    me = psutil.Process(os.getpid())
    before = {child.pid for child in me.children(recursive=True)}

    with mcp_registry([stdio(), McpServer(name="other", command=sys.executable, args=(str(SERVERS), "silent"), allow=("x",), timeout=1)]):
        pass

    assert {child.pid for child in me.children(recursive=True)} <= before


def test_a_call_after_the_registry_was_closed_fails() -> None:
    with mcp_registry([stdio()]) as registry:
        pass

    assert "closed" in unanswered(registry.call("mcp.small.weather", {"city": "Bern"}))
