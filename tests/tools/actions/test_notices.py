"""Messages and pages to local servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from tools.actions.action import Target
from tools.actions.catalogue import Catalogue, Systems
from tools.actions.errors import RefusedError, UnknownOutcomeError
from tools.actions.notices import Channel

OPS, DUTY = Target("Channel", "ops", system="notice"), Target("Channel", "duty", system="notice")


class Taker:
    """A server that keeps what it is sent."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.status = 200
        self.hang_up = False
        taker = self

        class Handling(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                taker.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                if taker.hang_up:
                    self.close_connection = True
                    return
                self.send_response(taker.status)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handling)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/T0/secret-path"
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def catalogue(self) -> Catalogue:
        return Catalogue(Systems(channels=(Channel("ops", "slack", self.url), Channel("duty", "pagerduty", self.url, "r0uting-key"))))


@pytest.fixture
def taker() -> Iterator[Taker]:
    one = Taker()
    yield one
    one.server.shutdown()
    one.server.server_close()


def test_a_preview_sends_nothing_and_nothing_takes_it_back(taker: Taker) -> None:
    preview = taker.catalogue().preview("notify_slack", OPS, {"text": "checkout is slow"})

    assert (taker.got, preview.inverse, preview.reversible, preview.checked_by) == ([], None, "no", "nothing")


def test_slack_gets_the_text(taker: Taker) -> None:
    actions = taker.catalogue()
    actions.perform(actions.preview("notify_slack", OPS, {"text": "checkout is slow"}).action)

    assert taker.got == [{"text": "checkout is slow"}]


def test_a_page_has_one_key_however_often_it_is_sent(taker: Taker) -> None:
    actions = taker.catalogue()
    preview = actions.preview("page_pagerduty", DUTY, {"summary": "checkout is down", "source": "checkout", "details": "5xx 40 %"})
    actions.perform(preview.action)
    actions.perform(preview.action)

    assert taker.got[0] == taker.got[1]
    assert (taker.got[0]["event_action"], taker.got[0]["routing_key"], taker.got[0]["payload"]["severity"]) == ("trigger", "r0uting-key", "critical")
    assert taker.got[0]["dedup_key"] == f"oncalm-{preview.action.marker}"


def test_secrets_do_not_leave(taker: Taker) -> None:
    actions = taker.catalogue()
    actions.perform(actions.preview("notify_slack", OPS, {"text": "it says password=hunter2-correct-horse"}).action)

    assert "hunter2" not in str(taker.got)


@pytest.mark.parametrize(("status", "error"), [(404, RefusedError), (429, RefusedError), (302, RefusedError), (500, UnknownOutcomeError)])
def test_a_refusal_is_told_and_sent_once_and_hides_the_url(taker: Taker, status: int, error: type[Exception]) -> None:
    taker.status = status
    actions = taker.catalogue()

    with pytest.raises(error) as caught:
        actions.perform(actions.preview("notify_slack", OPS, {"text": "x"}).action)
    assert (len(taker.got), "secret-path" in str(caught.value)) == (1, False)


def test_no_answer_is_unknown_and_stays_unclear(taker: Taker) -> None:
    taker.hang_up = True
    actions = taker.catalogue()
    preview = actions.preview("notify_slack", OPS, {"text": "x"})

    with pytest.raises(UnknownOutcomeError):
        actions.perform(preview.action)
    assert actions.settle(preview) == "unclear"


def test_nobody_there_means_nothing_was_sent() -> None:
    actions = Catalogue(Systems(channels=(Channel("ops", "slack", "http://127.0.0.1:9/x"),)))

    with pytest.raises(RefusedError, match="nothing was sent"):
        actions.perform(actions.preview("notify_slack", OPS, {"text": "x"}).action)


def test_a_channel_nobody_configured_is_an_obstacle(taker: Taker) -> None:
    assert [one.kind for one in taker.catalogue().preview("notify_slack", DUTY, {"text": "x"}).obstacles] == ["no_channel"]


def test_what_gives_credentials_to_machines_is_never_told() -> None:
    actions = Catalogue(Systems(channels=(Channel("ops", "slack", "http://169.254.169.254/latest/meta-data/hunter2"),)))

    with pytest.raises(RefusedError, match="nothing was sent") as raised:
        actions.perform(actions.preview("notify_slack", OPS, {"text": "x"}).action)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("said", ["<!channel> look", "<!here>", "<@U123>", "<https://evil.example|the runbook>", "<!subteam^S1>"])
def test_words_of_a_log_ring_no_channel_and_hide_no_link(taker: Taker, said: str) -> None:
    actions = taker.catalogue()
    actions.perform(actions.preview("notify_slack", OPS, {"text": f"it failed: {said} & more"}).action)

    (sent,) = taker.got
    assert "<" not in sent["text"]
    assert sent["text"].endswith("&amp; more")
