"""What one look says: checks, each with its sentence and numbers, and what they mean together. Plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["rollout", "restarts", "errors", "latency", "traffic", "alert", "templates", "spec"]
Result = Literal["confirmed", "worse", "unchanged", "not_assessed"]
"""``confirmed``: it was ill and is well, or (``spec``) it is as approved; ``unchanged`` says nothing about well or ill."""


@dataclass(frozen=True, slots=True)
class Check:
    """One measure of one subject, before the action and after it."""

    kind: Kind
    subject: str
    result: Result
    statement: str
    before: float | None = None
    after: float | None = None
    ill: bool = False
    """Whether this measure was ill before the action: only what was ill can be repaired."""
    partly: bool = False
    """Better than before the action, and not yet well."""

    @property
    def still_ill(self) -> bool:
        """Ill before, looked at well enough, and not better."""
        return self.ill and self.result == "unchanged" and not self.partly

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def check_from(document: Mapping[str, Any]) -> Check:
    """The check that :meth:`Check.document` wrote."""
    return Check(**document)


Sum = Literal["worse", "drifted", "repaired", "partly", "ill", "nothing_ill", "too_little"]
"""What a look's checks mean together: something is worse; the approved fields are not there any more; all that was ill and
could be looked at is well; some of it is; none of it is; nothing was ill before by any measure; too few samples."""


def summed(checks: Sequence[Check]) -> Sum:
    """What the checks of one look mean together."""
    if any(one.kind == "spec" and one.result == "worse" for one in checks):
        return "drifted"
    if any(one.result == "worse" for one in checks):
        return "worse"
    ill = [one for one in checks if one.ill]
    if not ill:
        return "nothing_ill" if any(one.result != "not_assessed" and one.kind != "spec" for one in checks) else "too_little"
    seen = [one for one in ill if one.result != "not_assessed"]
    if not seen:
        return "too_little"
    if all(one.result == "confirmed" for one in seen):
        return "repaired" if len(seen) == len(ill) or any(one.kind != "rollout" for one in seen) else "too_little"
    return "partly" if any(one.result == "confirmed" or one.partly for one in seen) else "ill"


def worst(checks: Sequence[Check], *, of: Result) -> str:
    """The sentences of the checks with this result, joined."""
    return "; ".join(one.statement for one in checks if one.result == of)
