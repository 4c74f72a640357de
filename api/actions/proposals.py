"""From an investigation to a proposal: the cause's action, previewed and decided on; or why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from telemetry.errors import OnCalmError, UsageError

if TYPE_CHECKING:
    from agent.approvals.outcomes import Outcome
    from agent.approvals.people import Person
    from agent.approvals.record import Approval
    from agent.decision.candidates import Candidate, Proposed
    from agent.decision.demand import Clients
    from agent.decision.engine import Verdict
    from agent.decision.situation import Seen as Situation
    from agent.incidents.service import Incidents
    from api.actions.desk import Desk
    from tools.actions.action import Preview
    from tools.cluster.seen import Seen


def attempt(found: Mapping[str, Any], cluster: Seen | None, desk: Desk, by: Person | None = None) -> tuple[list[dict[str, Any]], str]:
    """:func:`proposals`, whose defects must not lose the investigation."""
    try:
        return proposals(found, cluster, desk, by)
    except Exception as error:  # noqa: BLE001 - see above
        return [], f"what could be done could not be looked at: {type(error).__name__}: {error}"


def proposals(found: Mapping[str, Any], cluster: Seen | None, desk: Desk, by: Person | None = None) -> tuple[list[dict[str, Any]], str]:
    """The contract's ``proposals`` for an investigation's document, the best first; or none, and why. Nothing is asked or done.

    ``cluster`` is what was seen beside the investigation; without it nothing is known of what could be changed in it. ``by``: in whose
    name previews are made.
    """
    from agent.decision.proposing import propose

    proposed = propose(_situation(found, cluster, desk), desk.also.owners)
    if not proposed.candidates:
        return [], proposed.why
    known = cluster is not None and cluster.state is not None
    fit = [one for one in proposed.candidates if known or one.target.system != "kubernetes"]
    if not fit:
        return [], "the cluster was not looked at (ONCALM_KUBECONFIG): what could be changed is not known"
    made, refused = [], []
    for one in fit:
        try:
            preview = desk.connection(by).catalogue.preview(one.action, one.target, one.params)
            others = [each.document() for each in fit if each is not one]
            verdict = desk.decisions.decide(preview, cause=proposed.cause, confidence=proposed.confidence, alternatives=others, by=by)
        except OnCalmError as error:
            refused.append(f"{one.action} of {one.target}: {error}")
            continue
        made.append(_proposal(one, proposed, preview, verdict, desk.approvals.history(cause=proposed.cause, target=str(preview.action.target), limit=3)))
    made.sort(key=lambda one: one["decision"] == "refuse")  # the best that may be asked for comes first
    return made, "" if made else "; ".join(refused)


def _proposal(one: Candidate, proposed: Proposed, preview: Preview, verdict: Verdict, earlier: Sequence[Outcome]) -> dict[str, Any]:
    why = [one.reason, *([f"against it: {one.against}"] if one.against else []), *verdict.reasons, *(f"earlier: {_became(each)}" for each in earlier)]
    return {
        "earlier": [{**each.document(), "told": _became(each)} for each in earlier],
        "action": one.action, "target": preview.action.document()["target"], "params": dict(preview.action.params), "risk": round(verdict.risk.score, 4),
        "decision": verdict.decision, "why": why, "dry_run": [dict(edit) for edit in preview.document()["diff"]],
        "inverse": preview.document()["inverse"], "digest": preview.digest, "cause": proposed.cause, "confidence": proposed.confidence,
        "expected": preview.predicted, "blast": preview.blast.statement,
    }


def _situation(found: Mapping[str, Any], cluster: Seen | None, desk: Desk) -> Situation:
    """The causes with who asks for what, and the facts of what could be changed."""
    from agent.decision.demand import doors
    from agent.decision.facts import facts_of
    from agent.decision.situation import Facts, from_document
    from agent.decision.situation import Seen as Situation

    graph = found.get("graph") or {}
    causes = tuple(from_document(found))
    entries = {one.entity: doors(one.entity.name, graph) for one in causes}
    causes = tuple(replace(one, clients=_clients(found, entries[one.entity], desk)) if one.load == "more" and one.victim_of is None else one for one in causes)
    facts = facts_of(cluster.state, cluster.at, tuple(entries), entries) if cluster is not None and cluster.state is not None else {}
    for entity, names in entries.items():
        nginx = [name for name, serves in desk.also.serves if any(fnmatchcase(one, glob) for one in names for glob in serves)]
        if len(nginx) == 1:
            facts[entity] = replace(facts.get(entity, Facts()), nginx=nginx[0])
    return Situation(causes, facts)


def _clients(found: Mapping[str, Any], entries: Sequence[str], desk: Desk) -> Clients | None:
    """The addresses that ask, as an access log of the doors tells; None where none does, or it cannot be read."""
    from agent.decision.demand import Clients
    from telemetry.models import Window
    from telemetry.store.reader import Reader
    from tools.clients import addresses

    if not (desk.records / "manifest.db").exists() or not found.get("window") or not found.get("baseline"):
        return None
    try:
        with closing(Reader(desk.records)) as reader:
            both = addresses(reader, entries, Window.model_validate(found["baseline"]), Window.model_validate(found["window"]))
    except OnCalmError:
        return None
    if both is None:
        return None
    before, during = both
    return Clients(before.count, before.share, during.share, before.rate, during.rate, during.busiest)


def recalled(about: dict[str, Any], desk: Desk) -> list[str]:
    """Adds to a recall what became of the actions that were taken because of it; returns that in sentences."""
    done = [one for run in reversed(about.get("runs", ())) for one in desk.approvals.became_of(run)]
    about["actions"] = [one.document() for one in done]
    return [f"Then: {_became(one)}" for one in done[:3]]


def _became(one: Outcome) -> str:
    taken = "" if one.rolled_back is None else ", taken back" if one.rolled_back else ", taking it back failed"
    said = [*([f"cause {one.cause_verdict}"] if one.cause_verdict else []), *([one.effect_verdict] if one.effect_verdict else [])]
    return f"{one.action} of {one.target} on {one.at:%Y-%m-%d %H:%M} UTC: {one.verified.replace('_', ' ')}{taken}" + (f"; engineers say: {', '.join(said)}" if said else "")


def ask(found: Mapping[str, Any], desk: Desk, by: Person, *, key: str = "", of: str = "") -> str | None:
    """Put the first proposal of an investigation before people, or carry it out where a rule of the policy allows it.

    The approval's id, None when it is refused by now. Asked again for the same investigation, or with the same ``key``, the same
    approval is given back. ``of``: the incident whose timeline tells of it; by itself the one whose alert the investigation began with.
    """
    asked = _asked(found, desk, by, key, of)
    if asked is not None and asked.state == "approved":  # a rule of the policy allows it
        desk.carry_out(asked)
    return asked.id if asked is not None else None


def put(found: dict[str, Any], desk: Desk, by: Person, *, key: str = "", of: str = "") -> str | None:
    """:func:`ask`, told in the document: ``approval``, and ``approval_outcome`` with ``state`` and ``told``. What goes wrong loses no investigation."""
    found["approval"], found["approval_outcome"] = None, {"state": "refused", "told": "The policy refuses it by now. NOT executed, NOT queued."}
    try:
        asked = _asked(found, desk, by, key, of)
        if asked is None:
            return None
        found["approval"] = asked.id
        if asked.state == "approved":  # a rule of the policy allows it
            desk.carry_out(asked)
        found["approval_outcome"] = desk.outcomes.of(asked.id)
    except OnCalmError as error:
        found["approval_outcome"] = {"state": "failed", "told": f"It could not be {'carried out' if found['approval'] else 'asked for'}: {error}"}
    ident: str | None = found["approval"]
    return ident


def _asked(found: Mapping[str, Any], desk: Desk, by: Person, key: str, of: str) -> Approval | None:
    from tools.actions.action import Target

    first, of = found["proposals"][0], of or str((found.get("alert") or {}).get("incident") or "")
    return desk.propose(first["action"], Target(**first["target"]), first["params"], by, cause=first["cause"], confidence=first["confidence"],
                        reason=found["answer"].split("\n", 1)[0][:500], investigation=found["id"], incident=incident(found), key=key, of=of).approval


def propose_for(incidents: Incidents, ident: str, desk: Desk, by: Person) -> Approval:
    """Put the first proposal of an incident's investigation before people; the approval as it then is. Raises UsageError where there is none."""
    whole = incidents.show(ident)
    found = dict((whole.investigation or {}).get("result") or {})
    if not found.get("proposals"):
        raise UsageError(str(found.get("no_action") or "its investigation proposes nothing"), where=f"incident {ident[:40]}", remedy="name an action yourself: `oncalm propose --incident`")
    if found.get("approval") and (asked := desk.approvals.show(found["approval"])).record.get("investigation") == found["id"]:  # by itself (``propose: true``)
        return asked
    approval = put(found, desk, by, of=whole.incident.id)
    if approval is None:
        raise UsageError(found["approval_outcome"]["told"][-500:], where=f"incident {ident[:40]}", remedy="look at the policy, or investigate again")
    return desk.approvals.show(approval)


def incident(found: Mapping[str, Any]) -> dict[str, Any]:
    """What an investigation's document says of when things were wrong, when as usual, which services suffered, and the alert it began with."""
    first = (found["suspects"] or [{}])[0]
    suffering = [one["name"] for one in first.get("victims", ()) if one["kind"] == "service"]
    return {"window": found["window"], "baseline": found["baseline"], "services": suffering, **({"alert": found["alert"]} if found.get("alert") else {})}
