"""No secret that a server keeps in a label, a field, a tag or a text reaches an answer, what is kept of it, or a prompt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from telemetry.records import Span
from telemetry.sources.protocols import LogLine
from tests.telemetry.sources.corpus import BASE, TRACE
from tests.telemetry.sources.elastic_server import PLAIN, TYPES, ElasticServer, ecs, plain, stamp
from tests.telemetry.sources.jaeger_server import JaegerServer
from tests.telemetry.sources.loki_server import LokiServer
from tests.telemetry.sources.serving import Request, Response, as_json
from tests.telemetry.sources.tempo_server import TempoServer
from tests.tools.test_live_sources import WINDOW, registry
from tools.output import render
from tools.registry import Registry

NAMED = "plainlookingword"
"""A secret by the name it stands under alone."""
WRITTEN = "hunter2CorrectHorse"
TOKEN = "ghp_" + "A1b2C3d4E5f6G7h8I9j0" + "K1l2M3n4O5p6Q7r8"
SECRETS = (NAMED, WRITTEN, TOKEN)
SAID = f"login with password={WRITTEN} and token {TOKEN}"


def shown(tools: Registry, name: str, **given: Any) -> str:
    """Everything that is kept of a call, and what a model reads of it."""
    result = tools.call(name, {**WINDOW, **given})
    assert result.status == "found", result
    return result.model_dump_json() + render(result, "E1", 20_000).text


def clean(text: str) -> None:
    assert [secret for secret in SECRETS if secret in text] == []
    assert "[REDACTED" in text


LINE = LogLine(BASE, SAID, level="error", service=f"cart {TOKEN}", namespace="shop", pod=f"cart?token={WRITTEN}")
DOCUMENT = {"@timestamp": stamp(BASE), "user": {"password": NAMED}, "note": SAID, "service": {"name": "cart"}}


@pytest.mark.parametrize(("kind", "server"), [
    ("loki", LokiServer([LINE])), ("elasticsearch", ElasticServer([ecs(LINE)], TYPES)), ("elasticsearch", ElasticServer([plain(LINE)], PLAIN)),
    ("opensearch", ElasticServer([ecs(LINE)], TYPES, open_search=True)),
    ("elasticsearch", ElasticServer([DOCUMENT], {"@timestamp": "date", "service.name": "keyword"})),
])
def test_lines_fields_and_labels_of_logs(kind: str, server: Callable[[Request], Response]) -> None:
    with registry(kind, server) as tools:
        clean(shown(tools, "sources.logs"))


SPAN = Span(TRACE, "1" * 16, "", f"cart {TOKEN}", f"GET /login?password={WRITTEN}", BASE, 900_000, kind="server", status="error", message=SAID,
            attributes={"db.password": NAMED, "http.url": f"https://shop/?api_key={WRITTEN}", "note": f"{'x' * 70} {TOKEN}"})


@pytest.mark.parametrize(("kind", "server"), [("jaeger", JaegerServer), ("tempo", TempoServer)])
def test_names_tags_and_messages_of_spans(kind: str, server: Callable[[list[Span]], Callable[[Request], Response]]) -> None:
    with registry(kind, server([replace(SPAN)])) as tools:
        clean(shown(tools, "sources.traces", trace_id=TRACE))
        clean(shown(tools, "sources.traces"))


def prometheus(request: Request) -> Response:
    """One series whose labels hold secrets; its help and a warning do, too."""
    if request.path.endswith("query_range"):
        labels = {"pod": "a", "password": NAMED, "url": f"https://u:{WRITTEN}@shop/", "note": TOKEN}
        values = [[t, "3"] for t in range(0, 600, 5)]
        return as_json({"status": "success", "warnings": [f"rule failed: {SAID}"], "data": {"resultType": "matrix", "result": [{"metric": labels, "values": values}]}})
    if "metadata" in request.path:
        return as_json({"status": "success", "data": {"hits_total": [{"type": "counter", "help": f"Hits. {SAID}", "unit": ""}]}})
    return as_json({"status": "success", "data": ["hits_total", "up"]})


@pytest.mark.parametrize("given", [{"metric": "hits_total"}, {"metric": "hits_total", "points": True}, {"words": "HITS"}])
def test_labels_help_and_warnings_of_metrics(given: dict[str, Any]) -> None:
    with registry("prometheus", prometheus) as tools:
        clean(shown(tools, "sources.metrics", **given))
