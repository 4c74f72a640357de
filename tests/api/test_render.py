"""What a terminal shows of an answer: short for a model's, whole when asked for."""

from __future__ import annotations

from typing import Any

import pytest

from api.terminal import answers, folding


def excerpt(number: int) -> dict[str, Any]:
    return {"source": "/var/log/shop.log", "line_no": number, "text": f"line {number} of the log\n  at shop.Pool.take\n  at shop.Cart.pay"}


def found(analyst: str = "llm", results: int = 12) -> dict[str, Any]:
    rows = [[f"2026-03-01T10:{n:02}:00Z", "t1", f"order <id> failed after {n} tries because the pool of connections was exhausted", n] for n in range(30)]
    evidence = [{"id": f"E{n}", "tool": "logs.lines", "status": "found", "total": 240, "searched": 5000,
                 "excerpt": [excerpt(at) for at in range(5)]} for n in range(1, results + 1)]
    claims = [f"- The pool of payments ran out at 10:{n:02}, two minutes after the deploy of release 2.4.{n} had begun. [E{n}]" for n in range(8)]
    said = [{"text": f"The disk of web-{n} is not the cause.", "evidence": ["E2"]} for n in range(6)]
    return {
        "question": "why did orders fail?", "analyst": analyst, "answer": "\n".join(["Orders failed because the pool ran out. [E11]", *claims]),
        "result": {"kind": "table", "columns": ["time", "template", "pattern", "count"], "rows": rows},
        "query": {"operation": "top", "interpretation": "commonest templates"}, "evidence": evidence, "confidence": 0.8,
        "ruled_out": said, "unchecked": [f"Metrics of node {n} were not assessed because no source is set." for n in range(6)], "dropped": [],
        "usage": {"model_calls": 4, "input_tokens": 9000, "cached_tokens": 0, "output_tokens": 300, "cost_usd": 0.01},
        "notes": [*(f"The year is not written; {2010 + n} was taken for the last times read." for n in range(9)), "Times of a.log have no zone; UTC was taken.",
                  "Times of b.log have no zone; UTC was taken."],
    }


def shown(capsys: pytest.CaptureFixture[str], **how: Any) -> list[str]:
    answers.answer(found(), **how)
    return capsys.readouterr().out.splitlines()


def test_models_answer_takes_some_forty_lines(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys)

    assert len(lines) <= 48
    assert lines[2].startswith("Orders failed because the pool ran out.")


def test_each_result_is_one_line_and_the_cited_ones_come_first(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys)
    results = [line for line in lines if line.startswith("E")]

    assert len(results) == folding.EVIDENCE
    assert any(line.startswith("E11 ") for line in results)
    assert not any("at shop.Pool.take" in line for line in lines)
    assert any("6 more results (--evidence shows all)" in line for line in lines)


def test_notes_of_many_sources_are_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    notes = [line for line in shown(capsys) if line.startswith("note:")]

    assert len(notes) == 2
    assert "8 more like this" in folding.notes(found()["notes"])[0]


def test_whole_answer_is_shown_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, whole=True)

    assert sum("at shop.Pool.take" in line or "line 0 of the log" in line for line in lines) >= 12
    assert all(any(line.startswith(f"E{n} ") for line in lines) for n in range(1, 13))
    assert len(lines) > 100


def test_offline_answer_keeps_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    answers.answer(found("offline", results=1))

    assert "line 4 of the log" in capsys.readouterr().out
