"""Joins what a model needs to think about one question: client, tools, boundary, budget, spans."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.context import Context
    from agent.llm.endpoint import Endpoint
    from agent.observe.observer import Observer
    from agent.offline.analyst import OfflineAnalyst
    from telemetry.store.reader import Reader
    from tools.registry import Registry
    from vectorstore.embedding import Embedder
    from vectorstore.index import TemplateIndex

SMALL_TOOLS = ("logs.summary", "logs.count", "logs.trend", "logs.compare", "logs.lines")
"""What a model with little context is offered: the definitions of all tools would fill half of it."""


@dataclass(frozen=True, slots=True)
class Thinking:
    """The model to think with, and what it may use. ``run_seconds`` bounds all its calls for one question."""

    endpoint: Endpoint
    context_tokens: int | None = None
    run_seconds: float = 180.0
    run_tokens: int | None = 400_000
    runbooks: Path | None = None
    mcp: Path | None = None
    pins: dict[str, str] = field(default_factory=dict)
    """Digests of the MCP tools' definitions, kept for the process."""

    @contextmanager
    def context(
        self, core: OfflineAnalyst, reader: Reader, index: TemplateIndex, embedder: Embedder, observer: Observer
    ) -> Iterator[tuple[Context, list[str]]]:
        """What one run is given, and notes for its answer. MCP servers and the client are closed behind it."""
        from agent.boundary import Boundary
        from agent.budget import RunPurse
        from agent.context import Context
        from agent.llm.analyst import LlmAnalyst
        from agent.llm.client import Client
        from agent.llm.conversation import Conversation
        from agent.llm.profile import profile
        from agent.observe.wrappers import ObservedModel, ObservedTools
        from agent.placeholders import Placeholders

        sizes = profile(self.context_tokens)
        with ExitStack() as stack:
            client = Client(self.endpoint, outgoing=observer.headers)
            stack.callback(client.close)
            seen: dict[str, Any] = {}
            registry, notes = self._tools(stack, reader, index, embedder, seen, small=sizes.prompt != "analyst")
            names = {name: name for name in registry.names()} | {registry.wire(name): name for name in registry.names()}
            analyst = LlmAnalyst(
                core=core, model=ObservedModel(client, observer, server=self.endpoint.where),
                conversation=Conversation(core.catalog, registry, sizes, Boundary(), Placeholders()),
                purse=RunPurse(self.run_tokens), known=frozenset(registry.names()),
                from_wire=lambda name: names.get(name, name), seconds=self.run_seconds, seen=seen,
            )
            tools = ObservedTools(registry, observer, known=frozenset(names))
            yield Context(analyst, tools, offline=core, node=observer.node), notes

    def _tools(
        self, stack: ExitStack, reader: Reader, index: TemplateIndex, embedder: Embedder, seen: dict[str, Any], *, small: bool
    ) -> tuple[Registry, list[str]]:
        """Every reading tool there is. ``logs.query`` is always among them: the offline analyst's call is one."""
        from tools.evidence import evidence_tools
        from tools.logs import log_tools
        from tools.runbooks import runbook_tools

        registry = log_tools(reader, index, model=True).merged(evidence_tools(seen.get))
        if small:
            return registry.subset(names=[*SMALL_TOOLS, "logs.query", "evidence.read"]), []
        if self.runbooks is not None:
            registry = registry.merged(runbook_tools(self.runbooks, embedder))
        if self.mcp is None:
            return registry.subset(risks=("read",)), []
        from tools.mcp_client import mcp_registry, read_servers

        foreign = stack.enter_context(mcp_registry(read_servers(self.mcp), pins=self.pins))
        return registry.merged(foreign).subset(risks=("read",)), list(foreign.problems)
