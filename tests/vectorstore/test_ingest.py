"""The pipeline with real files, real processes and real kills."""

import gzip
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from api.wiring.product import Product
from evals.bench.inputs import ever_new
from telemetry.errors import WriterBusyError
from telemetry.store.manifest import Manifest
from telemetry.store.reader import Reader


def lines_of(home: Path) -> list[str]:
    reader = Reader(home)
    try:
        return [text for (text,) in reader.rows(
            f"SELECT line FROM {reader._scan(reader.segments)} ORDER BY source, line_no")]
    finally:
        reader.close()


def log(count: int, start: int = 0) -> str:
    return "".join(
        f"2026-01-01 {i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02},{i % 1000:03} INFO [main] app.Web: "
        f"request {i} from 10.0.{i % 7}.{i % 250} took {i % 90} ms\n" for i in range(start, start + count))


def test_every_line_is_kept_verbatim(product: Product, tmp_path: Path) -> None:
    text = log(1000) + "no header at all here\n"
    (tmp_path / "app.log").write_text(text)

    report = product.ingest([tmp_path / "app.log"])

    assert lines_of(product.home) == text.splitlines()
    assert (report.records, report.undated) == (1001, 1)


def test_second_ingest_adds_nothing(product: Product, tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text(log(500))
    product.ingest([tmp_path / "app.log"])

    report = product.ingest([tmp_path / "app.log"])

    assert (report.lines, len(lines_of(product.home))) == (0, 500)


def test_appended_lines_are_added(product: Product, tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text(log(500))
    product.ingest([tmp_path / "app.log"])
    with (tmp_path / "app.log").open("a") as handle:
        handle.write(log(20, 500))

    product.ingest([tmp_path / "app.log"])

    assert lines_of(product.home) == log(520).splitlines()


def test_rotated_file_is_the_same_source(product: Product, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "app.log").write_text(log(500))
    product.ingest([logs])
    (logs / "app.log").rename(logs / "app.log.1")
    (logs / "app.log").write_text(log(30, 9000))

    product.ingest([logs])

    assert sorted(lines_of(product.home)) == sorted((log(500) + log(30, 9000)).splitlines())


def test_template_ids_survive_restart(product: Product, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(log(300))
    product.ingest([tmp_path / "a.log"])
    before = {t.id: t.pattern for t in product.catalog().templates}
    other = Product(tmp_path / "other")

    other.ingest([tmp_path / "a.log"])

    assert {t.id: t.pattern for t in other.catalog().templates} == before
    assert {t.id: t.pattern for t in product.catalog().templates} == before


def test_stack_trace_is_one_record(product: Product, tmp_path: Path) -> None:
    text = ("2026-01-01 00:00:01,000 ERROR [main] app.Web: boom\nTraceback (most recent call last):\n"
            '  File "x.py", line 3, in f\n    g()\nValueError: bad\n'
            "2026-01-01 00:00:02,000 INFO [main] app.Web: fine\n")
    (tmp_path / "a.log").write_text(text)

    product.ingest([tmp_path / "a.log"])

    assert [line.count("\n") for line in lines_of(product.home)] == [4, 0]


def test_text_behind_a_colon_goes_with_its_record(product: Product, tmp_path: Path) -> None:
    text = ("2026-01-01 00:00:01,000 [error] <0.1.2> closing connection:\nmissed heartbeats\n"
            "2026-01-01 00:00:02,000 [info] <0.1.3> fine\nstray\n"
            "2026-01-01 00:00:03,000 [info] <0.1.4> fine\n")
    (tmp_path / "a.log").write_text(text)

    product.ingest([tmp_path / "a.log"])

    assert [line.count("\n") for line in lines_of(product.home)] == [1, 0, 0, 0]


def test_secrets_never_reach_disk(product: Product, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("2026-01-01 00:00:01 INFO login password=hunter2secret ok\n")

    report = product.ingest([tmp_path / "a.log"])

    assert report.redacted == 1
    assert "hunter2secret" not in lines_of(product.home)[0]


@pytest.mark.parametrize("data", [
    b"", b"\n\n", b"\x00\x01\x02 junk \xff\xfe\n", b"a\r\nb\r\n", b"no newline at the end",
    b"\xef\xbb\xbf2026-01-01 00:00:00 INFO with a mark\n", b"x" * 300_000 + b"\n",
])
def test_odd_bytes_lose_no_line(product: Product, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "odd.log").write_bytes(data)

    report = product.ingest([tmp_path / "odd.log"])

    assert report.lines == len(data.splitlines())
    assert not report.problems


def test_truncated_gzip_keeps_readable_part(product: Product, tmp_path: Path) -> None:
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(os.urandom(0) + log(20_000).encode())[:-4000])

    report = product.ingest([tmp_path / "a.log.gz"])

    assert "a.log.gz" in report.problems[0]
    assert report.records > 1000


def test_second_writer_is_told_so(product: Product, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(log(10))
    held = Manifest(product.home, write=True)

    with pytest.raises(WriterBusyError, match=str(os.getpid())):
        product.ingest([tmp_path / "a.log"])
    held.close()


def test_reader_works_beside_writer(product: Product, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(log(100))
    product.ingest([tmp_path / "a.log"])
    held = Manifest(product.home, write=True)

    assert len(lines_of(product.home)) == 100
    held.close()


def test_random_kills_keep_every_line_once(tmp_path: Path) -> None:
    rng = random.Random(7)  # noqa: S311 - not for secrets
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.log").write_text(log(60_000, ord(name) * 100_000))
    home = tmp_path / "home"
    often = ("import sys, pathlib; from api.wiring.product import Product; import vectorstore.ingest as i, vectorstore.columns as c;"
             "i.BLOCK, i.COMMIT_EVERY, c.ROWS = 1 << 18, 0.0, 4000;"
             "Product(pathlib.Path(sys.argv[1])).ingest(sys.argv[2:])")
    command = [sys.executable, "-c", often, str(home), *(str(tmp_path / f"{n}.log") for n in "abc")]
    for _ in range(5):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.4, 1.2))
        process.send_signal(signal.SIGKILL)
        process.wait()

    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    expected = "".join(log(60_000, ord(n) * 100_000) for n in "abc").splitlines()
    assert sorted(lines_of(home)) == sorted(expected)


def test_segments_are_plain_parquet(product: Product, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(log(200))
    product.ingest([tmp_path / "a.log"])

    files = [str(p) for p in product.home.rglob("*.parquet")]

    assert duckdb.sql(f"SELECT count(*) FROM read_parquet({files})").fetchall() == [(200,)]


def test_ever_new_words_make_few_templates(product: Product, tmp_path: Path) -> None:
    ever_new(tmp_path / "hex.log", 20_000)

    product.ingest([tmp_path / "hex.log"])

    assert len(product.catalog().templates) < 20
    assert lines_of(product.home) == (tmp_path / "hex.log").read_text().splitlines()


def test_secret_leaves_the_lines_beside_it_as_they_are(product: Product, tmp_path: Path) -> None:
    text = log(200) + "2026-01-01 00:00:01 INFO login password=hunter2secret of 10.0.0.1 took 5 ms\n" + log(200, 200)
    (tmp_path / "a.log").write_text(text)

    product.ingest([tmp_path / "a.log"])

    assert [line for line in lines_of(product.home) if "login" not in line] == log(400).splitlines()
    assert "REDACTED" in lines_of(product.home)[200]


def test_private_key_across_lines_never_reaches_disk(product: Product, tmp_path: Path) -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEabc123def\nxyz789\n-----END RSA PRIVATE KEY-----\n"
    (tmp_path / "a.log").write_text(log(5) + key + log(5, 5))

    product.ingest([tmp_path / "a.log"])

    stored = "\n".join(lines_of(product.home))
    assert "MIIE" not in stored
    assert "xyz789" not in stored
    assert "request 9 " in stored


def test_an_ingest_loads_no_data_frames_and_leaves_the_environment_alone(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("".join(f"2026-03-0{1 + n % 9} 10:00:00 INFO app: took {n} ms\n" for n in range(50)))
    code = (
        "import os, sys; from pathlib import Path; from api.wiring.product import Product; before = dict(os.environ);"
        "report = Product(Path(sys.argv[1])).ingest([sys.argv[2]]); assert os.environ == before;"
        "assert not {'polars', 'pandas', 'pydantic', 'numpy.ma'} & set(sys.modules); print(report.records)"
    )

    out = subprocess.run([sys.executable, "-c", code, tmp_path / "home", log], capture_output=True, text=True, check=True)

    assert out.stdout.strip() == "50"


def test_tokens_are_masked_in_sources_whose_lines_are_never_alike(product: Product, tmp_path: Path) -> None:
    rng = random.Random(7)  # noqa: S311 - words, not keys
    words = ["".join(rng.choices("abcdef0123456789", k=rng.randrange(4, 8))) for _ in range(40_000)]
    key = "AKIAIOSFODNN7EXAMPLQ"
    lines = [f"2026-01-01 00:00:00 INFO job {word} of {words[-at]} done" for at, word in enumerate(words, start=1)]
    lines[100::1000] = [f"2026-01-01 00:00:00 INFO job {key} of {words[at]} done" for at in range(len(lines[100::1000]))]
    (tmp_path / "app.log").write_text("\n".join(lines) + "\n")

    product.ingest([tmp_path / "app.log"])
    state = sqlite3.connect(product.home / "manifest.db").execute("SELECT state FROM sources").fetchone()[0]
    shown = lines_of(product.home)

    assert json.loads(state)["wide"]
    assert not [line for line in shown if key in line]
    assert sum("[REDACTED:aws-key]" in line for line in shown) == 40
