"""Compiled helpers are there in a checkout with a compiler, and nothing needs them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import telemetry.texts
import vectorstore.skeleton
from telemetry.native import library

WITHOUT = """
import ctypes, sys
from pathlib import Path
def refuse(*_): raise OSError("no library")
ctypes.CDLL = refuse
from api.wiring import Product
print(Product(Path(sys.argv[1])).ingest([sys.argv[2]]).records)
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
@pytest.mark.parametrize("module", [telemetry.texts, vectorstore.skeleton])
def test_helpers_are_compiled_where_there_is_a_compiler(module: object) -> None:
    assert library(str(getattr(module, "__file__"))) is not None  # noqa: B009 - modules have no type for it


def test_ingest_needs_no_compiled_helper(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("".join(f"2026-01-01 00:00:{n % 60:02} INFO user u{n} took {n} ms\n" for n in range(500)))
    done = subprocess.run([sys.executable, "-c", WITHOUT, tmp_path / "home", log], capture_output=True, text=True, check=False)

    assert done.stdout.strip() == "500", done.stderr
