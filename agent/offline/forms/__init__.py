"""Forms of questions. A reader takes a draft and says whether it fits; one that fits cuts its own words out of the text.

What is left of the text names the records.
"""

from __future__ import annotations

from collections.abc import Callable

from agent.offline.draft import Draft
from agent.offline.forms import chronology, comparison, counts, figures, listing, ranking, shares, silence

READERS: tuple[Callable[[Draft], bool], ...] = (
    silence.gaps, comparison.cooccur, comparison.compare, shares.share, counts.distinct, figures.stats, chronology.trend,
    chronology.first_last, ranking.templates, ranking.top, figures.added, counts.count, listing.summary, listing.yes_no,
    listing.which, listing.lines,
)
"""In the order tried; the first that fits wins."""
