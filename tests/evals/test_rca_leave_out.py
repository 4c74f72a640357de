"""Leaving fault types out, on ranks made up for it."""

from __future__ import annotations

from importlib import import_module

from evals.rca.leave_out import KNOBS, SHIPPED, left_out, settings


def test_a_type_is_judged_under_what_the_other_types_prefer() -> None:
    faults = ["cpu", "cpu", "memory", "memory"]
    found = {SHIPPED: [1, 1, 2, 2], "other": [2, 2, 1, 1]}

    told = left_out(found, faults)

    assert told["per_type"]["cpu"]["as1"] == 0.0  # memory prefers the other setting
    assert told["per_type"]["memory"]["as1"] == 0.0
    assert told["per_type"]["cpu"]["shipped"] == 1.0
    assert told["as1_of_settings"] == {"worst": 0.5, "median": 0.5, "best": 0.5}


def test_settings_that_the_others_cannot_tell_apart_count_alike() -> None:
    found = {SHIPPED: [1, 1], "other": [2, 1], "worse": [1, 3]}

    told = left_out(found, ["cpu", "memory"])

    assert told["per_type"]["cpu"] == {"as1": 0.5, "as3": 1.0, "avg5": 0.9, "shipped": 1.0, "cases": 1, "settings": 2}


def test_a_set_of_one_type_is_told_by_the_mean_over_all_settings() -> None:
    assert left_out({SHIPPED: [1], "other": [0]}, ["cpu"])["as1"] == 0.5


def test_every_setting_changes_its_constant_and_puts_it_back() -> None:
    before = {(module, knob.name): getattr(import_module(module), knob.name) for knob in KNOBS for module in knob.modules}
    changed = 0
    for _, setting in settings():
        with setting:
            changed += {key: getattr(import_module(key[0]), key[1]) for key in before} != before

    assert changed == 2 * len(KNOBS)
    assert {key: getattr(import_module(key[0]), key[1]) for key in before} == before
