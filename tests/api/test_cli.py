"""The command as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def oncalm(home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "api.cli", "--home", str(home), *args],
                          capture_output=True, text=True, check=False)


def test_ingest_then_ask_as_json(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("2026-01-01 00:00:01 ERROR disk full on /dev/sda1\n" * 3)

    read = oncalm(tmp_path / "home", "ingest", str(tmp_path / "a.log"), "--json")
    asked = oncalm(tmp_path / "home", "ask", "how many errors", "--json")

    assert (read.returncode, json.loads(read.stdout)["records"]) == (0, 3)
    assert (asked.returncode, json.loads(asked.stdout)["result"]["value"]) == (0, 3)


def test_exit_codes_tell_the_outcome(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("2026-01-01 00:00:01 INFO started\n")
    oncalm(tmp_path / "home", "ingest", str(tmp_path / "a.log"))

    assert oncalm(tmp_path / "home", "ask", "show lines about blk_77").returncode == 3
    assert oncalm(tmp_path / "home", "ask", "what's the weather").returncode == 2
    assert oncalm(tmp_path / "home", "ingest", str(tmp_path / "missing.log")).returncode == 1


def test_ask_before_ingest_names_the_remedy(tmp_path: Path) -> None:
    done = oncalm(tmp_path / "home", "ask", "errors")

    assert done.returncode == 1
    assert "oncalm ingest" in done.stderr
    assert "Traceback" not in done.stderr


def test_damaged_segment_is_named_and_repaired(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("2026-01-01 00:00:01 INFO started\n")
    oncalm(tmp_path / "home", "ingest", str(tmp_path / "a.log"))
    next((tmp_path / "home").rglob("*.parquet")).write_bytes(b"junk")

    broken = oncalm(tmp_path / "home", "ask", "how many lines")
    mended = oncalm(tmp_path / "home", "doctor", "--repair")

    assert broken.returncode == 1
    assert "doctor --repair" in broken.stdout.replace("\n", " ")
    assert mended.returncode == 0
    assert oncalm(tmp_path / "home", "doctor").returncode == 0


def test_a_log_line_cannot_drive_the_terminal(tmp_path: Path) -> None:
    line = "2026-01-01 00:00:01 ERROR disk \033[2Jfull \033]0;all is well\007 \u202eon [red]sda1[/red]\n"
    (tmp_path / "a.log").write_text(line * 3)
    read = oncalm(tmp_path / "home", "ingest", str(tmp_path / "a.log"))

    listed = oncalm(tmp_path / "home", "ask", "show error lines")
    grouped = oncalm(tmp_path / "home", "ask", "most frequent error messages")
    table = oncalm(tmp_path / "home", "templates")
    missing = oncalm(tmp_path / "home", "ingest", str(tmp_path / "\033[2Jgone.log"))

    assert [done.returncode for done in (read, listed, grouped, table, missing)] == [0, 0, 0, 0, 1]
    for done in (read, listed, grouped, table, missing):
        assert not {"\033", "\007", "\u202e"} & set(done.stdout + done.stderr)
    assert r"\x1b[2Jfull" in listed.stdout
    assert "[red]sda1[/red]" in listed.stdout


@pytest.mark.parametrize(("variable", "value"), [
    ("ONCALM_CALL_SECONDS", "soon"), ("ONCALM_PRICES", "cheap"), ("ONCALM_PRICES", '{"m": {"input": -1, "output": 2}}'),
    ("ONCALM_CACHES", "dreams"), ("ONCALM_DAY_USD", "-5"),
])
def test_setting_that_cannot_be_used_is_named(tmp_path: Path, variable: str, value: str) -> None:
    environment = {**os.environ, "ONCALM_HOME": str(tmp_path), "OPENAI_API_KEY": "k", variable: value}
    done = subprocess.run([sys.executable, "-m", "api.cli", "ask", "errors", "--json"], env=environment, capture_output=True,
                          text=True, check=False)

    assert done.returncode == 2
    assert variable in json.loads(done.stdout)["error"]["message"] + json.loads(done.stdout)["error"]["where"]
    assert "Traceback" not in done.stderr
