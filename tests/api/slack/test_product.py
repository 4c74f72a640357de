"""Slack before the real product, over a small home."""

from __future__ import annotations

from pathlib import Path

import yaml

from api.actions.desk import Desk
from api.settings import Settings
from api.slack.bot import slack_of
from api.slack.talk import ProductAsking
from api.wiring.product import Product
from tests.api.slack.conftest import run
from tests.api.slack.fake_slack import FakeSlack, mention, until

LOG = "".join(f"2026-11-26T10:{minute:02}:00Z {'ERROR' if minute % 5 == 0 else 'INFO'} checkout order {minute} "
              f"{'failed: <!channel> locked' if minute % 5 == 0 else 'completed'}\n" for minute in range(60))


def test_the_product_answers_a_mention_and_its_follow_up(slack: FakeSlack, desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(LOG, encoding="utf-8")
    product = Product(tmp_path / "home")
    product.ingest([str(tmp_path / "a.log")])
    product.index()
    one = run(slack, tmp_path / "home", desk, ProductAsking(product))
    one.signer.event(mention("how many errors are there?"))
    until(lambda: [each for each in slack.of("chat.update") if each.get("blocks")], 60)
    one.signer.event(mention("and between 10:00 and 10:29?", event="Ev2", ts="1700000003.1", thread="1700000001.000001"))
    until(lambda: len([each for each in slack.of("chat.update") if each.get("blocks")]) == 2, 60)
    one.stop()

    first, second = [each for each in slack.of("chat.update") if each.get("blocks")]
    assert "12" in first["text"]
    assert "6" in second["text"]
    assert "<!channel>" not in str(slack.of("chat.update"))


def test_settings_make_the_bot_and_the_manifest_asks_for_no_more_than_it_uses(tmp_path: Path, desk: Desk) -> None:
    (tmp_path / "slack_users.yaml").write_text("team: T0TEAM\nusers: {U0ANN: {name: ann, role: approver}}\n", encoding="utf-8")
    how = Settings(slack_bot_token="xoxb-1", slack_signing_secret="s").slack()
    manifest = yaml.safe_load((Path(__file__).parents[3] / "deploy" / "slack-manifest.yaml").read_text(encoding="utf-8"))

    bot = slack_of(how, tmp_path / "slack_users.yaml", tmp_path, Product(tmp_path), desk)

    assert bot is not None
    assert {route.path for router in bot.routers() for route in router.routes} == {"/slack/events", "/slack/interactions", "/slack/commands"}
    assert all(getattr(route.endpoint, "open_to_all", "") for router in bot.routers() for route in router.routes)
    assert slack_of(Settings().slack(), tmp_path / "none", tmp_path, None, desk) is None
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == {"app_mentions:read", "im:history", "chat:write", "commands", "files:write"}
