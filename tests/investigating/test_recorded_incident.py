"""The recorded incident is investigated as an engineer would ask for it; its truth was written by whoever made the fault."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.llm.endpoint import Endpoint
from agent.scripted.server import ScriptedServer
from api.pictures import draw
from api.wiring.model import Thinking
from api.wiring.product import Product
from telemetry.errors import SourceError


@pytest.fixture(scope="module")
def found(incident: Product) -> dict[str, Any]:
    return incident.investigate("checkouts are failing: why?")


def test_origin_is_first_and_its_change_is_named(found: dict[str, Any], truth: dict[str, str]) -> None:
    first = found["suspects"][0]

    assert first["entity"] == {"kind": "service", "name": truth["culprit"]}
    assert truth["change"] in first["statement"]


def test_victims_are_no_origins(found: dict[str, Any], truth: dict[str, str]) -> None:
    first = found["suspects"][0]

    assert {"edge", "storefront", truth["first_victim"]} <= {victim["name"] for victim in first["victims"]}


def test_window_is_found_in_the_data(found: dict[str, Any], truth: dict[str, str]) -> None:
    begun = datetime.fromisoformat(found["window"]["start"])

    assert abs(begun - datetime.fromisoformat(truth["fault_start"])) < timedelta(seconds=15)
    assert abs(datetime.fromisoformat(found["window"]["end"]) - datetime.fromisoformat(truth["fault_end"])) < timedelta(seconds=15)


def test_every_suspect_cites_results_that_are_there(found: dict[str, Any]) -> None:
    known = {one["id"] for one in found["evidence"] if one["status"] == "found"}

    assert all(set(one["evidence"]) <= known and "E1" in one["evidence"] for one in found["suspects"])
    assert "[E1, E2]" in found["answer"]


def test_document_holds_the_contract(found: dict[str, Any]) -> None:
    assert {"id", "window", "baseline", "suspects", "ruled_out", "timeline", "proposals", "not_assessed", "usage"} <= set(found)
    assert json.loads(json.dumps(found)) == found
    assert [one["rank"] for one in found["suspects"]] == list(range(1, len(found["suspects"]) + 1))


def test_asking_why_investigates(incident: Product, truth: dict[str, str]) -> None:
    answer = incident.ask("why are checkouts failing?")

    assert answer["suspects"][0]["entity"]["name"] == truth["culprit"]
    assert answer["understood"]


def test_healthy_stretch_names_nobody_surely(incident: Product, truth: dict[str, str]) -> None:
    begun = datetime.fromisoformat(truth["fault_start"])
    from telemetry.models import Window

    quiet = incident.investigate("anything wrong?", window=Window(start=begun - timedelta(seconds=70), end=begun - timedelta(seconds=10)))

    assert not quiet["suspects"] or quiet["suspects"][0]["score"] < 0.8


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_pictures_are_drawn(found: dict[str, Any], tmp_path: Path, kind: Any) -> None:
    paths = draw(found, tmp_path / "pictures", kind=kind)

    assert [path.stem for path in paths] == ["timeline", "graph", "latency"]
    heads = {path.read_bytes()[:4] for path in paths}
    assert heads == ({b"\x89PNG"} if kind == "png" else {b"<svg"})


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_names_of_others_cannot_break_out_of_a_picture_nor_end_the_process(found: dict[str, Any], tmp_path: Path, kind: Any) -> None:
    hostile = "\x1b[31m</text><script>alert(1)</script>\u202e\ud800\ufffe\x00" + "a" * 100_000
    told = json.dumps(found).replace('"edge"', json.dumps(hostile)).replace('"storefront"', json.dumps(hostile + "b"))

    paths = draw(json.loads(told), tmp_path / "pictures", kind=kind)

    assert len(paths) == 3
    for path in paths if kind == "svg" else ():
        text = path.read_text()
        assert "<script" not in text
        assert not set("\x1b\u202e\ufffe") & set(text)
        assert len(text) < 300_000


def test_pictures_say_where_they_cannot_be_written(found: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SourceError, match="picture"):
        draw(found, tmp_path / "file")


def test_home_without_records_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("no time here\n")
    product = Product(tmp_path / "home")
    product.ingest([tmp_path / "a.log"])
    product.index()

    answer = product.investigate("why is it slow?")

    assert "no dated records" in answer["answer"]
    assert answer["suspects"] == []


def test_a_model_gets_the_weighing_and_its_checked_words_stand(incident: Product, truth: dict[str, str]) -> None:
    said = {"answer": {"text": "stockaudit was set to exclusive.", "evidence": ["E2"]}, "claims": [], "ruled_out": [], "unchecked": [],
            "result_from": None, "confidence": 0.8}
    with ScriptedServer([{"text": json.dumps(said)}]) as server:
        thinking = Thinking(Endpoint(model="scripted", base_url=server.url, api_key="x"), caches=frozenset())
        found = Product(incident.home, thinking=thinking).investigate("checkouts are failing", analyst="llm")
        sent = json.dumps(server.received[0].body)

    assert found["analyst"] == "llm"
    assert found["answer"].startswith("stockaudit was set to exclusive. [E2]")
    assert found["suspects"][0]["entity"]["name"] == truth["culprit"]
    assert "probability" in sent
