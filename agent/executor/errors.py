"""Why an approved action was not carried out, or not taken back; nothing was sent."""

from __future__ import annotations

from agent.approvals.errors import ApprovalRefusedError


class NotExecutedError(ApprovalRefusedError):
    """It was not begun; the approval's state says what may be done about it."""

    noted = False
    """Whether the ledger put it into the audit already."""
