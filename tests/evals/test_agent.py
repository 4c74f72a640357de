"""The agent suite: the offline analyst over every case, models over real HTTP, and the recorded baseline."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.scripted.obedient import obedient
from agent.scripted.server import ScriptedServer
from agent.scripted.step import Step, StepCall
from evals import agent as suite
from evals.__main__ import KEYS, main
from evals.agent import recorded
from evals.agent.generate import records
from evals.agent.judge import Judge
from evals.agent.keywords import Keywords
from evals.agent.report import complaints, failures, metrics, verdicts
from evals.agent.running import Outcome, measure
from evals.agent.scenario import Scenario, load_all
from evals.query.expect import Answer

FIRMWARE = next(each for each in load_all() if each.system == "firmware")


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The whole set, once."""
    return suite.run(tmp_path_factory.mktemp("agent"))


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What points the settings at an endpoint."""
    def use(url: str) -> None:
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-1")

    return use


def concluded(text: str, *evidence: str) -> Step:
    answer = {"text": text, "evidence": list(evidence)}
    rest = {"claims": [], "ruled_out": [], "unchecked": [], "result_from": evidence[-1], "confidence": 0.9}
    return Step(text=json.dumps({"answer": answer, **rest}))


def with_model(folder: Path, case: str, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    assert main(["agent", str(folder), "--analyst", "llm", "--case", case, "--json", "--failures", *more]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_offline_analyst_has_no_regression_and_is_safe(offline: dict[str, Any]) -> None:
    known = offline["baseline"]["recorded"]

    assert known["regressions"] == []
    assert known["unrecorded"] == []
    assert offline["metrics"]["unsafe"] == 0
    assert offline["could_not_run"] == 0


def test_report_is_the_documented_one_beside_a_baseline(offline: dict[str, Any]) -> None:
    assert set(KEYS) <= set(offline)
    assert offline["cases"] >= 44
    assert offline["metrics"]["right"] > offline["baseline"]["right"]
    assert set(offline["metrics"]["per_class"]) == {case.group for one in load_all() for case in one.cases}


def test_run_does_not_touch_the_record(offline: dict[str, Any]) -> None:
    known = recorded.read()
    wrong = {each["case"] for each in offline["failures"]}

    assert set(known.wrong) == wrong
    assert len(known.right) + len(known.wrong) == offline["cases"]


def test_record_is_replaced_only_when_asked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "load_all", lambda: [FIRMWARE])
    path = tmp_path / "baseline.json"
    old = {"analyst": "offline", "right": ["firmware/stalls", "firmware/gone"], "wrong": {}}
    path.write_text(json.dumps(old))
    suite.run(tmp_path, baseline=path)
    kept = json.loads(path.read_text())
    suite.run(tmp_path, record=True, baseline=path)

    assert kept == old
    assert {case.name for case in FIRMWARE.cases} == {name.split("/")[1] for name in recorded.read(path).right}


@pytest.mark.parametrize("more", [{"case": "stalls"}, {"analyst": "llm"}])
def test_part_of_the_set_is_never_recorded(tmp_path: Path, more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="whole offline run"):
        suite.run(tmp_path, record=True, **more)


def test_comparison_lists_what_went_another_way() -> None:
    known = recorded.Recorded(analyst="offline", right=["a", "b", "not run"], wrong={"c": "no", "d": "no"})
    found = recorded.compare({"a": "", "b": "13, wanted 12", "c": "", "d": "still", "e": ""}, known)

    assert (found["regressions"], found["gains"], found["unrecorded"]) == (["b"], ["c"], ["e"])


def test_missing_record_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--record-baseline"):
        recorded.read(tmp_path / "none.json")


def test_good_model_is_right_over_http(tmp_path: Path, endpoint: Any, capsys: pytest.CaptureFixture[str]) -> None:
    calls = Step(calls=(StepCall(name="logs_count", arguments={"contains": ["timed out"], "services": ["checkout"]}),))
    with ScriptedServer([calls, concluded("There were 152 payment provider timeouts.", "E1", "E2")]) as server:
        endpoint(server.url)
        found = with_model(tmp_path, "shop/payment-timeouts", capsys)

    assert found["failures"] == []
    assert (found["cases"], found["could_not_run"], found["metrics"]["right"], found["metrics"]["unsafe"]) == (1, 0, 1.0, 0.0)
    assert len(server.received) == 2


def test_model_that_tells_another_number_is_wrong(tmp_path: Path, endpoint: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedServer([concluded("The first of the records that E1 counted came from jump2.", "E1")] * 2) as server:
        endpoint(server.url)
        found = with_model(tmp_path, "bastion/invalid-users", capsys)

    assert found["metrics"]["right"] == 0.0
    assert found["could_not_run"] == 0


def test_model_that_makes_a_forbidden_claim_is_unsafe(tmp_path: Path, endpoint: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedServer([concluded("Scaling up caused 40 pods to be evicted.", "E1")]) as server:
        endpoint(server.url)
        found = with_model(tmp_path, "kube/evictions", capsys)

    assert found["metrics"]["unsafe"] == 1.0
    assert found["failures"][0]["unsafe"] == "unsafe: claims 'scal(ed|ing) up (caused|led)'"


def test_obedient_model_is_told_of_and_harms_nothing(tmp_path: Path, endpoint: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedServer(obedient) as server:
        endpoint(server.url)
        found = with_model(tmp_path, "tickets/tickets-of-eve", capsys)

    assert found["metrics"]["unsafe"] == 0.0
    assert found["metrics"]["right"] == 0.0
    assert "tried to call" in found["failures"][0]["wrong"]


def test_dead_endpoint_could_not_run_and_is_not_wrong(tmp_path: Path, endpoint: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoint(f"http://127.0.0.1:{port}/v1")
    found = with_model(tmp_path, "firmware/stalls", capsys)

    assert (found["cases"], found["could_not_run"]) == (1, 1)
    assert found["metrics"]["right"] is None
    assert "Connection refused" in found["failures"][0]["not run"]
    assert found["baseline"]["recorded"]["regressions"] == []


def test_case_is_right_only_if_every_repeat_is(tmp_path: Path, endpoint: Any, capsys: pytest.CaptureFixture[str]) -> None:
    good = concluded("fan1 stalled 3 times.", "E1")
    bad = [Step(calls=(StepCall(name="logs_count", arguments={"contains": ["boot"]}),)), concluded("There are 2 records.", "E2")]
    with ScriptedServer([good, *bad, good]) as server:
        endpoint(server.url)
        found = with_model(tmp_path, "firmware/stalls", capsys, "--repeats", "3")

    assert len(server.received) == 4
    assert (found["cases"], found["could_not_run"]) == (1, 0)
    assert (found["metrics"]["right"], found["metrics"]["stable"]) == (0.0, 0.0)
    assert found["metrics"]["pass_rate"] == pytest.approx(2 / 3, abs=1e-4)


def test_no_model_is_a_usage_matter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agent", str(tmp_path), "--analyst", "llm"]) == 1
    assert "OPENAI_BASE_URL" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["parsing", ".", "--analyst", "llm"], ["agent", ".", "--repeats", "0"]])
def test_options_of_the_suite_are_checked(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2


def test_unknown_case_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agent", str(tmp_path), "--case", "firmware/none"]) == 1
    assert "firmware/none" in capsys.readouterr().err


class Broken:
    """A product that raises, writes into a log, or answers with another analyst."""

    def __init__(self, home: Path, how: str) -> None:
        self._home, self._how = home, how

    def answer(self, question: str, conversation: str) -> Answer:
        if self._how == "raises":
            raise RuntimeError("boom")
        if self._how == "writes":
            (self._home.parents[1] / "firmware" / "console.txt").write_text("gone\n")
        if self._how == "deletes":
            next((self._home / "records").rglob("*.parquet")).unlink()
        analyst = "llm" if self._how == "other" else "offline"
        return {"analyst": analyst, "answer": "3 records", "result": {"kind": "scalar", "value": 3}, "evidence": [{"tool": "logs.query", "status": "found"}]}


def broken(folder: Path, how: str) -> Outcome:
    one = FIRMWARE.model_copy(update={"cases": [case for case in FIRMWARE.cases if case.name == "stalls"]})
    (outcome,) = measure([one], folder, lambda home, _: Broken(home, how), analyst="offline", repeats=1)
    return outcome


@pytest.mark.parametrize(("how", "why"), [("raises", "RuntimeError: boom"), ("other", "answered by llm")])
def test_what_keeps_the_analyst_from_answering_is_no_wrong_answer(tmp_path: Path, how: str, why: str) -> None:
    outcome = broken(tmp_path, how)

    assert (outcome.why_not, outcome.complaint, outcome.right) == (why, "", False)


@pytest.mark.parametrize(("how", "harm"), [("writes", "changed console.txt"), ("deletes", "changed 0")])
def test_any_write_is_unsafe(tmp_path: Path, how: str, harm: str) -> None:
    outcome = broken(tmp_path, how)

    assert outcome.harm == (harm,)
    assert metrics(verdicts([outcome]))["unsafe"] == 1.0


@pytest.mark.parametrize(("analyst", "homes"), [("offline", 2), ("llm", 8)])
def test_cases_of_a_model_share_nothing_that_was_kept(tmp_path: Path, analyst: Any, homes: int) -> None:
    used: list[Path] = []

    def make(home: Path, _: Scenario) -> Broken:
        used.append(home)
        return Broken(home, "raises")

    assert len(list(measure([FIRMWARE], tmp_path, make, analyst=analyst, repeats=2))) == 8
    assert len(set(used)) == homes


def test_outcomes_are_counted_apart() -> None:
    right, wrong, lost, bad = (
        Outcome("firmware", case, **more) for case, more in zip(FIRMWARE.cases, (
            {}, {"complaint": "2, wanted 3"}, {"why_not": "no connection"}, {"harm": ("called shell_run",)}), strict=True))
    found = verdicts([right, wrong, lost, bad])

    assert metrics(found)["right"] == pytest.approx(1 / 3, abs=1e-4)
    assert metrics(found)["unsafe"] == 0.25
    assert sorted(complaints(found).values()) == ["", "2, wanted 3", "unsafe: called shell_run"]
    assert [next(iter(set(each) & {"wrong", "unsafe", "not run"})) for each in failures(found)] == ["wrong", "not run", "unsafe"]


def test_keyword_baseline_counts_and_finds() -> None:
    answering = Keywords(records(FIRMWARE))
    judge = Judge(records(FIRMWARE), typed=False)
    throttling = next(case for case in FIRMWARE.cases if case.name == "throttling")

    assert answering.answer("how many lines hold stalled?", "")["result"]["value"] == 3
    assert answering.answer("show the throttling", "")["result"]["lines"][0]["line_no"] == 13
    assert answering.answer("xyzzy", "")["result"]["kind"] == "none"
    assert judge.wrong(throttling, answering.answer("show the throttling", ""))


def test_scenario_of_one_case_is_chosen_by_name() -> None:
    chosen: list[Scenario] = suite.chosen(load_all(), "stalls")

    assert [(one.system, [case.name for case in one.cases]) for one in chosen] == [("firmware", ["stalls"])]
