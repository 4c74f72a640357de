"""What is taken of an investigation's document."""

from __future__ import annotations

from typing import Any

import pytest

from agent.decision.situation import Believed, from_document

PAY, WEB = {"kind": "service", "name": "pay"}, {"kind": "service", "name": "web"}


def suspect(entity: dict[str, str], *signs: tuple[str, str, float], victims: tuple[dict[str, str], ...] = ()) -> dict[str, Any]:
    told = [{"kind": kind, "aspect": aspect, "strength": strength} for kind, aspect, strength in signs]
    return {"entity": entity, "cause": "errors", "score": 0.5, "signs": told, "against": [], "victims": list(victims)}


def read(*suspects: dict[str, Any], **more: Any) -> list[Believed]:
    return from_document({"suspects": list(suspects), **more})


def test_who_suffers_from_a_better_suspect_is_its_victim() -> None:
    first, second = read(suspect(PAY, victims=(WEB,)), suspect(WEB))

    assert (first.victim_of, second.victim_of) == (None, first.entity)


def test_two_that_blame_each_other_leave_the_better_one_to_blame() -> None:
    first, second = read(suspect(PAY, victims=(WEB,)), suspect(WEB, victims=(PAY,)))

    assert (first.victim_of, second.victim_of) == (None, first.entity)


@pytest.mark.parametrize(("strength", "counts"), [(2.9, True), (1.0, True), (0.9, False)])
def test_a_change_long_before_does_not_explain(strength: float, *, counts: bool) -> None:
    (one,) = read(suspect(PAY, ("change", "deploy", strength)))

    assert ("deploy" in one.changes) == counts


@pytest.mark.parametrize(("before", "during", "load"), [(10.0, 30.0, "more"), (10.0, 11.0, "same"), (10.0, 2.0, "same"), (0.0, 5.0, None)])
def test_load_is_told_by_rates(before: float, during: float, load: str | None) -> None:
    services = [{"name": "pay", "before": {"rate": before}, "during": {"rate": during}}]
    (one,) = read(suspect(PAY), graph={"services": services})

    assert one.load == load


def test_load_without_rates_is_told_by_signs() -> None:
    loads = [read(suspect(PAY, *signs))[0].load for signs in ((("metric_shift", "traffic", 2.0),), (("metric_shift", "traffic", -2.0),), ())]

    assert loads == ["more", "same", None]
