"""What the commands do that ask and look: call the product, render, choose the exit code."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from api import times
from api.terminal import answers, progress, reports
from api.terminal.printing import print_json
from api.wiring.product import Product
from telemetry.errors import UsageError

DONE, FAILED, NOTHING = 0, 1, 3



def ask(
    product: Product, question: str, *, since: str | None, start: str | None, end: str | None,
    conversation: str | None, analyst: str = "auto", evidence: bool = False, as_json: bool
) -> int:
    """Answer one question. 2: it could not be read; 3: nothing was found."""
    window = times.window(since, start, end, product.catalog())
    with progress.RunStatus(enabled=not as_json) as shown:
        answer = product.ask(question, conversation=conversation, window=window, analyst=analyst, watch=shown.event)
    if as_json:
        print_json(answer)
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
        print_json(found)
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
        print_json({"templates": [_template(t) for t in chosen], "total": len(catalog.templates)})
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


def doctor(product: Product, *, repair: bool, as_json: bool) -> int:
    """Check what a question needs; says what is wrong and, with ``repair``, sets damage aside."""
    from api.doctor.checks import examine
    from api.doctor.cluster import cluster_checks
    from api.doctor.notifications import notice_checks
    from api.doctor.sources import source_checks
    from api.settings import load

    checks = [*examine(product.home, product.embedding_path, repair=repair), *source_checks(product), *cluster_checks(product.cluster),
              *notice_checks(lambda: load().teller(product.home))]
    if as_json:
        print_json({"checks": checks})
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
        print_json({"investigations": found, "notes": memory.problems})
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
