"""Tell people: a message to Slack, a page through PagerDuty. Nothing but attention is changed, and nothing takes it back.

Slack: api.slack.com/messaging/webhooks. PagerDuty: developer.pagerduty.com, Events API v2, ``trigger``; the ``dedup_key`` is
the action's marker, so that the same page sent twice is one incident. Secrets are taken out of every text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from telemetry.errors import UsageError
from telemetry.reaching import UnreachableError, connected, reachable
from telemetry.sources.answers import clean
from telemetry.sources.kubernetes.masking import masked_lines
from tools.actions.action import Action, Blast, Edit, Effect, Json, Obstacle, Preview, Settled, Target
from tools.actions.errors import RefusedError, UnknownOutcomeError
from tools.actions.kinds import Params, validated
from tools.actions.performing import Part
from tools.approval import Grant

PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"
_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Channel:
    """Where people are told. The URL of a Slack webhook and the routing key of PagerDuty are secrets: they are never shown."""

    name: str
    kind: Literal["slack", "pagerduty"]
    url: str = field(default=PAGERDUTY, repr=False)
    routing_key: str = field(default="", repr=False)


class MessageParams(Params):
    """A message."""

    text: str = Field(min_length=1, max_length=4000)


class PageParams(Params):
    """A page."""

    summary: str = Field(min_length=1, max_length=1024)
    severity: Literal["critical", "error", "warning", "info"] = "critical"
    source: str = Field(default="oncalm", min_length=1, max_length=255, description="What is affected, as a service's name")
    details: str | None = Field(default=None, max_length=8000)


class NoticeActions(Part):
    """The catalogue's part that tells people."""

    params: Mapping[str, type[Params]] = {"notify_slack": MessageParams, "page_pagerduty": PageParams}

    def __init__(self, channels: tuple[Channel, ...]) -> None:
        self._channels = {one.name: one for one in channels}

    def preview(self, name: str, target: Target, params: Mapping[str, Json]) -> Preview:
        """See :meth:`tools.actions.performing.Performer.preview`. Secrets are taken out of the texts here already."""
        given = validated(self.params[name], name, params)
        if target.kind != "Channel" or target.namespace:
            raise UsageError(f"{name} is for a Channel without a namespace", where=name, remedy="name the channel as it is configured")
        plain = {key: "\n".join(masked_lines(value.split("\n"))) if isinstance(value, str) else value for key, value in given.plain().items()}
        diff = tuple(Edit(key, None, value) for key, value in sorted(plain.items()))
        obstacles = [] if self._channel(name, target.name) else [Obstacle(
            "no_channel", f"no {_kind(name)} channel named {target.name} is configured", f"configured are: {', '.join(sorted(self._channels)) or 'none'}")]
        return Preview(Action(name, target, plain), diff, None, "no", Blast(0, 0.0, (), "people are told; no system is changed"),
                       f"the message is in {target.name} within a minute", tuple(obstacles), checked_by="nothing")

    def perform(self, action: Action, granted: Grant | None = None) -> Effect:
        """See :meth:`tools.actions.performing.Performer.perform`. Sent once, whatever the server says."""
        channel = self._channel(action.name, action.target.name)
        if channel is None:
            raise RefusedError(f"no {_kind(action.name)} channel named {action.target.name} is configured", where=str(action.target), remedy="configure it")
        try:
            given = validated(self.params[action.name], action.name, action.params)
        except UsageError as error:
            raise RefusedError(error.what, where=error.where, remedy=error.remedy) from error
        _post(channel, _body(channel, given, action.marker))
        return Effect(f"{channel.name} took the message", observed={"marker": action.marker})

    def settle(self, preview: Preview, *, rollback: bool = False) -> Settled:
        """Neither server says what it was sent."""
        return "unclear"

    def _channel(self, name: str, channel: str) -> Channel | None:
        found = self._channels.get(channel)
        return found if found is not None and found.kind == _kind(name) else None


def _kind(name: str) -> str:
    return "slack" if name == "notify_slack" else "pagerduty"


def _body(channel: Channel, given: Any, marker: str) -> dict[str, Any]:
    if channel.kind == "slack":
        return {"text": _escaped(given.text)}
    payload = {"summary": given.summary, "severity": given.severity, "source": given.source,
               **({"custom_details": {"details": given.details}} if given.details else {})}
    return {"routing_key": channel.routing_key, "event_action": "trigger", "dedup_key": f"oncalm-{marker}", "payload": payload}


def _escaped(text: str) -> str:
    """Without Slack's own signs (docs.slack.dev/messaging/formatting-message-text): words of a log must ring no channel and hide no link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _post(channel: Channel, body: Mapping[str, Any]) -> None:
    """Send once. Raises RefusedError, or UnknownOutcomeError when no answer told the end. The URL is in neither."""
    import httpx

    where = f"channel {channel.name}"
    try:
        there = reachable(channel.url)
    except UnreachableError as error:
        raise RefusedError(f"{channel.name} cannot be reached: {error.what}; nothing was sent", where=where, remedy="check its URL and the network") from None
    try:
        with httpx.Client(timeout=_SECONDS, follow_redirects=False, trust_env=False) as client:
            reply = connected(there, lambda one: client.request("POST", **one, json=dict(body)))
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise RefusedError(f"{channel.name} cannot be reached ({type(error).__name__}): nothing was sent", where=where, remedy="check its URL and the network") from None
    except httpx.HTTPError as error:
        raise UnknownOutcomeError(f"{channel.name} did not answer ({type(error).__name__}): whether it took the message is not known", where=where,
                                  remedy="look into the channel") from None
    said = clean(reply.text, 300).replace(channel.routing_key or "\0", "[hidden]")
    if reply.status_code >= 500:
        raise UnknownOutcomeError(f"{channel.name} answered {reply.status_code}: {said}", where=where, remedy="look into the channel")
    if reply.status_code >= 300:
        raise RefusedError(f"{channel.name} refused the message ({reply.status_code}): {said}", where=where, remedy="check its URL and key")
