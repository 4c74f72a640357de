"""``oncalm serve`` with Slack configured: a process of its own, signed requests through the door."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.api.slack.fake_slack import SECRET, FakeSlack, Signer, mention, until


def test_the_served_process_answers_signed_requests_only(slack: FakeSlack, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "slack_users.yaml").write_text("team: T0TEAM\nusers: {U0ANN: {name: ann, role: approver}}\n", encoding="utf-8")
    told = {"ONCALM_HOME": str(home), "ONCALM_SLACK_BOT_TOKEN": "xoxb-1", "ONCALM_SLACK_SIGNING_SECRET": SECRET, "ONCALM_SLACK_API": slack.url, "ONCALM_SLACK_CHANNEL": "C0OPS"}
    with subprocess.Popen([sys.executable, "-c", "from api.cli import main; main()", "serve", "--port", "0"],
                          stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env={**os.environ, **told}) as process:
        assert process.stderr is not None
        said = ""
        while not (found := re.search(r"http://[\d.]+:\d+", said)):
            line = process.stderr.readline()
            assert line, said
            said += line
        signer = Signer(found[0])
        try:
            assert signer.event(mention("hello"), signature="v0=00").status_code == 401
            assert signer.event({"type": "url_verification", "challenge": "abc"}).text.find("abc") >= 0
            assert signer.event(mention("help")).status_code == 200
            assert "oncalm ask" in until(lambda: slack.of("chat.postMessage"))[0]["text"]
            assert "No incident" in signer.command("incidents").text
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
