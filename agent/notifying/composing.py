"""What a notice says, from the approval's document. Secrets are masked; what cannot be masked is not told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agent.notifying.channels import Level
from telemetry.redact import names_secret, redact

Event = Literal["asked", "reminder", "executed", "verified", "rolled_back", "failed"]
_TITLES: Mapping[Event, tuple[str, Level]] = {
    "asked": ("approval needed", "warning"), "reminder": ("approval lapses soon", "warning"), "executed": ("executed", "info"),
    "verified": ("verified", "success"), "rolled_back": ("rolled back", "warning"), "failed": ("failed", "failure"),
}
_LINES = 12


@dataclass(frozen=True, slots=True)
class Notice:
    """``key`` is the same for the same event of the same approval."""

    key: str
    title: str
    body: str
    level: Level


def compose(event: Event, approval: Mapping[str, Any], statement: str = "") -> Notice:
    """The notice of ``Approval.document()``. Never raises: a record that it cannot read gives a notice without details."""
    word, level = _TITLES[event]
    ident = str(approval.get("id", "unknown"))
    try:
        title, body = _text(word, ident, approval, statement)
    except Exception:  # noqa: BLE001 - fail closed: nothing of what could not be masked leaves
        title, body = f"OnCalm: {word}", f"Approval {ident}. Its details are not shown here, see `oncalm approvals show {ident}`."
    return Notice(f"{ident}-{event}", title, body, level)


def _text(word: str, ident: str, approval: Mapping[str, Any], statement: str) -> tuple[str, str]:
    preview = approval["preview"]
    target = preview["action"]["target"]
    what = f"{preview['action']['name']} on {target['kind']} {target['namespace']}/{target['name']}"
    lines = [statement] if statement else []
    lines += [f"{edit['path']}: {_value(edit, 'before')} -> {_value(edit, 'after')}" for edit in preview["diff"][:_LINES]]
    lines += [f"Risk {float(approval['risk']):.2f}. Asked by {approval['requester']}. Deadline {approval['deadline']}.", *approval["reasons"]]
    lines.append(f"`oncalm approvals show {ident}`")
    return redact(f"OnCalm: {word}: {what}")[0], redact("\n".join(lines))[0]


def _value(edit: Mapping[str, Any], side: str) -> str:
    secret = any(names_secret(part) for part in str(edit["path"]).replace("[", ".").split("."))
    return "[REDACTED]" if secret else str(edit[side])[:200]
