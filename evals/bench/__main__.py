"""``python -m evals.bench PART …``: benches beside a named peer in the same run; see each part's module.

ingest [FILE | FOLDER] [--input hdfs|mixed|hex] [--runs 5] [--repeat 1] [--stock]   lines read
query [--lines 1000000] [--cache DIR]                                             questions answered
investigate [--lines 10000000] [--spans 1000000] [--series 10000] [--cache DIR]    an incident weighed
index [--templates 1000]                                                          templates searched
startup [--runs 5]                                                                ``oncalm --help``
decision [--runs 200]                                                             decision and guard
alerts [--alerts 1000] [--groups 25] [--clients 16]                               webhooks taken over HTTP
ebpf [--blocks 24] [--seconds 0.5]                                                 the HTTP probe under wrk
ebpf_truth [--requests 100000] [--only http|grpc|postgres|mysql …]                 what probes tell beside the application's notes
ebpf_signals [--runs 8]                                                           probes of the kernel's own events
Every part takes ``--json``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def main() -> int:  # noqa: PLR0915 - a table of arguments
    parser = argparse.ArgumentParser(prog="python -m evals.bench")
    parts = parser.add_subparsers(dest="part", required=True)
    ingest = parts.add_parser("ingest", help="whole processes that read a log, ours and drain3's in turn")
    ingest.add_argument("path", type=Path, nargs="?")
    ingest.add_argument("--input", choices=("hdfs", "mixed", "hex"))
    ingest.add_argument("--runs", type=int, default=5)
    ingest.add_argument("--repeat", type=int, default=1, help="read the input as often, in one file")
    ingest.add_argument("--lines", type=int, help="lines of the mixed (1,000,000) and hex (200,000) inputs")
    ingest.add_argument("--stock", action="store_true", help="also time drain3's own TemplateMiner, once")
    query = parts.add_parser("query", help="questions over a synthetic log, beside grep and awk")
    query.add_argument("--lines", type=int, default=1_000_000)
    query.add_argument("--cache", type=Path)
    investigate = parts.add_parser("investigate", help="a synthetic incident weighed, beside awk over its log")
    investigate.add_argument("--lines", type=int, default=10_000_000)
    investigate.add_argument("--spans", type=int, default=1_000_000)
    investigate.add_argument("--series", type=int, default=10_000)
    investigate.add_argument("--cache", type=Path)
    index = parts.add_parser("index", help="the meaning index beside Chroma's query")
    index.add_argument("--templates", type=int, default=1000)
    startup = parts.add_parser("startup", help="the time of `oncalm --help`")
    startup.add_argument("--runs", type=int, default=5)
    overhead = parts.add_parser("overhead", help="our own code per model turn and tool call, beside the bare SDK")
    overhead.add_argument("--lines", type=int, default=5000)
    overhead.add_argument("--turns", type=int, default=10)
    overhead.add_argument("--calls", type=int, default=3, help="tool calls of one turn, side by side")
    overhead.add_argument("--runs", type=int, default=5)
    decision = parts.add_parser("decision", help="decision and guard, without a cluster and a database")
    decision.add_argument("--runs", type=int, default=200)
    approvals = parts.add_parser("approvals", help="what asking, approving and guarding cost, beside a bare commit of SQLite")
    approvals.add_argument("--runs", type=int, default=40)
    alerts = parts.add_parser("alerts", help="webhooks taken over HTTP, beside bare commits of SQLite")
    alerts.add_argument("--alerts", type=int, default=1_000)
    alerts.add_argument("--groups", type=int, default=25)
    alerts.add_argument("--clients", type=int, default=16)
    probes = parts.add_parser("ebpf", help="the HTTP probe under wrk, with and without it in turn")
    probes.add_argument("--blocks", type=int, default=24, help="of four runs each: without, with, with, without")
    probes.add_argument("--seconds", type=float, default=0.5, help="of each run")
    serve = parts.add_parser("serve", help="chats at once, what HTTP adds to an answer, and the server's memory")
    serve.add_argument("--streams", type=int, default=200)
    serve.add_argument("--answers", type=int, default=60)
    serve.add_argument("--minutes", type=float, default=1.0, help="of chats while memory is looked at; 0 for none")
    serve.add_argument("--wait", type=float, default=0.5, help="seconds that the scripted model waits before it answers")
    truth = parts.add_parser("ebpf_truth", help="what probes tell beside what the application noted itself")
    truth.add_argument("--requests", type=int, default=100_000, help="of HTTP, and statements of each database; a tenth of it over gRPC")
    truth.add_argument("--only", nargs="+", choices=("http", "grpc", "postgres", "mysql"))
    signals = parts.add_parser("ebpf_signals", help="what the probes of the kernel's own events cost per thing they see; needs root")
    signals.add_argument("--runs", type=int, default=8)
    for part in (ingest, query, investigate, index, startup, overhead, decision, approvals, alerts, probes, truth, serve, signals):
        part.add_argument("--json", action="store_true", dest="as_json")
    given = parser.parse_args()
    try:
        report, text = _run(given)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(report) if given.as_json else text)
    return 0


def _run(given: argparse.Namespace) -> tuple[dict[str, object], str]:
    """Run a part; the modules are imported here, so that none costs the others anything."""
    if given.part == "query":
        from evals.bench import query

        report = query.run(given.lines, given.cache)
        return report, query.table(report)
    if given.part == "investigate":
        from evals.bench import investigation

        report = investigation.run(given.lines, given.spans, given.series, given.cache)
        return report, investigation.table(report)
    if given.part == "ebpf_truth":
        from evals.bench import ebpf_truth

        report = ebpf_truth.run(given.requests, given.only or ebpf_truth.PARTS)
        return report, ebpf_truth.table(report)
    if given.part == "ebpf_signals":
        from evals.bench import ebpf_signals

        report = ebpf_signals.run(given.runs)
        return report, ebpf_signals.words(report)
    if given.part == "overhead":
        from evals.bench import overhead

        report = overhead.run(given.lines, given.turns, given.calls, given.runs)
        return report, overhead.table(report)
    if given.part == "serve":
        from evals.bench import serve

        report = serve.run(given.streams, given.answers, given.minutes, given.wait)
        return report, serve.table(report)
    if given.part == "ebpf":
        from evals.bench import ebpf

        report = ebpf.run(given.blocks, given.seconds)
        return report, ebpf.table(report)
    if given.part == "alerts":
        from evals.bench import alerts

        report = alerts.run(given.alerts, given.groups, given.clients)
        return report, alerts.table(report)
    if given.part == "decision":
        from evals.bench import decision

        report = decision.run(given.runs)
    elif given.part == "approvals":
        from evals.bench import approving

        report = approving.run(given.runs)
    elif given.part == "index":
        from evals.bench import index

        report = index.run(given.templates)
    else:
        from evals.bench import ingest

        if given.part == "startup":
            report = ingest.startup(given.runs)
        else:
            report = ingest.run(given.path, given.input, given.runs, repeat=given.repeat, stock=given.stock,
                                lines=given.lines)
            return report, ingest.table(report)
    return report, "\n".join(f"{key}: {value}" for key, value in report.items())


if __name__ == "__main__":
    sys.exit(main())
