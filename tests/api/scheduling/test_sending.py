"""Deliveries arrive whole at real servers; hostile texts stay texts; secrets are told to nobody."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email import message_from_string, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent.summaries.composing import compose
from agent.summaries.document import Summary
from agent.summaries.facts import Facts
from api.pictures.summary import pictures
from api.scheduling.schedule import Place
from api.scheduling.sending import DELIVERY, SIGNATURE, MaybeSentError, NotSentError, Sender
from tests.agent.notifying.servers import http, smtp


@pytest.fixture
def summary(facts: Facts) -> Summary:
    return compose(facts)


def sender(home: Path, **variables: str) -> Sender:
    return Sender(home, variables.get, pictures, seconds=2)


@contextmanager
def raw_hook(status: int = 200) -> Iterator[tuple[int, list[tuple[Mapping[str, str], bytes]]]]:
    """A web hook that keeps headers and bodies as they came."""
    taken: list[tuple[Mapping[str, str], bytes]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server.server_address[1], taken
    finally:
        server.shutdown()


def test_a_webhook_is_signed_and_named(tmp_path: Path, summary: Summary) -> None:
    with raw_hook() as (port, taken):
        place = Place(kind="webhook", to="HOOK", secret="KEY")
        sender(tmp_path, HOOK=f"http://127.0.0.1:{port}/x", KEY="s3cret").send(place, summary, "s-1-0", 1_000.5)

    headers, body = taken[0]
    assert headers[SIGNATURE] == f"t=1000,sha256={hmac.new(b's3cret', b'1000.' + body, hashlib.sha256).hexdigest()}"
    assert headers[DELIVERY] == json.loads(body)["delivery"] == "s-1-0"
    assert json.loads(body)["summary"]["title"] == summary.title


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500, 503])
def test_what_is_no_yes_was_not_sent(tmp_path: Path, summary: Summary, status: int) -> None:
    with raw_hook(status) as (port, taken), pytest.raises(NotSentError, match=str(status)):
        sender(tmp_path, HOOK=f"http://127.0.0.1:{port}/").send(Place(kind="webhook", to="HOOK"), summary, "k", 0)

    assert len(taken) == 1


def test_a_connection_that_ends_without_an_answer_may_have_taken_it(tmp_path: Path, summary: Summary) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        def hang_up() -> None:
            connection, _ = server.accept()
            connection.recv(65_536)
            connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        with pytest.raises(MaybeSentError):
            sender(tmp_path, HOOK=f"http://127.0.0.1:{server.getsockname()[1]}/").send(Place(kind="webhook", to="HOOK"), summary, "k", 0)


@pytest.mark.parametrize("url", [None, "", "ftp://127.0.0.1/", "not a url", "http://127.0.0.1:9/"])
def test_a_url_that_does_not_work_was_not_sent_and_is_not_told(tmp_path: Path, summary: Summary, url: str | None) -> None:
    with pytest.raises(NotSentError) as caught:
        sender(tmp_path, **({"HOOK": url} if url is not None else {})).send(Place(kind="webhook", to="HOOK"), summary, "k", 0)

    assert not url or url not in str(caught.value)


def test_mail_comes_with_text_html_and_pictures_inside(tmp_path: Path, summary: Summary) -> None:
    with smtp() as taken:
        url = f"smtp://127.0.0.1:{taken.port}?from=oncalm@example.org&starttls=0"
        sender(tmp_path, ONCALM_SMTP_URL=url).send(Place(kind="mail", to="ann@example.org, bob@example.org"), summary, "k1", 0)

    message: Any = message_from_string(taken.messages[0], policy=policy.default)
    page = message.get_body(("html",)).get_content()
    pictured = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert (message["Subject"], message["To"]) == (summary.title, "ann@example.org, bob@example.org")
    assert message["Message-ID"] == "<summary-k1@oncalm.invalid>"
    assert "# Summary" in message.get_body(("plain",)).get_content()
    assert len(pictured) == 3
    assert all(f'cid:{part["Content-ID"].strip("<>")}' in page for part in pictured)
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="(?!cid:)', page) == []


def test_a_mail_server_that_says_later_did_not_take_it(tmp_path: Path, summary: Summary) -> None:
    with smtp(refusals=1) as taken, pytest.raises(NotSentError, match="451"):
        sender(tmp_path, ONCALM_SMTP_URL=f"smtp://127.0.0.1:{taken.port}?starttls=0").send(Place(kind="mail", to="ann@example.org"), summary, "k", 0)


def test_mail_goes_nowhere_in_clear_when_it_shall_be_encrypted(tmp_path: Path, summary: Summary) -> None:
    with smtp() as taken, pytest.raises(NotSentError):
        sender(tmp_path, ONCALM_SMTP_URL=f"smtp://u:p@127.0.0.1:{taken.port}").send(Place(kind="mail", to="ann@example.org"), summary, "k", 0)

    assert taken.messages == []


def test_a_folder_holds_one_set_of_files_however_often(tmp_path: Path, summary: Summary) -> None:
    for _ in range(2):
        sender(tmp_path).send(Place(kind="folder", to="out"), summary, "k", 0)

    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"20260302T1400-k.{ending}" for ending in ("budgets.png", "errors.png", "html", "json", "md", "templates.png")]


def test_a_folder_that_cannot_be_made_was_not_sent(tmp_path: Path, summary: Summary) -> None:
    (tmp_path / "out").write_text("a file")

    with pytest.raises(NotSentError):
        sender(tmp_path).send(Place(kind="folder", to="out"), summary, "k", 0)


def test_apprise_takes_it_to_other_channels(tmp_path: Path, summary: Summary) -> None:
    with http() as taken:
        sender(tmp_path, PLACE=f"json://127.0.0.1:{taken.port}/").send(Place(kind="apprise", to="PLACE"), summary, "k", 0)
        with pytest.raises(NotSentError, match="not know such a URL"):
            sender(tmp_path, PLACE="nosuch://x").send(Place(kind="apprise", to="PLACE"), summary, "k", 0)

    assert taken.messages[0]["title"] == summary.title
    assert summary.lead[0] in taken.messages[0]["message"]


def test_apprise_without_an_answer_may_have_sent_it(tmp_path: Path, summary: Summary) -> None:
    with http((200, {}, 10.0)) as taken, pytest.raises(MaybeSentError):
        sender(tmp_path, PLACE=f"json://127.0.0.1:{taken.port}/?rto=1").send(Place(kind="apprise", to="PLACE"), summary, "k", 0)


def test_slack_takes_blocks_by_a_poster_or_a_hook(tmp_path: Path, summary: Summary) -> None:
    posted: list[tuple[str, Any, Any]] = []

    class Poster:
        def post(self, channel: str, message: Mapping[str, Any], pictures: Mapping[str, bytes]) -> None:
            posted.append((channel, message, sorted(pictures)))

    Sender(tmp_path, os.environ.get, pictures, Poster()).send(Place(kind="slack", to="#ops"), summary, "k", 0)
    with http() as taken:
        sender(tmp_path, HOOK=f"http://127.0.0.1:{taken.port}/").send(Place(kind="slack-hook", to="HOOK"), summary, "k", 0)

    assert posted[0][0] == "#ops"
    assert posted[0][2] == ["budgets", "errors", "templates"]
    assert taken.messages[0]["blocks"] == posted[0][1]["blocks"]


@pytest.mark.parametrize(("kind", "magic"), [("png", b"\x89PNG"), ("svg", b"<svg"), ("pdf", b"%PDF")])
def test_charts_are_drawn_in_every_format(summary: Summary, kind: Any, magic: bytes) -> None:
    drawn = pictures(summary, kind)

    assert set(drawn) == {"errors", "templates", "budgets"}
    assert all(data.startswith(magic) for data in drawn.values())
