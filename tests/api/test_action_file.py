"""``actions.yaml`` names channels and nginx; what is wrong in it is told without a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.actions.config import Also, read
from telemetry.errors import UsageError

SECRETS = {"HOOK": "https://hooks.example/services/T0/hunter2", "KEY": "r0uting-hunter2", "EMPTY": "", "ODD": "file:///etc/hunter2"}
WHOLE = """
channels:
  - {name: talk, slack: HOOK, services: ["*-db"]}
  - {name: on-call, pagerduty: KEY, namespaces: [shop, shop-*]}
nginx:
  - {name: edge, configuration: nginx/nginx.conf, include: nginx/limits.conf, services: [edge]}
"""


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "actions.yaml").write_text(WHOLE)

    found = read(tmp_path / "actions.yaml", SECRETS.get)

    assert [(one.name, one.kind, one.url, one.routing_key) for one in found.channels] == [
        ("talk", "slack", SECRETS["HOOK"], ""), ("on-call", "pagerduty", "https://events.pagerduty.com/v2/enqueue", SECRETS["KEY"])]
    assert [(one.channel, one.namespaces, one.services) for one in found.owners] == [("talk", (), ("*-db",)), ("on-call", ("shop", "shop-*"), ())]
    assert (found.nginx[0].configuration, found.serves) == (tmp_path / "nginx/nginx.conf", (("edge", ("edge",)),))
    assert "hunter2" not in repr(found)


def test_no_file_names_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "actions.yaml", SECRETS.get) == Also()


@pytest.mark.parametrize(("text", "says"), [
    ("channels: [", "cannot be read"), ("chanels: []", "chanels"), ("channels: [{name: a}]", "slack or pagerduty"), ("channels: [{name: a, slack: HOOK, pagerduty: KEY}]", "either"),
    ("channels: [{name: a, slack: NOPE}]", "NOPE is not set"), ("channels: [{name: a, slack: EMPTY}]", "EMPTY is not set"), ("channels: [{name: a, slack: ODD}]", "no http or https"),
    ("channels: [{name: a, pagerduty: KEY, url: 'http://user:hunter2@h/'}]", "a name or a password"), ("channels: [{name: a, slack: HOOK}, {name: a, slack: HOOK}]", "a stands twice"),
    ("channels: [{name: '../a', slack: HOOK}]", "name"), ("nginx: [{name: edge}]", "configuration")])
def test_what_cannot_be_used_is_told_without_a_secret(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "actions.yaml").write_text(text)

    with pytest.raises(UsageError) as raised:
        read(tmp_path / "actions.yaml", SECRETS.get)

    assert says in str(raised.value)
    assert "hunter2" not in str(raised.value)
