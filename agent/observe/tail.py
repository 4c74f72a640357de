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
from weakref import WeakKeyDictionary, WeakValueDictionary

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import Span as AnySpan
from opentelemetry.trace import Status, StatusCode, get_current_span

from agent.observe.attributes import ERROR_TYPE, PATH, SAMPLING_PROBABILITY, SAMPLING_REASON
from agent.observe.sampling import AdaptiveSampler, Verdict
from agent.observe.settings import Sampling

_GIVEN_UP = Verdict(keep=False, probability=0.0, reason="room")


class _Trace:
    """A local root and what is below it."""

    __slots__ = ("__weakref__", "begun", "ended", "error", "fate", "open", "path", "root", "seconds", "sure")

    def __init__(self, root: Span, *, begun: float, sure: bool) -> None:
        self.root = root.get_span_context().span_id
        self.path = root.name
        self.begun = begun
        self.sure = sure
        """Whether who called keeps the trace."""
        self.open: dict[int, Span] = {}
        self.ended: list[ReadableSpan] = []
        self.error = False
        self.seconds = 0.0
        self.fate: Verdict | None = None

    @property
    def size(self) -> int:
        return len(self.open) + len(self.ended)


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
        self._spans = 0
        # Spans know their trace, with its fate, for as long as the program holds on to them: nothing to bound here.
        self._of: WeakKeyDictionary[AnySpan, _Trace] = WeakKeyDictionary()
        self._open: WeakValueDictionary[int, _Trace] = WeakValueDictionary()
        self.given_up = 0
        """Spans that were dropped for want of room."""

    def held(self) -> tuple[int, int]:
        """How many traces and spans are in memory."""
        with self._lock:
            return len(self._traces), self._spans

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Hold a span that begins, unless the fate of its trace is known."""
        parent = span.parent
        with self._lock:
            trace = None
            if parent is not None and not parent.is_remote:
                trace = self._of.get(get_current_span(parent_context)) or self._open.get(parent.span_id)
            if trace is None:
                trace = self._begin(span, sure=bool(parent and parent.is_remote and parent.trace_flags.sampled))
            elif trace.fate is None and self._spans >= self._settings.held_spans:
                self._make_room(trace)
            self._of[span] = self._open[span.get_span_context().span_id] = trace
            if trace.fate is None:
                trace.open[span.get_span_context().span_id] = span
                self._spans += 1

    def on_end(self, span: ReadableSpan) -> None:
        """Keep a span that has ended, and judge its trace when it was the last."""
        context = span.get_span_context()
        with self._lock:
            trace = self._open.pop(context.span_id, None) if context else None
            if trace is None:
                return
            if trace.fate is None:
                self._note(trace, span)
                if not trace.open:
                    self._judge(trace)
            elif trace.fate.keep:
                self._export([_marked(span, trace.fate)])
            else:
                self.given_up += trace.fate is _GIVEN_UP

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
                self._judge(trace)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing to do: what is held belongs to runs that go on."""
        return True

    def _begin(self, root: Span, *, sure: bool) -> _Trace:
        """A new trace, given up from the start when there is no room."""
        trace = _Trace(root, begun=self._clock(), sure=sure)
        full = len(self._traces) >= self._settings.held_traces or self._spans >= self._settings.held_spans
        if full and not self._judge_oldest():
            trace.fate = _GIVEN_UP
        else:
            self._traces[trace.root] = trace
        return trace

    def _note(self, trace: _Trace, span: ReadableSpan) -> None:
        context = span.get_span_context()
        assert context is not None  # noqa: S101 - the caller asked
        trace.open.pop(context.span_id, None)
        trace.ended.append(span)
        trace.error = trace.error or span.status.status_code is StatusCode.ERROR
        if context.span_id == trace.root:
            trace.path = str((span.attributes or {}).get(PATH, span.name))
            trace.seconds = ((span.end_time or 0) - (span.start_time or 0)) / 1e9

    def _judge(self, trace: _Trace) -> None:
        """Decide by what has ended, and export it or let it go."""
        seconds = trace.seconds or self._clock() - trace.begun
        fate = self._sampler.decide(trace.path, seconds=seconds, error=trace.error, parent=trace.sure)
        if fate.keep and trace.ended:
            self._export([_marked(span, fate) for span in trace.ended])
        self._forget(trace, fate)

    def _make_room(self, grower: _Trace) -> None:
        if self._judge_oldest():
            return
        victim = grower
        if grower.error:
            victim = next((t for t in reversed(self._traces.values()) if not t.error), grower)
        self.given_up += len(victim.ended)
        self._forget(victim, _GIVEN_UP)

    def _judge_oldest(self) -> bool:
        """Judge the oldest trace that need not be waited for; whether there was one."""
        limit = self._clock() - self._settings.abandoned_seconds
        trace = next((t for t in self._traces.values() if t.root not in t.open or t.begun < limit), None)
        if trace is not None:
            self._judge(trace)
        return trace is not None

    def _forget(self, trace: _Trace, fate: Verdict) -> None:
        del self._traces[trace.root]
        self._spans -= trace.size
        trace.fate = fate
        trace.open, trace.ended = {}, []


def _marked(span: ReadableSpan, verdict: Verdict) -> ReadableSpan:
    """A copy that says with what probability it was kept: an ended span takes no more attributes."""
    attributes = {**(span.attributes or {}), SAMPLING_PROBABILITY: verdict.probability, SAMPLING_REASON: verdict.reason}
    return ReadableSpan(
        name=span.name, context=span.get_span_context(), parent=span.parent, resource=span.resource, attributes=attributes,
        events=span.events, links=span.links, kind=span.kind, status=span.status, start_time=span.start_time,
        end_time=span.end_time, instrumentation_scope=span.instrumentation_scope,
    )
