"""The scripted endpoint, in process and as a command."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from agent.llm.model import Request
from agent.scripted.__main__ import main
from agent.scripted.rules import RuleBrain
from agent.scripted.server import ScriptedServer
from agent.scripted.step import Script
from tests.agent.llm.calling import QUESTION, ask, client_of


def test_a_script_that_is_over_says_so() -> None:
    with pytest.raises(Exception, match="the script is over"):
        ask()


def test_a_script_may_repeat_its_last_step() -> None:
    script = Script.model_validate({"replies": [{"text": "one"}, {"text": "more"}], "repeat": True})
    with ScriptedServer(script) as server:
        client = client_of(server)
        texts = [client.complete(QUESTION, deadline=time.monotonic() + 5).text for _ in range(3)]

    assert texts == ["one", "more", "more"]


def test_the_server_records_bodies_and_headers() -> None:
    _, server, _ = ask({"text": "ok"})

    assert server.received[0].body["messages"] == list(QUESTION.messages)
    assert server.received[0].headers["content-type"] == "application/json"


def test_rules_answer_by_the_last_message() -> None:
    brain = RuleBrain([("disk", {"text": "It is full."})], otherwise={"text": "What?"})
    with ScriptedServer(brain) as server:
        client = client_of(server)
        other = Request(({"role": "user", "content": "Hello"},))
        texts = [client.complete(r, deadline=time.monotonic() + 5).text for r in (QUESTION, other)]

    assert texts == ["It is full.", "What?"]


@pytest.mark.parametrize("step", [{"txet": "typo"}, {"body": "x", "text": "y"}, {"piece": 0}])
def test_a_step_that_makes_no_sense_is_refused(step: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ScriptedServer([step])


def test_models_are_listed_and_other_paths_are_not_found() -> None:
    with ScriptedServer([]) as server:
        listed = httpx2.get(f"{server.url}/models").json()
        missing = httpx2.get(f"{server.url}/nothing")

    assert listed["data"][0]["id"] == "scripted"
    assert missing.status_code == 404


def test_the_command_serves_a_script_until_it_is_ended(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text('[{"text": "from a file"}]')
    command = [sys.executable, "-m", "agent.scripted", "--port", "0", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = (process.stdout.readline() if process.stdout else "").strip()
        reply = httpx2.post(f"{url}/chat/completions", json={"messages": []}).json()
        process.send_signal(signal.SIGTERM)

    assert reply["choices"][0]["message"]["content"] == "from a file"
    assert process.returncode == 0


def test_the_command_refuses_a_script_it_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('[{"txet": "typo"}]')

    assert main([str(tmp_path / "bad.json")]) == 2
    assert main([str(tmp_path / "missing.json")]) == 2
