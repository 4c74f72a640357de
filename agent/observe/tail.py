"""Tail sampling: the spans of a run are held until it has ended, then exported together or not at all.

A *trace* here is a local root (a span without a parent in this process) with everything below it. It is judged when
all its spans have ended. Memory is bounded by traces and by spans, ended and open together. When there is no room:

1. the oldest trace whose root has ended, or that is older than ``abandoned_seconds``, is judged at once by what has
   ended; spans of it that end later share its fate;
2. otherwise the trace that wants to grow is given up, whole; if it holds an error, the newest one without an error is
   given up instead.

So an error is only lost when errors alone fill the memory. What was given up is counted in ``given_up``.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import Status, StatusCode

from agent.observe.attributes import ERROR_TYPE, PATH, SAMPLING_PROBABILITY, SAMPLING_REASON
from agent.observe.sampling import AdaptiveSampler, Verdict
from agent.observe.settings import Sampling

_GIVEN_UP = Verdict(keep=False, probability=0.0, reason="room")


class _Trace:
    """A local root and what is below it."""

    __slots__ = ("begun", "ended", "error", "ids", "open", "path", "root", "seconds", "sure")

    def __init__(self, root: Span, *, begun: float, sure: bool) -> None:
        self.root = root.get_span_context().span_id
        self.path = str((root.attributes or {}).get(PATH, root.name))
        self.begun = begun
        self.sure = sure
        """Whether who called keeps the trace."""
        self.open: dict[int, Span] = {}
        self.ids: list[int] = []
        self.ended: list[ReadableSpan] = []
        self.error = False
        self.seconds = 0.0


class TailProcessor(SpanProcessor):
    """Gives whole traces to ``export``. ``clock`` is the sampler's: seconds that never go back."""

    def __init__(
        self, sampler: AdaptiveSampler, settings: Sampling, export: Callable[[Sequence[ReadableSpan]], object], *,
        clock: Callable[[], float],
    ) -> None:
        self._sampler = sampler
        self._settings = settings
        self._export = export
        self._clock = clock
        self._lock = threading.RLock()
        self._traces: OrderedDict[int, _Trace] = OrderedDict()
        self._by_span: dict[int, _Trace] = {}
        self._past: OrderedDict[int, Verdict] = OrderedDict()
        """Fates of recent spans by id, for those that end or begin after their trace was judged."""
        self.given_up = 0
        """Spans that were dropped for want of room."""

    def held(self) -> tuple[int, int]:
        """How many traces and spans are in memory."""
        with self._lock:
            return len(self._traces), len(self._by_span)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Hold a span that begins."""
        parent = span.parent
        above = None if parent is None or parent.is_remote else parent.span_id
        with self._lock:
            trace = self._by_span.get(above) if above is not None else None
            if trace is None:
                if above is not None and above in self._past:
                    self._remember(span.context.span_id, self._past[above])
                    return
                trace = self._begin(span, sure=bool(parent and parent.is_remote and parent.trace_flags.sampled))
            elif len(self._by_span) >= self._settings.held_spans:
                self._make_room(trace)
                if trace.root not in self._traces:
                    self._remember(span.context.span_id, self._past.get(trace.root, _GIVEN_UP))
                    return
            if trace is not None:
                trace.open[span.context.span_id] = span
                trace.ids.append(span.context.span_id)
                self._by_span[span.context.span_id] = trace

    def on_end(self, span: ReadableSpan) -> None:
        """Keep a span that has ended, and judge its trace when it was the last."""
        context = span.get_span_context()
        if context is None:
            return
        with self._lock:
            trace = self._by_span.get(context.span_id)
            if trace is None:
                fate = self._past.get(context.span_id, _GIVEN_UP)
                self.given_up += fate is _GIVEN_UP
                ready = [_marked(span, fate)] if fate.keep else []
            else:
                self._note(trace, span, context.span_id)
                ready = [] if trace.open else self._judge(trace)
            if ready:
                self._export(ready)

    def end_open(self, why: str) -> None:
        """End the spans that are still open, as errors: the process is about to end."""
        with self._lock:
            waiting = [span for trace in self._traces.values() for span in reversed(trace.open.values())]
        for span in waiting:
            if span.is_recording():
                span.set_attribute(ERROR_TYPE, why)
                span.set_status(Status(StatusCode.ERROR, why))
                span.end()

    def shutdown(self) -> None:
        """Judge what is held by what has ended."""
        with self._lock:
            for trace in list(self._traces.values()):
                if ready := self._judge(trace):
                    self._export(ready)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing to do: what is held belongs to runs that go on."""
        return True

    def _begin(self, root: Span, *, sure: bool) -> _Trace | None:
        """Hold a new trace, or give it up from the start."""
        full = len(self._traces) >= self._settings.held_traces or len(self._by_span) >= self._settings.held_spans
        if full and not self._settle_oldest():
            self._remember(root.get_span_context().span_id, _GIVEN_UP)
            return None
        trace = _Trace(root, begun=self._clock(), sure=sure)
        self._traces[trace.root] = trace
        return trace

    def _note(self, trace: _Trace, span: ReadableSpan, span_id: int) -> None:
        trace.open.pop(span_id, None)
        trace.ended.append(span)
        trace.error = trace.error or span.status.status_code is StatusCode.ERROR
        if span_id == trace.root:
            trace.path = str((span.attributes or {}).get(PATH, span.name))
            trace.seconds = ((span.end_time or 0) - (span.start_time or 0)) / 1e9

    def _judge(self, trace: _Trace) -> list[ReadableSpan]:
        """Decide, let the memory go, and give back what is to be exported."""
        if not trace.ended:
            self._forget(trace, _GIVEN_UP)
            return []
        seconds = trace.seconds or self._clock() - trace.begun
        verdict = self._sampler.decide(trace.path, seconds=seconds, error=trace.error, parent=trace.sure)
        self._forget(trace, verdict)
        return [_marked(span, verdict) for span in trace.ended] if verdict.keep else []

    def _make_room(self, grower: _Trace) -> None:
        if self._settle_oldest():
            return
        victim = grower
        if grower.error:
            victim = next((t for t in reversed(self._traces.values()) if not t.error and t is not grower), grower)
        self.given_up += len(victim.ended)
        self._forget(victim, _GIVEN_UP)

    def _settle_oldest(self) -> bool:
        """Judge the oldest trace that need not be waited for; whether there was one."""
        limit = self._clock() - self._settings.abandoned_seconds
        trace = next((t for t in self._traces.values() if t.root not in t.open or t.begun < limit), None)
        if trace is None:
            return False
        if ready := self._judge(trace):
            self._export(ready)
        return True

    def _forget(self, trace: _Trace, verdict: Verdict) -> None:
        del self._traces[trace.root]
        for span_id in trace.ids:
            del self._by_span[span_id]
            self._remember(span_id, verdict)

    def _remember(self, span_id: int, verdict: Verdict) -> None:
        self._past[span_id] = verdict
        if len(self._past) > self._settings.held_spans:
            self._past.popitem(last=False)


def _marked(span: ReadableSpan, verdict: Verdict) -> ReadableSpan:
    """A copy that says with what probability it was kept: an ended span takes no more attributes."""
    attributes = {**(span.attributes or {}), SAMPLING_PROBABILITY: verdict.probability, SAMPLING_REASON: verdict.reason}
    return ReadableSpan(
        name=span.name, context=span.get_span_context(), parent=span.parent, resource=span.resource, attributes=attributes,
        events=span.events, links=span.links, kind=span.kind, status=span.status, start_time=span.start_time,
        end_time=span.end_time, instrumentation_scope=span.instrumentation_scope,
    )
