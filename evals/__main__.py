"""``python -m evals SUITE DIR [--json]``: measure OnCalm beside a baseline, in one run.

DIR is laid out like the public data set of that name. Exit: 0 done, 1 failed, 2 usage.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

SUITES = ("parsing", "logqa", "nl2logql")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evals", description=__doc__)
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", dest="as_json")
    given = parser.parse_args()
    if not given.folder.is_dir():
        print(f"{given.folder}: not a folder; unpack the data set there first", file=sys.stderr)
        return 2
    report: dict[str, Any] = importlib.import_module(f"evals.{given.suite}").run(given.folder)
    if given.as_json:
        print(json.dumps(report, default=str))
    else:
        _table(report)
    return 0


def _table(report: dict[str, Any]) -> None:
    print(f"{report['suite']} on {report['data']}: {report['cases']} cases, "
          f"{report['could_not_run']} could not run, {report['seconds']:.1f} s")
    ours, base = report["metrics"], report.get("baseline", {})
    for name, value in ours.items():
        if isinstance(value, float | int):
            other = base.get(name)
            shown = f"{other:.3f}" if isinstance(other, float | int) else "-"
            print(f"  {name:<12} ours {value:.3f}   baseline {shown}")
    for name, value in ours.items():
        if isinstance(value, dict):
            for key, inner in value.items():
                print(f"  {name} {key}: {inner}")


if __name__ == "__main__":
    sys.exit(main())
