"""``oncalm fetch`` brings a window into the store once, whatever is interrupted or asked again."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from api.times import moments
from api.wiring.product import Product
from telemetry.models import Query, Window
from telemetry.store.beyond import RecordReader
from telemetry.store.reader import Reader
from tests.operations.command import document
from tests.operations.command import oncalm as run
from tests.telemetry.sources import metric_corpus
from tests.telemetry.sources.corpus import LINES, SPANS, TRACE
from tests.telemetry.sources.jaeger_server import JaegerServer
from tests.telemetry.sources.loki_server import LokiServer
from tests.telemetry.sources.prometheus_server import prometheus
from tests.telemetry.sources.remote_write import write
from tests.telemetry.sources.serving import Request, Response, serving

FROM, TO = "2026-09-21 14:13:20", "2026-09-21 14:23:20"


def configured(home: Path, kind: str, url: str, **more: Any) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    (home / "sources.yaml").write_text(json.dumps({"sources": {"live": {"kind": kind, "url": url, **more}}}))
    return home


def oncalm(home: Path, *args: str, code: int = 0) -> dict[str, Any]:
    """The document of a command that ends with a code."""
    done = run(home, *args)
    assert done.returncode == code, done.stderr
    found = document(done)
    assert isinstance(found, dict)
    return found


def fetched(home: Path, *more: str, code: int = 0) -> dict[str, Any]:
    return oncalm(home, "fetch", "live", "--from", FROM, "--to", TO, *more, "--json", code=code)


def texts(home: Path) -> list[str]:
    reader = Reader(home)
    lines = reader.run(Query(operation="lines", limit=100_000)).result.lines or []
    reader.close()
    return sorted(json.loads(line.text)["message"] for line in lines)


EVERY = sorted(line.text for line in LINES)


def test_logs_come_into_the_store_once(tmp_path: Path) -> None:
    with serving(LokiServer(LINES)) as served:
        home = configured(tmp_path / "home", "loki", served.url)
        first, again = fetched(home), fetched(home)

    assert (first["records"], again["records"], again["already"]) == (len(LINES), 0, 3)
    assert texts(home) == EVERY


def test_a_service_first_and_all_of_them_later_doubles_nothing(tmp_path: Path) -> None:
    with serving(LokiServer(LINES)) as served:
        home = configured(tmp_path / "home", "loki", served.url)
        fetched(home, "--service", "cart")
        assert texts(home) == sorted(line.text for line in LINES if line.service == "cart")
        fetched(home)
        assert fetched(home, "--service", "clock")["records"] == 0

    assert texts(home) == EVERY


def test_what_failed_is_fetched_the_next_time(tmp_path: Path) -> None:
    server, broken = LokiServer(LINES), [False]

    def answer(request: Request) -> Response:
        late = request.path.endswith("query_range") and int(request.one("start")) >= (1_790_000_000 + 300) * 10**9
        return Response(b"the ingester is gone", 500) if late and broken[0] else server(request)

    with serving(answer) as served:
        home = configured(tmp_path / "home", "loki", served.url)
        broken[0] = True
        failed = fetched(home, code=1)
        broken[0] = False
        fetched(home)

    assert "the ingester is gone" in failed["problems"][0]
    assert 0 < failed["records"] < len(LINES)
    assert texts(home) == EVERY


@pytest.mark.parametrize("step", ["before the ingest", "after the ingest"])
def test_a_fetch_that_dies_between_its_steps_doubles_nothing(tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from api.ingestion.fetching import Fetching
    from telemetry.sources.ledger import Ledger

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with serving(LokiServer(LINES)) as served:
        home = configured(tmp_path / "home", "loki", served.url)
        product = Product(home)
        low, high = moments(None, FROM, TO)
        with product.sources() as sources, monkeypatch.context() as patched:
            patched.setattr(*((Product, "ingest", dies) if step == "before the ingest" else (Ledger, "settle", dies)))
            fetching = Fetching(product, sources.get("live"), "", 10**6, lambda _: None)
            with pytest.raises(KeyboardInterrupt):
                fetching.run(low, high)
        again = oncalm(home, "fetch", "live", "--from", FROM, "--to", TO, "--json")
        assert again["problems"] == []

    assert texts(home) == EVERY


def test_a_stretch_with_very_many_lines_is_halved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import api.ingestion.fetching

    monkeypatch.setattr(api.ingestion.fetching, "LINES", 200)
    with serving(LokiServer(LINES)) as served:
        product = Product(configured(tmp_path / "home", "loki", served.url))
        with product.sources() as sources:
            done = api.ingestion.fetching.Fetching(product, sources.get("live"), "", 10**6, lambda _: None).run(*moments(None, FROM, TO))

    assert not done.problems
    assert texts(tmp_path / "home") == EVERY


def test_a_limit_stops_and_the_next_call_goes_on(tmp_path: Path) -> None:
    with serving(LokiServer(LINES)) as served:
        home = configured(tmp_path / "home", "loki", served.url)
        first = fetched(home, "--limit", "10", code=1)
        fetched(home)

    assert "larger --limit" in first["problems"][0]
    assert texts(home) == EVERY


def test_a_server_that_is_not_there_is_an_error_that_says_so(tmp_path: Path) -> None:
    home = configured(tmp_path / "home", "loki", "http://127.0.0.1:9")
    failed = fetched(home, code=1)

    assert "cannot connect" in failed["problems"][0]


def test_offline_questions_are_answered_over_fetched_logs(tmp_path: Path) -> None:
    with serving(LokiServer(LINES)) as served:
        home = configured(tmp_path / "home", "loki", served.url)
        fetched(home)
    answer = oncalm(home, "ask", "how many errors of checkout?", "--json")

    assert answer["result"]["value"] == 1


def _spans(home: Path) -> Sequence[Any]:
    with RecordReader(home) as reader:
        return reader.spans(Window())


def test_spans_come_into_the_store_once(tmp_path: Path) -> None:
    with serving(JaegerServer(SPANS)) as served:
        home = configured(tmp_path / "home", "jaeger", served.url)
        fetched(home, "--service", "cart")
        fetched(home)
        fetched(home)

    found = _spans(home)
    assert sorted(span.span_id for span in found) == sorted(span.span_id for span in SPANS)
    assert {span.service for span in found if span.trace_id == TRACE} == {"web", "checkout", "cart"}


def test_metrics_of_a_real_prometheus_become_points_with_whole_histograms(tmp_path: Path) -> None:
    start = int(time.time()) // 60 * 60 - 2400
    (tmp_path / "server").mkdir()
    with prometheus(tmp_path / "server") as url:
        write(url, metric_corpus.written(start))
        home = configured(tmp_path / "home", "prometheus", url)
        first = oncalm(home, "fetch", "live", "--since", "45m", "--json")

    assert first["records"] > 100
    with RecordReader(home) as reader:
        assert {"requests_total", "memory_bytes", "latency_seconds", "native_seconds"} <= set(reader.metrics())
        assert "latency_seconds_bucket" not in reader.metrics()
        point = reader.points(Window(), "latency_seconds")[-1]
        rates = [one for one in reader.series(Window(), "requests_total") if one.pod == "cart-a"]
    assert point.distribution is not None
    assert (point.distribution.bounds, point.value) == (metric_corpus.BOUNDS, pytest.approx(0.4))
    assert sorted(rates[0].values)[len(rates[0].values) // 2] == pytest.approx(2.0, rel=0.05)


def test_doctor_says_of_each_source_whether_it_answers(tmp_path: Path) -> None:
    with serving(LokiServer(LINES)) as served:
        home = tmp_path / "home"
        home.mkdir()
        (home / "sources.yaml").write_text(json.dumps({"sources": {
            "good": {"kind": "loki", "url": served.url}, "gone": {"kind": "tempo", "url": "http://127.0.0.1:9"},
            "secret": {"kind": "jaeger", "url": served.url, "auth": {"bearer": {"env": "ONCALM_NO_SUCH"}}}}}))
        checks = {one["check"]: one for one in oncalm(home, "doctor", "--json", code=1)["checks"]}

    assert checks["source good"]["ok"]
    assert "not assessed: cannot connect" in checks["source gone"]["seen"]
    assert "ONCALM_NO_SUCH" in checks["source secret"]["seen"]


def test_doctor_names_what_is_wrong_in_the_configuration(tmp_path: Path) -> None:
    home = configured(tmp_path / "home", "lokki", "http://a")
    checks = {one["check"]: one for one in oncalm(home, "doctor", "--json", code=1)["checks"]}

    assert "sources.live.kind" in checks["sources"]["seen"]
