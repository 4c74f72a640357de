"""The instruments: GenAI client metrics by convention, and OnCalm's own."""

from __future__ import annotations

from collections.abc import Callable

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from agent.observe.attributes import GEN_AI_CLIENT_OPERATION_DURATION, GEN_AI_CLIENT_TOKEN_USAGE

_SECONDS = [0.01 * 2**power for power in range(14)]
_TOKENS = [float(4**power) for power in range(14)]
"""Bucket boundaries of the GenAI conventions: 0.01 s to 81.92 s, 1 to 67,108,864 tokens."""
_RUN_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 180, 300, 600]


class Instruments:
    """Every instrument OnCalm records to."""

    def __init__(self, meter: Meter, lost: Callable[[], int]) -> None:
        """``lost`` counts the spans and log records that were dropped so far."""
        self.operation = meter.create_histogram(
            GEN_AI_CLIENT_OPERATION_DURATION, unit="s", description="GenAI operation duration.",
            explicit_bucket_boundaries_advisory=_SECONDS)
        self.tokens = meter.create_histogram(
            GEN_AI_CLIENT_TOKEN_USAGE, unit="{token}", description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKENS)
        self.cached_tokens = meter.create_counter(
            "oncalm.model.cached_tokens", unit="{token}", description="Input tokens a provider served from its cache.")
        self.runs = meter.create_counter("oncalm.runs", unit="{run}", description="Runs by analyst, path and outcome.")
        self.run_seconds = meter.create_histogram(
            "oncalm.run.duration", unit="s", description="Duration of a run.",
            explicit_bucket_boundaries_advisory=_RUN_SECONDS)
        self.fallbacks = meter.create_counter(
            "oncalm.fallbacks", unit="{run}", description="Runs the offline analyst had to finish.")
        self.tool_calls = meter.create_counter(
            "oncalm.tool.calls", unit="{call}", description="Tool calls by tool and status.")
        self.tool_seconds = meter.create_histogram(
            "oncalm.tool.duration", unit="s", description="Duration of a tool call.",
            explicit_bucket_boundaries_advisory=_SECONDS)
        self.lookups = meter.create_counter(
            "oncalm.cache.lookups", unit="{lookup}", description="Cache look-ups by layer, hit or not.")
        self.spend = meter.create_counter("oncalm.spend", unit="{USD}", description="Money spent on models.")
        meter.create_observable_counter(
            "oncalm.telemetry.dropped", callbacks=[_reading(lost)], unit="{item}",
            description="Spans and log records that did not fit or could not be delivered.")


def _reading(lost: Callable[[], int]) -> Callable[[CallbackOptions], list[Observation]]:
    def read(_: CallbackOptions) -> list[Observation]:
        return [Observation(lost())]

    return read
