"""Questions with exact expected answers, computed from raw lines by code that shares nothing with OnCalm.

Cases are TOML (``cases/``), expected values functions (``truth_*.py``) over readers written by hand
(``systems.py``).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from evals.query.cases import load_cases
from evals.query.running import measure, report
from evals.query.systems import HEADERS, read_incident, read_system
from samples import incident_folder


def run(folder: Path) -> dict[str, Any]:
    """All cases over the systems in ``folder`` (``SYSTEM/SYSTEM_2k.log``) and over the recorded incident."""
    begun = time.perf_counter()
    systems = []
    for system in HEADERS:
        path = folder / system / f"{system}_2k.log"
        if path.is_file():
            systems.append((system, [path], load_cases(system, read_system(path, system))))
    incident = incident_folder()
    systems.append(("incident", [incident], load_cases("incident", read_incident(incident))))
    return report(measure(systems), folder.name, time.perf_counter() - begun)
