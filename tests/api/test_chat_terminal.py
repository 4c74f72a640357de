"""``oncalm chat`` in a real terminal (a pty): history, Ctrl-C in the middle of an answer, a server that is gone, a key that opens nothing."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.scripted.server import ScriptedServer
from api.terminal.remote_chat import Remote
from telemetry.errors import UsageError
from tests.api.page.whole import Whole
from tests.api.server.conftest import filled, until

__all__ = ["filled"]
UP, CTRL_C, CTRL_D = "\x1b[A", "\x03", "\x04"
PROMPT = "\n? "
"""At the start of a line: the question above an answer has another colour before it."""


class Terminal:
    """A command in a terminal of its own; ended by its id."""

    def __init__(self, home: Path, *words: str, **environment: str) -> None:
        self.seen = ""
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            os.environ.update({"ONCALM_HOME": str(home), "TERM": "xterm", "COLUMNS": "200", **environment})
            os.execv(sys.executable, [sys.executable, "-m", "api.cli", "chat", *words])  # noqa: S606 - the terminal's own process

    def type(self, text: str) -> None:
        os.write(self._file, text.encode())

    def expect(self, words: str, seconds: float = 60) -> str:
        """What was shown up to these words, which are then behind us."""
        end = time.monotonic() + seconds
        while words not in self.seen:
            assert time.monotonic() < end, f"{words!r} was not shown: {self.seen[-2_000:]}"
            if self._readable(0.2):
                try:
                    self.seen += os.read(self._file, 65_536).decode("utf-8", "replace")
                except OSError:  # the terminal is closed
                    assert words in self.seen, self.seen[-2_000:]
        before, _, self.seen = self.seen.partition(words)
        return before + words

    def ended(self) -> int:
        """Its exit code."""
        until(self._drained)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _readable(self, seconds: float) -> bool:
        waiting = select.poll()  # of any number: select() takes those below 1,024
        waiting.register(self._file, select.POLLIN)
        return bool(waiting.poll(seconds * 1e3))

    def _drained(self) -> bool:
        try:
            return self._readable(0.1) and not os.read(self._file, 65_536)
        except OSError:
            return True

    def kill(self) -> None:
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self._file)


@pytest.fixture
def home(tmp_path: Path, filled: Path) -> Path:
    shutil.copytree(filled, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def terminals() -> Iterator[Any]:
    opened: list[Terminal] = []

    def start(*words: Any, **environment: str) -> Terminal:
        opened.append(Terminal(*words, **environment))
        return opened[-1]

    yield start
    for one in opened:
        one.kill()


class Slow:
    """A model that takes its time."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()

    def __call__(self, _: dict[str, Any]) -> dict[str, Any]:
        self.asked.set()
        self.go.wait(60)
        return {"text": "Sixty."}


def test_questions_are_remembered_without_secrets_and_the_end_of_input_ends_it(home: Path, terminals: Any) -> None:
    first = terminals(home)
    first.expect(PROMPT)
    first.type("how many checkouts failed?\n")
    first.expect("60")
    first.expect(PROMPT)
    first.type("/nonsense\n")
    first.expect("/why SYMPTOM investigates")
    first.expect(PROMPT)
    first.type("who used password=hunter2-Correct-horse?\n")
    first.expect(PROMPT)
    first.type(CTRL_C)
    first.expect(PROMPT)
    first.type(CTRL_D)
    assert first.ended() == 0
    again = terminals(home)
    again.expect(PROMPT)
    again.type(UP + UP + UP)
    again.expect("how many checkouts failed?")
    again.type("\n")
    again.expect("60")

    kept = home / "chat_history"
    assert "hunter2" not in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("remote", [False, True])
def test_ctrl_c_stops_the_answer_and_not_the_talk(home: Path, terminals: Any, remote: bool) -> None:
    model = Slow()
    with ScriptedServer(model) as served:
        endpoint = {"OPENAI_BASE_URL": served.url, "OPENAI_API_KEY": "k"}
        whole = Whole(home, **endpoint) if remote else None
        if whole is not None:
            whole.start()
        one = terminals(home, *(["--server", whole.url] if whole else []), **endpoint, **({"ONCALM_KEY": whole.keys["ann"]} if whole else {}))
        one.expect(PROMPT)
        one.type("how many checkouts failed?\n")
        until(model.asked.is_set)
        one.type(CTRL_C)
        one.expect("stopped")
        one.expect(PROMPT)
        model.go.set()
        one.type("/quit\n")
        assert one.ended() == 0
        if whole is not None:
            whole.kill()


def test_a_server_answers_follow_ups_and_one_that_is_killed_is_told_of_clearly(home: Path, terminals: Any) -> None:
    whole = Whole(home)
    whole.start()
    one = terminals(home, "--server", whole.url, ONCALM_KEY=whole.keys["ann"])
    one.expect("you are ann (viewer)")
    one.expect(PROMPT)
    one.type("how many checkouts failed?\n")
    one.expect("60")
    one.expect(PROMPT)
    one.type("and between 10:02 and 10:04?\n")
    one.expect("12")
    one.expect(PROMPT)
    whole.kill()
    one.type("how many errors?\n")
    one.expect("the server does not answer")
    one.expect(PROMPT)
    whole.start()
    one.type("how many checkouts failed?\n")
    one.expect("60")
    whole.kill()


def test_a_key_that_opens_nothing_and_a_server_that_is_not_there_are_told_at_once(home: Path, terminals: Any) -> None:
    whole = Whole(home)
    whole.start()
    stranger = terminals(home, "--server", whole.url, ONCALM_KEY="ock_" + "x" * 43)
    told = stranger.expect("set ONCALM_KEY")
    assert "the key is missing, wrong, revoked or has expired" in told
    assert stranger.ended() != 0
    whole.kill()
    nobody = terminals(home, "--server", whole.url)
    nobody.expect("the server does not answer")
    assert nobody.ended() != 0


@pytest.mark.parametrize(("url", "key", "why"), [("ftp://x", None, "no URL"), ("http://", None, "no URL"), ("http://u:p@x", None, "no URL"), ("http://oncalm.example", "ock_x", "plain HTTP"),
                                                 ("http://127.0.0.1:1", "ock_\n", "characters")])
def test_what_cannot_be_a_server_or_a_key_is_refused_by_name(url: str, key: str | None, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Remote(url, key)
