"""Previews of actions for tables of tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tools.actions.action import Action, Blast, Preview, Target

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)  # a Wednesday
CART = Target("Deployment", "cart", "shop")


def preview(name: str = "restart_rollout", target: Target = CART, *, pods: int | None = 2, share: float | None = 0.5, **more: Any) -> Preview:
    told: dict[str, Any] = {"reversible": "exactly", "predicted": "errors fall", "diff": (), "inverse": None, **more}
    return Preview(Action(name, target), blast=Blast(pods, share), **told)
