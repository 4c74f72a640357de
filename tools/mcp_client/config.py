"""Which MCP servers the agent may use, and which of their tools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from telemetry.errors import UsageError

LONGEST = 50.0
"""Seconds a call may be given: below what the registry allows a tool, so that the reason told is the server's."""
_LARGEST_FILE = 1 << 20
ServerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")]
ToolName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_./-]{1,64}$")]


class McpServer(BaseModel):
    """One server: a ``command`` that is started and spoken to over its standard streams, or a ``url``.

    Only tools named in ``allow`` are taken, and of those only ones that read (see :mod:`tools.mcp_client.rules`).
    ``trust_as_read`` names tools whose words say that they change something although they do not.
    ``pins`` gives SHA-256 digests of tool definitions; a tool whose definition is another one is refused.
    A command gets ``env`` and a few common variables (``PATH``, ``HOME`` …), nothing else of our environment.
    ``timeout`` is in seconds, for a connection and for a call.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: ServerName
    command: str | None = Field(None, min_length=1)
    args: tuple[str, ...] = ()
    env: dict[str, SecretStr] = {}
    url: str | None = None
    headers: dict[str, SecretStr] = {}
    allow: tuple[ToolName, ...] = Field(min_length=1)
    trust_as_read: tuple[ToolName, ...] = ()
    pins: dict[str, Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]] = {}
    timeout: float = Field(20.0, gt=0, le=LONGEST)

    @model_validator(mode="after")
    def _one_way_to_reach_it(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("give either command or url")
        if self.command is None and (self.args or self.env):
            raise ValueError("args and env belong to a command")
        if self.url is None and self.headers:
            raise ValueError("headers belong to a url")
        if self.url is not None:
            parts = urlsplit(self.url)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("url must begin with http:// or https:// and name a host")
            if parts.username or parts.password:
                raise ValueError("put credentials into headers, not into the url")
        strange = {*self.trust_as_read, *self.pins} - {*self.allow}
        if strange:
            raise ValueError(f"trust_as_read and pins may only name allowed tools, not {', '.join(sorted(strange))}")
        return self


def read_servers(path: Path) -> tuple[McpServer, ...]:
    """The servers of a JSON file ``{"mcpServers": {NAME: {...}}}``, the form other MCP clients use.

    Raises UsageError that says which entry and what is wrong with it, without the values.
    """
    entries = _entries(path)
    servers = []
    for name, entry in entries.items():
        if not isinstance(entry, dict):
            raise _unusable(path, f"{name} is not an object")
        try:
            servers.append(McpServer.model_validate({**entry, "name": name}))
        except ValidationError as error:
            told = "; ".join(_problem(name, item["loc"], item["msg"]) for item in error.errors(include_url=False, include_input=False))
            raise _unusable(path, told) from None  # the original repeats values, which may be secret
    return tuple(servers)


def _entries(path: Path) -> Mapping[str, object]:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise _unusable(path, "it is larger than 1 MB")
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise _unusable(path, error.strerror or "it cannot be read") from error
    except (ValueError, RecursionError) as error:
        raise _unusable(path, f"it is not JSON: {error}") from error
    entries = document.get("mcpServers") if isinstance(document, dict) else None
    if not isinstance(entries, dict):
        raise _unusable(path, "there is no object mcpServers in it")
    return entries


def _problem(name: str, where: tuple[int | str, ...], message: str) -> str:
    return ": ".join([".".join(str(part) for part in (name, *where)), message.removeprefix("Value error, ")])


def _unusable(path: Path, what: str) -> UsageError:
    return UsageError(f"the list of MCP servers cannot be used: {what}"[:1000], where=str(path),
                      remedy="correct it (docs/mcp.md shows one)")
