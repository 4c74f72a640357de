"""How an approval's state is said to a model and to people: nothing that was not done sounds as if it were."""

from __future__ import annotations

from agent.approvals.record import Approval

_NOT = "NOT executed, NOT queued"


def told(approval: Approval) -> str:
    """One paragraph on where it stands. A model gets these words, whatever it hoped for."""
    line, what = approval.line, f"{approval.line.action} on {approval.line.target} (approval {approval.id})"
    why = f" Reason: {line.reason}" if line.reason else ""
    match line.state:
        case "pending":
            return f"{what}: {_NOT}. It waits for {line.needed - line.given} of {line.needed} approvals until {line.deadline:%H:%M:%S} UTC. Do not say that it was done."
        case "approved":
            return f"{what}: approved by {', '.join(approval.approvers)}, and NOT executed yet."
        case "rejected":
            return f"{what}: rejected by {_last(approval)}. {_NOT}.{why} Do not propose the same again without new evidence."
        case "expired":
            return f"{what}: nobody answered in time. {_NOT}.{why} It has to be proposed again."
        case "superseded":
            return f"{what}: it does not fit the world any more. {_NOT}.{why} It has to be proposed again."
        case "failed":
            return f"{what}: it failed and nothing was changed.{why}"
        case "unknown" | "executing" | "rollback_unknown" | "rolling_back":
            return f"{what}: {line.state}; nobody knows yet whether it was done. It is not tried again.{why}"
        case "succeeded":
            return f"{what}: executed once, as approved by {', '.join(approval.approvers)}; not verified yet."
        case "confirmed":
            return f"{what}: executed once, and verified.{why}"
        case "rolled_back":
            return f"{what}: executed once, and taken back by its inverse.{why}"
        case "rollback_failed":
            return f"{what}: executed once; taking it back FAILED.{why} A person has to look."


def _last(approval: Approval) -> str:
    return approval.history[-1].actor if approval.history else "nobody"
