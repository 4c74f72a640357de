"""What a notice holds and what an outbox keeps."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.notifying.delivering import Notifier, Retries
from agent.notifying.notice import WITHHELD, Channel, masked, notice
from agent.notifying.outbox import Outbox
from telemetry.errors import UsageError

SECRET = "AKIA" + "IOSFODNN7EXAMPLE"


def box(path: Path, at: datetime | None = None) -> Outbox:
    return Outbox(path / "notices.db", lambda: at or datetime.now(UTC))


def test_secrets_are_masked_before_anything_is_kept(tmp_path: Path) -> None:
    outbox = box(tmp_path)
    outbox.put(notice("A1", "executed", f"key {SECRET}", f"it logged {SECRET} and password=hunter2hunter2"), [Channel("a", "json://h")])

    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert SECRET.encode() not in kept
    assert b"hunter2hunter2" not in kept


def test_what_cannot_be_masked_is_withheld() -> None:
    def broken(text: str) -> str:
        raise RecursionError

    told = notice("A1", "executed", "title", "body", secrets=broken)

    assert (told.title, told.body) == (WITHHELD, WITHHELD)


@given(st.text(max_size=300))
def test_a_secret_in_any_text_is_masked(text: str) -> None:
    assert SECRET not in masked(f"{text} {SECRET} {text}")


def test_log_lines_call_nobody() -> None:
    body = notice("A1", "executed", "t", "it says <!channel> and @everyone").body

    assert "<!channel" not in body
    assert "@everyone" not in body


def test_the_same_notice_is_kept_once_whoever_tells_it(tmp_path: Path) -> None:
    outbox, told = box(tmp_path), notice("A1", "executed", "t", "b")
    with ThreadPoolExecutor(8) as pool:
        new = sum(pool.map(lambda _: outbox.put(told, [Channel("a", "json://h")]), range(40)))

    assert (new, len(outbox.rows())) == (1, 1)


def test_one_row_is_claimed_by_one(tmp_path: Path) -> None:
    outbox = box(tmp_path)
    for number in range(5):
        outbox.put(notice(f"A{number}", "executed", "t", "b"), [Channel("a", "json://h")])
    with ThreadPoolExecutor(8) as pool:
        claimed = [row.id for row in pool.map(lambda _: outbox.claim("a", 60), range(20)) if row]

    assert sorted(claimed) == [1, 2, 3, 4, 5]


def test_channels_get_the_events_they_want(tmp_path: Path) -> None:
    channels = [Channel("pager", "json://h", ("failed",)), Channel("chat", "json://h")]
    outbox = box(tmp_path)

    assert outbox.put(notice("A1", "executed", "t", "b"), channels) == 1
    assert outbox.put(notice("A1", "failed", "t", "b"), channels) == 2


def test_an_ask_whose_deadline_passed_is_not_sent(tmp_path: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    box(tmp_path, now).put(notice("A1", "approval_asked", "t", "b", useful_until=now + timedelta(minutes=30)), [Channel("a", "json://h")])
    later = box(tmp_path, now + timedelta(hours=1))

    assert later.claim("a", 60) is None
    assert later.rows()[0].state == "too_late"


def test_a_broken_outbox_does_not_stop_the_workflow(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    notifier = Notifier(Outbox(tmp_path / "file" / "notices.db", lambda: datetime.now(UTC)), [Channel("a", "json://h")])

    assert notifier.notify(notice("A1", "executed", "t", "b")) == 0
    assert "was not kept" in caplog.text


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_waits_are_bounded(attempts: int, dice: float) -> None:
    retries = Retries()

    assert retries.first / 2 <= retries.after(attempts, dice) <= retries.longest


@pytest.mark.parametrize(("name", "url"), [("", "json://h"), ("a", "T0ken"), ("slack://T0ken", "slack://T0ken")])
def test_a_wrong_channel_is_refused_without_its_url(name: str, url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Channel(name, url)

    assert "T0ken" not in str(caught.value)
