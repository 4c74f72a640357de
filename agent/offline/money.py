"""Amounts of money in a question ("over 100 euros"), and the numbers that messages write beside a currency."""

from __future__ import annotations

import re
from collections import Counter

from agent.offline.fields import Linked, link
from telemetry.models import Catalog

Currency = tuple[str, ...]
_CURRENCIES: tuple[Currency, ...] = (
    ("€", "eur", "euro", "euros"), ("$", "usd", "dollar", "dollars"), ("£", "gbp", "pound", "pounds"), ("¥", "jpy", "yen"),
    ("cny", "rmb", "yuan"), ("chf", "franc", "francs"), ("inr", "rupee", "rupees"))
"""How each is said and written."""
_NAMES = ("amount", "price", "total")


def currency(word: str) -> Currency | None:
    """The currency that a word or a sign names."""
    return next((one for one in _CURRENCIES if word.lower() in one), None)


def priced(asked: Currency, catalog: Catalog) -> Linked | None:
    """The number that messages write beside this currency, else one named as amounts are, unless they write another currency beside it."""
    beside = _beside(asked, catalog)
    if beside:
        name = beside.most_common(1)[0][0]
        return next((Linked(one.ref, one.type, 0.9) for one in catalog.fields if one.ref == f"param:{name}"), None)
    others = {f"param:{name}" for one in _CURRENCIES for name in _beside(one, catalog)}
    tried = (link(word, catalog, numeric=True) for word in _NAMES)
    return next((one for one in tried if one is not None and one.score >= 0.66 and one.ref not in others), None)


def _beside(one: Currency, catalog: Catalog) -> Counter[str]:
    """Names of numbers right before or after a currency, by how often they came."""
    said = "|".join(map(re.escape, one))
    found: Counter[str] = Counter()
    for template in catalog.templates:
        for match in re.finditer(rf"<(\w+)>\s?(?:{said})(?!\w)|(?<!\w)(?:{said})\s?<(\w+)>", template.display, re.IGNORECASE):
            found[match[1] or match[2]] += template.count
    return found
