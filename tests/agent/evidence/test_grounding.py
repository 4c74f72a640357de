"""What is left of a conclusion: sections, confidence, marks; and that no text makes the check fail."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.evidence import NOT_SHOWN, Claim, Conclusion, allowed_confidence, ground
from agent.placeholders import Placeholders
from telemetry.models import Line, Result, Window
from tests.agent.evidence.claims import FALSE, TRUE
from tests.agent.evidence.results import NINE, QUESTION, RESULTS, result
from tools.registry import ToolResult

GOOD = Claim(text="Payments logged 1,234 errors.", evidence=["E1"])
WRONG = Claim(text="Payments logged 4,321 errors.", evidence=["E1"])
READ = {key: RESULTS[key] for key in ("E1", "E2", "E3", "E5")}


def line_of(text: str) -> Line:
    return Line(id=0, time=None, level="error", service="checkout", host=None, template="t1", source="a.log", line_no=1, text=text)


def conclusion(**parts: object) -> Conclusion:
    return Conclusion.model_validate({"answer": GOOD, "confidence": 0.99, **parts})


def test_a_headline_that_is_not_shown_never_stands() -> None:
    left = ground(conclusion(answer=WRONG, claims=[GOOD]), READ, QUESTION)

    assert left.answer is None
    assert left.confidence == 0.0


def test_failed_sources_are_unchecked_even_if_the_model_forgot() -> None:
    left = ground(conclusion(), RESULTS, QUESTION)

    assert [item.split()[0] for item in left.unchecked] == ["E4", "E9"]
    assert "refused the connection" in left.unchecked[0]


def test_a_failed_source_the_model_named_is_listed_once() -> None:
    left = ground(conclusion(unchecked=["CPU load: E4 failed", " "]), {**READ, "E4": RESULTS["E4"]}, QUESTION)

    assert left.unchecked == ["CPU load: E4 failed"]


def test_a_product_nobody_showed_is_marked() -> None:
    claim = Claim(text="The pool of Redis ran out at 09:14.", evidence=["E5"])

    left = ground(conclusion(claims=[claim]), READ, QUESTION)

    assert left.claims[0].text == f"The pool of Redis {NOT_SHOWN} ran out at 09:14."
    assert left.marked[0].parts == ("Redis",)


def test_ids_that_support_nothing_are_taken_off_a_claim() -> None:
    claim = Claim(text="Payments logged 1,234 errors.", evidence=["E1", "E4", "E77"])

    left = ground(conclusion(claims=[claim]), RESULTS, QUESTION)

    assert left.claims[0].evidence == ["E1"]


def test_a_ruled_out_cause_needs_evidence_like_any_claim() -> None:
    left = ground(conclusion(ruled_out=[Claim(text="The network is not the cause.", evidence=["E4"]),
                                        Claim(text="Checkout is ruled out.", evidence=["E3"])]), RESULTS, QUESTION)

    assert [c.text for c in left.ruled_out] == ["Checkout is ruled out."]


@pytest.mark.parametrize(("source", "kept"), [("E1", "E1"), ("E4", None), ("E77", None), (None, None)])
def test_data_is_taken_only_from_a_result_that_has_some(source: str | None, kept: str | None) -> None:
    left = ground(conclusion(result_from=source), RESULTS, QUESTION)

    assert left.result_from == kept
    assert bool(source and not kept) == any("holds none" in note for note in left.notes)


@pytest.mark.parametrize(("supporting", "dropped", "marked", "missing", "allowed"), [
    (2, 0, 0, 0, 0.95), (9, 0, 0, 0, 0.95), (1, 0, 0, 0, 0.9), (0, 0, 0, 0, 0.0), (2, 1, 0, 0, 0.8075),
    (2, 2, 0, 0, 0.6864), (2, 0, 1, 0, 0.9025), (2, 0, 0, 1, 0.8075), (2, 0, 0, 3, 0.5834), (1, 1, 1, 1, 0.6177), (0, 3, 1, 2, 0.0)])
def test_confidence_follows_the_formula(supporting: int, dropped: int, marked: int, missing: int, allowed: float) -> None:
    assert allowed_confidence(supporting=supporting, dropped=dropped, marked=marked, missing=missing) == allowed


@pytest.mark.parametrize(("said", "left"), [(0.99, 0.9), (0.3, 0.3), (0.0, 0.0), (85, 0.85)])
def test_confidence_is_never_above_the_models_own(said: float, left: float) -> None:
    assert ground(conclusion(confidence=said), READ, QUESTION).confidence == left


def test_confidence_falls_with_each_dropped_claim_and_each_missing_source() -> None:
    whole = ground(conclusion(), READ, QUESTION).confidence
    dropped = ground(conclusion(claims=[WRONG]), READ, QUESTION).confidence
    missing = ground(conclusion(), {**READ, "E4": RESULTS["E4"]}, QUESTION).confidence

    assert whole > dropped
    assert whole > missing


@pytest.mark.parametrize("confidence", [-1, 101, float("nan"), float("inf"), "high", None])
def test_a_confidence_that_is_none_is_refused(confidence: object) -> None:
    with pytest.raises(ValidationError):
        conclusion(confidence=confidence)


def test_evidence_ids_are_read_as_models_write_them() -> None:
    assert Claim(text="x", evidence=["[e1]", "E1", " E2 "]).evidence == ["E1", "E2"]


def secret(text: str) -> str:
    return text.replace("10.0.0.1", "[SECRET:address:1]")


def test_claims_are_compared_with_what_the_model_saw() -> None:
    seen = Claim(text="[SECRET:address:1] caused 812 errors.", evidence=["E2"])
    invented = Claim(text="[SECRET:address:2] caused 302 errors.", evidence=["E2"])

    left = ground(conclusion(claims=[seen, invented]), READ, QUESTION, hide=secret)

    assert left.claims == [seen]
    assert "SECRET:address:2" in left.dropped[0].why


def test_claims_about_a_value_hidden_by_its_field_are_shown() -> None:
    rows: list[list[object]] = [["s3cret-Pw99", 812], ["hunter2-Xy", 302]]
    given = result("top", Result(kind="table", columns=["param:user", "count"], rows=rows), 1114)
    line = line_of("login of bob failed password=s3cret-Pw99 for bob")
    shown = {"E1": given.model_copy(update={"query": {"api_key": "s3cret-Pw99"}, "found": given.found and given.found.model_copy(update={"excerpt": [line]})})}
    marks = Placeholders()
    hidden = {key: ToolResult.model_validate(marks.hide_json(one.model_dump(mode="json"))) for key, one in shown.items()}
    mark = hidden["E1"].query["api_key"]
    claims = [Claim(text=text.replace("MARK", mark), evidence=["E1"]) for text in (
        "The key MARK was asked for.", "bob's login failed with password=MARK.", '"login of bob failed password=MARK for bob" was logged.',
        "`password=MARK` was refused.")]

    left = ground(conclusion(answer=Claim(text="1,114 logins failed.", evidence=["E1"]), claims=claims), hidden, "why?", hide=marks.hide_again)

    assert [claim.text for claim in left.claims] == [claim.text for claim in claims], left.dropped
    assert not ground(conclusion(claims=[Claim(text="The key [SECRET:secret:99] was asked for.", evidence=["E1"])]), hidden, "why?", hide=marks.hide_again).claims


def test_no_reason_or_note_holds_a_secret() -> None:
    failed = RESULTS["E4"].model_copy(update={"error": "10.0.0.1 refused"})

    left = ground(conclusion(claims=[WRONG]), {**READ, "E4": failed}, QUESTION, hide=secret)

    assert "10.0.0.1" not in left.model_dump_json()
    assert "SECRET:address:1" in left.unchecked[0]


def test_what_is_left_is_plain_data() -> None:
    left = ground(conclusion(claims=[GOOD, WRONG]), RESULTS, QUESTION)

    assert type(left).model_validate(json.loads(left.model_dump_json())) == left


@pytest.mark.parametrize(("tool", "text", "stands"), [
    ("logs.count", "No timeouts were logged by checkout.", True), ("runbooks.search", "No timeouts were logged by checkout.", False),
    ("runbooks.search", "No runbook speaks of timeouts in checkout.", True), ("evidence.read", "No timeouts were logged by checkout.", False)])
def test_absence_is_shown_by_a_search_of_the_records_only(tool: str, text: str, stands: bool) -> None:
    shown = {**READ, "E3": RESULTS["E3"].model_copy(update={"tool": tool})}

    assert bool(ground(conclusion(claims=[Claim(text=text, evidence=["E3"])]), shown, QUESTION).claims) == stands


@pytest.mark.parametrize(("text", "stands"), [
    ("Checkout gets no connection from the pool.", True), ("There was no free connection.", True),
    ("Orders fail because there is no space on the volume.", True), ("There were no connection errors.", False),
    ("There was no deployment.", False), ("No disk was replaced.", False), ("There were no restarts.", False),
])
def test_what_the_lines_say_could_not_be_had_is_no_claim_of_absence(text: str, stands: bool) -> None:
    lines = [Line(id=n, time=None, level="error", service="checkout", host=None, template="t1", source="a.log", line_no=n, text=said)
             for n, said in enumerate(["order 7 failed: could not get a connection from the pool", "volume data: cannot write, space exhausted"])]
    shown = {"E1": result("lines", Result(kind="lines", lines=lines), 2)}

    assert bool(ground(conclusion(claims=[Claim(text=text, evidence=["E1"])]), shown, QUESTION).claims) == stands


@pytest.mark.parametrize(("text", "stands"), [
    ("The records do not say who started the deploy.", True), ("The logs don't show why checkout failed.", True),
    ("The lines do not name the cause.", True), ("No record says who did it.", True), ("Nothing tells why the pool ran out.", True),
    ("It is not recorded who restarted checkout.", True), ("Who changed the pool is not logged.", True),
    ("The logs do not show errors.", False), ("The records do not say who did it, and there were no restarts.", False),
    ("Nobody deployed anything.", False), ("No record was written.", False),
])
def test_question_that_the_records_leave_open_is_no_claim_of_absence(text: str, stands: bool) -> None:
    shown = {"E1": result("lines", Result(kind="lines", lines=[line_of("checkout restarted: pool exhausted after deploy, changed")]), 1)}

    assert bool(ground(conclusion(claims=[Claim(text=text, evidence=["E1"])]), shown, QUESTION).claims) == stands


def test_number_of_what_is_listed_beside_it_needs_no_evidence() -> None:
    shown = {"E1": result("count", Result(kind="scalar", value=42), 42, excerpt=[line_of(f"order {n} failed") for n in (18884, 89831)])}
    claims = [Claim(text=f"{count} of them are order 18884 and order 89831.", evidence=["E1"]) for count in ("Two", "Three")]

    assert [c.text.split()[0] for c in ground(conclusion(answer=Claim(text="42 orders failed.", evidence=["E1"]), claims=claims), shown, QUESTION).claims] == ["Two"]


def test_call_that_was_no_call_is_no_missing_source() -> None:
    slip = ToolResult(tool="logs.lines", status="failed", query={}, window=Window(), error="bad input: filter: there is no such field")
    left = ground(conclusion(), {**READ, "E88": slip}, QUESTION)

    assert not any("E88" in item for item in (*left.unchecked, *left.notes))
    assert left.confidence == ground(conclusion(), READ, QUESTION).confidence


@pytest.mark.parametrize("slip", [
    {"claims": ["Payments failed."]}, {"ruled_out": ["The disk."]}, {"unchecked": "the network"}, {"answer": "Payments failed."},
    {"unchecked": [{"text": "the network", "evidence": []}]},
])
def test_bare_sentences_are_read_as_claims_without_evidence(slip: dict[str, object]) -> None:
    assert isinstance(conclusion(**slip), Conclusion)


def test_the_schema_is_closed_strict_and_small() -> None:
    schema = Conclusion.json_schema()
    text = json.dumps(schema)

    assert len(text) < 2500
    assert "$ref" not in text
    assert all(set(part["required"]) == set(part["properties"]) and part["additionalProperties"] is False
               for part in (schema, schema["properties"]["answer"], schema["properties"]["claims"]["items"]))
    assert set(schema["properties"]) == set(Conclusion.model_fields)


@given(st.integers(100, 99_999_999), st.data())
@settings(max_examples=150, deadline=None)
def test_one_wrong_digit_drops_the_claim(number: int, data: st.DataObject) -> None:
    digits = str(number)
    place = data.draw(st.integers(0, len(digits) - 1))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != digits[place] and (place or d != "0")]))
    changed = int(digits[:place] + other + digits[place + 1:])
    shown = {"E1": result("count", Result(kind="scalar", value=number), number)}
    write = data.draw(st.sampled_from(["There were {:,} errors.", "{} records match.", "Errors: {:,} in two hours.", "It counted **{:,}** failures"]))

    def kept(value: int) -> bool:
        claim = Claim(text=write.format(value), evidence=["E1"])
        return bool(ground(conclusion(claims=[claim]), shown, "How many errors?").claims)

    # 5,000 were searched: what the two shown numbers add up to is shown as well.
    supported = {number, 5000, number + 5000, abs(number - 5000), 7200}
    assert kept(number)
    assert kept(changed) == (changed in supported)


@given(st.integers(0, 7199), st.integers(1, 7199))
@settings(max_examples=60, deadline=None)
def test_a_moment_that_is_shown_survives_and_another_goes(seconds: int, off: int) -> None:
    moment = NINE + timedelta(seconds=seconds)
    other = NINE + timedelta(seconds=(seconds + off) % 7200)
    rows = [[moment.strftime("%Y-%m-%dT%H:%M:%SZ"), 3]]
    shown = {"E1": result("top", Result(kind="table", columns=["time", "count"], rows=rows), 3)}
    shown["E1"] = shown["E1"].model_copy(update={"window": Window(), "query": {}})

    def kept(clock: str) -> bool:
        claim = Claim(text=f"It broke at {clock}.", evidence=["E1"])
        left = ground(conclusion(claims=[claim]), {"E1": shown["E1"].model_copy(update={"found": found})}, "Why?")
        return bool(left.claims)

    assert shown["E1"].found is not None
    found = shown["E1"].found.model_copy(update={"window": Window()})
    assert kept(f"{moment:%H:%M:%S}")
    assert kept(f"{moment:%H:%M} UTC on {moment:%d} December")
    assert not kept(f"{other:%H:%M:%S}")


ANY = st.one_of(st.text(max_size=200), st.sampled_from([text for text, *_ in (*TRUE, *FALSE)]).flatmap(
    lambda text: st.tuples(st.integers(0, len(text)), st.text("0123456789.,:-/%`\"'<>E() \n±−½٣五", max_size=12)).map(
        lambda cut: text[:cut[0]] + cut[1] + text[cut[0]:])))


@given(ANY, st.lists(st.sampled_from([*RESULTS, "E77", "", "x"]), max_size=3), st.text(max_size=60))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_text_makes_the_check_fail(text: str, evidence: list[str], question: str) -> None:
    claim = Claim(text=text, evidence=evidence)

    left = ground(conclusion(answer=claim, claims=[claim], ruled_out=[claim], unchecked=[text]), RESULTS, question)

    assert 0.0 <= left.confidence <= 0.95
    assert len(left.claims) + len(left.dropped) >= 1


@pytest.mark.parametrize("text", ["1" * 50_000, "a-" * 20_000, "0:" * 20_000, '"' * 20_000, "1 " * 20_000, "1,000" * 5_000, "E1, " * 9_000,
                                  "10 December " * 4_000, "no " * 9_000, "x=" * 9_000, "1h" * 9_000, "/" * 20_000, "9" * 400 + " errors", "1e999 s"])
@pytest.mark.timeout(20)
def test_hostile_texts_are_judged_in_time(text: str) -> None:
    left = ground(conclusion(claims=[Claim(text=text, evidence=["E1", "E5"])]), RESULTS, QUESTION)

    assert left.answer is not None
