"""Hand-written readers, one per system: a regular expression for the header and what its fields mean."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from evals.query.rows import YEARLESS, Log, Row, log_of

Fields = dict[str, str]
Clock = Callable[[Fields], datetime]


def _stamp(pattern: str, *, yearless: bool = False) -> Clock:
    def read(fields: Fields) -> datetime:
        text, form = (f"{YEARLESS} {fields['time']}", f"%Y {pattern}") if yearless else (fields["time"], pattern)
        return datetime.strptime(text, form).replace(tzinfo=UTC)

    return read


def _epoch(fields: Fields) -> datetime:
    return datetime.fromtimestamp(int(fields["time"]), UTC)


def _health(fields: Fields) -> datetime:
    day, hour, minute, second, milli = re.split("[-:]", fields["time"])
    return datetime(int(day[:4]), int(day[4:6]), int(day[6:]), int(hour), int(minute), int(second),
                    int(milli) * 1000, UTC)


HEADERS: dict[str, tuple[str, Clock]] = {
    "Apache": (r"\[(?P<time>\w{3} \w{3} \d\d [\d:]{8} \d{4})\] \[(?P<level>\w+)\] (?P<message>.*)",
               _stamp("%a %b %d %H:%M:%S %Y")),
    "BGL": (r"\S+ (?P<time>\d+) \S+ (?P<host>\S+) \S+ \S+ \w+ (?P<service>\w+) (?P<level>\w+) ?(?P<message>.*)", _epoch),
    "HDFS": (r"(?P<time>\d{6} \d{6}) (?P<pid>\d+) (?P<level>\w+) (?P<service>[^:]+): (?P<message>.*)",
             _stamp("%y%m%d %H%M%S")),
    "HPC": (r"\d+ (?P<host>\S+) (?P<service>\S+) (?P<level>\S+) (?P<time>\d+) \S+ (?P<message>.*)", _epoch),
    "Hadoop": (r"(?P<time>[\d-]{10} [\d:]{8},\d{3}) (?P<level>\w+) \[(?P<pid>.*?)\] (?P<service>[\w.$]+): (?P<message>.*)",
               _stamp("%Y-%m-%d %H:%M:%S,%f")),
    "HealthApp": (r"(?P<time>\d{8}-\d+:\d+:\d+:\d+)\|(?P<service>[^|]*)\|(?P<pid>\d+)\|(?P<message>.*)", _health),
    "OpenSSH": (r"(?P<time>\w{3} [\d ]\d [\d:]{8}) (?P<host>\S+) (?P<service>\w+)\[(?P<pid>\d+)\]: (?P<message>.*)",
                _stamp("%b %d %H:%M:%S", yearless=True)),
    "OpenStack": (r"(?P<host>\S+) (?P<time>[\d-]{10} [\d:.]+) (?P<pid>\d+) (?P<level>\w+) (?P<service>\S+) (?P<message>.*)",
                  _stamp("%Y-%m-%d %H:%M:%S.%f")),
    "Zookeeper": (r"(?P<time>[\d-]{10} [\d:]{8},\d{3}) - (?P<level>\w+) +\[(?P<pid>.*):(?P<service>\w[\w$]*)@\d+\] - "
                  r"(?P<message>.*)", _stamp("%Y-%m-%d %H:%M:%S,%f")),
}
INCIDENT: dict[str, tuple[str, Clock]] = {
    "edge": (r'(?P<host>\S+) - - \[(?P<time>[^\]]+) \+0000\] (?P<message>.*)', _stamp("%d/%b/%Y:%H:%M:%S")),
    "storefront": (r"(?P<time>[\d-]{10} [\d:.]{12}) (?P<level>\w+) +\[(?P<pid>[^\]]+)\] (?P<service>\S+) - (?P<message>.*)",
                   _stamp("%Y-%m-%d %H:%M:%S.%f")),
    "inventory": (r"(?P<time>[\d-]{10} [\d:,]{12}) - (?P<service>\S+) - (?P<level>\w+) - (?P<message>.*)",
                  _stamp("%Y-%m-%d %H:%M:%S,%f")),
    "stockaudit": (r"(?P<time>\w{3} [\d ]\d [\d:]{8}) (?P<host>\S+) (?P<service>\w+)\[(?P<pid>\d+)\]: (?P<message>.*)",
                   _stamp("%b %d %H:%M:%S", yearless=True)),
}


def rows_of(lines: list[str], source: str, header: str, clock: Clock) -> Iterator[Row]:
    """Records of a text log; lines without a header belong to the record before them."""
    pattern, held = re.compile(header), None
    for number, line in enumerate(lines, start=1):
        match = pattern.match(line)
        if match is None and held is not None:
            held = _longer(held, line)
            continue
        if held is not None:
            yield held
        fields = {name: value or "" for name, value in match.groupdict().items()} if match else {"message": line}
        held = Row(source, number, clock(fields) if match else None, line, fields["message"], fields.get("level", ""),
                   fields.get("service", ""), fields.get("host", ""), fields.get("pid", ""))
    if held is not None:
        yield held


def _longer(row: Row, line: str) -> Row:
    return Row(row.source, row.no, row.time, f"{row.text}\n{line}", row.message, row.level, row.service,
               row.host, row.pid)


def read_lines(path: Path) -> list[str]:
    """The lines of a plain or gzipped file."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return data.decode("utf-8", "replace").splitlines()


def read_system(path: Path, system: str) -> Log:
    """One of the nine systems from its raw file."""
    header, clock = HEADERS[system]
    return log_of(rows_of(read_lines(path), path.name, header, clock))


def read_incident(folder: Path) -> Log:
    """The recorded incident, all files; the year-less file gets the year the others show."""
    rows: list[Row] = []
    for path in sorted(folder.iterdir()):
        kind = path.name.split(".")[0]
        if kind == "payments":
            rows += _json_rows(read_lines(path), path.name)
        elif kind in INCIDENT:
            rows += rows_of(read_lines(path), path.name, *INCIDENT[kind])
    year = next(row.time.year for row in rows if row.time and row.time.year != YEARLESS)
    return log_of(_in_year(row, year) for row in rows)


def _in_year(row: Row, year: int) -> Row:
    if row.time is None or row.time.year != YEARLESS:
        return row
    return Row(row.source, row.no, row.time.replace(year=year), row.text, row.message, row.level, row.service,
               row.host, row.pid)


def _json_rows(lines: list[str], source: str) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        record = json.loads(line)
        rest = " ".join(f"{key}={value}" for key, value in record.items() if key not in {"time", "level", "msg"})
        yield Row(source, number, datetime.fromisoformat(record["time"]), line, f"{record['msg']} {rest}",
                  record["level"], "payments")
