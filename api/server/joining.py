"""What else is met under the server's address, joined: alerts and incidents, summaries, Slack."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

    from agent.incidents.service import Incidents
    from api.actions.desk import Desk
    from api.server.services import Part
    from api.settings import Settings
    from api.summaries.service import Summarising
    from api.wiring.product import Product


@dataclass(frozen=True, slots=True)
class Joined:
    """The parts, and the incidents and summaries that the page shows, too."""

    parts: tuple[Part, ...]
    incidents: Incidents
    summaries: Summarising
    collectors: tuple[Collector, ...] = ()
    """Of metrics."""


def joined(settings: Settings, home: Path, product: Product, desk: Desk) -> Joined:
    """Make every part of the server. Raises UsageError for a file or a setting that cannot be used."""
    from api.environment import variable
    from api.incidents.alerting import Alerting, Book, by_product, opened
    from api.incidents.config import read
    from api.incidents.metrics import AlertMeters
    from api.slack.bot import incident_notices, slack_of
    from api.summaries.service import Summarising, Summing

    told = read(settings.alerts or home / "alerts.yaml", variable, needed=settings.alerts is not None)
    bot = slack_of(settings.slack(), settings.slack_users or home / "slack_users.yaml", home, product, desk,
                   lambda: [one.document() for one in incidents.list()[0]])
    incidents = opened(home, told, state_url=settings.database(), on_event=incident_notices(bot))
    summaries = Summarising(home, state_url=settings.database(), incidents=Book(incidents), thinking=product.thinking, variable=variable, slack=bot)
    alerting = Alerting(incidents, by_product(product, incidents, desk if told.propose else None), desk)
    return Joined((alerting, Summing(summaries), *([bot] if bot else [])), incidents, summaries, (AlertMeters(alerting),))
