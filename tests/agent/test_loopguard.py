"""A model in circles is nudged, loses its tools, and the run ends; one that makes progress is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import analyst
from agent.loopguard import GO_ON, Limits, Made, Round, canonical, fingerprint, judge, transcript
from tools.registry import Registry, Status


def call(name: str, status: Status = "found", brought: str = "") -> Made:
    return Made(name, "{}", status, brought)


def turns(plan: str) -> list[Round]:
    """One turn a word: ``a+b`` calls a and b; ``!`` failed, ``?`` not assessed, ``=x`` brought x; ``talk``, ``empty``."""
    made = []
    for word in plan.split():
        calls = []
        for part in word.split("+"):
            name, _, brought = part.partition("=")
            status: Status = "failed" if "!" in name else "not_assessed" if "?" in name else "found"
            calls.append(Made(name.rstrip("!?"), "{}", status, brought))
        made.append(Round((), word == "talk") if word in {"talk", "empty"} else Round(tuple(calls)))
    return made


@pytest.mark.parametrize(("plan", "steps"), [
    ("", ""),
    ("a", "go_on"),
    ("a b c d e f g", "go_on go_on go_on go_on go_on go_on go_on"),
    ("a a", "go_on nudge"),
    ("a a a", "go_on nudge withdraw_tools"),
    ("a a a a", "go_on nudge withdraw_tools conclude"),
    ("a a b c", "go_on nudge go_on go_on"),
    ("a a b a", "go_on nudge go_on withdraw_tools"),
    ("a a b c a", "go_on nudge go_on go_on nudge"),
    ("a a b c a d e a f g a", "go_on nudge go_on go_on nudge go_on go_on nudge go_on go_on withdraw_tools"),
    ("a b a b", "go_on go_on nudge withdraw_tools"),
    ("a b a+c b+d", "go_on go_on go_on go_on"),
    ("a! a", "go_on go_on"),
    ("a! a! a!", "go_on go_on nudge"),
    ("a! b! c d", "go_on go_on go_on go_on"),
    ("a! b! c! d!", "go_on go_on nudge withdraw_tools"),
    ("a! b? c!+d! e!", "go_on go_on nudge withdraw_tools"),
    ("a! b!+c d!", "go_on go_on go_on"),
    ("talk", "nudge"),
    ("talk talk", "nudge withdraw_tools"),
    ("talk talk talk", "nudge withdraw_tools conclude"),
    ("empty a b", "nudge go_on go_on"),
    ("a talk b c talk", "go_on nudge go_on go_on nudge"),
    ("a=1 b=1 c=1 d=1", "go_on go_on go_on nudge"),
    ("a=1 b=1 c=1 d=2", "go_on go_on go_on go_on"),
    ("a=1 b=1 c=1+e=2 d=1", "go_on go_on go_on go_on"),
    ("a b c d e f g h i j k l", "go_on " * 11 + "withdraw_tools"),
    ("a b c d e f g h i j k l m", "go_on " * 11 + "withdraw_tools conclude"),
])  # fmt: skip
def test_each_turn_gets_its_verdict(plan: str, steps: str) -> None:
    made = turns(plan)

    assert [judge(made[: n + 1]).step for n in range(len(made))] == steps.split()


@pytest.mark.parametrize(("plan", "said"), [
    ("a a", "already called a"), ("talk", "neither called a tool nor concluded"), ("empty", "empty"),
    ("a b a b", "back and forth"), ("a! b! c!", "last 3 turns failed"), ("a=1 b=1 c=1 d=1", "results you had already"),
    (" ".join("abcdefghijkl"), "limit of 12 turns")])
def test_the_reason_says_what_was_seen(plan: str, said: str) -> None:
    assert said in judge(turns(plan)).reason


def test_a_run_without_turns_goes_on() -> None:
    assert judge([]) == GO_ON


STATUSES: st.SearchStrategy[Status] = st.sampled_from(["found", "nothing_found", "failed", "not_assessed"])
CALLS = st.builds(Made, st.sampled_from("abc"), st.sampled_from(["{}", '{"n":1}']), STATUSES, st.sampled_from(["", "1", "2"]))
TURNS = st.builds(Round, st.lists(CALLS, max_size=3).map(tuple), st.booleans())
LIMITS = st.builds(Limits, turns=st.integers(1, 15), streak=st.integers(1, 5), nudges=st.integers(0, 4), near=st.integers(0, 4))


@given(st.lists(TURNS, min_size=20, max_size=30), LIMITS)
def test_any_run_is_concluded_within_its_limit(made: list[Round], limits: Limits) -> None:
    steps = [judge(made[: n + 1], limits).step for n in range(len(made))]

    assert "conclude" in steps[: limits.turns + 1]
    assert set(steps[steps.index("conclude"):]) == {"conclude"}


@given(st.lists(TURNS, min_size=1, max_size=20))
def test_tools_are_never_withdrawn_before_a_nudge(made: list[Round]) -> None:
    steps = [judge(made[: n + 1]).step for n in range(len(made))]

    first = next((n for n, step in enumerate(steps) if step == "withdraw_tools"), None)
    assert first is None or "nudge" in steps[:first] or first + 1 == Limits().turns


@given(st.lists(st.lists(STATUSES, max_size=3), max_size=11))
def test_a_run_that_makes_progress_is_never_stopped(statuses: list[list[Status]]) -> None:
    made = [Round((Made("new", f"{n}", "found", f"{n}"), *(Made("more", f"{n}.{m}", s, f"{n}.{m}") for m, s in enumerate(extra))))
            for n, extra in enumerate(statuses)]

    assert all(judge(made[: n + 1]) == GO_ON for n in range(len(made)))


def test_arguments_are_the_same_in_any_order() -> None:
    assert canonical({"b": [1.0, {"y": 2, "x": 1}], "a": "ü"}) == canonical({"a": "ü", "b": (1, {"x": 1, "y": 2})})


def test_the_same_failure_of_two_questions_brings_nothing_new() -> None:
    tools = Registry([])
    first, second = tools.call("x", {"n": 1}), tools.call("x", {"n": 2})

    assert fingerprint(first) == fingerprint(second)
    assert Made.of("x", {"n": 1}, first) != Made.of("x", {"n": 2}, second)


def test_a_runs_progress_is_judged_as_it_stands() -> None:
    asked = analyst.Turn(calls={"E1": analyst.ToolCall(tool="x", arguments={"n": 1})})
    again = analyst.Turn(text="hm", calls={"E2": analyst.ToolCall(tool="x", arguments={"n": 1.0})})
    result = Registry([]).call("x", {"n": 1}).model_copy(update={"status": "found"})
    progress = analyst.Progress(turns=(asked, again), results={"E1": result})

    made = transcript(progress)

    assert [call.status for turn in made for call in turn.calls] == ["found", "not_assessed"]
    assert judge(made).step == "nudge"
    assert not judge(made).withdraws
