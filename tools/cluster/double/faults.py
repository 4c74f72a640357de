"""How an API server goes wrong, for the double: told per path, so many times."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

How = Literal["html", "truncated", "cut", "error", "busy", "gone", "silent", "redirect", "status", "cut_before", "cut_after"]


@dataclass(slots=True)
class Fault:
    """What happens to requests whose path (with its query) matches.

    ``html`` a web page with 200, ``truncated`` half a JSON, ``cut`` a connection that breaks, ``error`` 500, ``busy`` 429 with
    Retry-After, ``gone`` 410, ``silent`` nothing for ``seconds``, ``redirect`` to ``text``, ``status`` any ``code``;
    ``cut_before`` and ``cut_after`` hang up without a word, before and after the request was carried out.
    """

    path: str
    how: How
    times: int = 1_000_000
    seconds: float = 0.0
    code: int = 500
    text: str = ""
    skip: int = 0
    """Matching requests that pass before the first that does not."""
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = ""
    """Only requests of this method; "" for any."""

    def takes(self, path: str, method: str = "") -> bool:
        """Whether this request goes wrong; counts it."""
        if not re.search(self.path, path) or self.method not in {"", method}:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return self.times >= 0

    def wait(self) -> None:
        """Let the time of ``silent`` pass."""
        time.sleep(self.seconds)
