"""Kubernetes quantities: ``100m``, ``1Gi``, ``2e3``, ``12k`` as plain numbers.

Source: ``k8s.io/apimachinery/pkg/api/resource`` (Quantity): suffixes of 1000 (n u m k M G T P E), of 1024 (Ki … Ei),
and exponents.
"""

from __future__ import annotations

import re

_SUFFIX = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
           "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60}
_QUANTITY = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([eE][+-]?\d+)|([KMGTPE]i|[numkMGTPE])?)$")


def quantity(value: object) -> float | None:
    """The number a quantity stands for: cores for CPU, bytes for memory and storage; None when it is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = _QUANTITY.match(str(value).strip())
    if match is None:
        return None
    number = float(match[1] + (match[2] or ""))
    return number * _SUFFIX[match[3] or ""]
