"""Answers and approvals as Slack blocks. Pure."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from agent.approvals.record import Approval
from api.slack.text import Block, code_sections, context, fitting, section, sections, words

_EXCERPT, _EVIDENCE, _HEADLINE = 3, 6, 2_800
_STATES = {
    "pending": ":hourglass: waits for an answer", "approved": ":white_check_mark: approved", "rejected": ":no_entry: rejected",
    "expired": ":alarm_clock: expired, nobody answered in time", "superseded": ":arrows_counterclockwise: replaced by another",
    "executing": ":gear: being carried out", "succeeded": ":gear: carried out, being verified", "failed": ":x: could not be carried out",
    "unknown": ":grey_question: nobody knows yet what was done", "confirmed": ":large_green_circle: carried out and verified",
    "rolling_back": ":rewind: being taken back", "rolled_back": ":rewind: rolled back",
    "rollback_failed": ":rotating_light: could not be taken back", "rollback_unknown": ":rotating_light: nobody knows whether it was taken back",
}


def folded(found: dict[str, Any]) -> tuple[list[Block], str | None]:
    """The blocks of an answer, and the full text where they do not hold it.

    ``found`` is the document of ``ask --json`` or ``investigate --json``.
    """
    answer = str(found.get("answer") or "There is no answer.")
    head, cut = answer[:_HEADLINE], len(answer) > _HEADLINE
    blocks, more = sections(head + (" …" if cut else "")), cut
    evidence = [one for one in found.get("evidence", ()) if one.get("excerpt")]
    for one in evidence[:_EVIDENCE]:
        lines = [_line(each) for each in one["excerpt"]]
        blocks += [context(f"*{words(str(one['id']))}* {words(str(one['tool']))}: {int(one.get('total') or 0):,} found"), *code_sections(lines[:_EXCERPT])]
        more = more or len(lines) > _EXCERPT
    more = more or len(evidence) > _EVIDENCE or len(blocks) > 40
    notes = [str(one) for one in found.get("notes", ())]
    if notes:
        blocks.append(context(words("; ".join(notes))[:1_000]))
    return fitting(blocks), full_text(found) if more else None


def full_text(found: dict[str, Any]) -> str:
    """The whole answer as a text file."""
    from api.slack.text import clean

    parts = [str(found.get("question", "")), "", str(found.get("answer", "")), ""]
    for one in found.get("evidence", ()):
        parts += [f"{one['id']} {one['tool']}: {one.get('query', '')}", *(f"  {_line(each)}" for each in one.get("excerpt", ())), ""]
    return clean("\n".join(parts))


def _line(excerpt: Any) -> str:
    if isinstance(excerpt, dict):
        return str(excerpt.get("line") or excerpt.get("text") or json.dumps(excerpt, ensure_ascii=False, default=str))
    return str(excerpt)


def incident(document: dict[str, Any]) -> list[Block]:
    """The notice of an incident."""
    told = [f"*{name}* {words(str(document[name]))}" for name in ("id", "state", "severity", "service", "created") if document.get(name)]
    title = str(document.get("title") or document.get("summary") or "incident")
    return [section(f":rotating_light: *Incident* {words(title)[:2_900]}"), context("  ·  ".join(told)[:3_000] or "no details")]


def card(approval: Approval) -> list[Block]:
    """The card of an approval: what would be done to what, and buttons for as long as it waits."""
    record, preview, line = approval.record, approval.preview, approval.line
    blocks = [
        section(f"*{words(line.action)}* on *{words(line.target)}*"[:3_000]),
        section(f"{_STATES.get(line.state, words(line.state))}{_who(approval)}"[:3_000]),
    ]
    blocks += code_sections([f"{edit.path}: {edit.before} → {edit.after}" for edit in preview.diff][:30])[:4] or [context("nothing is changed on the target")]
    inverse = approval.inverse
    back = f"{inverse.name} {json.dumps(dict(inverse.params), default=str)}" if inverse else "it cannot be taken back"
    blocks += [
        section(f"*Inverse* {words(back)}"[:3_000]),
        section(f"*Risk* {record['risk']:.2f} ({words(str(record['decision']))}, {line.given} of {line.needed} approvals)\n"
                f"{words('; '.join(map(str, record['reasons'])))}"[:3_000]),
    ]
    told = [str(one.get("text") or f"{one.get('kind', '')}: {one.get('value', one.get('id', ''))}") for one in record["evidence"]]
    if told or record["cause"]:
        blocks.append(section(f"*Evidence* {words('; '.join([str(record['cause']), *told]).strip('; '))}"[:3_000]))
    blocks.append(context(f"`{line.id}`  ·  asked by {words(line.requester)}  ·  until {local(line.deadline)}  ·  digest `{line.digest[:12]}`"))
    return [*blocks, _buttons(approval)] if line.state == "pending" else blocks


def _who(approval: Approval) -> str:
    said = [f"{one.answer} by {one.person}" + (f": {one.reason}" if one.reason else "") for one in approval.answers]
    return f" ({words('; '.join(said))})" if said else ""


def local(moment: datetime) -> str:
    """A moment in its reader's own time (Slack's date format), with UTC for clients that cannot."""
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time_secs}}|{moment:%Y-%m-%d %H:%M:%S} UTC>"


def _buttons(approval: Approval) -> Block:
    line = approval.line
    value = json.dumps({"id": line.id, "digest": line.digest})
    plain = f"{line.action} on {line.target} (digest {line.digest[:12]})"
    sure = {"title": _plain("Approve this?"), "text": _plain(plain[:290]), "confirm": _plain("Approve"), "deny": _plain("Cancel")}
    return {"type": "actions", "block_id": "approval", "elements": [
        {"type": "button", "action_id": "oncalm_approve", "style": "primary", "text": _plain("Approve"), "value": value, "confirm": sure},
        {"type": "button", "action_id": "oncalm_reject", "style": "danger", "text": _plain("Reject"), "value": value},
        {"type": "button", "action_id": "oncalm_details", "text": _plain("Details"), "value": value}]}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def reject_modal(approval: str, channel: str) -> dict[str, Any]:
    """The modal that asks why."""
    return {"type": "modal", "callback_id": "oncalm_reason", "private_metadata": json.dumps({"id": approval, "channel": channel}),
            "title": _plain("Reject"), "submit": _plain("Reject"), "close": _plain("Cancel"),
            "blocks": [{"type": "input", "block_id": "reason", "label": _plain("Why not?"),
                        "element": {"type": "plain_text_input", "action_id": "said", "multiline": True, "min_length": 1, "max_length": 2_000}}]}


def details_modal(approval: Approval) -> dict[str, Any]:
    """Everything about an approval."""
    whole = json.dumps(approval.document(), indent=1, ensure_ascii=False, default=str)
    return {"type": "modal", "title": _plain("Details"), "close": _plain("Close"), "blocks": fitting(code_sections(whole.split("\n")))}


def outcome(approval: Approval) -> str:
    """What became of an approval, for its thread (mrkdwn)."""
    effect = str((approval.effect or {}).get("message") or approval.line.reason or "")
    return f"{_STATES.get(approval.state, words(approval.state))}{_who(approval)}" + (f"\n{words(effect)}" if effect else "")
