"""drain3's algorithm, loaded without the rest of its package.

Importing the package also imports its persistence, with jsonpickle and YAML: a sixth of the time that
ingesting 200,000 lines takes in all. The miner keeps its state itself and needs none of it.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any


def drain_module() -> Any:
    """The module ``drain3.drain``. Raises ImportError when drain3 is not installed."""
    if "drain3" in sys.modules or "drain3.drain" in sys.modules:
        return importlib.import_module("drain3.drain")
    spec = importlib.util.find_spec("drain3")
    if spec is None:
        return importlib.import_module("drain3.drain")
    sys.modules["drain3"] = importlib.util.module_from_spec(spec)  # the package, its __init__ not run
    try:
        return importlib.import_module("drain3.drain")
    finally:
        del sys.modules["drain3"]
