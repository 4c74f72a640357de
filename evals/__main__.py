"""``python -m evals SUITE DIR [--json] [--failures]``: measure OnCalm beside a baseline, in one run.

DIR is laid out like the public data set of that name; for generated logs it is a folder to write them into.
Exit: 0 done, 1 failed, 2 usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

SUITES = {"parsing": "evals.parsing", "logqa": "evals.logqa", "nl2logql": "evals.nl2logql", "query": "evals.query",
          "unseen": "evals.query.unseen", "foreign": "evals.foreign.__main__", "agent": "evals.agent", "cost": "evals.cost",
          "rca": "evals.rca", "kube": "evals.kube", "anomaly": "evals.anomaly", "actions": "evals.actions"}
GENERATED = ("unseen", "foreign", "agent", "cost")
"""Suites whose logs are invented; all but ``foreign`` write them into the folder."""
OPTIONS = {"agent": ("analyst", "repeats", "case", "record"), "rca": ("report", "robust", "leave_out"), "kube": ("report",)}
"""What only some suites take."""
KEYS = ("suite", "data", "cases", "could_not_run", "metrics", "baseline", "seconds")
Report = dict[str, Any]


def main(arguments: Sequence[str] | None = None, load: Callable[[str], Any] = import_module) -> int:
    """Run one suite and print what it found."""
    parser = argparse.ArgumentParser(prog="python -m evals", description=__doc__)
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("folder", type=Path, nargs="?", help="of actions it may be left out: the scenarios of the checkout")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON document")
    parser.add_argument("--failures", action="store_true", help="also list the cases that were wrong")
    for_agent = parser.add_argument_group("of the suite agent")
    for_agent.add_argument("--analyst", choices=("offline", "llm"), help="who answers; llm uses the configured model")
    for_agent.add_argument("--repeats", type=int, metavar="N", help="ask each case N times; right is right every time")
    for_agent.add_argument("--case", metavar="NAME", help="only this one: CASE or SYSTEM/CASE")
    for_agent.add_argument("--record-baseline", action="store_true", default=None, dest="record", help="replace the recorded baseline")
    for_rca = parser.add_argument_group("of the suites rca and kube")
    for_rca.add_argument("--report", type=Path, metavar="FILE", help="write a page in Markdown with plots")
    for_rca.add_argument("--robust", action="store_true", default=None, help="of rca: also with points lost, names replaced and the like")
    for_rca.add_argument("--leave-out", action="store_true", default=None, dest="leave_out",
                         help="of rca: also choose constants without each fault type (about forty times as long)")
    given = parser.parse_args(arguments)
    options = {name: value for names in OPTIONS.values() for name in names if (value := getattr(given, name)) is not None}
    for name in options:
        if name not in OPTIONS.get(given.suite, ()):
            parser.error(f"--{name} is for {', '.join(suite for suite, names in OPTIONS.items() if name in names)}")
    if given.repeats is not None and given.repeats < 1:
        parser.error("--repeats takes at least 1")
    if given.folder is None:
        if given.suite != "actions":
            parser.error("the following arguments are required: folder")
        given.folder = Path(__file__).parent / "actions" / "scenarios"
    if given.suite in GENERATED:
        given.folder.mkdir(parents=True, exist_ok=True)  # its logs are generated there
    if not given.folder.is_dir():
        print(f"{given.folder}: not a folder; unpack the data set there first", file=sys.stderr)
        return 2
    module = load(SUITES[given.suite])
    folder = _unpacked(given.folder, given.suite)
    try:
        report: Report = module.run() if given.suite == "foreign" else module.run(folder, **options)
    except (OSError, ValueError, KeyError) as error:
        print(f"{given.folder}: cannot be measured as {given.suite}: {error!r}", file=sys.stderr)
        return 1
    failures = report.pop("failures", [])
    document = {key: report[key] for key in KEYS} | ({"failures": failures} if given.failures else {})
    print(json.dumps(document, default=str) if given.as_json else _table(document))
    return 0 if report["cases"] else 1


def _unpacked(folder: Path, suite: str) -> Path:
    """The folder itself, or the one inside that an archive of the data set unpacks into."""
    name = {"query": "parsing", "kube": "cloudopsbench"}.get(suite, suite)
    return folder / name if (folder / name).is_dir() else folder


def _table(report: Report) -> str:
    """The report for people: ours beside the baseline, then the parts."""
    data = report["data"] if isinstance(report["data"], str) else ", ".join(map(str, report["data"]))
    lines = [f"{report['suite']} on {data}: {report['cases']} cases, "
             f"{report['could_not_run']} could not run, {report['seconds']:.1f} s",
             f"  {'':<15} {'ours':>9} {'baseline':>9}"]
    ours, base = report["metrics"], report["baseline"]
    for name, value in ours.items():
        if not isinstance(value, dict):
            lines.append(f"  {name:<15} {_number(value):>9} {_number(base.get(name)):>9}")
    for name, parts in ours.items():
        if isinstance(parts, dict):
            lines.append(f"  {name}")
            lines += [_part(part, value, base.get(name)) for part, value in parts.items()]
    lines += _recorded(base.get("recorded"))
    lines += [f"\n{each}" if isinstance(each, str) else _failure(each) for each in report.get("failures", [])]
    return "\n".join(lines)


def _number(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.3f}" if isinstance(value, float) else "-"


def _part(name: str, ours: object, baseline: object) -> str:
    """One system or class: ours, and the baseline's when it has one."""
    other = baseline.get(name) if isinstance(baseline, dict) else None
    return f"    {name:<14} {_inner(ours)}" + (f"   | {_inner(other)}" if other is not None else "")


def _inner(value: object) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{name} {_number(each) if not isinstance(each, str) else each}" for name, each in value.items())
    return value if isinstance(value, str) else _number(value)


def _recorded(known: dict[str, Any] | None) -> list[str]:
    """What the recorded baseline got, and every case that went another way now."""
    if known is None:
        return []
    first = f"  recorded: {known['analyst']} {known['right']}/{known['cases']} right; {len(known['regressions'])} regressions"
    return [first, *(f"    {kind:<14} {name}" for kind in ("regressions", "gains", "unrecorded") for name in known[kind])]


def _failure(failure: dict[str, Any]) -> str:
    return "\n" + "\n".join(f"  {name:<7} {value}" for name, value in failure.items())


if __name__ == "__main__":
    sys.exit(main())
