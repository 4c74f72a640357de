"""The log tools: exact results, honest about what they do not speak of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from telemetry.models import Query
from telemetry.store.reader import Reader
from tests.tools.stores import generated, stored
from tools.logs import log_tools
from tools.registry import Registry, ToolResult

LINES = generated(3_000)
ERRORS = sum(" ERROR " in line for line in LINES)


class Meaning:
    """A search that knows which templates are about what."""

    lexical = False

    def __init__(self, reader: Reader) -> None:
        self.ids = [t.id for t in reader.catalog.templates if "timed out" in t.pattern] + ["gone"]

    def search(self, text: str, k: int = 10) -> list[tuple[str, float]]:
        return [(ident, 0.9) for ident in self.ids][:k]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return Reader(stored(tmp_path_factory.mktemp("logs"), LINES))


@pytest.fixture
def tools(reader: Reader) -> Registry:
    return log_tools(reader, Meaning(reader), model=True)


def rows(result: ToolResult) -> list[list[Any]]:
    assert result.found is not None, result.error
    return result.found.result.rows or []


def test_count_by_level_is_exact(tools: Registry) -> None:
    result = tools.call("logs.count", {"by": ["level"]})

    assert dict(map(tuple, rows(result))) == {"info": 3_000 - ERRORS, "error": ERRORS}  # type: ignore[arg-type]


def test_query_tells_exactly_what_ran(tools: Registry, reader: Reader) -> None:
    result = tools.call("logs.top", {"field": "cents", "levels": ["INFO"], "contains": ["Accepted"], "limit": 2})

    assert result.found is not None
    assert reader.run(Query.model_validate(result.query)).result == result.found.result


def test_conditions_hold_together(tools: Registry) -> None:
    took = [{"name": "duration", "op": "ge", "value": 8000}]

    result = tools.call("logs.count", {"levels": ["error"], "contains": ["TIMED OUT"], "params": took, "start": "2026-03-01T10:10:00"})

    assert result.total == sum(" ERROR " in line and int(line.split(" ms,")[0].split()[-1]) >= 8000 for line in LINES[600:])


@pytest.mark.parametrize("field", ["levle", "durration", "param:durration"])
def test_unknown_field_names_the_nearest(tools: Registry, field: str) -> None:
    result = tools.call("logs.top", {"field": field})

    assert result.status == "failed"
    assert ("level" if "lev" in field else "duration") in (result.error or "")


def test_unknown_field_in_an_exact_query_is_an_error(tools: Registry) -> None:
    query = {"operation": "count", "filters": [{"field": "param:custommer", "op": "eq", "value": "x"}]}

    assert tools.call("logs.query", query).status == "failed"


def test_unknown_template_is_an_error_not_nothing(tools: Registry) -> None:
    assert tools.call("logs.count", {"templates": ["nope"]}).status == "failed"


def test_selecting_by_what_no_record_has_is_an_error(tmp_path: Path) -> None:
    tools = log_tools(Reader(stored(tmp_path, ["one line", "another line"])))

    assert "no record has a level" in (tools.call("logs.count", {"levels": ["error"]}).error or "")


def test_level_never_seen_is_told(tools: Registry) -> None:
    result = tools.call("logs.count", {"levels": ["fatal"]})

    assert result.status == "nothing_found"
    assert "no record at all has the level 'fatal'" in result.notes[0]


def test_empty_window_is_told_from_no_match(tools: Registry) -> None:
    outside = tools.call("logs.count", {"start": "2027-01-01T00:00:00Z"})
    inside = tools.call("logs.count", {"contains": ["no such text"]})

    assert "holds no records at all" in (outside.reason or "")
    assert inside.reason == "3000 records were searched and none matches"


def test_lines_come_with_the_templates_of_all_that_match(tools: Registry) -> None:
    result = tools.call("logs.lines", {"contains": [" ms"], "limit": 5})

    wanted = sum(" ms" in line for line in LINES)
    assert result.found is not None
    assert len(result.found.result.lines or []) == 5
    assert sum(t.count for t in result.templates) == result.total == wanted


def test_values_of_a_template_are_counted_over_all_records(tools: Registry) -> None:
    result = tools.call("logs.lines", {"levels": ["error"], "limit": 1})

    durations = [int(line.split(" ms,")[0].split()[-1]) for line in LINES if " ERROR " in line]
    spread = next(p for p in result.templates[0].params if p.type == "duration")
    assert (spread.distinct, spread.low, spread.high) == (len(set(durations)), min(durations), max(durations))
    assert spread.values[0][1] == max(durations.count(d) for d in durations)


def test_newest_lines_are_the_last(tools: Registry) -> None:
    result = tools.call("logs.lines", {"newest": True, "limit": 1})

    assert result.found is not None
    assert result.found.result.lines is not None
    assert result.found.result.lines[0].line_no == 3_000


def test_search_by_meaning_counts_in_the_window(tools: Registry) -> None:
    result = tools.call("logs.search_templates", {"words": "database unreachable", "end": "2026-03-01T10:10:00Z"})

    assert rows(result)[0][3] == sum(" ERROR " in line for line in LINES[:600])
    assert result.query["words"] == "database unreachable"


def test_search_without_an_index_is_not_assessed(reader: Reader) -> None:
    assert log_tools(reader).call("logs.search_templates", {"words": "x"}).status == "not_assessed"


def test_comparison_takes_the_time_before_as_baseline(tools: Registry) -> None:
    result = tools.call("logs.compare", {"start": "2026-03-01T10:30:00Z", "end": "2026-03-01T10:40:00Z"})

    assert result.query["baseline"] == {"start": "2026-03-01T10:20:00Z", "end": "2026-03-01T10:30:00Z"}
    assert result.searched == 1_200


def test_what_is_gone_from_the_window_is_found(tools: Registry) -> None:
    result = tools.call("logs.compare", {"start": "2026-03-01T10:50:00Z", "end": "2026-03-01T11:00:00Z"})

    assert result.status == "found"
    assert {row[4] for row in rows(result)} == {"gone"}
    assert "window holds no records" in " ".join(result.notes)


def test_context_takes_a_file_name(tools: Registry) -> None:
    result = tools.call("logs.context", {"source": "app.log", "line_no": 5, "before": 1, "after": 2})

    assert result.found is not None
    assert [line.line_no for line in result.found.result.lines or []] == [4, 5, 6, 7]


def test_context_of_an_unknown_source_is_an_error(tools: Registry) -> None:
    assert "no sources" in (tools.call("logs.context", {"source": "b.log", "line_no": 5}).error or "")


def test_fields_lists_what_can_be_asked(tools: Registry) -> None:
    names = [row[0] for row in rows(tools.call("logs.fields", {}))]

    assert {"template", "level", "duration"} <= set(names)
    assert rows(tools.call("logs.fields", {"field": "level"}))[0] == ["info", 3_000 - ERRORS]


def test_lines_of_an_exact_query_are_bounded_for_a_model(tools: Registry, reader: Reader) -> None:
    arguments = {"operation": "lines", "limit": 1_000_000}

    assert "at most 5000 lines" in tools.call("logs.query", arguments).notes[0]
    assert log_tools(reader).call("logs.query", arguments).notes == []


def test_sixteen_threads_share_one_reader(reader: Reader) -> None:
    calls = [
        ("logs.count", {"by": ["level"]}), ("logs.top", {"field": "template"}), ("logs.lines", {"levels": ["error"], "limit": 3}),
        ("logs.trend", {"bucket_seconds": 60}), ("logs.summary", {}), ("logs.query", {"operation": "top", "field": "template"}),
        ("logs.compare", {"start": "2026-03-01T10:30:00Z"}), ("logs.fields", {}),
    ]  # fmt: skip
    alone = [log_tools(Reader(reader.home)).call(*call) for call in calls]
    shared = log_tools(Reader(reader.home))

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda n: shared.call(*calls[n % len(calls)]), range(64)))

    for n, result in enumerate(results):
        assert result.model_copy(update={"seconds": 0}) == alone[n % len(calls)].model_copy(update={"seconds": 0})


def test_one_late_query_leaves_the_others_alone(reader: Reader) -> None:
    tools = log_tools(Reader(reader.home))

    def call(n: int) -> str:
        return tools.call("logs.top", {"field": "template"}, timeout=0.0 if n % 4 == 0 else None).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(call, range(32)))

    assert statuses == ["failed" if n % 4 == 0 else "found" for n in range(32)]


def test_tools_run_on_an_empty_store(tmp_path: Path) -> None:
    tools = log_tools(Reader(stored(tmp_path, ["just one line without a time"])), model=True)

    assert tools.call("logs.lines", {}).total == 1
    assert tools.call("logs.compare", {"start": "2026-01-01T00:00:00Z"}).status == "nothing_found"


@pytest.mark.parametrize("written", ["{} UTC", "{}Z", "{} GMT", "{}+00:00", "{} +00:00", "{} utc", "{}"])
def test_times_are_taken_as_models_write_them(tools: Registry, reader: Reader, written: str) -> None:
    first, last = reader.catalog.first, reader.catalog.last
    assert first
    assert last
    middle = (first + (last - first) / 2).replace(microsecond=0)
    exact = tools.call("logs.count", {"start": middle.isoformat()})

    for text in (f"{middle:%Y-%m-%d %H:%M:%S}", f"{middle:%Y-%m-%dT%H:%M:%S}"):
        given = written.format(text)
        assert tools.call("logs.count", {"start": given}).total == exact.total > 0
        query = {"operation": "count", "window": {"start": given, "end": None}}
        assert tools.call("logs.query", query).total == exact.total


def test_other_names_of_arguments_are_understood(tools: Registry) -> None:
    meant = tools.call("logs.count", {"start": "2020-01-01", "end": "2040-01-01", "levels": ["error"]})
    said = tools.call("logs.count", {"from": "2020-01-01", "to": "2040-01-01", "level": "error"})

    assert (said.status, said.total) == (meant.status, meant.total) == ("found", ERRORS)
    assert said.window == meant.window


@pytest.mark.parametrize("arguments", [{"service": "nowhere"}, {"template": "t0"}])
def test_one_service_or_template_selects_as_a_list_does(tools: Registry, arguments: dict[str, str]) -> None:
    [(name, value)] = arguments.items()

    assert tools.call("logs.count", arguments).total == tools.call("logs.count", {f"{name}s": [value]}).total == 0


def test_two_names_for_one_argument_are_refused(tools: Registry) -> None:
    result = tools.call("logs.count", {"from": "2020-01-01", "start": "2030-01-01"})

    assert result.status == "failed"
    assert "from" in str(result.error)
