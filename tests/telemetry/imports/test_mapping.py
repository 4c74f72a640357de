"""A mapping file is checked whole, and says where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from telemetry.errors import UsageError
from telemetry.imports.mapping import MappingFile, load_mapping

GOOD = """\
tables:
  - records: points
    files: "cpu*.csv"
    fields:
      time: {column: t, unit: ms}
    metrics:
      - columns: "(?P<service>.+)_(?P<metric>cpu|mem)"
  - records: spans
    fields: {trace_id: trace, start: begin}
"""


def load(tmp_path: Path, text: str) -> MappingFile:
    (tmp_path / "map.yaml").write_text(text)
    return load_mapping(tmp_path / "map.yaml")


def test_a_table_alone_needs_no_list(tmp_path: Path) -> None:
    assert load(tmp_path, "records: changes\nfields: {time: at, title: {constant: 5}}").tables[0].fields["title"].constant == "5"
    assert [t.records for t in load(tmp_path, GOOD).tables] == ["points", "spans"]


@pytest.mark.parametrize(("old", "new", "line", "said"), [
    ("unit: ms", "unit: fortnights", 5, r"tables\.0\.fields\.time\.unit: Input should be 's', 'ms'"),
    ("time: {", "tim: {", 5, r"tables\.0\.fields\.tim: points have no field 'tim'"),
    ("files:", "flies:", 3, r"tables\.0\.flies: Extra inputs"),
    ("(?P<service>.+)", "(?P<service>.+", 7, r"tables\.0\.metrics\.0\.columns: .* is no regular expression"),
    ("records: spans", "records: spins", 8, r"tables\.1\.records: Input should be"),
    ("start: begin", "service: s", 9, r"tables\.1\.fields: spans need start"),
    ("start: begin", "start: {column: a, zone: Mars/Olympus}", 9, r"tables\.1\.fields\.start\.zone: there is no time zone 'Mars/Olympus'"),
    ("start: begin", "start: {column: a, constant: b}", 9, r"tables\.1\.fields\.start: give either a column or a constant"),
    ("start: begin", "start: {column: a, unit: s, format: '%Y'}", 9, r"tables\.1\.fields\.start: give a unit"),
    ("start: begin}", "start: begin}\n    metrics: [{column: a}]", 10, r"tables\.1\.metrics: only points have metrics"),
])
def test_every_error_names_file_line_and_key(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    with pytest.raises(UsageError, match=rf"map\.yaml: .*line {line}, {said}"):
        load(tmp_path, GOOD.replace(old, new))


def test_keys_of_a_table_alone_are_named_as_they_stand(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"line 2, fields\.tile: changes have no field"):
        load(tmp_path, "records: changes\nfields: {time: a, title: b, tile: c}")


def test_several_errors_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"(?s)line 3.*line 5"):
        load(tmp_path, GOOD.replace("files:", "flies:").replace("unit: ms", "unit: x"))


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "\x00"])
def test_what_is_no_mapping_is_said(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"map\.yaml"):
        load(tmp_path, text)
