"""From an investigation to a proposal: the cause's action, previewed and decided on; or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from telemetry.errors import OnCalmError, UsageError

if TYPE_CHECKING:
    from agent.approvals.outcomes import Outcome
    from agent.approvals.people import Person
    from agent.approvals.record import Approval
    from agent.incidents.service import Incidents
    from api.desk import Desk
    from tools.cluster.seen import Seen


def attempt(found: Mapping[str, Any], cluster: Seen | None, desk: Desk) -> tuple[list[dict[str, Any]], str]:
    """:func:`proposals`, whose defects must not lose the investigation."""
    try:
        return proposals(found, cluster, desk)
    except Exception as error:  # noqa: BLE001 - see above
        return [], f"what could be done could not be looked at: {type(error).__name__}: {error}"


def proposals(found: Mapping[str, Any], cluster: Seen | None, desk: Desk) -> tuple[list[dict[str, Any]], str]:
    """The contract's ``proposals`` for an investigation's document, the best first; or none, and why. Nothing is asked or done.

    ``cluster`` is what was seen beside the investigation; without it nothing is known of what could be changed.
    """
    from agent.decision.facts import facts_of
    from agent.decision.proposing import propose
    from agent.decision.situation import Seen as Situation
    from agent.decision.situation import from_document

    causes = tuple(from_document(found))
    known = cluster is not None and cluster.state is not None
    facts = facts_of(cluster.state, cluster.at, tuple(one.entity for one in causes)) if cluster is not None and cluster.state is not None else {}
    proposed = propose(Situation(causes, facts))
    if not proposed.candidates:
        return [], proposed.why
    if not known:
        return [], "the cluster was not looked at (ONCALM_KUBECONFIG): what could be changed is not known"
    made, refused = [], []
    for one in proposed.candidates:
        try:
            preview = desk.catalogue.preview(one.action, one.target, one.params)
            others = [each.document() for each in proposed.candidates if each is not one]
            verdict = desk.decide(preview, cause=proposed.cause, confidence=proposed.confidence, alternatives=others)
        except OnCalmError as error:
            refused.append(f"{one.action} of {one.target}: {error}")
            continue
        earlier = desk.approvals.history(cause=proposed.cause, target=str(preview.action.target), limit=3)
        made.append({
            "earlier": [{**each.document(), "told": _became(each)} for each in earlier],
            "action": one.action, "target": preview.action.document()["target"], "params": dict(preview.action.params), "risk": round(verdict.risk.score, 4),
            "decision": verdict.decision, "why": [one.reason, *verdict.reasons, *(f"earlier: {_became(each)}" for each in earlier)], "dry_run": [dict(edit) for edit in preview.document()["diff"]],
            "inverse": preview.document()["inverse"], "digest": preview.digest, "cause": proposed.cause, "confidence": proposed.confidence,
            "expected": preview.predicted, "blast": preview.blast.statement,
        })
    made.sort(key=lambda one: one["decision"] == "refuse")  # the best that may be asked for comes first
    return made, "" if made else "; ".join(refused)


def recalled(about: dict[str, Any], desk: Desk) -> list[str]:
    """Adds to a recall what became of the actions that were taken because of it; returns that in sentences."""
    done = [one for run in reversed(about.get("runs", ())) for one in desk.approvals.became_of(run)]
    about["actions"] = [one.document() for one in done]
    return [f"Then: {_became(one)}" for one in done[:3]]


def _became(one: Outcome) -> str:
    taken = "" if one.rolled_back is None else ", taken back" if one.rolled_back else ", taking it back failed"
    said = [*([f"cause {one.cause_verdict}"] if one.cause_verdict else []), *([one.effect_verdict] if one.effect_verdict else [])]
    return f"{one.action} of {one.target} on {one.at:%Y-%m-%d %H:%M} UTC: {one.verified.replace('_', ' ')}{taken}" + (f"; engineers say: {', '.join(said)}" if said else "")


def put(found: dict[str, Any], desk: Desk, by: Person, *, of: str = "") -> None:
    """Put an investigation's first proposal before people: ``approval`` of its document is then the id, None when it is refused by now.

    What a rule of the policy allows is carried out at once. What could not be asked or done is a note: the investigation is not lost for it.
    """
    found["approval"] = None
    try:
        found["approval"] = ident = ask(found, desk, by, of=of)
        if ident is not None and (approval := desk.approvals.show(ident)).state == "approved":
            desk.carry_out(approval)
    except OnCalmError as error:
        done = "carried out, though a rule allows it" if found["approval"] else "put before people"
        found["notes"] = [*found.get("notes", ()), f"What is proposed was not {done}: {error}"]


def ask(found: Mapping[str, Any], desk: Desk, by: Person, *, of: str = "") -> str | None:
    """Put the first proposal of an investigation before people; the approval's id, None when it is refused by now. ``of``: the incident that it is for.

    Asked again for the same investigation, the same approval is given back.
    """
    from tools.actions.action import Target

    first = found["proposals"][0]
    asked = desk.propose(first["action"], Target(**first["target"]), first["params"], by, cause=first["cause"], confidence=first["confidence"],
                         reason=found["answer"].split("\n", 1)[0][:500], investigation=found["id"], incident=incident(found), of=of)
    return asked.approval.id if asked.approval else None


def propose_for(incidents: Incidents, ident: str, desk: Desk, by: Person) -> Approval:
    """Put the first proposal of an incident's investigation before people; the approval as it then is. Raises UsageError where there is none."""
    whole = incidents.show(ident)
    found = dict((whole.investigation or {}).get("result") or {})
    if not found.get("proposals"):
        raise UsageError(str(found.get("no_action") or "its investigation proposes nothing"), where=f"incident {ident[:40]}", remedy="name an action yourself: `oncalm propose --incident`")
    put(found, desk, by, of=whole.incident.id)
    if found["approval"] is None:
        raise UsageError("; ".join(map(str, found.get("notes") or ("the policy refuses it now",)))[-500:], where=f"incident {ident[:40]}", remedy="look at the policy, or investigate again")
    return desk.approvals.show(found["approval"])


def incident(found: Mapping[str, Any]) -> dict[str, Any]:
    """What an investigation's document says of when things were wrong, when as usual, and which services suffered."""
    first = (found["suspects"] or [{}])[0]
    suffering = [one["name"] for one in first.get("victims", ()) if one["kind"] == "service"]
    return {"window": found["window"], "baseline": found["baseline"], "services": suffering}
