"""Input as bad as it comes: everything readable is kept, the rest is named with its remedy."""

# ruff: noqa: S607 - system tools are found by their name
from __future__ import annotations

import bz2
import gzip
import lzma
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from api.wiring.product import Product
from telemetry.errors import OnCalmError
from tests.operations.command import document, lines_of, log, oncalm

ROOT = Path(__file__).parents[2]


def stored(product: Product, path: Path, data: bytes) -> list[str]:
    """What the store holds of a file with these bytes; a second ingest must add nothing."""
    path.write_bytes(data)
    report = product.ingest([path])
    assert not report.problems
    found = lines_of(product.home)
    assert sum(text.count("\n") + 1 for text in found) == report.lines
    assert product.ingest([path]).lines == 0
    assert lines_of(product.home) == found
    return found


@pytest.mark.parametrize("data", [
    pytest.param(log(3).encode("utf-16"), id="utf-16"), pytest.param(log(3).encode("utf-16-le"), id="no mark"),
    pytest.param(log(3).encode("utf-32"), id="utf-32"), pytest.param(log(3).replace("\n", "\r\n").encode(), id="crlf"),
    pytest.param(log(3).replace("\n", "\r").encode(), id="cr"), pytest.param(b"\xef\xbb\xbf" + log(3).encode(), id="bom"),
])
def test_any_writing_gives_the_same_lines(product: Product, tmp_path: Path, data: bytes) -> None:
    assert stored(product, tmp_path / "a.log", data) == log(3).splitlines()


@pytest.mark.parametrize("data", [
    pytest.param(os.urandom(20_000), id="random"), pytest.param(b"a\0b\0\0\n" + b"\0" * 500 + b"\nx\n", id="nul"),
    pytest.param("voilà 5 ms à 10.0.0.1 é=3\n".encode() * 3, id="accents"),
    pytest.param(b"caf\xe9 \xff\xfe broken 17\n", id="invalid"), pytest.param(b"10%\r20%\r30%\nnext\n", id="progress"),
    pytest.param(b"x 1 " * (10 << 18) + b"\n" + b"next\n", id="10 MB of numbers"),
    pytest.param(b"2026-01-01 00:00:00 ERROR " + b"y" * (10 << 20) + b"\nnext\n", id="10 MB of text"),
])
def test_no_bytes_lose_a_line(product: Product, tmp_path: Path, data: bytes) -> None:
    found = stored(product, tmp_path / "a.log", data)

    assert sum(text.count("\n") + 1 for text in found) == data.count(b"\n") + (not data.endswith(b"\n"))


@pytest.mark.parametrize(("name", "pack"), [
    ("gz", gzip.compress), ("xz", lzma.compress), ("bz2", bz2.compress),
    ("zst", zstandard.ZstdCompressor().compress),
])
def test_truncated_archive_keeps_what_is_readable_and_goes_on(
    product: Product, tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
) -> None:
    text = b"".join(b"2026-01-01 00:00:00 INFO %s\n" % os.urandom(40).hex().encode() for _ in range(20_000))
    path = tmp_path / f"a.{name}"
    packed = pack(text)
    path.write_bytes(packed[: len(packed) * 2 // 3])

    report = product.ingest([path])
    kept = lines_of(product.home)
    path.write_bytes(packed)
    product.ingest([path])

    assert str(path) in report.problems[0]
    assert "read" in report.problems[0]
    assert 1000 < len(kept) < 20_000
    assert lines_of(product.home) == text.decode().splitlines()


def test_gzip_of_several_members_is_read_whole(product: Product, tmp_path: Path) -> None:
    data = b"".join(gzip.compress(log(100, n * 100).encode()) for n in range(3))

    assert stored(product, tmp_path / "a.gz", data) == log(300).splitlines()


def test_copy_of_a_compressed_file_is_a_source_of_its_own(product: Product, tmp_path: Path) -> None:
    for name in ("a.gz", "b.gz"):
        (tmp_path / name).write_bytes(gzip.compress(log(5).encode()))

    product.ingest([tmp_path / "a.gz"])
    product.ingest([tmp_path / "b.gz"])

    assert len(lines_of(product.home)) == 10


def test_folder_with_odd_things_is_read(tmp_path: Path) -> None:
    logs, home = tmp_path / "logs", tmp_path / "home"
    logs.mkdir()
    (logs / "a.log").write_text(log(3))
    os.mkfifo(logs / "pipe")
    (logs / "loop").symlink_to(logs)
    (logs / "nothing").symlink_to("nowhere")
    (logs / "itself").symlink_to("itself")
    (logs / "memory").symlink_to("/proc/self/mem")
    (logs / "empty.log").touch()
    (logs / "core").write_bytes(bytes(range(256)) * 20)
    with socket.socket(socket.AF_UNIX) as held:
        held.bind(str(logs / "s"))
        done = oncalm(home, "ingest", logs, "--json")

    assert lines_of(home) == log(3).splitlines()
    assert (done.returncode, len(document(done)["problems"])) == (1, 1)
    assert "memory" in document(done)["problems"][0]
    assert len(document(done)["notes"]) >= 7


def test_very_deep_folder_is_read(product: Product, tmp_path: Path) -> None:
    here = tmp_path / "logs"
    for _ in range(1200):
        here.mkdir()
        here /= "d"
    here.parent.joinpath("a.log").write_text(log(1))

    report = product.ingest([tmp_path / "logs"])

    subprocess.run(["rm", "-rf", str(tmp_path / "logs")], check=True)  # pytest cannot remove one so deep
    assert report.lines == 1


@pytest.mark.parametrize(("given", "code", "said"), [
    ("*.nothing", 1, "no file matches"), ("/nowhere/a.log", 1, "there is no such file"), ("/dev/null", 1, "a device"),
    ("", 2, "an empty path"), ("a" * 5000, 1, "there is no such file"),
])
def test_what_names_nothing_is_told(tmp_path: Path, given: str, code: int, said: str) -> None:
    done = oncalm(tmp_path / "home", "ingest", given, "--json", cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})

    assert (done.returncode, list(document(done))) == (code, ["error"])
    assert said in done.stderr
    assert document(done)["error"]["remedy"]


def test_one_bad_name_does_not_hold_up_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(log(3))

    done = oncalm(tmp_path / "home", "ingest", tmp_path / "missing.log", tmp_path / "a.log")

    assert done.returncode == 1
    assert "missing.log" in done.stderr
    assert lines_of(tmp_path / "home") == log(3).splitlines()


def test_unreadable_file_is_told(product: Product, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(log(3))
    (tmp_path / "a.log").chmod(0)
    if os.access(tmp_path / "a.log", os.R_OK):
        pytest.skip("this user may read everything")

    with pytest.raises(OnCalmError, match=r"a\.log.*permission"):
        product.ingest([tmp_path / "a.log"])


def test_empty_file_is_nothing_found(tmp_path: Path) -> None:
    (tmp_path / "a.log").touch()

    assert oncalm(tmp_path / "home", "ingest", tmp_path / "a.log").returncode == 3


def test_standard_input_is_read_to_where_it_breaks(tmp_path: Path) -> None:
    writer = f"import os, sys; os.write(1, {gzip.compress(log(50).encode())!r}); os.kill(os.getpid(), 9)"
    with subprocess.Popen([sys.executable, "-c", writer], stdout=subprocess.PIPE) as source:
        done = oncalm(tmp_path / "home", "ingest", "-", "--json", stdin=source.stdout)

    assert (done.returncode, document(done)["lines"]) == (0, 50)
    assert lines_of(tmp_path / "home") == log(50).splitlines()


def test_clock_that_jumps_back_keeps_order_by_time(product: Product, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(log(3, 5000) + log(3))
    product.ingest([tmp_path / "a.log"])
    product.index()

    answer = product.ask("show the first log line")

    assert answer["result"]["lines"][0]["text"] == log(1).strip()
