"""Why an approval was not given, or not asked. Each refusal is in the audit before it is raised.

ApprovalRefusedError      nothing was changed
├── NotAskedError             nobody should be asked this
├── NoSuchApprovalError       there is none with this id
├── NotAllowedError           this person may not do this
├── AlreadyAnsweredError      it was answered, by this person or for good
├── LapsedError               its deadline has passed, or another took its place
├── DigestError               what was answered is not what was asked
└── ForgedError               what is stored was not written by OnCalm
"""

from __future__ import annotations

from telemetry.errors import OnCalmError


class ApprovalRefusedError(OnCalmError):
    """Refused; nothing was changed."""


class NotAskedError(ApprovalRefusedError):
    """The proposal is none that people should be asked about."""


class NoSuchApprovalError(ApprovalRefusedError):
    """No approval has this id."""


class NotAllowedError(ApprovalRefusedError):
    """The person's role, or that they asked for it themselves, does not allow it."""


class AlreadyAnsweredError(ApprovalRefusedError):
    """Answered before; an answer counts once."""


class LapsedError(ApprovalRefusedError):
    """Too late: expired or superseded."""


class DigestError(ApprovalRefusedError):
    """The digest is not that of the stored action."""


class ForgedError(ApprovalRefusedError):
    """The stored record or an answer does not bear the seal of the audit's key."""
