"""Files of all sorts come as whole lines of UTF-8."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import pytest
import zstandard

from telemetry.errors import SourceError
from telemetry.sources.files import Block, Source, blocks, head
from telemetry.sources.finding import expand
from telemetry.sources.following import follow

TEXT = b"".join(b"line %d of the log\n" % n for n in range(5000))


def read(path: Path, start: int = 0, size: int = 1000) -> list[Block]:
    return list(blocks(expand([str(path)]).sources[0], start=start, size=size))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.ZstdCompressor().compress])
def test_any_compression_reads_whole(tmp_path: Path, pack: object) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(pack(TEXT))  # type: ignore[operator]

    found = read(path)

    assert b"".join(b.data for b in found) == TEXT
    assert all(b.data.endswith(b"\n") for b in found)
    assert found[-1].end == len(TEXT)
    assert head(Source(str(path)), 6) == b"line 0"
    assert b"".join(b.data for b in read(path, start=found[0].end)) == TEXT[found[0].end:]


def test_truncated_gzip_yields_first(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(TEXT)[:-4000])
    found: list[Block] = []

    def collect() -> None:
        for block in blocks(Source(str(path)), size=1000):
            found.append(block)  # noqa: PERF402 - keeps what came before the error

    with pytest.raises(SourceError, match="byte"):
        collect()

    assert found
    assert TEXT.startswith(b"".join(b.data for b in found))


def test_utf16_becomes_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes("aé\nbü\n".encode("utf-16"))

    assert b"".join(b.data for b in read(tmp_path / "a.log")).decode() == "aé\nbü\n"


def test_invalid_bytes_are_escaped(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"\xef\xbb\xbfa\xff\xfeb\0\n")

    assert read(tmp_path / "a.log") == [Block(b"a\\xff\\xfeb\0\n", 9, 2)]


def test_folder_skips_binaries(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("x\n")
    (tmp_path / "b.bin").write_bytes(bytes(range(256)) * 8)
    (tmp_path / "loop").symlink_to(tmp_path)

    found = expand([str(tmp_path)])

    assert [Path(s.path).name for s in found.sources] == ["a.log"]
    assert any("binary" in s for s in found.skips)


def test_missing_path_is_refused() -> None:
    with pytest.raises(SourceError, match="no such file"):
        expand(["/nowhere/at/all.log"])


def test_follow_sees_rotation(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"one\ntw")
    found: list[bytes] = []
    for step, (_, block) in enumerate(follow(Source(str(path)), 0, lambda: len(found) > 3)):
        found.append(block.data)
        if step == 0:
            path.rename(tmp_path / "old.log")
            path.write_bytes(b"three\n")
    assert b"one\n" in found
    assert b"three\n" in found
