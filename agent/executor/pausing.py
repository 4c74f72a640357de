"""The run of an investigation's proposal: it pauses for people, carries out what the store says is approved, and tells how it ended.

The store of approvals is the truth; the run only waits on it (docs/decisions/0008). A run that is lost is begun anew from
the store, one that is resumed for no reason waits again, and one that is resumed twice tells twice what was done once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.approvals.states import OPEN
from agent.approvals.waiting import Waiting, wait_for_answer
from agent.approvals.wording import told

if TYPE_CHECKING:
    from agent.approvals.record import Approval
    from agent.approvals.service import Approvals


class Paused(Waiting, total=False):
    """What a checkpoint holds."""

    outcome: dict[str, Any]


class Pausing:
    """Runs by their approval's id, in the SQLite file ``path``. Processes may share it. Methods raise StoreError."""

    def __init__(self, path: Path, approvals: Approvals, carry_out: Callable[[Approval], Approval], finished: Callable[[str], bool],
                 alone: Callable[[str], AbstractContextManager[object]]) -> None:
        """``carry_out`` does what is approved, once, however often it is called; ``finished`` says whether it is verified for good.

        ``alone`` is held while a run goes on: two at once would take each other's steps for done.
        """
        self._path, self._approvals, self._carry_out, self._finished, self._alone = path, approvals, carry_out, finished, alone

    def begin(self, approval: str) -> None:
        """Run until it waits for the answer. One that waits already is left so."""
        with self._alone(approval), self._graph(approval) as (graph, config):
            _started(graph, config, approval)

    def resume(self, approval: str) -> Approval:
        """Go on: carry out what is approved by now, and wait again unless all is over. Raises what carrying out raises."""
        with self._alone(approval), self._graph(approval) as (graph, config):
            from langgraph.types import Command

            _started(graph, config, approval)
            now = graph.get_state(config)
            if "wait" in now.next:
                graph.invoke(Command(resume="look"), config, durability="sync")
            elif now.next:  # killed, or refused, between the answer and its end
                graph.invoke(None, config, durability="sync")
        return self._approvals.show(approval)

    def outcome(self, approval: str) -> dict[str, Any] | None:
        """How the run stands: ``approval``, ``state``, ``told``, ``over``; None when there is none."""
        if not self._path.exists():
            return None
        with self._graph(approval) as (graph, config):
            found = graph.get_state(config)
        if not found.values:
            return None
        return {**self._look(approval), "over": not found.next}

    def _look(self, approval: str) -> dict[str, Any]:
        found = self._approvals.show(approval)
        return {"approval": approval, "state": found.state, "told": told(found)}

    def _act(self, state: Paused) -> dict[str, Any]:
        """What resumed the run is a word; whether anything may run is read from the store."""
        found = self._approvals.show(state["approval"])
        if found.state in {"approved", "executing", "unknown", "rolling_back", "rollback_unknown"}:
            self._carry_out(found)
        return {"outcome": self._look(state["approval"])}

    def _next(self, state: Paused) -> str:
        where = state["outcome"]["state"]
        waits = where in OPEN or where in {"unknown", "rollback_unknown"} or (where == "succeeded" and not self._finished(state["approval"]))
        return "wait" if waits else "__end__"

    @contextmanager
    def _graph(self, approval: str) -> Iterator[tuple[Any, dict[str, Any]]]:
        from langgraph.graph import START, StateGraph

        from agent.checkpoints import checkpoints

        made = StateGraph(Paused)
        made.add_node("wait", wait_for_answer)
        made.add_node("act", self._act)
        made.add_edge(START, "wait")
        made.add_edge("wait", "act")
        made.add_conditional_edges("act", self._next, ["wait", "__end__"])
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with checkpoints(self._path, approval) as saver:
            yield made.compile(checkpointer=saver), {"configurable": {"thread_id": approval}, "recursion_limit": 25}


def _started(graph: Any, config: dict[str, Any], approval: str) -> None:
    if not graph.get_state(config).values:
        graph.invoke({"approval": approval}, config, durability="sync")
