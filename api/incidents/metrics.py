"""What the receiver of alerts counts, and how incidents and their investigations stand, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from telemetry.errors import OnCalmError

if TYPE_CHECKING:
    from agent.incidents.service import Incidents
    from api.incidents.alerting import Alerting


class AlertMeters(Collector):
    """Read when it is asked for; what cannot be read is left out."""

    def __init__(self, alerting: Alerting) -> None:
        self._alerting = alerting

    def describe(self) -> list[Metric]:
        """Nothing: whoever registers it must not read the database for that."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The families."""
        taken = CounterMetricFamily("oncalm_alerts", "Alerts that were accepted, and requests that were not, by why, since this process began.", labels=("source", "outcome"))
        for (source, outcome), count in sorted(self._alerting.receiver.counts.items()):
            taken.add_metric((source, outcome), count)
        yield taken
        yield GaugeMetricFamily("oncalm_alerts_waiting", "Alerts that came in and are not on disk yet.", value=self._alerting.intake.waiting)
        yield GaugeMetricFamily("oncalm_incident_investigations_here", "Investigations of incidents at work in this process.", value=self._alerting.worker.busy)
        try:
            yield from _kept(self._alerting.incidents)
        except OnCalmError:
            return


def _kept(incidents: Incidents) -> Iterator[Metric]:
    standing = incidents.standing()
    states = GaugeMetricFamily("oncalm_incidents", "Incidents that are not resolved, by state and severity.", labels=("state", "severity"))
    for (state, severity), count in sorted(standing.incidents.items()):
        states.add_metric((state, severity), count)
    yield states
    queue = GaugeMetricFamily("oncalm_incident_investigations", "Investigations of incidents by state; done ones are not counted.", labels=("state",))
    for state, count in standing.investigations.items():
        queue.add_metric((state,), count)
    yield queue
    yield GaugeMetricFamily("oncalm_incident_investigation_oldest_seconds", "How long the oldest waiting investigation waits.", value=standing.oldest)
