"""Delivers one summary to one place. What surely did not arrive is tried again; what may have is told and is not."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import smtplib
import ssl
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from agent.summaries.document import Summary
from agent.summaries.html import html
from agent.summaries.markdown import markdown
from agent.summaries.slack import slack
from api.scheduling.schedule import Place
from telemetry.durable import sync_folder
from telemetry.errors import OnCalmError
from telemetry.reaching import UnreachableError, connected, reachable

SECONDS = 20.0
"""The longest that a server may stay silent."""
SIGNATURE, DELIVERY = "X-OnCalm-Signature", "X-OnCalm-Delivery"
"""``sha256=HEX`` of HMAC-SHA256 over ``t.BODY`` beside ``t=SECONDS``; and what stays the same when it is tried again."""
_LONGEST = 3_500
"""Characters of a message through apprise: DingTalk and WeCom take about 4,000 bytes."""


class NotSentError(OnCalmError):
    """It surely did not arrive. ``after``: seconds the other side asks to wait."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "", after: float | None = None) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.after = after


class MaybeSentError(OnCalmError):
    """It may have arrived."""


class SlackPoster(Protocol):
    """Posts to a Slack channel. Raises :class:`NotSentError` when it surely was not posted, MaybeSentError when it may be."""

    def post(self, channel: str, message: Mapping[str, Any], pictures: Mapping[str, bytes]) -> None:
        """``message``: ``{"text", "blocks"}``; ``pictures``: PNG by name."""
        ...


@dataclass(frozen=True, slots=True)
class Sender:
    """Everything a delivery needs. ``variable`` gives environment variables; ``pictures`` draws PNG by name."""

    home: Path
    variable: Callable[[str], str | None]
    pictures: Callable[[Summary], Mapping[str, bytes]] = lambda _: {}
    slack: SlackPoster | None = None
    seconds: float = SECONDS

    def send(self, place: Place, summary: Summary, key: str, at: float) -> None:
        """Send it. ``key`` names this delivery; ``at`` is now, seconds since 1970. Raises NotSentError and MaybeSentError."""
        ways: dict[str, Callable[[], None]] = {
            "folder": lambda: self._folder(place, summary, key), "mail": lambda: self._mail(place, summary, key),
            "webhook": lambda: self._webhook(place, summary, key, at), "slack": lambda: self._slack(place, summary),
            "slack-hook": lambda: self._post(self._secret(place.to), json.dumps(slack(summary)).encode(), {}, place),
            "apprise": lambda: self._apprise(place, summary, key)}
        ways[place.kind]()

    def _secret(self, name: str) -> str:
        value = self.variable(name)
        if not value:
            raise NotSentError(f"the environment variable {name} is not set", where="delivery", remedy="set it where OnCalm runs")
        return value

    def _folder(self, place: Place, summary: Summary, key: str) -> None:
        """Under one name, however often: written aside, synced, renamed."""
        folder = self.home / place.to
        try:
            folder.mkdir(parents=True, exist_ok=True)
            files = {"md": markdown(summary).encode(), "html": html(summary).encode(), "json": json.dumps(summary.document(), ensure_ascii=False).encode(),
                     **{f"{name}.png": data for name, data in self.pictures(summary).items()}}
            for ending, data in files.items():
                partial = folder / f".{key}.{ending}.partial"
                with partial.open("wb") as stream:
                    stream.write(data)
                    stream.flush()
                    os.fsync(stream.fileno())
                partial.replace(folder / f"{summary.period.end:%Y%m%dT%H%M}-{key}.{ending}")
            sync_folder(folder)
        except OSError as error:
            raise NotSentError(f"the folder cannot be written: {error.strerror}", where=str(folder), remedy="make room, and let it be written") from error

    def _webhook(self, place: Place, summary: Summary, key: str, at: float) -> None:
        body = json.dumps({"delivery": key, "summary": summary.document(), "markdown": markdown(summary)}, ensure_ascii=False).encode()
        headers = {DELIVERY: key}
        if place.secret:
            signed = f"{int(at)}.".encode() + body
            headers[SIGNATURE] = f"t={int(at)},sha256={hmac.new(self._secret(place.secret).encode(), signed, hashlib.sha256).hexdigest()}"
        self._post(self._secret(place.to), body, headers, place)

    def _post(self, url: str, body: bytes, headers: Mapping[str, str], place: Place) -> None:
        import httpx

        try:
            there = reachable(url)
        except UnreachableError as error:
            raise NotSentError(f"the URL in {place.to} cannot be used: {error.what}", where=place.told, remedy=error.remedy) from None
        try:
            with httpx.Client(timeout=self.seconds, trust_env=False, follow_redirects=False) as client:
                def ask(one: dict[str, Any]) -> httpx.Response:
                    told = {"Content-Type": "application/json; charset=utf-8", **headers, **one["headers"]}
                    with client.stream("POST", one["url"], content=body, extensions=one["extensions"], headers=told) as answer:
                        return answer  # its status; the body, however long, is not read

                reply = connected(there, ask)
        except httpx.ConnectTimeout as error:
            raise NotSentError("no connection in time", where=place.told) from error
        except (httpx.ConnectError, httpx.PoolTimeout) as error:
            raise NotSentError("no connection", where=place.told) from error
        except httpx.HTTPError as error:
            raise MaybeSentError(f"no answer ({type(error).__name__})", where=place.told) from error
        if not 200 <= reply.status_code < 300:
            after = reply.headers.get("Retry-After", "")
            raise NotSentError(f"HTTP {reply.status_code}", where=place.told, after=float(after) if after.isdigit() else None)

    def _slack(self, place: Place, summary: Summary) -> None:
        if self.slack is None:
            raise NotSentError("Slack is not connected here", where=place.told, remedy="run `oncalm serve` with Slack, or use slack-hook:")
        self.slack.post(place.to, slack(summary), self.pictures(summary))

    def _mail(self, place: Place, summary: Summary, key: str) -> None:
        """``smtp://user:password@host:587?from=oncalm@example.org&starttls=1`` or ``smtps://…``; STARTTLS unless ``starttls=0``."""
        url = urlsplit(self._secret(place.server))
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        message = letter(summary, self.pictures(summary), sender=asked.get("from", "oncalm@localhost"), to=place.to, key=key)
        began = False
        try:
            if url.scheme not in {"smtp", "smtps"} or not url.hostname:
                raise NotSentError(f"{place.server} holds no smtp(s) URL", where=place.told, remedy="write smtp://user:password@host:587?from=…")
            context = ssl.create_default_context()
            opened: smtplib.SMTP = smtplib.SMTP_SSL(url.hostname, url.port or 465, timeout=self.seconds, context=context) if url.scheme == "smtps" \
                else smtplib.SMTP(url.hostname, url.port or 587, timeout=self.seconds)
            with opened as server:
                if url.scheme == "smtp" and asked.get("starttls", "1") != "0":
                    server.starttls(context=context)
                if url.username:
                    server.login(unquote(url.username), unquote(url.password or ""))
                began = True
                server.send_message(message)
                began = False
        except smtplib.SMTPServerDisconnected as error:
            raise (MaybeSentError if began else NotSentError)("the mail server hung up", where=place.told) from error
        except smtplib.SMTPResponseException as error:
            raise NotSentError(f"the mail server says {error.smtp_code}", where=place.told) from error
        except smtplib.SMTPRecipientsRefused as error:
            raise NotSentError("the mail server takes no mail for these addresses", where=place.told) from error
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise (MaybeSentError if began else NotSentError)(f"the mail server cannot be used ({type(error).__name__})", where=place.told) from error

    def _apprise(self, place: Place, summary: Summary, key: str) -> None:
        """By apprise (DingTalk, WeCom and a hundred more), in a process of its own."""
        from agent.notifying.delivering import COMMAND

        body = "\n".join((*summary.lead, *(f"\n{section.title}\n" + "\n".join(f"- {one.whole}" for one in section.items) for section in summary.sections)))
        request = {"url": self._secret(place.to), "key": key, "event": "summary", "title": summary.title[:200], "body": body[:_LONGEST]}
        try:
            done = subprocess.run(COMMAND, input=json.dumps(request), capture_output=True, text=True, check=False, timeout=self.seconds * 2,
                                  cwd=Path(sys.modules["agent.notifying"].__path__[0]).parents[1])
            answer = json.loads(done.stdout)
        except subprocess.TimeoutExpired as error:
            raise MaybeSentError("no end in time", where=place.told) from error
        except (OSError, ValueError) as error:
            raise MaybeSentError("the sending process failed", where=place.told) from error
        if not answer.get("sent"):
            kind = MaybeSentError if answer.get("maybe") else NotSentError
            raise kind(str(answer.get("why") or "it was refused"), where=place.told)


def letter(summary: Summary, pictures: Mapping[str, bytes], *, sender: str, to: str, key: str) -> EmailMessage:
    """A mail: plain text, HTML, and pictures inside it. The same delivery has the same Message-ID."""
    message = EmailMessage()
    message["Subject"] = " ".join(summary.title.split())[:200]
    message["From"], message["To"] = sender, ", ".join(one.strip() for one in to.split(","))
    message["Message-ID"] = f"<summary-{key}@oncalm.invalid>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(markdown(summary))
    cids = [(f"{name}.{key}@oncalm.invalid", name) for name in pictures]
    message.add_alternative(html(summary, cids), subtype="html")
    parts = message.get_payload()
    for (cid, name), data in zip(cids, pictures.values(), strict=True):
        parts[1].add_related(data, "image", "png", cid=f"<{cid}>", filename=f"{name}.png")  # type: ignore[index, union-attr] # the alternative that was just added
    return message
