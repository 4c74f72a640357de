"""Who sent a body, proved by what only they know. Pure but for the clock that is passed in.

HMAC-SHA256 in hex, compared in constant time. OnCalm's own form signs ``v1:TIMESTAMP:NONCE:BODY``: what was signed for one
moment is no good at another. Grafana signs ``TIMESTAMP:BODY``, or the body alone when it has no timestamp header
(https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/);
PagerDuty the body, with every secret that it has while one is being replaced
(https://developer.pagerduty.com/docs/verifying-webhook-signatures).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.incidents.alert import Source
from agent.incidents.errors import ForgedAlertError, LateAlertError
from agent.incidents.settings import Sender

SIGNATURE, TIMESTAMP, NONCE = "x-oncalm-signature", "x-oncalm-timestamp", "x-oncalm-nonce"
_GRAFANA = "x-grafana-alerting-signature"
_PAGERDUTY = "x-pagerduty-signature"
_NONCE = re.compile(r"[A-Za-z0-9._~+/=-]{8,128}")
_SECONDS = re.compile(r"\d{1,12}")


@dataclass(frozen=True, slots=True)
class Proof:
    """Who sent it. ``once`` names what may be sent only once; empty for proofs that say nothing of it."""

    sender: str
    once: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What proves a sender: headers in small letters, and the body as it came."""

    headers: Mapping[str, str]
    body: bytes
    routing_key: str = ""
    """Of PagerDuty's Events API v2, from the body."""


def prove(source: Source, sender: Sender, request: Request, now: datetime, window: timedelta) -> Proof:
    """Who sent a request. Raises ForgedAlertError, and LateAlertError when it was signed outside ``window`` around now."""
    headers = request.headers
    if sender.hmac and SIGNATURE in headers and source in {"alertmanager", "generic"}:
        return _ours(source, sender, request, now, window)
    if sender.hmac and source == "grafana" and (sender.signature_header or _GRAFANA).lower() in headers:
        return _grafana(sender, request, now, window)
    if sender.hmac and source == "pagerduty" and _PAGERDUTY in headers:
        given = [one.strip().removeprefix("v1=") for one in headers[_PAGERDUTY].split(",") if one.strip().startswith("v1=")]
        return _signed(source, sender, given[:20], request.body)
    if sender.routing_keys and _any_equal(sender.routing_keys, request.routing_key):
        return Proof("pagerduty events")
    if _authorised(sender, headers.get("authorization", "")):
        return Proof(f"{source} sender")
    raise _forged(source, "nothing in it proves who sent it")


def sign(secret: str, body: bytes, *, at: int, nonce: str) -> str:
    """OnCalm's own signature of a body: what goes into ``X-OnCalm-Signature``. ``at``: seconds since 1970."""
    return "v1=" + _hmac(secret, b":".join((b"v1", str(at).encode(), nonce.encode(), body)))


def _ours(source: Source, sender: Sender, request: Request, now: datetime, window: timedelta) -> Proof:
    at, nonce = request.headers.get(TIMESTAMP, ""), request.headers.get(NONCE, "")
    if not _NONCE.fullmatch(nonce):
        raise _forged(source, f"{NONCE} must have 8 to 128 characters, of letters, digits and ._~+/=-")
    expected = b":".join((b"v1", at.encode(), nonce.encode(), request.body))
    _signed(source, sender, [request.headers[SIGNATURE].strip().removeprefix("v1=")], expected)
    _in_time(source, at, now, window)
    return Proof(f"{source} sender", f"{source}:{nonce}")


def _grafana(sender: Sender, request: Request, now: datetime, window: timedelta) -> Proof:
    given = request.headers[(sender.signature_header or _GRAFANA).lower()].strip()
    at = request.headers.get(sender.timestamp_header.lower(), "") if sender.timestamp_header else ""
    proof = _signed("grafana", sender, [given], f"{at}:".encode() + request.body if sender.timestamp_header else request.body)
    if not sender.timestamp_header:
        return proof  # it may be sent again and again; the alerts within are known by their times
    _in_time("grafana", at, now, window)
    return Proof(proof.sender, f"grafana:{given}")


def _signed(source: Source, sender: Sender, given: Iterable[str], signed: bytes) -> Proof:
    expected = [_hmac(secret, signed) for secret in sender.hmac]
    matches = [_any_equal(expected, one.lower()) for one in given]
    if not any(matches):
        raise _forged(source, "the signature is not that of a known secret over this body")
    return Proof(f"{source} sender")


def _in_time(source: Source, at: str, now: datetime, window: timedelta) -> None:
    if not _SECONDS.fullmatch(at):
        raise _forged(source, "the timestamp must be seconds since 1970")
    apart = abs(now.timestamp() - int(at))
    if apart > window.total_seconds():
        raise LateAlertError(f"it was signed {apart:.0f} s from now", where=f"alerts of {source}",
                             remedy=f"sign when sending, with a clock that is right; {window.total_seconds():.0f} s are allowed")


def _authorised(sender: Sender, header: str) -> bool:
    scheme, _, given = header.partition(" ")
    given = given.strip()
    if scheme.lower() == "bearer":
        return _any_equal(sender.bearer, given)
    if scheme.lower() == "basic":
        try:
            told = base64.b64decode(given, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        return _any_equal([f"{user}:{password}" for user, password in sender.basic], told)
    return False


def _any_equal(known: Iterable[str], given: str) -> bool:
    """Whether one is equal; the time it takes tells nothing of how much of a guess was right."""
    found = False
    for one in known:
        found |= hmac.compare_digest(one.encode(), given.encode("utf-8", "replace")) and bool(one)
    return found


def _hmac(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _forged(source: Source, why: str) -> ForgedAlertError:
    return ForgedAlertError(why, where=f"alerts of {source}", remedy="give the sender the secret that OnCalm knows (docs/alerts.md)")
