"""The product: a question or a symptom, answered over one home."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from api.wiring.home import seldom_collecting
from api.wiring.tools import Toolbox

if TYPE_CHECKING:
    from agent.approvals.people import Person
    from agent.observe.observer import Observer
    from agent.observe.settings import TelemetrySettings
    from agent.recall.memory import Memory
    from api.actions.connections import AccessOf
    from api.actions.desk import Desk
    from api.wiring.model import Thinking
    from telemetry.models import Window
    from telemetry.sources.kubernetes.configuration import Access

_OURS = ("agent", "tools", "vectorstore", "telemetry")
"""Loggers of OnCalm. What they tell goes where its spans go, and never to the terminal: answers say what went wrong."""


class Product(Toolbox):
    """OnCalm over one home folder."""

    def __init__(
        self, home: Path, *, embedding_path: Path | None = None, zone: str | None = None,
        thinking: Thinking | None = None, observing: TelemetrySettings | None = None, traceparent: str | None = None,
        runbooks: Path | None = None, sources: Path | None = None, environment: Callable[[str], str | None] = lambda _: None,
        cluster: Access | None = None,
        desk: Desk | None = None, access_of: AccessOf | None = None, me: Person | None = None,
    ) -> None:
        """With ``thinking`` a model answers; ``observing`` says where OnCalm's own spans go. The rest is as in :class:`Toolbox` and below it."""
        super().__init__(home, embedding_path=embedding_path, zone=zone, runbooks=runbooks, sources=sources, environment=environment,
                         cluster=cluster, desk=desk, access_of=access_of, me=me)
        self.thinking = replace(thinking, sources=self.sources) if thinking is not None else None
        self._observing, self._traceparent = observing, traceparent

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
        from telemetry.models import Window
        from tools.logs import log_tools

        with ExitStack() as stack, self._reader() as reader, self._holdings(reader, now, by) as held:
            index, run_id = self._searchable(reader), uuid4().hex
            others = held.tools().merged(self._cluster_tools(stack, by)).merged(self._probe_tools(by))
            tools = log_tools(reader).merged(others)
            core = held.investigator(tools, at, index) if weighing else OfflineAnalyst(
                reader.catalog, index, reader.holds, tools=tools.names(), changes=lambda: held.records.changes(Window()))
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
                from api.actions.proposals import recalled

                answer["notes"] = [*answer["notes"], *recalled(answer["recall"], self.desk)]
            if weighing and answer.get("probes"):
                from agent.decision.placing import placed

                answer["probes"] = placed(answer["probes"], held.seen.state if held.seen is not None else None, held.seen.at if held.seen is not None else 0)
            if weighing and self.desk is not None:
                from api.actions.proposals import attempt

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
