"""The graph: ``triage → plan ⇄ investigate → summarise``. Nodes, edges, compile, nothing else."""

from __future__ import annotations

from typing import Any

from langgraph.graph import END, START, StateGraph

from agent import nodes
from agent.context import Context
from agent.loopguard import LIMITS
from agent.state import Errand, State

RECURSION_LIMIT = 2 * (LIMITS.turns + LIMITS.nudges) + 6
"""Steps of the graph: a turn is a plan and its calls. The loop guard ends a run well before."""


def build(checkpointer: Any = None) -> Any:
    """Compile the graph; with a checkpointer, conversations keep their last reading."""
    graph = StateGraph(State, context_schema=Context)
    graph.add_node("triage", nodes.triage)
    graph.add_node("plan", nodes.plan)
    graph.add_node("investigate", nodes.investigate, input_schema=Errand)
    graph.add_node("summarise", nodes.summarise)
    graph.add_edge(START, "triage")
    graph.add_edge("triage", "plan")
    graph.add_conditional_edges("plan", nodes.errands, ["investigate", "plan", "summarise"])
    graph.add_edge("investigate", "plan")
    graph.add_edge("summarise", END)
    return graph.compile(checkpointer=checkpointer)


def make() -> Any:
    """Entry point named by ``langgraph.json``."""
    return build()
