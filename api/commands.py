"""What each command does: call the product, render, choose the exit code."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from api import times
from api.terminal import answers, progress, reports
from api.terminal.escaping import json_line, visible
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
        _print_json({**document, "formats": dict(report.formats)})
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
        _print_json({"source": source, "window": {"start": _stamp(low), "end": _stamp(high)}, "records": done.records, "stretches": done.stretches,
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


def ask(
    product: Product, question: str, *, since: str | None, start: str | None, end: str | None,
    conversation: str | None, analyst: str = "auto", evidence: bool = False, as_json: bool
) -> int:
    """Answer one question. 2: it could not be read; 3: nothing was found."""
    window = times.window(since, start, end, product.catalog())
    with progress.RunStatus(enabled=not as_json) as shown:
        answer = product.ask(question, conversation=conversation, window=window, analyst=analyst, watch=shown.event)
    if as_json:
        _print_json(answer)
    else:
        answers.answer(answer, whole=evidence)
    if not answer["understood"]:
        return 2
    statuses = {e["status"] for e in answer["evidence"]}
    if "failed" in statuses and not statuses & {"found", "nothing_found"}:
        return FAILED
    return DONE if "found" in statuses or answer["result"]["kind"] != "none" and answer["result"].get("value") \
        else NOTHING


def investigate(
    product: Product, symptom: str, *, alert: Path | None = None, at: str | None, since: str | None, start: str | None, end: str | None,
    pictures: Path | None, png: bool, propose: bool = False, analyst: str = "auto", as_json: bool
) -> int:
    """Find a cause. 3: the records show none."""
    if not symptom and alert is None:
        raise UsageError("say what is the matter", where="investigate", remedy='give a symptom, as "checkout is slow since 14:05", or --alert FILE')
    catalog, told = product.catalog(), _alerted(alert) if alert is not None else None
    moment, window = times.moment(at, catalog) if at else None, times.window(since, start, end, catalog)
    if told is not None:
        symptom, moment = symptom or told["symptom"], moment or (told["at"] if window is None else None)
    with progress.RunStatus(enabled=not as_json) as shown:
        found = product.investigate(symptom, at=moment, window=window, analyst=analyst, watch=shown.event)
    if told is not None:
        found["alert"] = told["alert"]
    if pictures is not None:
        from api.pictures import draw

        found["pictures"] = [str(path) for path in draw(found, pictures, kind="png" if png else "svg")]
    if propose and product.desk is not None and found["proposals"]:
        from api.actions.proposals import put
        from api.settings import load

        put(found, product.desk, load().person())
    if as_json:
        _print_json(found)
    else:
        answers.investigation(found)
    weighed = found["evidence"][0] if found["evidence"] else {"status": "failed"}
    if weighed["status"] in {"failed", "not_assessed"}:
        return FAILED
    return DONE if found["suspects"] else NOTHING


def _alerted(path: Path) -> dict[str, Any]:
    """What an investigation of an alert begins with: ``symptom``, ``at`` and what is kept of the ``alert``."""
    from agent.incidents.symptom import symptom_of
    from api.incidents.triggering_alert import of_alert, read_alert

    alert = read_alert(path, datetime.now(UTC))
    return {"symptom": symptom_of(alert), "at": alert.starts_at, "alert": of_alert(alert)}


def templates(product: Product, top: int, *, as_json: bool) -> int:
    """List the commonest templates."""
    catalog = product.catalog()
    chosen = catalog.templates[:top]
    if as_json:
        _print_json({"templates": [_template(t) for t in chosen], "total": len(catalog.templates)})
    else:
        reports.templates(chosen, len(catalog.templates))
    return DONE if chosen else NOTHING


def _template(template: Any) -> dict[str, Any]:
    return {
        "id": template.id, "pattern": template.pattern, "display": template.display, "count": template.count,
        "first": template.first_seen.isoformat() if template.first_seen else None,
        "last": template.last_seen.isoformat() if template.last_seen else None,
        "params": [{"name": p.name, "type": p.type} for p in template.params],
        "examples": list(template.examples), "levels": list(template.levels), "services": list(template.services),
    }


def retain(product: Product, older_than: str | None, max_size: str | None, *, as_json: bool) -> int:
    """Drop every record that is too old, then the oldest segments by size."""
    if not older_than and not max_size:
        raise UsageError("say what to keep", where="retain", remedy="give --older-than 30d or --max-size 2GB")
    before = _ago(_measure(older_than, _AGES)) if older_than else None
    gone = product.retain(before=before, max_bytes=_measure(max_size, _SIZES) if max_size else None)
    product.index(changed=bool(gone))
    if as_json:
        _print_json({"dropped_records": gone})
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


def doctor(product: Product, *, repair: bool, as_json: bool) -> int:
    """Check what a question needs; says what is wrong and, with ``repair``, sets damage aside."""
    from api.actions.notifications import notice_checks
    from api.cluster.commands import cluster_checks
    from api.doctor.checks import examine
    from api.doctor.sources import source_checks
    from api.settings import load

    checks = [*examine(product.home, product.embedding_path, repair=repair), *source_checks(product), *cluster_checks(product.cluster),
              *notice_checks(lambda: load().teller(product.home))]
    if as_json:
        _print_json({"checks": checks})
    else:
        reports.checks(checks)
    return DONE if all(c["ok"] for c in checks) else FAILED


def recall(product: Product, *, right: str | None, wrong: str | None, forget: str | None, as_json: bool) -> int:
    """List the investigations that may be recalled, or judge one. 3: there are none."""
    memory = product.memory()
    for ident, change in ((right, partial(memory.judge, good=True)), (wrong, partial(memory.judge, good=False)), (forget, memory.forget)):
        if ident is not None and not change(ident):
            raise UsageError(f"no investigation has the id {ident!r}", where="recall", remedy="oncalm recall lists them")
    now = datetime.now(UTC)
    found = [{"id": one.id, "made": one.made.isoformat(), "question": one.question, "model": one.model, "good": one.good,
              "bad": one.bad, "trust": round(one.trust(now), 2), "answer": (one.conclusion.get("answer") or {}).get("text", "")}
             for one in memory.all()]
    memory.close()
    if as_json:
        _print_json({"investigations": found, "notes": memory.problems})
    else:
        reports.investigations(found, memory.problems)
    return DONE if found else NOTHING


def mcp(product: Product, http: str | None, token_file: Path | None) -> int:
    """Serve the read tools until the input ends or a signal comes."""
    from api.mcp import server

    server.available()
    if http is None:
        if token_file:
            raise UsageError("a token is for HTTP", where="--token-file", remedy="give --http HOST:PORT too, or leave it out")
        server.serve_stdio(product.tools())
        return DONE
    host, port = server.address(http)
    server.serve_http(product.tools(), host, port, server.read_token(token_file) if token_file else None)
    return DONE


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
        _print_json({"records": records})
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
        _print_json({"files": done.files, "records": done.records, "refused": done.refused, "first_refused": done.first,
                     "notes": done.notes, "problems": done.problems})
    else:
        print(", ".join(f"{count:,} {kind}" for kind, count in done.records.items() if count) or "nothing to import")
    for said in [*(done.notes if not as_json else []), *done.told(), *done.problems]:
        print(f"oncalm: {visible(said)}", file=sys.stderr)
    if done.refused or done.problems:
        return FAILED
    return DONE if done.records.total() else NOTHING


def _print_json(value: Any) -> None:
    try:
        print(json_line(value), flush=True)
    except BrokenPipeError:  # whoever read our output has gone, which is fine
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
