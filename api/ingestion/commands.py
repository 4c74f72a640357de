"""What the commands do that fill and empty the store: call the product, tell, choose the exit code."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api import times
from api.terminal import progress, reports
from api.terminal.escaping import visible
from api.terminal.printing import print_json
from api.wiring.product import Product
from telemetry.errors import StoreError, UsageError
from telemetry.units import BYTES, CALENDAR, SECONDS

DONE, FAILED, NOTHING = 0, 1, 3
_SIZES = {**BYTES, **{letter: BYTES[f"{letter}b"] for letter in "kmgt"}}
_AGES = {unit: seconds for unit, seconds in {**SECONDS, **CALENDAR}.items() if seconds >= 1}


def ingest(
    product: Product, paths: list[str], *, service: str | None, declared: str | None, follow: bool, as_json: bool
) -> int:
    """Read logs; problems with single files are told and make the exit code 1."""
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    if follow or any(map(_pipe, paths)):  # what a pipe gave cannot be read again
        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
    with progress.IngestProgress(enabled=not as_json) as shown:
        report = product.ingest(paths, service=service, declared=declared, progress=shown.update,
                                started=shown.start, follow=follow, stop=lambda: stopping)
    try:
        report.notes += product.index(changed=bool(report.bytes))
    except StoreError as error:
        report.problems.append(str(error))
    if as_json:
        document = {k: getattr(report, k) for k in report.__slots__}
        print_json({**document, "formats": dict(report.formats)})
    else:
        reports.report(report)
    for problem in report.problems:
        print(f"oncalm: {visible(problem)}", file=sys.stderr)
    if report.problems:
        return FAILED
    return DONE if report.lines or report.resumed or follow else NOTHING


def _pipe(path: str) -> bool:
    try:
        return path == "-" or Path(path).is_fifo()
    except OSError:
        return False


def fetch(
    product: Product, source: str, *, since: str | None, start: str | None, end: str | None, service: str | None, limit: int, as_json: bool
) -> int:
    """Fetch a window into the store. 1: a part of it could not be had; 3: there was nothing."""
    from api.ingestion.fetching import Fetching

    low, high = times.moments(since, start, end)

    def tell(what: str) -> None:
        if not as_json and sys.stderr.isatty():
            print(f"\r{visible(what)}\x1b[K", end="", file=sys.stderr, flush=True)

    with product.sources() as sources:
        if sources.get(source).kind == "alertmanager":
            raise UsageError(f"{source} is an Alertmanager, which holds no telemetry", where="fetch", remedy="name another source; verifications ask this one by themselves")
        done = Fetching(product, sources.get(source), service or "", limit, tell).run(low, high)
    tell("")
    if done.records and "logs" in done.kinds:
        done.notes += product.index()
    if as_json:
        print_json({"source": source, "window": {"start": _stamp(low), "end": _stamp(high)}, "records": done.records, "stretches": done.stretches,
                     "already": done.already, "kinds": done.kinds, "notes": done.notes, "problems": done.problems})
    else:
        known = f"; {done.already:,} stretches were there before" if done.already else ""
        print(f"fetched {done.records:,} records ({', '.join(done.kinds)}) from {source}{known}")
    for problem in done.problems:
        print(f"oncalm: {visible(problem)}", file=sys.stderr)
    if done.problems:
        return FAILED
    return DONE if done.records or done.already else NOTHING


def _stamp(micros: int) -> str:
    return datetime.fromtimestamp(micros / 1_000_000, UTC).isoformat()


def retain(product: Product, older_than: str | None, max_size: str | None, *, as_json: bool) -> int:
    """Drop every record that is too old, then the oldest segments by size."""
    if not older_than and not max_size:
        raise UsageError("say what to keep", where="retain", remedy="give --older-than 30d or --max-size 2GB")
    before = _ago(_measure(older_than, _AGES)) if older_than else None
    gone = product.retain(before=before, max_bytes=_measure(max_size, _SIZES) if max_size else None)
    product.index(changed=bool(gone))
    if as_json:
        print_json({"dropped_records": gone})
    else:
        print(f"dropped {gone:,} records")
    return DONE


def _ago(seconds: int) -> datetime:
    now = datetime.now(UTC)
    return now - timedelta(seconds=min(seconds, int(now.timestamp())))


def _measure(text: str, units: Mapping[str, float], where: str = "retain") -> int:
    """Read a number with a unit. What is deleted hangs on it, so an unknown unit is never guessed."""
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z]+)\s*", text)
    if not found or found[2].lower() not in units:
        raise UsageError(f"cannot read {text!r}", where=where, remedy=f"a number with one of {', '.join(units)}")
    return int(float(found[1]) * units[found[2].lower()])


def inbox_size(text: str) -> int:
    """Bytes, as ``1GB`` says them. Raises UsageError."""
    return _measure(text, _SIZES, "--inbox")


def receive(product: Product, host: str, port: int, token_file: Path | None, inbox: str, *, as_json: bool) -> int:
    """Receive telemetry until a signal comes."""
    from api.ingestion.receiver import serve
    from api.mcp.server import read_token

    token = read_token(token_file) if token_file else None
    records = serve(product, host, port, token, most_bytes=inbox_size(inbox))
    if as_json:
        print_json({"records": records})
    else:
        print(f"received {records:,} records")
    return DONE


def import_records(
    product: Product, paths: list[str], mapping: Path | None, git: Path | None, since: str | None, service: str | None, *, as_json: bool
) -> int:
    """Import records. 1: something could not be read or used; 3: there was nothing."""
    from api.ingestion.importing import import_files, import_git

    if (git is None) == (not paths):
        raise UsageError("say what to import", where="import", remedy="name files, or give --git REPOSITORY")
    if git is None and (since or service):
        raise UsageError("--since and --service are for --git", where="import", remedy="leave them out")
    done = import_git(product, git, since, service) if git else import_files(product, paths, mapping)
    if done.records["logs"]:
        product.index()
    if as_json:
        print_json({"files": done.files, "records": done.records, "refused": done.refused, "first_refused": done.first,
                     "notes": done.notes, "problems": done.problems})
    else:
        print(", ".join(f"{count:,} {kind}" for kind, count in done.records.items() if count) or "nothing to import")
    for said in [*(done.notes if not as_json else []), *done.told(), *done.problems]:
        print(f"oncalm: {visible(said)}", file=sys.stderr)
    if done.refused or done.problems:
        return FAILED
    return DONE if done.records.total() else NOTHING
