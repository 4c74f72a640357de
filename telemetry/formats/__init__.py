"""Reading headers: where in a line its time, level, service … and its message lie.

Pure functions of the line's text; decisions never depend on which digits it holds, so that what was read
from one line holds for every line of the same skeleton. No files, no clocks.
"""

from __future__ import annotations

from telemetry.formats.continuation import continuation, group
from telemetry.formats.model import FIELDS, Parsed
from telemetry.formats.reader import LineReader

__all__ = ["FIELDS", "LineReader", "Parsed", "continuation", "group"]
