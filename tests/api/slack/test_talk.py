"""Questions in Slack over real HTTP: taken at once, answered once, in their thread; forged and replayed ones refused."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from api.actions.desk import Desk
from tests.api.slack.conftest import Running, Scripted, run
from tests.api.slack.fake_slack import FakeSlack, mention, until


def test_a_mention_is_acknowledged_at_once_and_answered_in_its_thread(running: Running) -> None:
    running.asking.seconds = 1.0
    began = time.monotonic()

    assert running.signer.event(mention("how many errors?")).status_code == 200
    assert time.monotonic() - began < 3
    first = until(lambda: running.slack.of("chat.postMessage"))[0]
    last = until(lambda: [one for one in running.slack.of("chat.update") if one.get("blocks")])[-1]

    assert (first["thread_ts"], "looking" in first["text"]) == ("1700000001.000001", True)
    assert (last["ts"], last["text"]) == (first["_ts"], "You asked: how many errors?")
    assert any("reading the logs" in one["text"] for one in running.slack.of("chat.update"))
    assert "<!channel>" not in str(last["blocks"])
    assert running.asking.asked == [("ask", "how many errors?", "slack:C0OPS:1700000001.000001", "ann")]


def test_a_follow_up_is_the_same_conversation(running: Running) -> None:
    running.signer.event(mention("how many errors?"))
    running.signer.event(mention("and yesterday?", event="Ev2", ts="1700000002.000001", thread="1700000001.000001"))
    until(lambda: len(running.asking.asked) == 2)

    assert len({one[2] for one in running.asking.asked}) == 1


def test_slacks_retries_are_answered_once_even_after_a_restart(slack: FakeSlack, desk: Desk, tmp_path: Path) -> None:
    one = run(slack, tmp_path / "home", desk, Scripted())
    for number in range(3):
        assert one.signer.event(mention("once"), headers={"x-slack-retry-num": str(number)}).status_code == 200
    until(lambda: [each for each in slack.of("chat.update") if each.get("blocks")])
    one.stop()
    again = run(slack, tmp_path / "home", desk, Scripted())
    assert again.signer.event(mention("once"), headers={"x-slack-retry-num": "3"}).status_code == 200
    time.sleep(0.5)
    again.stop()

    assert (len(one.asking.asked), len(again.asking.asked)) == (1, 0)
    assert len(slack.of("chat.postMessage")) == 1


def test_a_question_that_a_restart_cut_off_is_answered_in_its_message(slack: FakeSlack, desk: Desk, tmp_path: Path) -> None:
    from telemetry.errors import UsageError

    class Cut(Scripted):
        def _told(self, *given: object) -> dict[str, object]:  # type: ignore[override]
            while not given[-1]():  # type: ignore[operator]
                time.sleep(0.02)
            raise UsageError("stopped", where="run", remedy="none")

    one = run(slack, tmp_path / "home", desk, Cut())
    one.signer.event(mention("still there?"))
    until(lambda: slack.of("chat.postMessage"))
    one.stop()
    again = run(slack, tmp_path / "home", desk, Scripted())
    until(lambda: [each for each in slack.of("chat.update") if each.get("blocks")])
    again.stop()

    assert len(slack.of("chat.postMessage")) == 1
    assert again.asking.asked[0][1] == "still there?"


# A time to come draws nearer while the test runs, so it lies some seconds beyond the bound.
@pytest.mark.parametrize("how", [{"age": 301}, {"age": -320}, {"signature": "v0=" + "0" * 64}, {"signature": ""}])
def test_forged_and_late_requests_are_refused(running: Running, how: dict[str, object]) -> None:
    assert running.signer.event(mention("let me in"), **how).status_code == 401
    assert running.signer.command("ask let me in", **how).status_code == 401
    time.sleep(0.2)

    assert running.asking.asked == []


def test_strangers_and_other_teams_are_refused_politely(running: Running) -> None:
    running.signer.event(mention("hi", user="U0EVE"))
    running.signer.event(mention("hi", event="Ev2", team="T0OTHER"))
    running.signer.event(mention("hi", event="Ev3", user_team="T0OTHER"))
    told = until(lambda: len(running.slack.of("chat.postEphemeral")) == 3 and running.slack.of("chat.postEphemeral"))

    assert all("do not know you" in one["text"] for one in told)
    assert running.asking.asked == []


def test_a_bots_words_are_no_question(running: Running) -> None:
    running.signer.event(mention("loop", bot_id="B0BOT"))
    running.signer.event({**mention("edit", event="Ev2"), "event": {"type": "message", "channel_type": "channel", "user": "U0ANN", "text": "x", "ts": "1.1", "channel": "C0OPS"}})
    time.sleep(0.3)

    assert running.asking.asked == []


def test_slash_commands_ask_and_their_thread_goes_on(running: Running) -> None:
    assert "looking" in running.signer.command("ask how many <errors> &amp; why").text
    until(lambda: [each for each in running.slack.of("chat.update") if each.get("blocks")])
    root, looking = running.slack.of("chat.postMessage")[:2]
    running.signer.event(mention("and then?", thread=root["_ts"], ts="1700000009.1"))
    until(lambda: len(running.asking.asked) == 2)

    assert looking["thread_ts"] == root["_ts"]
    assert running.asking.asked[0][2] == running.asking.asked[1][2]
    assert "oncalm help" in running.signer.command("help", trigger="2.2").text
    assert "No incident" in running.signer.command("incidents", trigger="3.3").text
    assert "role responder" in running.signer.command("investigate slow", trigger="4.4", user="U0VIC").text


def test_an_outage_of_slack_loses_no_answer(running: Running) -> None:
    running.slack.down = True
    running.signer.event(mention("patience"))
    until(lambda: running.asking.asked)
    time.sleep(0.5)
    running.slack.down = False

    assert until(lambda: [one for one in running.slack.of("chat.update") if one.get("blocks")])[0]["text"] == "You asked: patience"


def test_incidents_reach_the_channel_as_plain_words(running: Running) -> None:
    from api.slack.bot import incident_notices

    class Found:
        def document(self) -> dict[str, str]:
            return {"id": "inc-1", "title": "<!here> checkout is slow", "state": "open", "service": "checkout"}

    incident_notices(running.bot)("opened", Found())
    incident_notices(running.bot)("note", Found())
    told = until(lambda: running.slack.of("chat.postMessage"))

    assert [one["channel"] for one in told] == ["C0OPS"]
    assert "checkout is slow" in str(told[0]["blocks"])
    assert "<!here>" not in str(told)


def test_a_long_answer_is_folded_with_its_whole_text_as_a_file(running: Running) -> None:
    running.asking.answer = "long words " * 1_000
    running.signer.event(mention("everything"))

    until(lambda: running.slack.of("files.completeUploadExternal"))
    assert any(running.asking.answer.strip().encode() in content for content in running.slack.files.values())
    assert all(len(block["text"]["text"]) <= 3_000 for one in running.slack.of("chat.update") for block in one.get("blocks", []) if "text" in block)
