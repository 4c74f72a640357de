"""What can go wrong with a tool of another server.

McpError
├── McpUnavailableError   the server cannot be reached, is too late, or ended
├── McpRefusedError       the tool may not be used: it writes, or is not what it was
└── McpAnswerError        the server answered with an error, or with something that is no answer
"""

from __future__ import annotations

from telemetry.errors import OnCalmError


class McpError(OnCalmError):
    """A call to another server gave no result."""


class McpUnavailableError(McpError):
    """The server cannot be reached, is too late, or ended."""


class McpRefusedError(McpError):
    """The tool may not be used."""


class McpAnswerError(McpError):
    """The server answered with an error, or with something that is no answer."""
