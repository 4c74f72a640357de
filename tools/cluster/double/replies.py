"""Answers of the double, in the words of an API server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came."""

    method: str
    path: str
    query: Mapping[str, str]
    accept: str
    user: str
    body: bytes = b""
    verb: str = ""
    resource: str = ""
    """As RBAC names it: ``pods``, ``pods/log``, ``deployments.apps``; "" for what is no resource."""
    namespace: str = ""
    name: str = ""
    content: str = ""
    """The media type of the body."""

    @property
    def dry(self) -> bool:
        """Whether nothing may be stored."""
        return self.query.get("dryRun") == "All"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


def json_reply(value: object, status: int = 200) -> Reply:
    """A document."""
    return Reply(status, json.dumps(value).encode())


def status_reply(code: int, reason: str, message: str, **details: Any) -> Reply:
    """A refusal."""
    return json_reply({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason,
                       "details": details, "code": code}, code)
