"""Approvals in Slack, with a real desk: who may, what was shown, who was first, and cards that follow the state."""

from __future__ import annotations

import json
from typing import Any

from agent.approvals.people import Person
from api.actions.targets import target_of
from tests.api.slack.conftest import Running
from tests.api.slack.fake_slack import TEAM, until


def proposed(one: Running) -> Any:
    known = one.desk.catalogue
    target = target_of("Deployment/web", "shop", known.kinds("scale"), known.system("scale"))
    made = one.desk.propose("scale", target, {"replicas": 5}, Person("rob", "responder"), cause="saturation")
    assert made.approval is not None
    until(lambda: one.slack.of("chat.postMessage"))
    return made.approval


def click(one: Running, name: str, user: str = "U0ANN", trigger: str = "9.1", team: str = TEAM, **value: str) -> None:
    buttons = next(block for block in one.slack.of("chat.postMessage")[0]["blocks"] if block["type"] == "actions")["elements"]
    shown = json.loads(next(button["value"] for button in buttons if button["action_id"] == f"oncalm_{name}"))
    body = {"type": "block_actions", "team": {"id": team}, "user": {"id": user, "name": "<!here>", "team_id": team}, "channel": {"id": "C0OPS"}, "trigger_id": trigger,
            "api_app_id": "A1", "actions": [{"type": "button", "action_id": f"oncalm_{name}", "block_id": "approval", "value": json.dumps({**shown, **value})}]}
    assert one.signer.action(body).status_code == 200


def shown(one: Running) -> str:
    return json.dumps(one.slack.of("chat.update")[-1]["blocks"]) if one.slack.of("chat.update") else ""


def test_a_card_says_what_would_be_done_and_an_approval_does_it(running: Running) -> None:
    asked = proposed(running)
    card = json.dumps(running.slack.of("chat.postMessage")[0]["blocks"], ensure_ascii=False)
    click(running, "approve")
    until(lambda: running.desk.approvals.show(asked.id).state == "succeeded")
    until(lambda: any("being verified" in told["text"] for told in running.slack.of("chat.postMessage", thread_ts=running.slack.of("chat.postMessage")[0]["_ts"])))

    assert all(word in card for word in ("scale", "web", "replicas", "Inverse", "Risk", "<!date^", asked.line.digest[:12], "rob", "saturation"))
    assert running.desk.approvals.show(asked.id).answers[0].via == "slack"
    until(lambda: "oncalm_approve" not in shown(running))


def test_the_second_click_is_told_who_was_first(running: Running) -> None:
    asked = proposed(running)
    click(running, "approve")
    until(lambda: running.desk.approvals.show(asked.id).state == "succeeded")
    click(running, "approve", user="U0BOB", trigger="9.2")

    told = until(lambda: running.slack.of("chat.postEphemeral"))[0]
    assert (told["user"], "ann" in told["text"]) == ("U0BOB", True), told


def test_only_mapped_approvers_of_the_team_may_and_only_what_they_were_shown(running: Running) -> None:
    asked = proposed(running)
    click(running, "approve", user="U0VIC", trigger="1.1")
    click(running, "approve", user="U0EVE", trigger="1.2")
    click(running, "approve", team="T0OTHER", trigger="1.3")
    click(running, "approve", trigger="1.4", digest="0" * 64)
    click(running, "reject", user="U0VIC", trigger="1.5")

    until(lambda: len(running.slack.of("chat.postEphemeral")) == 5)
    assert running.desk.approvals.show(asked.id).state == "pending"
    assert running.slack.of("views.open") == []


def test_a_rejection_asks_why_and_keeps_the_reason(running: Running) -> None:
    asked = proposed(running)
    click(running, "reject")
    view = until(lambda: running.slack.of("views.open"))[0]["view"]
    view = json.loads(view) if isinstance(view, str) else view
    body = {"type": "view_submission", "team": {"id": TEAM}, "user": {"id": "U0ANN", "team_id": TEAM}, "trigger_id": "8.1", "api_app_id": "A1",
            "view": {**view, "id": "V1", "state": {"values": {"reason": {"said": {"type": "plain_text_input", "value": "not <!here> at night"}}}}}}
    assert running.signer.action(body).status_code == 200
    until(lambda: running.desk.approvals.show(asked.id).state == "rejected")

    assert running.desk.approvals.show(asked.id).answers[0].reason == "not <!here> at night"
    until(lambda: "rejected" in shown(running))
    assert "<!here>" not in shown(running)
    assert "oncalm_approve" not in shown(running)


def test_a_card_follows_what_was_answered_elsewhere(running: Running) -> None:
    asked = proposed(running)
    running.desk.approvals.reject(asked.id, Person("cli", "approver"), reason="by hand")

    until(lambda: "by hand" in shown(running))
    assert "oncalm_approve" not in shown(running)


def test_details_open_for_viewers_and_waiting_ones_are_listed(running: Running) -> None:
    asked = proposed(running)
    click(running, "details", user="U0VIC")

    until(lambda: running.slack.of("views.open"))
    assert asked.id in running.signer.command("approve", trigger="7.1").text
    assert "role responder" in running.signer.command("approve", trigger="7.2", user="U0VIC").text
