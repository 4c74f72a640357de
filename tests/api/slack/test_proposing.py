"""What Slack does by the same services as the command line: proposals of an investigation, and scheduled summaries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.actions.desk import Desk
from api.scheduling.schedule import schedule_from
from api.slack.talk import ProductAsking
from api.summaries.service import Summarising
from api.wiring.product import Product
from tests.agent.summaries.conftest import troubled
from tests.agent.summaries.homes import NOW
from tests.api.slack.conftest import Running, Scripted, http_with, run
from tests.api.slack.fake_slack import FakeSlack, mention, until
from tests.investigating.test_proposals import killed, product, shop
from tests.tools.cluster.shops import Held

__all__ = ["product", "shop", "troubled"]
SYMPTOM = "investigate web fails since 20 minutes"


@pytest.fixture
def acting(slack: FakeSlack, tmp_path: Path, shop: Held, product: Product) -> Iterator[Running]:
    killed(shop, "cart")
    shop.load()
    assert product.desk is not None
    one = run(slack, tmp_path / "home", product.desk, ProductAsking(product, product.desk))
    yield one
    one.stop()


def test_an_investigation_puts_its_proposal_before_people_as_who_asked(acting: Running) -> None:
    acting.signer.event(mention(SYMPTOM))
    answer = until(lambda: [one for one in acting.slack.of("chat.update") if "Proposed" in str(one.get("blocks"))], 60)[0]
    (asked,) = acting.desk.approvals.list(("pending",))
    assert (asked.action, asked.requester) == ("raise_limit", "ann")
    assert asked.id in str(answer["blocks"])
    card = until(lambda: [one for one in acting.slack.of("chat.postMessage") if "oncalm_approve" in str(one.get("blocks"))])
    assert len(card) == 1


def test_without_a_channel_of_its_own_the_card_stands_in_the_thread(slack: FakeSlack, tmp_path: Path, shop: Held, product: Product) -> None:
    killed(shop, "cart")
    shop.load()
    assert product.desk is not None
    one = run(slack, tmp_path / "home", product.desk, ProductAsking(product, product.desk), http_with(slack, channel=""))
    one.signer.event(mention(SYMPTOM))
    card = until(lambda: [each for each in slack.of("chat.postMessage") if "oncalm_approve" in str(each.get("blocks"))], 60)[0]
    one.stop()

    assert (card["channel"], card["thread_ts"]) == ("C0OPS", "1700000001.000001")


def test_a_viewer_starts_no_investigation_and_so_no_proposal(acting: Running) -> None:
    acting.signer.event(mention(SYMPTOM, user="U0VIC"))
    until(lambda: acting.slack.of("chat.postEphemeral"))

    assert acting.desk.approvals.list(("pending",)) == []


def scheduled(home: Path, slack: Any, at: datetime) -> Summarising:
    made = Summarising(home, slack=slack, clock=lambda: at)
    made.plans.add(schedule_from({"name": "night", "cron": "0 * * * *", "since": "2h", "deliver": [{"kind": "slack", "to": "C0OPS"}]}), at - timedelta(hours=1))
    return made


def test_a_scheduled_summary_is_posted_by_the_bot_with_its_pictures_in_the_thread(slack: FakeSlack, desk: Desk, tmp_path: Path, troubled: Path) -> None:
    import shutil

    shutil.copytree(troubled, tmp_path / "troubled")
    one = run(slack, tmp_path / "home", desk, Scripted())
    made = scheduled(tmp_path / "troubled", one.bot, NOW.end)
    assert made.runner().tick()
    message = until(lambda: slack.of("chat.postMessage"))[0]
    until(lambda: slack.of("files.completeUploadExternal"))
    one.stop()

    assert (message["channel"], "Summary: all services" in json.dumps(message["blocks"])) == ("C0OPS", True)
    assert slack.of("files.completeUploadExternal")[0]["thread_ts"] == message["_ts"]
    assert any(b"PNG" in content[:200] for content in slack.files.values())
    (sent,) = made.plans.deliveries(made.plans.list()[0].id)
    assert (sent.state, made.runner().tick(), len([each for each in slack.of("chat.postMessage") if each.get("blocks")])) == ("sent", True, 1)


def test_a_bot_whose_outbox_is_full_says_that_the_summary_did_not_go(slack: FakeSlack, desk: Desk, tmp_path: Path, troubled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    from api.slack import memory

    monkeypatch.setattr(memory, "MOST_WAITING", 0)
    shutil.copytree(troubled, tmp_path / "troubled")
    one = run(slack, tmp_path / "home", desk, Scripted())
    made = scheduled(tmp_path / "troubled", one.bot, NOW.end)
    made.runner().tick()
    (held,) = made.plans.deliveries(made.plans.list()[0].id)
    one.stop()

    assert (held.state, "wait for Slack" in held.why) == ("waiting", True)
