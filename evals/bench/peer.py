"""The peer: plain drain3, line by line, doing the same work in ordinary Python.

Read, header by regular expression, time, masks, drain3, template id, typed parameters, Parquet in batches.

    python -m evals.bench.peer FILE OUT.parquet [--stock]

``--stock`` leaves masks and parameters to drain3's own TemplateMiner, which is what its documentation shows.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HEADERS = (
    (re.compile(r"(?P<time>\d{6} \d{6}) (?P<pid>\d+) (?P<level>[A-Z]+) (?P<logger>[^:]+): (?P<message>.*)"), "%y%m%d %H%M%S"),
    (re.compile(r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:[,.]\d+)? (?:- )?(?P<level>[A-Z]+)? *(?P<message>.*)"), "%Y-%m-%d %H:%M:%S"),
    (re.compile(r"(?P<time>[A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d) (?P<host>\S+) (?P<logger>[^\[:]+)(?:\[\d+\])?: (?P<message>.*)"), "%b %d %H:%M:%S"),
)
MASKS = tuple((name, re.compile(pattern)) for name, pattern in (
    ("uuid", r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), ("url", r"\bhttps?://\S+"),
    ("email", r"\b[\w.+-]+@[\w-]+\.[\w.]+\b"), ("mac", r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b"),
    ("ip", r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), ("blk", r"\bblk_-?\d+"), ("path", r"(?<!\S)(?:/[\w.$-]+)+"),
    ("hex", r"\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b"), ("hex0x", r"\b0x[0-9a-fA-F]+\b"),
    ("size", r"\b\d+(?:\.\d+)? ?[KMGT]?B\b"), ("duration", r"\b\d+(?:\.\d+)? ?(?:ms|s|sec|seconds)\b"),
    ("number", r"(?<![\w.])-?\d+(?:\.\d+)?\b"),
))


Parse = Callable[[str], tuple[int, list[str]]]
"""A message to its template's number and its parameters, each as ``name=value``."""


def run(source: Path, target: Path) -> int:
    """Read ``source``; write one row per line to ``target``. Returns the number of lines."""
    from drain3.drain import Drain

    drain: Any = Drain(depth=4, sim_th=0.4)

    def parse(message: str) -> tuple[int, list[str]]:
        params: list[str] = []
        for name, pattern in MASKS:
            def keep(match: re.Match[str], name: str = name) -> str:
                params.append(f"{name}={match[0]}")
                return f"<{name}>"
            message = pattern.sub(keep, message)
        cluster, _ = drain.add_log_message(message)
        return cluster.cluster_id, params

    return _lines(source, target, parse)


def run_stock(source: Path, target: Path) -> int:
    """The same with ``TemplateMiner`` and its ``extract_parameters``."""
    from drain3 import TemplateMiner
    from drain3.masking import MaskingInstruction
    from drain3.template_miner_config import TemplateMinerConfig

    config = TemplateMinerConfig()
    config.masking_instructions = [MaskingInstruction(pattern.pattern, name) for name, pattern in MASKS]
    miner: Any = TemplateMiner(config=config)

    def parse(message: str) -> tuple[int, list[str]]:
        found = miner.add_log_message(message)
        params = miner.extract_parameters(found["template_mined"], message) or ()
        return found["cluster_id"], [f"{p.mask_name}={p.value}" for p in params]

    return _lines(source, target, parse)


def _lines(source: Path, target: Path, parse: Parse) -> int:
    """Line by line: header, template and parameters, rows in batches to Parquet."""
    import polars as pl

    rows: list[tuple[Any, ...]] = []
    frames = []
    count = 0
    with source.open(encoding="utf-8", errors="replace") as handle:
        for line in handle:
            text = line.rstrip("\n")
            when, message, level, logger = _header(text)
            cluster, params = parse(message)
            rows.append((when, level, logger, cluster, params, text))
            count += 1
            if len(rows) >= 100_000:
                frames.append(_frame(rows))
                rows = []
    frames.append(_frame(rows))
    pl.concat(frames).write_parquet(target, compression="zstd", compression_level=1)
    return count


def _header(text: str) -> tuple[datetime | None, str, str | None, str | None]:
    for pattern, form in HEADERS:
        if match := pattern.match(text):
            found = match.groupdict()
            stamp = f"2000 {found['time']}" if "%b" in form else found["time"]
            when = datetime.strptime(stamp, f"%Y {form}" if "%b" in form else form).replace(tzinfo=UTC)
            return when, found["message"], found.get("level"), found.get("logger")
    return None, text, None, None


def _frame(rows: list[tuple[Any, ...]]) -> Any:
    import polars as pl

    schema: Any = {"ts": pl.Datetime("us", "UTC"), "level": pl.String, "logger": pl.String, "template": pl.Int64,
              "params": pl.List(pl.String), "line": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


if __name__ == "__main__":
    (run_stock if "--stock" in sys.argv else run)(Path(sys.argv[1]), Path(sys.argv[2]))
