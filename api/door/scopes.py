"""Where keys that are narrowed may go. Every other path is closed to them."""

from __future__ import annotations

PATHS: dict[str, tuple[str, ...]] = {
    "alerts": ("/v1/alerts",),
    "chat": ("/v1/chat", "/v1/conversations", "/v1/models", "/v1/investigations"),
    "metrics": ("/metrics",),
    "otlp": ("/v1/logs", "/v1/traces", "/v1/metrics"),
    "predict": ("/predict",),
}
"""Paths of each scope, with everything below them."""


def within(path: str, scopes: frozenset[str]) -> bool:
    """Whether a path, as routes are chosen by it, lies in one of the scopes; without scopes every path does."""
    return not scopes or any(path == start or path.startswith(f"{start}/") for scope in scopes for start in PATHS.get(scope, ()))
