"""What can go wrong with a probe.

ProbeError                  base of all
├── SpecError                   the probe asked for is not in the catalogue, or its parameters are not allowed
├── TargetError                 the target is not there, has ended, or is another process now
├── UnsupportedError            this kernel or machine cannot do it
├── LoadError                   the kernel refused a program: what it said, in plain words, with the remedy
├── GrantError                  no valid approval for exactly this probe, here and now
└── SessionError                a session could not be started, or ended early
"""

from __future__ import annotations

from telemetry.errors import OnCalmError


class ProbeError(OnCalmError):
    """Base of all."""


class SpecError(ProbeError):
    """The probe asked for is not in the catalogue, or its parameters are not allowed."""


class TargetError(ProbeError):
    """The target is not there, has ended, or is another process now."""


class UnsupportedError(ProbeError):
    """This kernel or machine cannot do it."""


class LoadError(ProbeError):
    """The kernel refused a program. ``log`` is what the verifier wrote, ``errno`` what the call returned."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "", errno: int = 0, log: str = "") -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.errno, self.log = errno, log


class GrantError(ProbeError):
    """No valid approval for exactly this probe, here and now."""


class SessionError(ProbeError):
    """A session could not be started, or ended early."""
