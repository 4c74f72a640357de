"""Messages reach Slack once, in order and at its pace, over outages and restarts."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from slack_sdk import WebClient

from api.slack.memory import Memory
from api.slack.sending import Sender
from tests.api.slack.fake_slack import FakeSlack, until


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as fake:
        yield fake


def sender(slack: FakeSlack, path: Path, pace: float = 0.01) -> Sender:
    return Sender(WebClient(token="xoxb-1", base_url=slack.url, retry_handlers=[]), Memory(path / "slack.db"), pace=pace, first=0.05)


def test_order_is_kept_over_failures_of_every_kind(slack: FakeSlack, tmp_path: Path) -> None:
    slack.faults["chat.postMessage"] = deque([500, (429, 1), "internal_error", 503])
    one = sender(slack, tmp_path)
    one.start()
    for number in range(8):
        one.post("C1", f"m{number}")

    until(lambda: len(slack.of("chat.postMessage")) == 8)

    assert [told["text"] for told in slack.of("chat.postMessage")] == [f"m{number}" for number in range(8)]
    assert all(told["unfurl_links"] is False and told["link_names"] is False for told in slack.of("chat.postMessage"))
    one.stop()


def test_retry_after_of_one_channel_does_not_hold_up_another(slack: FakeSlack, tmp_path: Path) -> None:
    slack.faults["chat.postMessage"] = deque([(429, 2)])
    one = sender(slack, tmp_path)
    one.post("C1", "late")
    one.post("C2", "early")
    one.start()

    until(lambda: len(slack.of("chat.postMessage")) == 2)

    first, second = [call for call in slack.calls if call.method == "chat.postMessage"]
    assert (first.told["channel"], second.told["channel"]) == ("C2", "C1")
    assert second.at - first.at > 1.5
    one.stop()


def test_what_waits_outlives_an_outage_and_a_restart(slack: FakeSlack, tmp_path: Path) -> None:
    slack.down = True
    one = sender(slack, tmp_path)
    one.start()
    one.post("C1", "kept", key="k")
    one.update("C1", "k", "newest")
    one.stop(0.2)
    slack.down = False

    again = sender(slack, tmp_path)
    again.start()
    until(lambda: slack.of("chat.update"))
    again.stop()

    assert [told["text"] for told in slack.of("chat.postMessage")] == ["kept"]
    assert slack.of("chat.update")[0]["ts"] == slack.of("chat.postMessage")[0]["_ts"]


def test_only_the_newest_of_waiting_updates_is_sent(slack: FakeSlack, tmp_path: Path) -> None:
    one = sender(slack, tmp_path, pace=0.3)
    one.start()
    one.post("C1", "looking", key="k")
    for number in range(50):
        one.update("C1", "k", f"step {number}")

    until(lambda: any(told["text"] == "step 49" for told in slack.of("chat.update")))

    made = [call.at for call in slack.calls if call.method == "chat.update"]
    assert len(made) < 20
    assert all(after - before > 0.25 for before, after in zip(made, made[1:], strict=False))
    one.stop()


def test_a_refused_message_does_not_hold_up_the_rest(slack: FakeSlack, tmp_path: Path) -> None:
    slack.faults["chat.postMessage"] = deque(["channel_not_found", "invalid_blocks"])
    one = sender(slack, tmp_path)
    one.start()
    one.post("C1", "refused")
    one.post("C1", "plain", blocks=[{"type": "divider"}])

    told = until(lambda: slack.of("chat.postMessage"))

    assert (told[0]["text"], "blocks" in told[0]) == ("plain", False), json.dumps(told)
    assert Memory(tmp_path / "slack.db").count("refused") == 1
    one.stop()


def test_a_file_is_uploaded_into_its_thread(slack: FakeSlack, tmp_path: Path) -> None:
    one = sender(slack, tmp_path)
    one.start()
    one.file("C1", "timeline.png", b"\x89PNG data", "timeline", "1.2")

    until(lambda: slack.of("files.completeUploadExternal"))

    assert b"\x89PNG data" in next(iter(slack.files.values()))
    assert slack.of("files.completeUploadExternal")[0]["thread_ts"] == "1.2"
    one.stop()
