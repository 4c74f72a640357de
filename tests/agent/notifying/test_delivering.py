"""Notices that reach real servers, whatever these do."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.notifying.delivering import COMMAND, Notifier, Retries
from agent.notifying.notice import Channel, notice
from agent.notifying.outbox import Outbox
from tests.agent.notifying.servers import http, smtp

ROOT = Path(__file__).parents[3]
QUICK = Retries(first=0.1, longest=0.3, pause=0.2, timeout=15)


def box(folder: Path) -> Outbox:
    return Outbox(folder / "notices.db", lambda: datetime.now(UTC))


@contextmanager
def sending(notifier: Notifier, seconds: float = 5.0) -> Iterator[None]:
    """Whatever fails meanwhile: one that goes on would start processes beside all later tests."""
    notifier.start()
    try:
        yield
    finally:
        notifier.stop(seconds)


def until(true: Callable[[], bool], seconds: float = 120) -> bool:
    """The bound only keeps a broken test from waiting forever."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def states(outbox: Outbox) -> list[str]:
    return [row.state for row in outbox.rows()]


def test_a_notice_arrives_at_http_and_mail(tmp_path: Path) -> None:
    with http() as hook, smtp() as mail:
        mailto = f"mailto://127.0.0.1:{mail.port}/?from=oncalm@example.org&to=sre@example.org&mode=insecure"
        notifier = Notifier(box(tmp_path), [Channel("hook", f"json://127.0.0.1:{hook.port}/"), Channel("mail", mailto)])
        assert notifier.notify(notice("A1", "approval_asked", "Scale shop?", "2 to 4 replicas")) == 2
        for channel in notifier.channels:
            assert notifier.send_due(channel)

    assert hook.messages[0]["title"] == "Scale shop?"
    assert len(mail.messages) == 1
    assert states(notifier.outbox) == ["sent", "sent"]


def test_a_server_that_fails_first_gets_it_later(tmp_path: Path) -> None:
    with http((500, {}, 0), (200, {}, 0)) as hook, smtp(refusals=1) as mail:
        mailto = f"mailto://127.0.0.1:{mail.port}/?from=oncalm@example.org&to=sre@example.org&mode=insecure"
        notifier = Notifier(box(tmp_path), [Channel("hook", f"json://127.0.0.1:{hook.port}/"), Channel("mail", mailto)], retries=QUICK)
        notifier.notify(notice("A1", "executed", "done", "it runs"))
        with sending(notifier):
            assert until(lambda: states(notifier.outbox) == ["sent", "sent"])

    assert (len(hook.messages), len(mail.messages)) == (2, 2)


def test_retry_after_is_waited_for_by_the_whole_channel(tmp_path: Path) -> None:
    with http((429, {"Retry-After": "120"}, 0), (200, {}, 0)) as hook:
        notifier = Notifier(box(tmp_path), [Channel("hook", f"json://127.0.0.1:{hook.port}/")], retries=QUICK)
        notifier.notify(notice("A1", "executed", "one", "one"))
        notifier.notify(notice("A2", "executed", "two", "two"))
        assert notifier.send_due(notifier.channels[0])

        assert not notifier.send_due(notifier.channels[0])
    first = notifier.outbox.rows("waiting")[-1]
    assert first.why == "HTTP 429"
    assert first.due - time.time() > 100


def test_dead_and_slow_channels_delay_nobody_else(tmp_path: Path) -> None:
    with http((200, {}, 20)) as slow, http() as hook:
        channels = [Channel("dead", f"json://127.0.0.1:{closed_port()}/"), Channel("slow", f"json://127.0.0.1:{slow.port}/"),
                    Channel("hook", f"json://127.0.0.1:{hook.port}/")]
        notifier = Notifier(box(tmp_path), channels, retries=Retries(first=0.1, longest=0.3, timeout=60))
        with sending(notifier, 0.1):
            began = time.monotonic()
            for number in range(3):
                notifier.notify(notice(f"A{number}", "executed", f"done {number}", "it runs"))
            told = time.monotonic() - began
            assert until(lambda: {row.channel for row in notifier.outbox.rows("waiting")} == {"dead", "slow"})

    assert told < 10
    assert {one["title"] for one in hook.messages} == {"done 0", "done 1", "done 2"}


def test_an_attempt_has_an_end(tmp_path: Path) -> None:
    with http((200, {}, 60)) as slow:
        notifier = Notifier(box(tmp_path), [Channel("slow", f"json://127.0.0.1:{slow.port}/?rto=60")], retries=Retries(timeout=2))
        notifier.notify(notice("A1", "executed", "done", "it runs"))
        began = time.monotonic()
        notifier.send_due(notifier.channels[0])

    assert time.monotonic() - began < 30
    assert "no end within 2 s" in notifier.outbox.rows()[0].why


def test_what_never_arrives_is_given_up_and_may_be_taken_up_again(tmp_path: Path) -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    outbox = Outbox(tmp_path / "notices.db", lambda: now[0])
    notifier = Notifier(outbox, [Channel("dead", f"json://127.0.0.1:{closed_port()}/")], command=("echo", "{}"))
    notifier.notify(notice("A1", "executed", "done", "it runs"))
    attempts = 0
    while states(outbox) == ["waiting"]:
        attempts += notifier.send_due(notifier.channels[0])
        now[0] += timedelta(minutes=5)

    assert states(outbox) == ["gave_up"]
    assert 50 < attempts < 300
    assert outbox.again() == 1
    assert states(outbox) == ["waiting"]


@pytest.mark.parametrize("after", [0.0, 0.5, 1.5])
def test_kill_9_loses_nothing(tmp_path: Path, after: float) -> None:
    with http((200, {}, 0.6)) as hook:
        path = tmp_path / "notices.db"
        child = subprocess.Popen([sys.executable, "-m", "tests.agent.notifying.killed", str(path), str(hook.port)], cwd=ROOT, stdout=subprocess.PIPE)
        assert child.stdout is not None
        assert child.stdout.readline() == b"kept\n"
        time.sleep(after)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        notifier = Notifier(box(tmp_path), [Channel("hook", f"json://127.0.0.1:{hook.port}/")], retries=QUICK)
        notifier.start()
        with sending(notifier):
            assert until(lambda: states(notifier.outbox) == ["sent"] * 3)

    assert {one["message"] for one in hook.messages} == {"message 0", "message 1", "message 2"}


def test_pagerduty_gets_one_key_for_all_attempts(tmp_path: Path) -> None:
    with http((500, {}, 0), (202, {}, 0)) as pager:
        command = (sys.executable, "-m", "tests.agent.notifying.pagerduty", str(pager.port))
        channel = Channel("pager", f"pagerduty://{'i' * 32}@{'a' * 20}/")
        notifier = Notifier(box(tmp_path), [channel], command=command, retries=QUICK)
        notifier.notify(notice("A1", "failed", "NOT executed", "the server said 500"))
        assert until(lambda: (notifier.send_due(channel), len(pager.messages) == 2)[1])

    assert [one["dedup_key"] for one in pager.messages] == ["oncalm/A1/failed/0"] * 2
    assert pager.messages[0]["event_action"] == "trigger"


def test_the_url_is_shown_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    channel = Channel("hook", f"json://user:hunter2secret@127.0.0.1:{closed_port()}/T0ken/")
    notifier = Notifier(box(tmp_path), [channel], retries=QUICK)
    notifier.notify(notice("A1", "executed", "done", "it runs"))
    notifier.send_due(channel)

    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for shown in (repr(channel), repr(notifier.outbox.rows()), caplog.text, kept.decode(errors="replace")):
        assert "hunter2secret" not in shown
        assert "T0ken" not in shown


def test_an_unusable_url_and_a_missing_apprise_say_so(tmp_path: Path) -> None:
    strange = Notifier(box(tmp_path), [Channel("odd", "nosuchservice://somewhere/secret")])
    strange.notify(notice("A1", "executed", "done", "it runs"))
    strange.send_due(strange.channels[0])
    assert "does not know such a URL" in strange.outbox.rows()[0].why

    missing = (sys.executable, "-c", "import sys; sys.modules['apprise'] = None; from agent.notifying.sending import main; main()")
    bare = Notifier(Outbox(tmp_path / "other.db", lambda: datetime.now(UTC)), [Channel("odd", "json://127.0.0.1/")], command=missing)
    bare.notify(notice("A1", "executed", "done", "it runs"))
    bare.send_due(bare.channels[0])
    assert "pip install 'oncalm[notify]'" in bare.outbox.rows()[0].why
    assert COMMAND[1:] == ("-m", "agent.notifying.sending")


def test_no_channel_leads_to_where_a_cloud_gives_out_credentials(tmp_path: Path) -> None:
    with http((302, {"Location": "http://169.254.169.254/latest/meta-data/"}, 0)) as hook:
        channels = [Channel("plain", "json://169.254.169.254/"), Channel("mapped", "json://[::ffff:169.254.169.254]/"),
                    Channel("mail", "mailto://169.254.169.254/?from=a@example.org&to=b@example.org&mode=insecure"),
                    Channel("led", f"json://127.0.0.1:{hook.port}/")]
        notifier = Notifier(box(tmp_path), channels)
        notifier.notify(notice("A1", "executed", "done", "it runs"))
        for channel in channels:
            assert notifier.send_due(channel)

    assert states(notifier.outbox) == ["gave_up"] * 4
    assert all("169.254.169.254, where a cloud gives out credentials" in row.why for row in notifier.outbox.rows())
