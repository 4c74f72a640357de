"""Joins what a model needs to think about one question: client, tools, caches, boundary, budget, spans."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cache.counters import LAYERS
from telemetry.errors import UsageError

if TYPE_CHECKING:
    from agent.analyst import Analyst
    from agent.budget import Meter
    from agent.cache.counters import Counters
    from agent.cache.disk import PlainCache
    from agent.context import Context, Tools
    from agent.llm.client import Client
    from agent.llm.endpoint import Endpoint
    from agent.observe.observer import Observer
    from agent.prices import Price
    from agent.recall.recaller import Recaller
    from agent.spend import Limits
    from telemetry.sources.opening import Sources
    from telemetry.store.reader import Reader
    from tools.registry import Registry
    from vectorstore.embedding import Embedder
    from vectorstore.index import TemplateIndex

SMALL_TOOLS = ("logs.summary", "logs.count", "logs.trend", "logs.compare", "logs.lines")
"""What a model with little context is offered: the definitions of all tools would fill half of it."""
EVERY_CACHE = frozenset(LAYERS)


@dataclass(frozen=True, slots=True)
class Spending:
    """What a model costs, and what may be spent on it; None for no limit."""

    prices: dict[str, Price] = field(default_factory=dict)
    run_tokens: int | None = 400_000
    run_usd: float | None = None
    day: Limits | None = None


@dataclass(slots=True)
class Asking:
    """One question's context, and what its answer must still be told."""

    context: Context
    meter: Meter
    counters: Counters
    notes: list[str]
    caches: list[Any]
    """Whatever has ``problems``."""
    recaller: Recaller | None = None

    def complete(self, answer: dict[str, Any]) -> None:
        """Add what was spent, what the caches did, and what went wrong beside the run."""
        if self.recaller is not None and answer.get("id"):
            self.recaller.link(str(answer["id"]))
        answer["usage"] |= {"cache": self.counters.totals(), "spent": self.meter.totals()}
        problems = [note for one in self.caches for note in one.problems]
        answer["notes"] = [*answer["notes"], *self.notes, *dict.fromkeys((*self.meter.notes, *problems))]


@dataclass(frozen=True, slots=True)
class Thinking:
    """The model to think with, and what it may use. ``run_seconds`` bounds a question from its first model call on."""

    endpoint: Endpoint
    context_tokens: int | None = None
    run_seconds: float = 180.0
    spending: Spending = Spending()
    runbooks: Path | None = None
    mcp: Path | None = None
    caches: frozenset[str] = EVERY_CACHE
    environment: str = ""
    """Which environment the logs are of: nothing is recalled in another."""
    user: str = ""
    sources: Callable[[], Sources] | None = None
    """Opens the configured servers with logs, traces and metrics."""
    pins: dict[str, str] = field(default_factory=dict)
    """Digests of the MCP tools' definitions, kept for the process."""

    @contextmanager
    def context(
        self, core: Analyst, reader: Reader, index: TemplateIndex, embedder: Embedder, observer: Observer, *,
        others: Registry, run: str, conversation: str | None = None, stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[Asking]:
        """What one run is given; ``others`` are the reading tools beside those over logs. MCP servers, caches and the client are closed behind it."""
        from agent.boundary import Boundary
        from agent.cache.counters import Counters
        from agent.cache.replies import ReplyCache
        from agent.context import Context
        from agent.llm.analyst import LlmAnalyst
        from agent.llm.client import Client
        from agent.llm.conversation import Conversation
        from agent.llm.profile import profile
        from agent.observe.wrappers import ObservedModel, ObservedTools
        from agent.placeholders import Placeholders

        sizes = profile(self.context_tokens)
        with ExitStack() as stack:
            counters = Counters(lambda layer, hit: observer.looked_up(layer, hit=hit))
            kept = self._cache(stack, reader.home)
            client = Client(self.endpoint, outgoing=observer.headers, stopped=stopped)
            stack.callback(client.close)
            seen: dict[str, Any] = {}
            registry, notes = self._tools(stack, reader, index, embedder, seen, others, small=sizes.prompt != "analyst")
            names = {name: name for name in registry.names()} | {registry.wire(name): name for name in registry.names()}
            scope = "\n".join((self.endpoint.where, self.endpoint.model, self.environment))
            meter = self._meter(reader.home, run, conversation)
            recaller = self._recaller(stack, reader, counters)
            analyst = LlmAnalyst(
                core=core, model=ObservedModel(client, observer, server=self.endpoint.where, price=meter.cost),
                conversation=Conversation(core.catalog, registry, sizes, Boundary(), Placeholders()), purse=meter,
                replies=ReplyCache(kept, scope, counters) if kept and "replies" in self.caches else None,
                recaller=recaller, known=frozenset(registry.names()),
                from_wire=lambda name: names.get(name, name), seconds=self.run_seconds, seen=seen,
            )
            tools = ObservedTools(self._cached(registry, kept, reader, counters), observer, known=frozenset(names))
            context = Context(analyst, tools, offline=core, node=observer.node, left=analyst.left, stopped=stopped)
            yield Asking(context, meter, counters, notes, [one for one in (kept, recaller and recaller.memory) if one], recaller)

    @contextmanager
    def writer(self, home: Path) -> Iterator[tuple[Client, Meter]]:
        """The model and what it may spend, for words that need no tools: those of summaries."""
        from contextlib import closing
        from uuid import uuid4

        from agent.llm.client import Client

        with closing(Client(self.endpoint)) as client:
            yield client, self._meter(home, uuid4().hex, None)

    @contextmanager
    def alone(self, home: Path, key: str, observer: Observer, stopped: Callable[[], bool]) -> Iterator[float]:
        """Alone with a question: who asks it at the same moment waits, and then finds it in the caches.

        Gives the seconds that were waited.
        """
        from agent.cache.flights import Flights

        if "flights" not in self.caches:
            yield 0.0
            return
        with Flights(home / "cache" / "flights").one(key, seconds=self.run_seconds, stopped=stopped) as waited:
            observer.looked_up("flights", hit=waited > 0)
            yield waited

    def _cache(self, stack: ExitStack, home: Path) -> PlainCache | None:
        from agent.cache.disk import PlainCache

        if not self.caches & {"replies", "tools"}:
            return None
        kept = PlainCache(home / "cache" / "results")
        stack.callback(kept.close)
        return kept

    def _cached(self, registry: Registry, kept: PlainCache | None, reader: Reader, counters: Counters) -> Tools:
        from agent.cache.tools import CachedTools
        from telemetry.store.holdings import Holdings

        if kept is None or "tools" not in self.caches:
            return registry
        return CachedTools(registry, kept, Holdings(reader), tool=registry.tool, counters=counters)

    def _recaller(self, stack: ExitStack, reader: Reader, counters: Counters) -> Recaller | None:
        from agent.recall.memory import Memory
        from agent.recall.recaller import Recaller
        from telemetry.models import Query

        if "recall" not in self.caches:
            return None
        memory = Memory(reader.home / "cache" / "recall")
        stack.callback(memory.close)

        def selected(query: Query) -> tuple[frozenset[str], frozenset[str]]:
            templates = frozenset(one.template for one in reader.profile(query, most=0))
            top = Query(operation="top", field="service", window=query.window, filters=query.filters, limit=1000)
            return templates, frozenset(str(row[0]) for row in reader.run(top).result.rows or [])

        return Recaller(memory, selected, self.environment, counters)

    def _meter(self, home: Path, run: str, conversation: str | None) -> Meter:
        from agent.budget import Meter
        from agent.prices import price_of
        from agent.spend import Ledger, Limits, Payer

        spending, model = self.spending, self.endpoint.model
        return Meter(
            Payer(self.user, run, conversation, model), price_of(model, spending.prices, listed=self.endpoint.is_openai),
            spending.run_tokens, spending.run_usd, spending.day or Limits(), Ledger(home / "spend.db"),
        )

    def _tools(
        self, stack: ExitStack, reader: Reader, index: TemplateIndex, embedder: Embedder, seen: dict[str, Any], others: Registry, *, small: bool
    ) -> tuple[Registry, list[str]]:
        """Every reading tool there is. ``logs.query`` is always among them: the offline analyst's call is one."""
        from tools.evidence import evidence_tools
        from tools.logs import log_tools
        from tools.runbooks import runbook_tools

        registry = log_tools(reader, index, model=True).merged(evidence_tools(seen.get)).merged(others)
        if small:
            return registry.subset(names=[*SMALL_TOOLS, "logs.query", "evidence.read", "incident.suspects", "changes.list"]), []
        if self.runbooks is not None:
            registry = registry.merged(runbook_tools(self.runbooks, embedder))
        notes: list[str] = []
        if self.sources is not None:
            from tools.sources import source_tools

            try:
                registry = registry.merged(source_tools(stack.enter_context(self.sources())))
            except UsageError as error:
                notes.append(f"live sources are not at hand: {error}")
        if self.mcp is None:
            return registry.subset(risks=("read", "probe")), notes
        from tools.mcp_client import mcp_registry, read_servers

        foreign = stack.enter_context(mcp_registry(read_servers(self.mcp), pins=self.pins))
        return registry.merged(foreign).subset(risks=("read", "probe")), [*notes, *foreign.problems]
