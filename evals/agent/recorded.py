"""What the offline analyst got when somebody last recorded it. Compared in each run; written only when asked to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

PATH = Path(__file__).parent / "baseline.json"


class Recorded(BaseModel):
    """Cases by how they went; ``wrong`` holds the complaints."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    analyst: str
    right: list[str]
    wrong: dict[str, str]


def read(path: Path = PATH) -> Recorded:
    """The recorded baseline. Raises :class:`ValueError` when there is none or it is damaged."""
    if not path.is_file():
        raise ValueError(f"{path.name}: nothing is recorded; run with --record-baseline")
    return Recorded.model_validate_json(path.read_text(encoding="utf-8"))


def record(verdicts: Mapping[str, str], path: Path = PATH) -> None:
    """Write a baseline: the complaint about each case, empty when it was right."""
    right = sorted(name for name, complaint in verdicts.items() if not complaint)
    wrong = {name: complaint for name, complaint in sorted(verdicts.items()) if complaint}
    found = Recorded(analyst="offline", right=right, wrong=wrong)
    path.write_text(json.dumps(found.model_dump(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def compare(verdicts: Mapping[str, str], known: Recorded) -> dict[str, Any]:
    """Regressions and gains among the cases that were run now, and those that the record does not know."""
    return {
        "analyst": known.analyst, "right": len(known.right), "cases": len(known.right) + len(known.wrong),
        "regressions": sorted(name for name in known.right if verdicts.get(name)),
        "gains": sorted(name for name in known.wrong if verdicts.get(name) == ""),
        "unrecorded": sorted(set(verdicts) - set(known.right) - set(known.wrong)),
    }
