"""The composition root: every collaborator is made and joined here."""

from __future__ import annotations

import gc
import importlib
import logging
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from agent.approvals.people import Person
    from agent.observe.observer import Observer
    from agent.observe.settings import TelemetrySettings
    from agent.recall.memory import Memory
    from api.desk import Desk
    from api.hands import AccessOf
    from api.investigating import Holdings
    from api.thinking import Thinking
    from telemetry.models import Catalog, Template, Window
    from telemetry.sources.files import Source
    from telemetry.sources.kubernetes.configuration import Access
    from telemetry.sources.opening import Sources
    from telemetry.store.reader import Reader
    from tools.cluster.seen import Seen
    from tools.registry import Registry
    from vectorstore.embedding import Embedder
    from vectorstore.index import TemplateIndex
    from vectorstore.ingest import Progress, Report


_OURS = ("agent", "tools", "vectorstore", "telemetry")
"""Loggers of OnCalm. What they tell goes where its spans go, and never to the terminal: answers say what went wrong."""


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Look for cyclic garbage less often: what an ingest, an answer or a start makes is kept or goes by itself, and looking costs a tenth."""
    usual = gc.get_threshold()
    gc.set_threshold(50_000, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


class Product:
    """OnCalm over one home folder."""

    def __init__(
        self, home: Path, *, embedding_path: Path | None = None, zone: str | None = None,
        thinking: Thinking | None = None, observing: TelemetrySettings | None = None, traceparent: str | None = None,
        runbooks: Path | None = None, sources: Path | None = None, environment: Callable[[str], str | None] = lambda _: None,
        cluster: Access | None = None,
        desk: Desk | None = None, access_of: AccessOf | None = None, me: Person | None = None,
    ) -> None:
        """With ``thinking`` a model answers; ``observing`` says where OnCalm's own spans go; ``runbooks`` is a folder of them.

        ``sources`` is the file that names servers with telemetry, ``sources.yaml`` in the home without one;
        ``environment`` gives the variables that it names for secrets. ``cluster`` is a Kubernetes cluster to ask; ``desk`` previews and decides on actions against causes.
        ``access_of`` gives the cluster as a person may see it, where people ask it in their own name; ``me`` is who asks when nobody is named.
        """
        self.home = home
        self.zone = zone
        self.embedding_path = embedding_path
        self.thinking = replace(thinking, sources=self.sources) if thinking is not None else None
        self.runbooks = runbooks
        self.cluster = cluster
        self.desk = desk
        self.me = me
        self._access_of = access_of
        self._observing, self._traceparent = observing, traceparent
        self._sources, self._environment = sources, environment

    @seldom_collecting()
    def ingest(
        self, paths: Sequence[str | Path], *, service: str | None = None, declared: str | None = None,
        progress: Progress | None = None, follow: bool = False, stop: Callable[[], bool] = lambda: False,
        started: Callable[[list[Source]], None] | None = None,
    ) -> Report:
        """Read logs into the store; with ``follow`` go on as the one file grows, until ``stop`` says so."""
        _load_numpy()
        from telemetry.errors import UsageError
        from telemetry.sources.finding import expand
        from telemetry.store import version
        from vectorstore.ingest import Ingestor

        found = expand([str(p) for p in paths])
        if follow and len(found.sources) != 1:
            raise UsageError("--follow takes one file", where="ingest", remedy="name a single file")
        version.check(self.home)
        if started:
            started(found.sources)
        ingestor = Ingestor(self.home, service=service, declared=declared, zone=self.zone)
        try:
            version.stamp(ingestor.manifest.db)
            if follow and not found.sources[0].stream:
                report = ingestor.follow(found.sources[0], stop, progress)
            else:
                report = ingestor.ingest(found.sources, progress, stop)
        except BaseException:
            with suppress(Exception):
                ingestor.abort()
            raise
        ingestor.close()
        report.problems += [str(p) for p in found.problems]
        report.notes += found.skips
        return report

    def index(self, *, changed: bool = True) -> list[str]:
        """Bring the Chroma index up to date with the store's templates; returns what was repaired on the way.

        When nothing has ``changed``, only if it is not what it should be (its last update failed).
        """
        if not changed and self.indexed():
            return []
        with self._reader() as reader:
            index = self._index()
            index.sync(reader.catalog.templates)
        return index.notes

    def indexed(self) -> bool:
        """Whether the index holds exactly the store's templates."""
        with self._reader() as reader:
            return self._index().holds(reader.catalog.templates)

    def ask(
        self, question: str, *, conversation: str | None = None, now: datetime | None = None,
        window: Window | None = None, analyst: str = "auto", watch: Callable[[dict[str, Any]], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False, by: Person | None = None,
    ) -> dict[str, Any]:
        """Answer one question: the contract of ``ask --json``. ``watch`` takes the run's events as they happen.

        ``analyst``: ``offline``, ``llm`` (a model must be configured), or ``auto`` (a model if there is one). Once
        ``stopped`` says that nobody waits any more the run ends with :class:`agent.nodes.RunStoppedError`. Without a
        model a question for a cause ("why is checkout slow since 14:05?") is answered as :meth:`investigate` does.
        """
        from agent.offline.complaint import asks_why

        modelless = self.thinking is None or analyst == "offline"  # a model weighs by calling the tool when it wants to
        return self._asked(question, conversation, now, window, analyst, watch, stopped, weighing=modelless and asks_why(question), by=by)

    def investigate(
        self, symptom: str, *, at: datetime | None = None, conversation: str | None = None, now: datetime | None = None,
        window: Window | None = None, analyst: str = "auto", watch: Callable[[dict[str, Any]], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False, by: Person | None = None,
    ) -> dict[str, Any]:
        """Find the cause of a symptom: the contract of ``investigate --json``. ``at``: a moment within the incident.

        The rest is as in :meth:`ask`.
        """
        return self._asked(symptom, conversation, now, window, analyst, watch, stopped, weighing=True, at=at, by=by)

    @seldom_collecting()
    def _asked(
        self, question: str, conversation: str | None, now: datetime | None, window: Window | None, analyst: str,
        watch: Callable[[dict[str, Any]], None], stopped: Callable[[], bool], *, weighing: bool, at: datetime | None = None,
        by: Person | None = None,
    ) -> dict[str, Any]:
        from telemetry.errors import UsageError
        from telemetry.redact import redact

        if analyst == "llm" and self.thinking is None:
            raise UsageError("no model is configured", where="--analyst llm",
                             remedy="set OPENAI_API_KEY, or OPENAI_BASE_URL for an endpoint of your own")
        question, hidden = redact(question)
        with ExitStack() as stack:
            observer = self._observer(stack)
            thinking = self.thinking if analyst != "offline" else None
            if thinking is not None:
                access, _ = self._seen(by)  # whoever sees another cluster gets another answer
                key = f"{question}\n{window}\n{thinking.endpoint.model}\n{access.impersonation if access else None}"
                stack.enter_context(thinking.alone(self.home, key, observer, stopped))
            answer = self._answered(question, observer, thinking, conversation, now or datetime.now(UTC), window, watch, stopped,
                                    weighing=weighing, at=at, by=by)
        if hidden:
            answer["notes"] = [*answer["notes"], f"{hidden} secrets in the question were masked before anything was kept; no record holds them either"]
        return answer

    def _answered(
        self, question: str, observer: Observer, thinking: Thinking | None, conversation: str | None, now: datetime,
        window: Window | None, watch: Callable[[dict[str, Any]], None], stopped: Callable[[], bool], *, weighing: bool,
        at: datetime | None, by: Person | None,
    ) -> dict[str, Any]:
        """One run over what the store holds now; with ``weighing`` it looks for a cause."""
        from agent.answer import assemble
        from agent.context import Context
        from agent.investigation import document
        from agent.offline.analyst import OfflineAnalyst
        from agent.run import ask
        from tools.logs import log_tools

        with ExitStack() as stack, self._reader() as reader, self._holdings(reader, now, by) as held:
            index, run_id = self._searchable(reader), uuid4().hex
            others = held.tools().merged(self._cluster_tools(stack, by)).merged(self._probe_tools(by))
            tools = log_tools(reader).merged(others)
            core = held.investigator(tools, at) if weighing else OfflineAnalyst(reader.catalog, index, reader.holds)
            context, asking = Context(core, tools, node=observer.node, stopped=stopped), None
            if thinking is not None:
                asking = stack.enter_context(thinking.context(
                    core, reader, index, self.embedder(), observer, others=others, run=run_id, conversation=conversation,
                    stopped=stopped))
                context = asking.context
            asked = question if asking else None
            run = observer.run(run_id, context.analyst.name, conversation, question=asked, traceparent=self._traceparent)
            with run as note:
                answer = ask(context, question, now=now, window=window, conversation=conversation,
                             memory=self.home / "conversations.db", watch=watch, told=document if weighing else assemble)
                note.finished(answer)
            if asking is not None:
                asking.complete(answer)
            if answer.get("recall") and self.desk is not None:
                from api.proposing import recalled

                answer["notes"] = [*answer["notes"], *recalled(answer["recall"], self.desk)]
            if weighing and answer.get("probes"):
                from agent.decision.placing import placed

                answer["probes"] = placed(answer["probes"], held.seen.state if held.seen is not None else None, held.seen.at if held.seen is not None else 0)
            if weighing and self.desk is not None:
                from api.proposing import attempt

                answer["proposals"], answer["no_action"] = attempt(answer, held.seen, self.desk, by)
            answer["notes"] = [*answer["notes"], *reader.catalog.notes, *index.notes]
        return answer

    def memory(self) -> Memory:
        """The investigations that may be recalled."""
        from agent.recall.memory import Memory

        return Memory(self.home / "cache" / "recall")

    def _observer(self, stack: ExitStack) -> Observer:
        """OnCalm's own spans and log records for one question; what is not sent yet is sent before it ends."""
        from agent.observe.observer import observer

        found = observer(self._observing)
        stack.callback(found.close)
        handler = found.log_handler()
        for name in _OURS:
            log = logging.getLogger(name)
            log.addHandler(handler)
            stack.callback(log.removeHandler, handler)
            if found.listens:
                stack.callback(log.setLevel, log.level)
                log.setLevel(logging.INFO)
        return found

    def _searchable(self, reader: Reader) -> TemplateIndex:
        """The template index; built again when its snapshot is lost or damaged and the home can be written."""
        from telemetry.errors import StoreError

        index = self._index()
        if not index.readable and reader.catalog.templates:
            with suppress(StoreError):
                index.sync(reader.catalog.templates)
        return index

    def access(self, by: Person | None) -> Access | None:
        """The cluster as a person may see it; None without one. Raises UsageError where nobody on it stands for them."""
        if self.cluster is None or self._access_of is None:
            return self.cluster
        from api.hands import OURSELVES

        return self._access_of(by or self.me or OURSELVES)

    def _seen(self, by: Person | None) -> tuple[Access | None, str]:
        """The cluster for reading, or why it is not read: whom nobody on it stands for is answered without it."""
        from telemetry.errors import UsageError

        try:
            return self.access(by), ""
        except UsageError as error:
            return None, str(error)

    @property
    def names(self) -> bool:
        """Whether people ask the cluster in their own name."""
        return self.cluster is not None and self._access_of is not None

    def tools(self, by: Person | None = None, stack: ExitStack | None = None) -> Registry:
        """The reading tools for as long as a server runs: each call opens its own reader, and so sees what was read since.

        ``by``: whose cluster they read; its connection is closed by ``stack``.
        """
        from tools.registry import Registry, Tool
        from tools.runbooks import runbook_tools
        from tools.sources import source_tools

        def fresh(tool: Tool[Any]) -> Tool[Any]:
            def call(given: Any) -> Any:
                with self._record_tools(model=True, by=by) as known:
                    now = known.tool(tool.name)
                    assert now is not None  # noqa: S101 - the same tools are made each time
                    return now.call(given)

            return replace(tool, call=call)

        with self._record_tools(model=False, by=by) as known:
            records = Registry([fresh(tool) for name in known.names() if (tool := known.tool(name))])
        offered = records.merged(source_tools(self.sources())).merged(self._cluster_tools(stack, by)).merged(self._probe_tools(by))
        return offered if self.runbooks is None else offered.merged(runbook_tools(self.runbooks, self.embedder()))

    @contextmanager
    def _record_tools(self, *, model: bool, by: Person | None = None) -> Iterator[Registry]:
        """The tools over all records of the store as it is now; with ``model`` as one needs them, templates by meaning too."""
        from tools.logs import log_tools

        with self._reader() as reader, self._holdings(reader, by=by) as held:
            yield log_tools(reader, self._index() if model else None, model=model).merged(held.tools())

    @contextmanager
    def _holdings(self, reader: Reader, now: datetime | None = None, by: Person | None = None) -> Iterator[Holdings]:
        """The records of every kind, with a look at the configured cluster; ``now`` in a rehearsal is its time."""
        from api.investigating import holdings

        access, refused = self._seen(by)
        if access is None:
            from tools.cluster.seen import Seen

            with holdings(self.home, reader, (lambda _: Seen(not_assessed=(f"cluster: {refused}",))) if refused else None) as held:
                yield held
            return
        from tools.cluster.seen import see
        from tools.cluster.tools import open_cluster

        with closing(open_cluster(access)) as cluster:
            def look(window: Window) -> Seen:
                seen = see(cluster, window) if now is None else see(cluster, window, now=lambda: round(now.timestamp() * 1_000_000))
                held.seen = seen
                return seen

            with holdings(self.home, reader, look) as held:
                yield held

    def _cluster_tools(self, stack: ExitStack | None = None, by: Person | None = None) -> Registry:
        """The tools over the configured cluster, whose connection ``stack`` closes; none without one."""
        from tools.registry import Registry

        access, _ = self._seen(by)
        if access is None:
            return Registry([])
        from tools.cluster.tools import cluster_tools, open_cluster

        opened = open_cluster(access)
        if stack is not None:
            stack.callback(opened.close)
        return cluster_tools(opened)

    def _probe_tools(self, by: Person | None) -> Registry:
        """What probes saw and, where a node's daemon is configured, a way to ask people for one; none where there is neither.

        For who may not propose (``by``: for whom the agent works) it asks nobody either.
        """
        from api.probing import FILE, asking
        from tools.probe import probe_tools
        from tools.registry import Registry

        home = self.desk.home if self.desk is not None else self.home
        if not (home / "probes").is_dir() and not (home / FILE).exists():
            return Registry([])
        return probe_tools(home / "probes", asking(self.desk) if self.desk is not None and (by is None or by.may("responder")) else None)

    def sources(self) -> Sources:
        """The configured servers with logs, traces and metrics; none without a file that names some."""
        from telemetry.sources.opening import Sources, open_sources

        path = self._sources or self.home / "sources.yaml"
        if self._sources is None and not path.exists():
            return Sources(())
        return open_sources(path, self._environment)

    def templates(self, query: str, top: int) -> list[tuple[Template, float | None]]:
        """The templates nearest to ``query`` by meaning, each with its similarity; without a query the commonest."""
        with self._reader() as reader:
            known = {one.id: one for one in reader.catalog.templates}
            if not query.strip():
                return [(one, None) for one in sorted(known.values(), key=lambda one: -one.count)[:top]]
            return [(known[ident], score) for ident, score in self._searchable(reader).search(query, top) if ident in known]

    def spans(self, trace: str) -> list[dict[str, Any]]:
        """The spans of a trace in the order of their begins, at most four hundred; times in milliseconds since the first began."""
        from telemetry.models import Window
        from telemetry.store.beyond import RecordReader

        with closing(RecordReader(self.home)) as records:
            found = sorted(records.spans(Window(), trace_id=trace.strip().lower()), key=lambda one: one.start)[:400]
        return [{"service": one.service, "name": one.operation, "start_ms": (one.start - found[0].start) / 1000, "duration_ms": one.duration / 1000,
                 "error": one.status == "error", "span_id": one.span_id} for one in found]

    def catalog(self) -> Catalog:
        """What the store holds."""
        with self._reader() as reader:
            return reader.catalog

    def retain(self, *, before: datetime | None, max_bytes: int | None) -> int:
        """Drop records of every kind by age and by size; returns how many went."""
        from telemetry.errors import StoreError
        from telemetry.store import version
        from telemetry.store.manifest import Manifest
        from telemetry.store.record_removal import retain

        version.check(self.home)
        if not (self.home / "manifest.db").exists():
            raise StoreError("no logs have been ingested yet", where=str(self.home), remedy="run: oncalm ingest PATH")
        manifest = Manifest(self.home, write=True)
        try:
            micros = int(before.timestamp() * 1_000_000) if before else None
            return retain(manifest, before=micros, max_bytes=max_bytes)
        finally:
            manifest.close()

    @contextmanager
    def _reader(self) -> Iterator[Reader]:
        """A reader whose segments stay on disk for as long as it is used."""
        from telemetry.store import version
        from telemetry.store.guard import reading
        from telemetry.store.reader import Reader

        version.check(self.home)
        with reading(self.home), closing(Reader(self.home)) as reader:
            yield reader

    def _index(self) -> TemplateIndex:
        from vectorstore.index import TemplateIndex

        return TemplateIndex(self.home / "templates", self.embedder())

    def embedder(self) -> Embedder:
        """What turns text into vectors; its cache is kept in the home unless that cannot be written or read."""
        from vectorstore.embedding import choose

        cache = self.home / "embeddings" if os.access(self.home, os.W_OK) else None
        try:
            return choose(self.embedding_path, cache)
        except (sqlite3.Error, OSError):
            return choose(self.embedding_path, None)


def _load_numpy() -> None:
    """Load numpy without threads for linear algebra: an ingest has none, and starting them costs it 40 ms."""
    name = "OPENBLAS_NUM_THREADS"
    if name in os.environ or "numpy" in sys.modules:
        return
    os.environ[name] = "1"
    try:
        importlib.import_module("numpy")
    finally:
        del os.environ[name]  # not for programs that are started later
