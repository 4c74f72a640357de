"""What every source of log lines keeps to, whatever stands behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.wiring.product import Product
from telemetry.sources.config import Kubernetes
from telemetry.sources.opening import open_source
from telemetry.sources.protocols import LogLine, LogQuery, LogSource
from telemetry.sources.stored import StoredLogs
from tests.telemetry.sources.corpus import BASE, END, LINES, NASTY, SECOND, TRACE
from tests.telemetry.sources.elastic_server import PLAIN, TYPES, ElasticServer, ecs, plain, stamp
from tests.telemetry.sources.kube_server import KubeServer, kubeconfig
from tests.telemetry.sources.loki_server import LokiServer
from tests.telemetry.sources.opened import opened
from tests.telemetry.sources.serving import serving

KINDS = ("loki", "loki-2", "loki-small-pages", "elasticsearch", "elasticsearch-without-pit", "opensearch", "kubernetes", "store")


@dataclass
class Holding:
    """A source that holds the corpus."""

    source: Any
    kind: str

    def texts(self, **query: Any) -> list[str]:
        answer = self.source.lines(LogQuery(**{"start": BASE, "end": END, "limit": 10_000, **query}))
        assert answer.status == "complete", answer
        return [message(line) for line in answer.records]


def message(line: LogLine) -> str:
    """The message alone: the store and pods give the whole line that was written."""
    if line.fields.get("container"):
        return line.text.partition(": ")[2].partition(" trace_id=")[0]
    return str(json.loads(line.text)["message"]) if line.fields.get("line_no") else line.text


def _served(kind: str, stack: ExitStack, folder: Path) -> Any:
    if kind == "store":
        rows = [{"@timestamp": stamp(one.time), "level": one.level, "service": one.service, "namespace": one.namespace, "host": one.pod,
                 **({"trace_id": one.trace_id} if one.trace_id else {}), "message": one.text} for one in LINES]
        (folder / "app.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        Product(folder / "home").ingest([folder / "app.jsonl"])
        return StoredLogs(folder / "home")
    if kind == "kubernetes":
        url = stack.enter_context(serving(KubeServer(LINES))).url
        entry = Kubernetes(kind="kubernetes", name="here", kubeconfig=kubeconfig(folder, url))
        return open_source(entry, lambda _: None)
    handlers: dict[str, Any] = {
        "loki": LokiServer(LINES), "loki-2": LokiServer(LINES, categorised=False), "loki-small-pages": LokiServer(LINES, most=50),
        "elasticsearch": ElasticServer([ecs(one) for one in LINES], TYPES),
        "elasticsearch-without-pit": ElasticServer([plain(one) for one in LINES], PLAIN, pit=False),
        "opensearch": ElasticServer([plain(one) for one in LINES], PLAIN, open_search=True)}
    return opened(kind.split("-", maxsplit=1)[0], stack.enter_context(serving(handlers[kind])).url)


@pytest.fixture(scope="module", params=KINDS)
def held(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Holding]:
    with ExitStack() as stack:
        source = _served(request.param, stack, tmp_path_factory.mktemp("logs"))
        stack.callback(source.close)
        yield Holding(source, request.param)


def test_it_is_a_source_of_logs(held: Holding) -> None:
    assert isinstance(held.source, LogSource)
    assert held.source.check().status == "complete"


def test_all_lines_of_a_window_come_once_and_in_order(held: Holding) -> None:
    answer = held.source.lines(LogQuery(BASE, END, limit=10_000))

    assert answer.status == "complete"
    assert sorted(message(line) for line in answer.records) == sorted(line.text for line in LINES)
    assert [line.time for line in answer.records] == sorted(line.time for line in LINES)


def test_a_window_is_half_open(held: Holding) -> None:
    assert held.texts(start=BASE + 400 * SECOND, end=BASE + 500 * SECOND) == ["connection refused by inventory", "größer als 1 МБ"]


def test_one_service_alone(held: Holding) -> None:
    assert held.texts(service="cart") == ["Connection opened to inventory", NASTY, "connection refused by inventory", "the last line"]
    assert held.texts(service="später") == ["größer als 1 МБ"]


def test_a_service_that_is_not_there_has_no_lines(held: Holding) -> None:
    assert held.texts(service='x"} or vector(1) #') == []


def test_pod_and_namespace_select(held: Holding) -> None:
    assert held.texts(pod="cart-2", namespace="shop") == ["connection refused by inventory"]
    assert held.texts(pod="cart-2", namespace="elsewhere") == []


def test_contained_words_ignore_case(held: Holding) -> None:
    assert held.texts(contains=("connection",)) == ["Connection opened to inventory", "connection refused by inventory"]
    assert held.texts(contains=("CONNECTION", "refused")) == ["connection refused by inventory"]


@pytest.mark.parametrize("text", ['braces {a="b"} | = "x"', "backslash \\ dollar $", "(paren) [set] star *", NASTY])
def test_contained_text_is_taken_as_it_is(held: Holding, text: str) -> None:
    if held.kind == "store" and ('"' in text or "\\" in text):
        pytest.skip("the store compares with the line of the file, where JSON escapes quotes and backslashes")
    assert held.texts(contains=(text,)) == [NASTY]


def test_text_like_a_pattern_matches_no_other_text(held: Holding) -> None:
    assert held.texts(contains=("conn.*ion",)) == []
    assert held.texts(contains=("c?nnection",)) == []


def test_levels_select_however_they_are_written(held: Holding) -> None:
    assert held.texts(levels=("error", "fatal")) == ["payment declined for order 77", "connection refused by inventory"]
    assert held.texts(levels=("warn",)) == [NASTY]


def test_the_lines_of_a_trace(held: Holding) -> None:
    assert held.texts(trace_id=TRACE) == ["payment declined for order 77"]


def test_a_limit_keeps_the_first_lines_and_says_so(held: Holding) -> None:
    answer = held.source.lines(LogQuery(BASE, END, service="clock", limit=5))

    assert (answer.status, [message(line) for line in answer.records]) == ("partial", [f"tick {n} of the clock" for n in range(5)])
    assert "limit of 5" in answer.reason


def test_the_newest_lines_are_the_last_in_order(held: Holding) -> None:
    answer = held.source.lines(LogQuery(BASE, END, service="clock", limit=3, newest=True))

    assert [message(line) for line in answer.records] == [f"tick {n} of the clock" for n in (1297, 1298, 1299)]
    assert answer.status == "partial"


def test_lines_of_one_instant_are_all_there(held: Holding) -> None:
    assert sorted(held.texts(service="bursty")) == sorted(f"burst number {n} of the same instant" for n in range(40))


def test_an_empty_window_is_complete_and_empty(held: Holding) -> None:
    assert held.texts(start=END, end=END + SECOND) == []


def test_a_line_comes_with_what_is_known_of_it(held: Holding) -> None:
    line, = held.source.lines(LogQuery(BASE, END, contains=("declined",))).records

    assert (line.time, line.level, line.service, line.trace_id or TRACE) == (BASE + 1_500_000, "error", "checkout", TRACE)
    assert "checkout-1" in {line.pod, line.host}


def test_services_are_named(held: Holding) -> None:
    answer = held.source.services(BASE, END)

    assert (answer.status, answer.records) == ("complete", ("bursty", "cart", "checkout", "clock", "später"))


def test_what_was_asked_is_told(held: Holding) -> None:
    assert held.source.lines(LogQuery(BASE, END, service="cart")).asked
