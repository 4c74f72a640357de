"""The part of the server that Slack talks to: routes with signatures, Socket Mode, and what each request does."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.approvals.people import Person
from api.slack import cards
from api.slack.asked import kind_of, said
from api.slack.deciding import POLL, Deciding
from api.slack.leading import LOOK, Leading, Led
from api.slack.memory import Memory
from api.slack.people import People
from api.slack.sending import FIRST, PACE, Sender
from api.slack.talk import Asking, Talk
from api.slack.text import words
from telemetry.errors import OnCalmError, StoreError, UsageError

if TYPE_CHECKING:
    from fastapi import APIRouter
    from slack_bolt import App

    from api.actions.desk import Desk

HELP = ("*Ask me*: mention me or write to me, and go on in the thread.\n`/oncalm ask QUESTION`  `/oncalm investigate SYMPTOM`  `/oncalm incidents`  "
        "`/oncalm approve` (what waits)  `/oncalm help`")
STRANGER = "I do not know you: an administrator has to add your Slack user id ({user}) to OnCalm's file of Slack users."
_ID = re.compile(r"[CDG][A-Z0-9]{2,20}\Z")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Connection:
    """How Slack is reached. With ``app_token`` by Socket Mode, with ``signing_secret`` by HTTP; either or both. ``api``: another Web API."""

    bot_token: str
    signing_secret: str = ""
    app_token: str = ""
    api: str = "https://slack.com/api/"
    channel: str = ""
    pace: float = PACE
    first: float = FIRST
    poll: float = POLL
    look: float = LOOK


class SlackBot:
    """A part of the server (``routers``, ``start``, ``stop``), and what others call to tell Slack something."""

    def __init__(self, how: Connection, people: People, home: Path, asking: Asking, desk: Desk,
                 incidents: Callable[[], Iterable[dict[str, Any]]] = tuple) -> None:
        """Raises UsageError without the extra, without a token, and when neither way in is configured."""
        try:
            import slack_bolt as _  # noqa: F401
            from slack_sdk import WebClient
        except ImportError as error:
            raise UsageError("slack-bolt is not installed", where="Slack", remedy="run: pip install 'oncalm[slack]'") from error
        if not how.bot_token or not (how.signing_secret or how.app_token):
            raise UsageError("a bot token is needed, and a signing secret (HTTP) or an app token (Socket Mode)", where="Slack",
                             remedy="set ONCALM_SLACK_BOT_TOKEN, and ONCALM_SLACK_SIGNING_SECRET or ONCALM_SLACK_APP_TOKEN")
        self._how, self._people, self._incidents = how, people, incidents
        self.client = WebClient(token=how.bot_token, base_url=how.api.rstrip("/") + "/", retry_handlers=[], timeout=15)
        self.memory = Memory(home / "slack.db")
        self.sender = Sender(self.client, self.memory, pace=how.pace, first=how.first, alone=(home / "slack.db.lock", self._alone))
        self.deciding = Deciding(desk, self.memory, self.sender, how.channel, poll=how.poll)
        self.talk = Talk(asking, self.sender, self.deciding.put)
        self.leading = Leading(lambda: desk.journal.database, self._led, look=how.look)
        self.app = self._app()

    def start(self) -> None:
        """Begin to send; whoever leads the replicas follows approvals, too, and listens where Socket Mode is configured."""
        self.sender.start()
        self.leading.start()

    def stop(self) -> None:
        """End in order; what was not sent is sent after the next start."""
        self.leading.stop()
        self.talk.stop()
        self.sender.stop()

    def _led(self) -> list[Led]:
        """What only the leader does."""
        from api.slack.socket import Socket

        return [self.deciding, *([Socket(self.app, self._how.app_token)] if self._how.app_token else [])]

    def _alone(self) -> None:
        """Nobody else speaks for this home: what was cut off is begun again."""
        for ident, body in self.memory.unfinished():
            self._answer(ident, body)

    def routers(self) -> list[APIRouter]:
        """The routes for Slack's requests; none without a signing secret."""
        from api.slack.routes import router

        return [router(self.app)] if self._how.signing_secret else []

    def announce_incident(self, document: dict[str, Any]) -> None:
        """Tell the channel of an incident (its document)."""
        if self._how.channel:
            self.sender.post(self._how.channel, words(f"Incident: {document.get('title', '')}")[:3_000], blocks=cards.incident(document))

    def post(self, channel: str, message: Mapping[str, Any], pictures: Mapping[str, bytes]) -> None:
        """Post a summary and its pictures (:class:`api.scheduling.sending.SlackPoster`). Posted is what the outbox holds: it outlives a crash."""
        from uuid import uuid4

        from api.scheduling.sending import NotSentError

        key = f"summary:{uuid4().hex}"
        try:
            self.sender.post(channel, str(message["text"]), blocks=list(message["blocks"]), key=key)
        except StoreError as error:
            raise NotSentError(error.what, where=error.where, remedy=error.remedy) from error
        for name, picture in pictures.items():
            with suppress(StoreError):  # the words are on their way: they are not sent again for a picture
                self.sender.file(channel, f"{name}.png", picture, name, key)

    def _app(self) -> App:
        from slack_bolt import App
        from slack_bolt.authorization import AuthorizeResult

        def authorize(**_: Any) -> AuthorizeResult:  # no call of Slack's API: a request must be taken while that is down
            return AuthorizeResult(enterprise_id=None, team_id=self._people.team, bot_token=self._how.bot_token)

        app = App(signing_secret=self._how.signing_secret or "socket mode only", client=self.client, authorize=authorize,
                  request_verification_enabled=True, ignoring_self_events_enabled=False)
        app.middleware(self._take)
        for kind in ("app_mention", "message"):
            app.event(kind)(self._event)
        app.command("/oncalm")(self._command)
        app.action("oncalm_approve")(self._approve)
        app.action("oncalm_reject")(self._reject)
        app.action("oncalm_details")(self._details)
        app.view("oncalm_reason")(self._reason)
        return app

    def _take(self, body: dict[str, Any], next: Callable[[], Any]) -> Any:  # noqa: A002 - Bolt passes it by this name
        """Make an event durable before Slack is told that it was taken; one that was taken before is only acknowledged."""
        from slack_bolt import BoltResponse

        task = self._task(body)
        if task is None:
            return next()
        ident = str(body.get("event_id", ""))
        return next() if ident and self.memory.take(ident, task) else BoltResponse(status=200, body="")

    def _task(self, body: dict[str, Any]) -> dict[str, str] | None:
        """What an event asks for; None for one that is no question."""
        event = body.get("event") or {}
        direct = event.get("type") == "message" and event.get("channel_type") == "im"
        if event.get("bot_id") or event.get("subtype") or not event.get("user") or not (direct or event.get("type") == "app_mention"):
            return None
        channel, below = str(event["channel"]), str(event.get("thread_ts") or "")
        team = str(event.get("user_team") or event.get("source_team") or body.get("team_id", ""))
        return {"user": str(event["user"]), "team": team if body.get("team_id") == self._people.team else "", "channel": channel,
                "thread": below or str(event["ts"]), "below": below, "text": said(str(event.get("text", "")))}

    def _event(self, body: dict[str, Any]) -> None:
        if (task := self._task(body)) is not None:
            self._answer(str(body["event_id"]), task)

    def _answer(self, ident: str, task: dict[str, str]) -> None:
        """Answer what was asked; whoever may not ask is told so."""
        person, question, thread = self._people.person(task["user"], task["team"]), task["text"], task["thread"]
        kind, rest = kind_of(question)
        if person is None:
            self.sender.whisper(task["channel"], task["user"], STRANGER.format(user=words(task["user"])), task["below"])
        elif not question or question.casefold() == "help":
            self.sender.post(task["channel"], HELP, thread=thread)
        elif kind == "investigate" and not person.may("responder"):
            self.sender.whisper(task["channel"], task["user"], "An investigation needs the role responder.", task["below"])
        else:
            thread = self.memory.key_of(task["channel"], thread) or thread
            self.talk.begin(kind, rest, person, task["channel"], thread, f"answer:{ident}", lambda: self.memory.finish(ident))
            return
        self.memory.finish(ident)

    def _person(self, user: str, team: str, body: dict[str, Any]) -> Person | None:
        if str(body.get("team_id") or (body.get("team") or {}).get("id") or team) != self._people.team:
            return None
        return self._people.person(user, team)

    def _command(self, body: dict[str, Any], ack: Callable[..., Any]) -> None:
        if not self.memory.take(f"trigger:{body.get('trigger_id', '')}"):
            ack()
            return
        user, channel = str(body.get("user_id", "")), str(body.get("channel_id", ""))
        person = self._person(user, str(body.get("team_id", "")), body)
        if person is None:
            ack(STRANGER.format(user=words(user)))
            return
        verb, _, rest = said(str(body.get("text", ""))).partition(" ")
        ack(self._commanded(verb.casefold(), rest.strip(), person, user, channel, str(body.get("trigger_id"))))

    def _commanded(self, verb: str, rest: str, person: Person, user: str, channel: str, trigger: str) -> str:
        """Do what a slash command says; what only its sender is told (mrkdwn)."""
        if verb == "incidents":
            found = [f"• *{words(str(one.get('id', '')))}* {words(str(one.get('state', '')))}: {words(str(one.get('title', '')))}" for one in self._incidents()]
            return "\n".join(found[:30])[:3_000] or "No incident is open."
        if verb == "approve":
            if not person.may("responder"):
                return "That needs the role responder."
            return "\n".join(self.deciding.pending(channel)[:30])[:3_000] or "Nothing waits for an approval."
        if verb not in {"ask", "investigate"} or not rest:
            return HELP
        if verb == "investigate" and not person.may("responder"):
            return "An investigation needs the role responder."
        ident, root = f"command:{trigger}", f"question:{trigger}"
        task = {"user": user, "team": self._people.team, "channel": channel, "thread": root, "below": "", "text": f"{verb} {rest}"}
        self.memory.take(ident, task)
        self.sender.post(channel, f"<@{user}> asks: {words(rest)}"[:3_000], key=root)
        self._answer(ident, task)
        return ":mag: looking …"

    def _clicked(self, body: dict[str, Any], role: Any) -> tuple[Person, dict[str, str]] | None:
        """Who clicked and on what; those who may not are told so, and None is given. A click counts once."""
        user, channel = str(body["user"]["id"]), str((body.get("channel") or {}).get("id") or "")
        if not self.memory.take(f"trigger:{body.get('trigger_id', '')}"):
            return None
        person = self._person(user, str(body["user"].get("team_id") or ""), body)
        if person is None or not person.may(role):
            why = STRANGER.format(user=words(user)) if person is None else f"This needs the role {role}; you have {person.role}."
            self._whisper(channel, user, why)
            return None
        try:
            value = json.loads(body["actions"][0]["value"])
            return person, {"id": str(value["id"]), "digest": str(value["digest"]), "channel": channel, "user": user}
        except (KeyError, IndexError, TypeError, ValueError):
            self._whisper(channel, user, "This button says nothing that can be read.")
            return None

    def _whisper(self, channel: str, user: str, text: str) -> None:
        if _ID.match(channel):
            self.sender.whisper(channel, user, text)

    def _approve(self, body: dict[str, Any], ack: Callable[..., Any]) -> None:
        ack()
        if (found := self._clicked(body, "approver")) and (why := self.deciding.approve(found[1]["id"], found[1]["digest"], found[0])):
            self._whisper(found[1]["channel"], found[1]["user"], why)

    def _reject(self, body: dict[str, Any], ack: Callable[..., Any]) -> None:
        ack()
        if found := self._clicked(body, "approver"):
            self._open(body, cards.reject_modal(found[1]["id"], found[1]["channel"]), found[1])

    def _details(self, body: dict[str, Any], ack: Callable[..., Any]) -> None:
        ack()
        if found := self._clicked(body, "viewer"):
            try:
                self._open(body, self.deciding.details(found[1]["id"]), found[1])
            except OnCalmError as error:
                self._whisper(found[1]["channel"], found[1]["user"], words(str(error)))

    def _open(self, body: dict[str, Any], view: dict[str, Any], found: dict[str, str]) -> None:
        try:
            self.client.views_open(trigger_id=body["trigger_id"], view=view)
        except Exception as error:  # noqa: BLE001 - the SDK raises its own, urllib's and http.client's; a trigger lives three seconds: no retry
            _log.warning("a window could not be opened: %s", type(error).__name__)
            self._whisper(found["channel"], found["user"], "Slack could not open the window; click again.")

    def _reason(self, body: dict[str, Any], ack: Callable[..., Any]) -> None:
        view, user = body["view"], str(body["user"]["id"])
        reason = str(view["state"]["values"]["reason"]["said"].get("value") or "").strip()
        if not reason:
            ack(response_action="errors", errors={"reason": "Say why."})
            return
        ack()
        told = json.loads(view["private_metadata"])
        person = self._person(user, str(body["user"].get("team_id") or ""), body)
        if person is None or not person.may("approver"):
            self._whisper(told["channel"], user, "This needs the role approver.")
        elif why := self.deciding.reject(str(told["id"]), reason[:2_000], person):
            self._whisper(told["channel"], user, why)


def slack_of(how: Connection | None, users: Path, home: Path, product: Any, desk: Desk, incidents: Callable[[], Iterable[dict[str, Any]]] = tuple) -> SlackBot | None:
    """The bot of a configuration; None without a bot token. Raises UsageError for what cannot be used."""
    if how is None:
        return None
    from api.slack.people import read_people
    from api.slack.talk import ProductAsking

    return SlackBot(how, read_people(users), home, ProductAsking(product, desk), desk, incidents)


def incident_notices(bot: SlackBot | None) -> Callable[[str, Any], None]:
    """What tells the channel of a new incident, as ``api.incidents.alerting.opened`` takes it."""
    def tell(kind: str, incident: Any) -> None:
        if bot is not None and kind in {"opened", "reopened"}:
            bot.announce_incident(incident.document())

    return tell
