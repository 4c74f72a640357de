"""The graph's node after the wait. The answer that resumed the graph is a word; what may run is what the store says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent.approvals.errors import ApprovalRefusedError
from agent.approvals.waiting import Waiting
from agent.approvals.wording import told
from agent.executor.executor import Executor


def carrying_out(executor: Executor) -> Callable[[Waiting], dict[str, Any]]:
    """A node that carries out the state's approval and writes ``outcome``: its id, its state, and the words for a model.

    It may run any number of times: after a crash, or resumed twice, it says again what was done once.
    """
    def carry_out(state: Waiting) -> dict[str, Any]:
        why = ""
        try:
            approval = executor.run(state["approval"])
        except ApprovalRefusedError as error:
            approval, why = executor.approvals.show(state["approval"]), f" {error}"
        return {"outcome": {"approval": approval.id, "state": approval.state, "told": told(approval) + why}}

    return carry_out
