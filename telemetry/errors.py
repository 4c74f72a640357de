"""Every error of OnCalm says what was wrong, where, and what to do.

OnCalmError
├── SourceError        a file, folder or stream could not be read (all of it or from some byte on)
├── StoreError         the store could not be opened, read or written
│   └── WriterBusyError    another process is writing to it
├── QueryError         a query cannot be carried out as written
└── UsageError         the command was given something it cannot use
"""

from __future__ import annotations


class OnCalmError(Exception):
    """Base of all. ``str()`` gives one line: where: what (remedy)."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(f"{where + ': ' if where else ''}{what}{' — ' + remedy if remedy else ''}")


class SourceError(OnCalmError):
    """A source could not be read."""


class StoreError(OnCalmError):
    """The store could not be opened, read or written."""


class WriterBusyError(StoreError):
    """Another process holds the writer's lock."""


class QueryError(OnCalmError):
    """A query cannot be carried out as written."""


class UsageError(OnCalmError):
    """The command was given something it cannot use."""
