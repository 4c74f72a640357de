"""What is decided on a previewed action."""

from __future__ import annotations

import pytest

from agent.decision.engine import decide
from agent.decision.policy import Policy
from agent.decision.reading import parse
from agent.decision.risk import Circumstances
from tests.agent.decision.previews import NOW, preview
from tools.actions.action import Obstacle

ALLOWING = parse("version: 1\nrules:\n  - {name: restarts, decision: allow, actions: [restart_rollout]}")


def test_a_policy_that_cannot_be_read_refuses() -> None:
    assert decide(None, preview(), Circumstances(1.0), now=NOW).decision == "refuse"


def test_a_named_action_is_allowed_with_its_rule_and_reasons() -> None:
    verdict = decide(ALLOWING, preview(), Circumstances(0.9), now=NOW, alternatives=[{"action": "scale"}])

    assert (verdict.decision, verdict.rule, verdict.policy) == ("allow", "restarts", ALLOWING.digest)
    assert "line 3" in verdict.reasons[0]
    assert verdict.document()["alternatives"] == [{"action": "scale"}]


@pytest.mark.parametrize(("seen", "expected"), [
    (Circumstances(0.1), "ask"), (Circumstances(0.9, recent_actions=3), "refuse"), (Circumstances(0.3, 20, 5, 2), "ask"),
    (Circumstances(float("nan")), "refuse"),
])
def test_no_rule_lifts_doubt_or_flapping(seen: Circumstances, expected: str) -> None:
    assert decide(ALLOWING, preview(share=1.0, pods=50, reversible="no"), seen, now=NOW).decision == expected


def test_an_obstacle_refuses_and_names_the_better_action() -> None:
    stopped = preview(obstacles=(Obstacle("managed", "Argo CD would revert it", "change it in Git"),))

    verdict = decide(Policy(), stopped, Circumstances(0.9), now=NOW)

    assert verdict.decision == "refuse"
    assert any("change it in Git" in why for why in verdict.reasons)


def test_an_obstacle_that_does_not_block_only_stands_there() -> None:
    assert decide(Policy(), preview(obstacles=(Obstacle("helm", "Helm owns it", blocking=False),)), Circumstances(0.9), now=NOW).decision == "ask"
