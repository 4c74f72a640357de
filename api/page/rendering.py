"""Templates of the page. Everything that comes from records, people or the cluster is text, never markup."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from agent.approvals.people import Person
from telemetry.unseen import spelled

_LINES = frozenset("\n\t")
HERE = Path(__file__).parent
PLACES = (("/", "Ask"), ("/incidents", "Incidents"), ("/approvals", "Approvals"), ("/summaries", "Summaries"),
          ("/templates", "Templates"), ("/spend", "Spend"), ("/probes", "Probes"))


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates, escaping everything."""
    made = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters |= {"moment": moment, "shown": shown, "told": told, "bars": bars, "capitalize_first": lambda text: text[:1].upper() + text[1:]}
    return made


def page(request: Request, person: Person | None, name: str, *, status: int = 200, **more: Any) -> HTMLResponse:
    """A page as HTML; ``person``: None before a door."""
    state = request.state
    html = environment().get_template(f"{name}.html").render(
        person=person, places=PLACES, here=request.url.path, csrf=getattr(state, "csrf", ""), signed_in=getattr(getattr(state, "identity", None), "by", "") == "session", **more)
    return HTMLResponse(html, status)


def shown(value: Any) -> str:
    """A value as text in which nothing is unseen."""
    return spelled("" if value is None else value if isinstance(value, str) else str(value))


def told(value: Any) -> str:
    """The same of what has lines: they stay."""
    return spelled("" if value is None else str(value), _LINES)


def moment(value: str | datetime | None) -> Markup:
    """A time in UTC; the page's script adds the reader's own as a title."""
    if value is None or value == "":
        return Markup("–")
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except ValueError:
        return escape(shown(value))
    at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S}")


def bars(values: list[float], label: str, width: int = 600, height: int = 60) -> Markup:
    """Counts as a small bar chart, SVG; its label tells what it shows."""
    most = max(values, default=0) or 1
    step = width / max(len(values), 1)
    drawn = Markup("").join(Markup('<rect x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"/>').format(
        at * step, height - value / most * height, max(step - 1, 0.5), value / most * height) for at, value in enumerate(values))
    return Markup('<svg class="bars" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>').format(width, height, label, drawn)
