"""What a policy says of an action, and what is wrong with a file."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decision.names import ACTIONS
from agent.decision.policy import ORDER, Policy, Question, rule_on
from agent.decision.reading import parse, read
from telemetry.errors import UsageError
from tests.agent.decision.previews import CART, NOW
from tools.actions.action import Target


def asked(action: str = "restart_rollout", target: Target = CART, now: datetime = NOW, risk: float = 0.2, confidence: float = 0.9, **labels: str) -> Question:
    return Question(action, target, labels, risk, confidence, now)


def policy(rules: str, head: str = "") -> Policy:
    return parse(f"version: 1\n{head}\nrules:\n{rules}")


@pytest.mark.parametrize("action", [name for name, kinds in ACTIONS.items() if "Deployment" in kinds])
def test_nothing_configured_asks_for_every_write(action: str) -> None:
    assert rule_on(Policy(), asked(action)).decision == "ask"


@pytest.mark.parametrize("namespace", ["kube-system", "kube-public", "kube-node-lease", "istio-system", "linkerd", "linkerd-viz"])
def test_a_protected_namespace_refuses_even_what_a_rule_allows(namespace: str) -> None:
    allowing = policy("  - {name: a, decision: allow, actions: [restart_rollout]}")

    assert rule_on(allowing, asked(target=Target("Deployment", "x", namespace))).decision == "refuse"


def test_the_list_of_protected_namespaces_can_be_changed() -> None:
    changed = parse("version: 1\nprotected: [payments-*]")

    assert rule_on(changed, asked(target=Target("Deployment", "x", "payments-eu"))).decision == "refuse"
    assert rule_on(changed, asked(target=Target("Deployment", "x", "kube-system"))).decision == "ask"


def test_an_empty_list_protects_nothing() -> None:
    assert rule_on(parse("version: 1\nprotected: []"), asked()).decision == "ask"


@pytest.mark.parametrize("question", [
    asked("delete_everything"), asked(target=Target("CronJob", "x", "shop")), asked(target=Target("Deployment", "", "shop")),
    asked(target=Target("Deployment", "x")), asked(risk=float("nan")), asked(confidence=2.0), asked(now=datetime(2026, 1, 1)),  # noqa: DTZ001
])
def test_what_is_unknown_is_refused(question: Question) -> None:
    assert rule_on(policy("  - {name: a, decision: allow, actions: [restart_rollout]}"), question).decision == "refuse"


@pytest.mark.parametrize(("rule", "question", "expected"), [
    ("decision: allow, actions: [restart_rollout]", asked(), "allow"),
    ("decision: allow, actions: [scale]", asked(), "ask"),
    ("decision: refuse, kinds: [Stateful*]", asked(), "ask"),
    ("decision: refuse, targets: [ca*]", asked(), "refuse"),
    ("decision: refuse, namespaces: [prod]", asked(), "ask"),
    ("decision: ask_two, labels: {tier: 'gold*'}", asked(tier="golden"), "ask_two"),
    ("decision: ask_two, labels: {tier: gold}", asked(), "ask"),
    ("decision: ask_two, risk: {least: 0.5}", asked(risk=0.5), "ask_two"),
    ("decision: ask_two, risk: {least: 0.5}", asked(risk=0.4), "ask"),
    ("decision: refuse, confidence: {most: 0.3}", asked(confidence=0.2), "refuse"),
    ("decision: refuse, actions: ['*_rollout']", asked(), "refuse"),
])
def test_a_rule_holds_where_all_it_names_holds(rule: str, question: Question, expected: str) -> None:
    assert rule_on(policy(f"  - {{name: one, {rule}}}"), question).decision == expected


@pytest.mark.parametrize(("when", "now", "frozen"), [
    ("from: 2026-12-20T18:00, to: 2027-01-02T08:00", datetime(2026, 12, 20, 17, 30, tzinfo=UTC), True),  # 18:30 in Berlin
    ("from: 2026-12-20T18:00, to: 2027-01-02T08:00", datetime(2026, 12, 20, 16, 59, tzinfo=UTC), False),
    ("days: [friday], after: '16:00', before: '24:00'", NOW, None),
    ("days: [friday], after: '22:00', before: '06:00'", datetime(2026, 11, 28, 2, 0, tzinfo=UTC), True),  # Saturday 03:00, began on Friday
    ("days: [friday], after: '22:00', before: '06:00'", datetime(2026, 11, 27, 2, 0, tzinfo=UTC), False),
    ("days: [wednesday]", datetime(2026, 11, 24, 23, 30, tzinfo=UTC), True),  # already Wednesday in Berlin
])
def test_a_freeze_is_told_in_its_time_zone(when: str, now: datetime, frozen: bool | None) -> None:
    rule = f"  - {{name: freeze, decision: refuse, time: {{{when}}}}}"
    if frozen is None:
        with pytest.raises(UsageError, match="line 4"):
            policy(rule, "time_zone: Europe/Berlin")
        return
    assert (rule_on(policy(rule, "time_zone: Europe/Berlin"), asked(now=now)).decision == "refuse") is frozen


@given(st.lists(st.sampled_from(ORDER), min_size=1, max_size=6))
def test_the_most_restrictive_rule_wins_in_any_order(decisions: list[str]) -> None:
    rules = "\n".join(f"  - {{name: r{at}, decision: {one}, actions: [restart_rollout]}}" for at, one in enumerate(decisions))
    ruling = rule_on(policy(rules), asked())

    assert ruling.decision == max(decisions, key=list(ORDER).index)
    assert len(ruling.reasons) == len(decisions)


@pytest.mark.parametrize(("text", "said"), [
    ("version: 1\nrulez: []", "line 2: unknown key 'rulez'; the nearest is 'rules'"),
    ("version: 1\nrules:\n  - name: a\n    decision: ask\n    namespace: [x]", "line 5: unknown key 'namespace'; the nearest is 'namespaces'"),
    ("version: 1\nrules:\n  - name: a\n    decision: maybe", "line 4"),
    ("version: 1\nrules:\n  - {name: a, decision: allow}", "'actions' is a required property"),
    ("version: 1\nrules:\n  - {name: a, decision: allow, actions: ['*']}", "must name its actions"),
    ("version: 1\nrules:\n  - {name: a, decision: ask, actions: [scael]}", "the nearest is 'scale'"),
    ("version: 1\ntime_zone: Mars/Olympus", "line 2: no time zone"),
    ("version: 1\ntime_zone: ../etc", "no time zone"),
    ("version: 1\nversion: 1", "line 2"),
    ("version: 1\nrules: &a []\nprotected: *a", "aliases"),
    ("version: 1\nrules:\n  - {name: a, decision: ask, risk: {least: .8, most: .2}}", "least is above most"),
    ("version: 1\nrules:\n  - {name: a, decision: ask, time: {from: 2026-01-01}}", "'to' is a dependency"),
    ("version: 1\nrules:\n  - {name: a, decision: ask}\n  - {name: a, decision: ask}", "stands twice"),
    ("version: 1\nrules: [", "line 2"), ("", "the file"), ("- 1", "the file"), ("\x00", "not YAML"),
])
def test_a_wrong_policy_names_its_line_and_what_was_meant(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)

    assert said in str(caught.value)


@given(st.text(max_size=200))
def test_any_text_is_a_policy_or_a_usage_error(text: str) -> None:
    with suppress(UsageError):
        assert parse(text).digest


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        read(tmp_path / "none.yaml")


def test_the_digest_is_that_of_what_is_said() -> None:
    first, spaced, other = policy("  - {name: a, decision: ask}"), policy("\n\n  # why\n  - {name: a, decision: ask}"), policy("  - {name: a, decision: refuse}")

    assert first.digest == spaced.digest != other.digest
