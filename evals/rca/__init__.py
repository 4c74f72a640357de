"""How well root causes are found, on public incidents whose layout is told from their files.

The code under test sees telemetry, the alert's time and what it names; labels, folder names and case ids stay here.
"""

from __future__ import annotations

from evals.rca.running import run

__all__ = ["run"]
