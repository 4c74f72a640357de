"""Whole traces or none, errors always, within bounds."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import Span, StatusCode, Tracer, set_span_in_context

from agent.observe.attributes import SAMPLING_PROBABILITY, SAMPLING_REASON
from agent.observe.sampling import AdaptiveSampler
from agent.observe.settings import Sampling
from agent.observe.tail import TailProcessor

NEVER = Sampling(runs_per_second=1e-9)
"""After its first, an ordinary run has next to no chance."""


class Watched:
    """A tracer behind a tail processor, and what came out of it."""

    def __init__(self, sampling: Sampling = NEVER, *, chance: float = 0.5) -> None:
        self.now = 0.0
        self.out: list[ReadableSpan] = []
        sampler = AdaptiveSampler(sampling, clock=lambda: self.now, chance=lambda: chance)
        self.tail = TailProcessor(sampler, sampling, self.export, clock=lambda: self.now)
        provider = TracerProvider(sampler=ParentBased(ALWAYS_ON), shutdown_on_exit=False)
        provider.add_span_processor(self.tail)
        self.tracer: Tracer = provider.get_tracer("tests")
        self.groups: list[int] = []

    def export(self, spans: Sequence[ReadableSpan]) -> None:
        self.out += spans
        self.groups.append(len(spans))

    def used_up(self) -> Watched:
        """Let the first run of the path pass: from now on ordinary runs are dropped."""
        self.start("run").end()
        self.out.clear()
        self.groups.clear()
        return self

    def start(self, name: str, parent: Span | None = None) -> Span:
        return self.tracer.start_span(name, set_span_in_context(parent) if parent else None)

    def names(self) -> list[str]:
        return [span.name for span in self.out]


def test_nothing_leaves_before_the_run_has_ended() -> None:
    watched = Watched()
    run = watched.start("run")
    watched.start("child", run).end()
    before = watched.names()
    run.end()

    assert before == []
    assert (watched.names(), watched.groups) == (["child", "run"], [2])
    assert {(s.attributes or {})[SAMPLING_PROBABILITY] for s in watched.out} == {1.0}


def test_an_error_anywhere_keeps_the_whole_run() -> None:
    watched = Watched().used_up()
    for fails in (False, True):
        run = watched.start("run")
        child = watched.start("child", run)
        if fails:
            child.set_status(StatusCode.ERROR)
        child.end()
        run.end()

    assert watched.names() == ["child", "run"]
    assert {(s.attributes or {})[SAMPLING_REASON] for s in watched.out} == {"error"}


def test_a_slow_run_is_kept() -> None:
    watched = Watched(Sampling(runs_per_second=1e-9, slow_seconds=5)).used_up()
    for seconds in (4, 6):
        span = watched.tracer.start_span("run", start_time=1_000_000_000)
        span.end(1_000_000_000 + seconds * 1_000_000_000)

    assert [(s.attributes or {})[SAMPLING_REASON] for s in watched.out] == ["slow"]


def test_a_run_is_judged_when_the_last_of_its_spans_ends() -> None:
    watched = Watched().used_up()
    run = watched.start("run")
    late = watched.start("late", run)
    run.end()
    later = watched.start("later", late)
    late.set_status(StatusCode.ERROR)
    late.end()
    before = watched.names()
    later.end()

    assert before == []
    assert watched.names() == ["run", "late", "later"]


def test_a_span_begun_after_the_judgement_shares_the_fate_of_its_run() -> None:
    watched = Watched()
    kept = watched.start("run")
    kept.end()
    dropped = watched.start("run")
    dropped.end()
    for parent in (kept, dropped):
        watched.start("after", parent).end()

    assert watched.names() == ["run", "after"]
    assert watched.tail.held() == (0, 0)


def test_a_run_that_never_ends_gives_way_and_keeps_its_fate() -> None:
    watched = Watched(Sampling(held_traces=2, abandoned_seconds=60))
    forgotten = watched.start("forgotten")
    watched.start("child", forgotten).end()
    open_child = watched.start("open", forgotten)
    watched.now = 61.0
    others = [watched.start(f"run{n}") for n in range(2)]
    first = watched.names()
    open_child.end()
    for other in others:
        other.end()

    assert first == ["child"]
    assert watched.names() == ["child", "open", "run0", "run1"]


def test_one_that_grows_without_end_is_given_up_whole() -> None:
    watched = Watched(Sampling(held_spans=10))
    other = watched.start("other")
    run = watched.start("run")
    for _ in range(50):
        watched.start("child", run).end()
    run.end()
    other.end()

    assert watched.names() == ["other"]
    assert watched.tail.given_up == 51


def test_an_error_takes_the_room_of_an_ordinary_run() -> None:
    watched = Watched(Sampling(held_spans=4))
    ordinary = watched.start("ordinary")
    failing = watched.start("failing")
    child = watched.start("child", failing)
    child.set_status(StatusCode.ERROR)
    child.end()
    more = [watched.start("more", failing) for _ in range(2)]
    for span in (*more, failing, ordinary):
        span.end()

    assert watched.names() == ["child", "more", "more", "failing"]


def test_what_is_open_when_the_process_ends_is_told_as_interrupted() -> None:
    watched = Watched()
    run = watched.start("run")
    watched.start("node", run)
    watched.tail.end_open("interrupted")
    run.end()

    assert watched.names() == ["node", "run"]
    assert {s.status.status_code for s in watched.out} == {StatusCode.ERROR}


STEPS = st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["root", "child", "child", "child", "end", "end", "fail"])), min_size=40, max_size=120)


@given(STEPS, st.sampled_from([Sampling(runs_per_second=0.001), Sampling(runs_per_second=0.001, held_traces=2, held_spans=6)]),
       st.sampled_from([0.0, 0.999]))
@settings(deadline=None)
def test_no_trace_is_split_no_error_dropped_and_the_memory_is_bounded(steps: list[tuple[int, str]], sampling: Sampling, chance: float) -> None:
    """Children begin under open parents, as ``with`` blocks have it; they may end before or after those."""
    watched = Watched(sampling, chance=chance)
    open_spans: list[tuple[Any, int]] = []
    spans: dict[int, set[int]] = {}
    failed: set[int] = set()
    for pick, step in [*steps, *[(0, "end")] * len(steps)]:
        if step == "root" or (step == "child" and not open_spans):
            span: Any = watched.start("run")
            spans[span.context.trace_id] = {span.context.span_id}
            open_spans.append((span, span.context.trace_id))
        elif step == "child":
            parent, trace = open_spans[pick % len(open_spans)]
            span = watched.start("child", parent)
            spans[trace].add(span.context.span_id)
            open_spans.append((span, trace))
        elif open_spans:
            span, trace = open_spans.pop(pick % len(open_spans))
            if step == "fail":
                span.set_status(StatusCode.ERROR)
                failed.add(trace)
            span.end()
        traces, held = watched.tail.held()
        assert traces <= sampling.held_traces
        assert held <= sampling.held_spans
    watched.tail.shutdown()
    out: dict[int, set[int]] = {}
    for kept in watched.out:
        out.setdefault(kept.get_span_context().trace_id, set()).add(kept.get_span_context().span_id)  # type: ignore[union-attr]

    assert all(found == spans[trace] for trace, found in out.items())
    if sampling.held_spans > 120:
        assert failed <= set(out)
    assert len(watched.out) == sum(len(found) for found in out.values())


def test_many_threads_at_once_lose_and_mix_nothing() -> None:
    watched = Watched(Sampling(runs_per_second=1e9))

    def ask() -> None:
        for _ in range(50):
            run = watched.start("run")
            for _ in range(3):
                watched.start("child", run).end()
            run.end()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert watched.groups == [4] * 400
    assert watched.tail.held() == (0, 0)
