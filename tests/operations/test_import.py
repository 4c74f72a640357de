"""``oncalm import`` as a command: tables, feeds and Git history end up in the store, once, and nothing is lost silently."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from telemetry.models import Window
from telemetry.store.beyond import RecordReader
from telemetry.store.manifest import Manifest
from tests.operations.command import document, lines_of, oncalm

MAPPING = """\
tables:
  - records: spans
    files: "*_trace.csv"
    fields: {trace_id: trace, span_id: span, service: svc, start: {column: at, unit: ms}, duration: {column: took, unit: ms}}
  - records: logs
    files: "*_log.csv"
    fields: {time: {column: at, unit: ms}, message: text, level: level, service: svc}
  - records: points
    files: "*_metric.csv"
    fields: {time: {column: at, unit: ms}, service: svc}
    metrics: [{column: cpu}]
"""


def exported(tmp_path: Path) -> Path:
    """A folder of another system's tables and a mapping for them."""
    folder = tmp_path / "export"
    folder.mkdir()
    (tmp_path / "map.yaml").write_text(MAPPING)
    (folder / "a_trace.csv").write_text("trace,span,svc,at,took\nt1,s1,cart,1790000000000,5\nt1,s2,db,1790000000001,2\nt1,s3,db,never,2\n")
    (folder / "a_log.csv").write_text("at,text,level,svc\n1790000000000,order 7 refused,ERROR,cart\n1790000001000,order 8 refused,ERROR,cart\n")
    (folder / "a_metric.csv").write_text("at,svc,cpu\n1790000000000,cart,0.5\n1790000060000,cart,\n")
    return folder


def test_a_folder_is_imported_by_its_mapping_and_told_what_was_left_out(tmp_path: Path) -> None:
    folder, home = exported(tmp_path), tmp_path / "home"

    done = oncalm(home, "import", folder, "--mapping", tmp_path / "map.yaml", "--json")

    found = document(done)
    assert (done.returncode, found["files"]) == (1, 3)
    assert found["records"] == {"spans": 2, "logs": 2, "points": 1}
    assert found["refused"] == {"a time is no number of ms": 1}
    assert found["first_refused"]["a time is no number of ms"].endswith("a_trace.csv:4")
    assert "1 left out" in done.stderr
    answer = document(oncalm(home, "ask", "how many errors per service", "--json"))
    assert answer["result"]["rows"] == [["cart", 2]]
    with RecordReader(home) as reader:
        assert [s.service for s in reader.spans(Window())] == ["cart", "db"]
        assert [s.values.tolist() for s in reader.series(Window(), "cpu")] == [[0.5]]


def test_importing_again_adds_nothing(tmp_path: Path) -> None:
    folder, home = exported(tmp_path), tmp_path / "home"
    for _ in range(2):
        oncalm(home, "import", folder, "--mapping", tmp_path / "map.yaml")
    with (folder / "a_log.csv").open("a") as stream:
        stream.write("1790000002000,order 9 refused,ERROR,cart\n")

    oncalm(home, "import", folder, "--mapping", tmp_path / "map.yaml")

    assert [json.loads(line)["message"] for line in lines_of(home)] == [f"order {n} refused" for n in (7, 8, 9)]
    with RecordReader(home) as reader:
        assert (len(reader.spans(Window())), len(reader.points(Window()))) == (2, 1)


def test_a_feed_needs_no_mapping(tmp_path: Path) -> None:
    (tmp_path / "changes.json").write_text(json.dumps([{"id": 1, "time": "2026-09-21T14:13:20Z", "type": "deploy", "title": "cart 2", "service": "cart"}]))

    done = oncalm(tmp_path / "home", "import", tmp_path / "changes.json")

    assert (done.returncode, done.stdout) == (0, "1 changes\n")
    with RecordReader(tmp_path / "home") as reader:
        assert [(c.id, c.kind, c.service) for c in reader.changes(Window())] == [("1", "deploy", "cart")]


def test_one_bad_file_does_not_keep_the_others_out(tmp_path: Path) -> None:
    folder, home = exported(tmp_path), tmp_path / "home"
    (folder / "b_trace.csv").write_text("other,columns\n1,2\n")

    done = oncalm(home, "import", folder, "none.csv", "--mapping", tmp_path / "map.yaml", "--json")

    problems = document(done)["problems"]
    assert (done.returncode, document(done)["files"], len(problems)) == (1, 3, 2)
    assert any("b_trace.csv: the file has no column 'trace'" in p for p in problems)


def test_a_wrong_mapping_is_a_usage_error_before_anything_is_written(tmp_path: Path) -> None:
    folder = exported(tmp_path)
    (tmp_path / "map.yaml").write_text(MAPPING.replace("unit: ms", "unit: weeks"))

    done = oncalm(tmp_path / "home", "import", folder, "--mapping", tmp_path / "map.yaml", "--json")

    assert done.returncode == 2
    assert "line 4, tables.0.fields.start.unit" in document(done)["error"]["message"]
    assert not (tmp_path / "home").exists()


def test_git_history_is_imported_once(tmp_path: Path) -> None:
    repository, home = tmp_path / "shop", tmp_path / "home"
    repository.mkdir()
    for words in (["init", "-q"], ["-c", "user.name=Ann", "-c", "user.email=a@example.org", "commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", "-C", str(repository), *words], check=True, capture_output=True)  # noqa: S607 - the git of the machine
    done = [oncalm(home, "import", "--git", repository, "--json") for _ in range(2)]

    assert [document(d)["records"] for d in done] == [{"changes": 1}] * 2
    with RecordReader(home) as reader:
        assert [(c.title, c.service, c.source) for c in reader.changes(Window())] == [("first", "shop", "git")]


def test_what_makes_no_sense_is_said(tmp_path: Path) -> None:
    assert oncalm(tmp_path / "home", "import").returncode == 2
    assert oncalm(tmp_path / "home", "import", "a.csv", "--since", "1 week").returncode == 2
    assert oncalm(tmp_path / "home", "import", "--git", tmp_path).returncode == 1


def test_another_writer_is_waited_for_by_the_user(tmp_path: Path) -> None:
    folder, writing = exported(tmp_path), Manifest(tmp_path / "home", write=True)

    done = oncalm(tmp_path / "home", "import", folder, "--mapping", tmp_path / "map.yaml")
    writing.close()

    assert (done.returncode, "is writing to this store" in done.stderr) == (1, True)
