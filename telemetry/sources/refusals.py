"""Why a server gave no answer, as people say it: from its status and words, or from what the connection did."""

from __future__ import annotations

import json
import ssl

from telemetry.sources.answers import Trouble, clean

_HINTS = {
    400: "", 404: "check the url and that the server is of this kind", 405: "check the url and that the server is of this kind",
    413: "ask about a shorter time or fewer records", 429: "ask again later, or about less",
}


def refusal(status: int, content: str, body: bytes, *, wait: float | None = None) -> Trouble:
    """The trouble that an HTTP status of 300 or more means. 401, 403 and 407: nothing was looked at."""
    said = _said(content, body)
    told = f"{said}" and f": {said}"
    if status in {401, 407}:
        return Trouble(f"the server wants other credentials ({status}){told}", status="not_assessed", code=status, said=said,
                       remedy="check auth in the configuration of the source, and the tenant")
    if status == 403:
        return Trouble(f"the credentials do not permit this (403){told}", status="not_assessed", code=status, said=said,
                       remedy="give them read permission")
    if status == 429:
        when = f"; it says to come again in {wait:g} s" if wait is not None else ""
        return Trouble(f"the server is asked too often (429){told}{when}", code=status, said=said, remedy=_HINTS[429])
    if status >= 500:
        return Trouble(f"the server failed ({status}){told}", code=status, said=said, remedy="look at the server's own logs")
    if status < 400:
        return Trouble(f"the server redirects without end ({status})", code=status, remedy="check the url")
    return Trouble(f"the server refused the question ({status}){told}", code=status, said=said, remedy=_HINTS.get(status, ""))


def _said(content: str, body: bytes) -> str:
    """The server's own words: of JSON the message in it, of text its beginning, of a web page nothing."""
    text = body[:8_000].decode("utf-8", "replace")
    if content == "text/html" or text.lstrip()[:9].lower().startswith(("<!doctype", "<html")):
        return "a web page"
    try:
        found = json.loads(body) if len(body) < 1 << 20 else None
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and found.get("kind") == "Status":  # of Kubernetes: its reason is one word
        found = found.get("message") or found
    for _ in range(4):
        if isinstance(found, list) and found:
            found = found[0]
        elif isinstance(found, dict):
            found = next((found[k] for k in ("error", "reason", "message", "msg", "errors", "detail") if found.get(k)), None)
    return clean(found if isinstance(found, str) else text, 300)


def explain(error: Exception, connect: float, read: float) -> Trouble:
    """What a failed connection or a broken answer means. Nobody there: nothing was looked at."""
    import httpx

    cause = _innermost(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Trouble(f"the server's certificate is not trusted: {clean(cause.verify_message, 120)}", status="not_assessed",
                       remedy="name the authority's certificate as ca_file")
    if isinstance(error, httpx.ConnectTimeout):
        return Trouble(f"no connection within {connect:g} s", status="not_assessed", remedy="check the url, the network and firewalls")
    if isinstance(error, httpx.TimeoutException):
        return Trouble(f"the server sent nothing for {read:g} s", remedy="ask about a shorter time, or raise timeouts.read")
    if isinstance(error, httpx.ConnectError):
        why = clean(getattr(cause, "strerror", None) or cause, 120)
        return Trouble(f"cannot connect: {why}", status="not_assessed", remedy="check the url and that the server runs")
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return Trouble("the url cannot be used", status="not_assessed", remedy="correct it")
    return Trouble(f"the answer was cut: {clean(error, 120) or type(error).__name__}", remedy="ask again, or about a shorter time")


def _innermost(error: BaseException) -> BaseException:
    for _ in range(10):
        inner = error.__cause__ or error.__context__
        if inner is None:
            break
        error = inner
    return error
