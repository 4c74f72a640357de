"""The whole route table against every role, over real HTTP: what the integrator runs on the whole application."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx

from api.door.route_table import route_table

ROLES = ("viewer", "responder", "approver", "admin")


def wrongs(app: Any, url: str, headers: Mapping[str, Mapping[str, str]], *, skip: frozenset[str] = frozenset()) -> list[str]:
    """What is not as the table says: nobody gets 401, a lower role 403, and one that reaches is not refused.

    ``headers``: credentials by role. ``skip``: entries (``GET /v1/x``) that stream without end or must not be called.
    """
    found: list[str] = []
    with httpx.Client(base_url=url, timeout=20) as web:
        for entry in route_table(app):
            if str(entry) in skip or entry.method == "*" or entry.role is None:
                continue
            path = re.sub(r"\{[^}]+\}", "x", entry.path)
            for role in (None, *ROLES):
                status = _status(web, entry.method, path, headers[role] if role else {})
                reaches = role is not None and ROLES.index(role) >= ROLES.index(entry.role)
                right = status == 401 if role is None else (status not in {401, 403}) if reaches else status == 403
                if not right:
                    found.append(f"{entry} as {role or 'nobody'}: {status}")
    return found


def _status(web: httpx.Client, method: str, path: str, headers: Mapping[str, str]) -> int:
    with web.stream(method, path, headers=dict(headers)) as answer:
        return answer.status_code
