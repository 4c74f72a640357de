"""What can go wrong with the audit. Whoever meets one does not act.

AuditError        the audit cannot be written or read as it must be
├── KeyLostError      the key is missing, is another, or may be read by others
└── TamperedError     what is there is not what was written
"""

from __future__ import annotations

from telemetry.errors import OnCalmError


class AuditError(OnCalmError):
    """The audit cannot be used."""


class KeyLostError(AuditError):
    """There is no key that fits."""


class TamperedError(AuditError):
    """Something was edited, removed or put back to an older state."""
