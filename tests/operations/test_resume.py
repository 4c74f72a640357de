"""Reading a file in stretches gives what reading it once gives."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.wiring.product import Product
from tests.operations.command import lines_of, log, oncalm

HEAD = "2026-01-01 00:00:00,000 ERROR [main] app.Web: "
TRACE = HEAD + "boom\njava.lang.IllegalStateException: bad\n\tat app.Web.run(Web.java:3)\n\tat app.Web.go(Web.java:9)\n"


def stretches(parts: list[bytes]) -> tuple[list[str], int]:
    """The records and the lines reported when a file grows by each part before an ingest."""
    folder = Path(tempfile.mkdtemp())
    product, path, lines = Product(folder / "home"), folder / "a.log", 0
    path.touch()
    try:
        for part in parts:
            with path.open("ab") as handle:
                handle.write(part)
            lines += product.ingest([path]).lines
        return lines_of(product.home), lines
    finally:
        shutil.rmtree(folder)


def test_line_without_newline_is_stored_and_joined_when_it_goes_on(tmp_path: Path) -> None:
    path, home = tmp_path / "a.log", tmp_path / "home"
    path.write_text(log(2).rstrip("\n").removesuffix("done"))
    first = oncalm(home, "ingest", path, "--json")
    early = lines_of(home)
    path.write_text(log(3))

    then = oncalm(home, "ingest", path, "--json")

    assert early == [log(1).strip(), log(1, 1).strip().removesuffix("done")]
    assert lines_of(home) == log(3).splitlines()
    assert [json.loads(d.stdout)["lines"] for d in (first, then)] == [2, 1]
    assert [json.loads(d.stdout)["records"] for d in (first, then)] == [2, 1]


def test_late_frames_join_their_trace() -> None:
    cut = TRACE.index("\tat app.Web.go")

    assert stretches([TRACE[:cut].encode(), TRACE[cut:].encode()]) == ([TRACE.strip("\n")], 4)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from([log(1), TRACE, HEAD + "é à ü 5 ms\n", "plain words\n", HEAD + "password=hunter2\n"]),
                min_size=1, max_size=6), st.data())
def test_growing_in_any_stretches_equals_reading_once(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=3)))
    parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    assert stretches(parts) == stretches([text])


def test_private_key_stays_masked_over_stretches() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA0Zabcdefghijklmnopqrstuv012345678901234567890AB\n" * 3
    parts = [HEAD + "loaded " + key[:60], key[60:110], key[110:] + "-----END RSA PRIVATE KEY-----\n" + log(2)]

    found, lines = stretches([p.encode() for p in parts])

    assert "MIIE" not in "\n".join(found)
    assert "0Zabc" not in "\n".join(found)
    assert found[-2:] == log(2).splitlines()
    assert lines == 7


def test_key_that_never_comes_hides_nothing() -> None:
    text = HEAD + "expected -----BEGIN PRIVATE KEY-----\n" + log(3)

    assert stretches([text.encode()])[0][1:] == log(3).splitlines()


def test_container_lines_that_were_split_are_one_record(product: Product, tmp_path: Path) -> None:
    stamp = "2026-01-01T00:00:0{}.000000000Z {} {} {}\n".format
    text = (stamp(0, "stdout", "P", '{"level":"error","msg":"pay') + stamp(1, "stderr", "F", "between")
            + stamp(2, "stdout", "P", "ment ref") + stamp(3, "stdout", "F", 'used","order":7}') + stamp(4, "stdout", "F", "next"))
    (tmp_path / "a.log").write_text(text)
    product.ingest([tmp_path / "a.log"])
    product.index()

    assert lines_of(product.home) == [stamp(0, "stdout", "F", '{"level":"error","msg":"payment refused","order":7}').strip(),
                                      stamp(1, "stderr", "F", "between").strip(), stamp(4, "stdout", "F", "next").strip()]
    assert product.ask("how many errors")["result"]["value"] == 1
    assert product.ask("show lines with payment")["result"]["lines"][0]["line_no"] == 1


def test_split_container_line_is_joined_over_stretches() -> None:
    one, two, three = ("2026-01-01T00:00:00.000Z stdout P begun ", "here and\n2026-01-01T00:00:00.000Z stdout P ",
                       "there\n2026-01-01T00:00:00.000Z stdout F  done\n")

    assert stretches([p.encode() for p in (one, two, three)]) == stretches([(one + two + three).encode()])
