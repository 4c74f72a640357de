"""Kinds of spans, outcomes and changes as the world writes them."""

from __future__ import annotations

from typing import get_args

from telemetry.records import ChangeKind, SpanKind, SpanStatus

_SPAN_KINDS = {name: name for name in get_args(SpanKind)} | {str(n): name for n, name in enumerate(get_args(SpanKind))}
_FAILED = frozenset({"error", "err", "failed", "failure", "fail", "false", "2", "exception", "internal_error", "ko"})
_FINE = frozenset({"ok", "success", "succeeded", "true", "1"})
_CHANGES: dict[ChangeKind, tuple[str, ...]] = {
    "flag": ("flag", "toggle", "feature"),
    "scale": ("scal", "replica", "hpa"),
    "config": ("config", "setting", "secret", "env", "parameter"),
    "deploy": ("deploy", "release", "rollout", "rollback", "version", "image", "publish", "upgrade", "install"),
}


def span_kind(said: str) -> SpanKind:
    """``SERVER``, ``SPAN_KIND_SERVER``, ``2`` …"""
    found: SpanKind = _SPAN_KINDS.get(said.lower().removeprefix("span_kind_"), "unspecified")
    return found


def span_status(said: str) -> SpanStatus:
    """``ERROR``, ``STATUS_CODE_ERROR``, ``false``, ``2`` …; what is neither good nor bad is unset."""
    word = said.lower().removeprefix("status_code_")
    return "error" if word in _FAILED else "ok" if word in _FINE else "unset"


def change_kind(said: str) -> ChangeKind:
    """What a word like ``Deployment``, ``feature-flag`` or ``ScalingReplicaSet`` speaks of; ``other`` for the rest."""
    word = said.lower()
    if "scaling" in word or "replica" in word:
        return "scale"
    return next((kind for kind, parts in _CHANGES.items() if any(part in word for part in parts)), "other")
