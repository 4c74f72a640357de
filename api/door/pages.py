"""What a browser sees that is not signed in: the way to the login page, and the page."""

from __future__ import annotations

from html import escape
from urllib.parse import quote, urlsplit

from api.door.hosts import Message, Scope, Send, navigation, values

_CSS = """:root{color-scheme:light dark;font:100%/1.5 system-ui,sans-serif}
body{max-width:26rem;margin:10vh auto;padding:0 1rem}
label{display:block;margin:1rem 0 .25rem}
input,button{font:inherit;padding:.5rem;box-sizing:border-box;width:100%}
button{margin-top:1rem}
[role=alert]{border-left:.25rem solid #c22;padding-left:.75rem}
"""


def login_page(then: str, problem: str = "", csrf: str = "") -> str:
    """The page with the form. ``then``: a path to go to afterwards; ``problem``: why it did not work; ``csrf``: of somebody who is in already."""
    told = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in · OnCalm</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/login.css"><link rel="icon" href="/static/icon.svg" type="image/svg+xml"></head>
<body><main><h1>OnCalm</h1>{told}
<form method="post" action="/login"><label for="credential">API key or token</label>
<input id="credential" name="credential" type="password" autocomplete="current-password" required autofocus>
<input type="hidden" name="next" value="{escape(local_path(then))}"><input type="hidden" name="csrf" value="{escape(csrf)}"><button>Sign in</button></form></main></body></html>
"""


def refusal_page(status: int, what: str, remedy: str) -> str:
    """What a browser sees of a request that was not let in: nothing of it was done."""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{status} · OnCalm</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/login.css"></head>
<body><main><h1>OnCalm</h1><p role="alert">{escape(what)}{f" — {escape(remedy)}" if remedy else ""}</p>
<p><strong>Nothing was changed.</strong></p><p><a href="/">Go on</a></p></main></body></html>
"""


def browsing(scope: Scope) -> bool:
    """Whether somebody sits before a browser and sees whatever is answered."""
    headers = scope["headers"]
    return navigation(headers) and "text/html" in ",".join(values(headers, b"accept"))


def login_css() -> str:
    """Its style, which must not stand in the page."""
    return _CSS


def local_path(path: str) -> str:
    """A path on this server, ``/`` for anything that could lead elsewhere (``//host``, ``/\\host``, ``javascript:``)."""
    if not path.startswith("/") or path[1:2] in {"/", "\\"} or not path.isprintable() or "\\" in path or " " in path:
        return "/"
    try:
        parts = urlsplit(path)
    except ValueError:
        return "/"
    return path if not parts.scheme and not parts.netloc and len(path) <= 2_000 else "/"


def welcoming(scope: Scope, send: Send) -> Send:
    """``send`` that leads a browser to the login page where a route wants somebody who is known."""
    headers = scope["headers"]
    wanted = scope["method"] == "GET" and "text/html" in ",".join(values(headers, b"accept")) and scope["path"] != "/login"
    if not wanted or (values(headers, b"sec-fetch-mode") and not navigation(headers)):
        return send
    # A SameSite=Strict cookie does not come along on a link from another site; a step on our own brings it.
    elsewhere = values(headers, b"sec-fetch-site") in (["cross-site"], ["same-site"])
    return _Leading(send, _target(scope), again=elsewhere)


class _Leading:
    def __init__(self, send: Send, target: str, *, again: bool) -> None:
        self._send, self._target, self._again, self._led = send, target, again, False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 401:
            self._led = True
            await self._lead()
        elif not self._led:
            await self._send(message)

    async def _lead(self) -> None:
        if self._again:
            status, extra = 200, []
            body = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={escape(self._target)}"><title>OnCalm</title>'.encode()
        else:
            status, extra, body = 303, [(b"location", f"/login?next={quote(self._target, safe='')}".encode())], b""
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(body)).encode()), *extra]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _target(scope: Scope) -> str:
    raw = scope.get("raw_path") or quote(scope["path"]).encode()
    query = scope.get("query_string", b"")
    return local_path(raw.decode("latin-1").partition("?")[0] + (f"?{query.decode('latin-1')}" if query else ""))
