"""The only connection that writes to an API server. What reads (:class:`ApiServer`) stays as it is and can only read.

Configuration, TLS, credentials and bounds are those of the reading connection. A request that writes is sent once: no second
attempt, no redirect, whatever the server says. Which error is raised says what is known: refused and not sent means that
nothing was changed, an unknown outcome that it was sent and no answer told the end.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from telemetry.sources.answers import Gathering, Trouble
from telemetry.sources.kubernetes.connection import ApiServer, causes, explained, read_bounded
from telemetry.sources.refusals import refusal
from tools.actions.errors import UnknownOutcomeError

MANAGER = "oncalm"
"""The field manager under which a server keeps what we set."""
JSON_PATCH = "application/json-patch+json"
SERVER_SECONDS = 20
"""After so long the server gives a write up by itself (query parameter ``timeout``), so that a look after it is final."""
_LONGEST_MESSAGE = 4000


class WriteServer(ApiServer):
    """One API server that may be asked and changed, for any number of threads."""

    def send(self, method: str, path: str, body: object, *, dry: bool, content: str = "application/json") -> Mapping[str, Any]:
        """Send once; the server's answer below 300, a JSON object.

        Raises Trouble with a code when the server refused, Trouble without one when nothing was sent, and
        UnknownOutcomeError when it was sent and the end is not known (with ``dry``: the server tried and nothing changed).
        """
        self.connect()
        params = {"fieldManager": MANAGER, "timeout": f"{SERVER_SECONDS}s", **({"dryRun": "All"} if dry else {})}
        url = f"{self.url}{path}?{urlencode(params)}"
        with self._discreet():
            status, kind, said = self._exchanged(method, url, body, content)
            if 300 <= status < 500:
                raise _refused(status, kind, said)
        if status >= 500:
            raise _unknown(f"the server answered {status}: {refusal(status, kind, said).said}", method, path)
        try:
            found = json.loads(said)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise _unknown("the answer is no JSON object: a proxy or login may stand in between", method, path)
        return found

    def _exchanged(self, method: str, url: str, body: object, content: str) -> tuple[int, str, bytes]:
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        headers = {"User-Agent": "oncalm", "Accept": "application/json", "Content-Type": content}
        self._api.update_params_for_auth(headers, [], ["BearerToken"], url[len(self.url):], method, body)
        self._secrets |= {part for part in headers.get("authorization", headers.get("Authorization", "")).split() if len(part) > 6}
        until = time.monotonic() + self.limits.total
        try:
            response = self._api.call_api(method, url, header_params=headers, body=body, _request_timeout=(self.limits.connect, self.limits.read)).response
        except (HTTPError, ApiException, OSError, ssl.SSLError, ValueError) as error:
            trouble = explained(error, self.limits)
            if _unsent(error):
                raise trouble from error
            raise _unknown(trouble.what, method, url[len(self.url):]) from error
        try:
            text = read_bounded(response, self.limits, until)
        except (HTTPError, OSError, Trouble) as error:
            response.close()
            if 300 <= response.status < 500:
                text = b""  # refused, and only the words are lost
            else:
                raise _unknown(f"the answer was cut ({response.status})", method, url[len(self.url):]) from error
        response.release_conn()
        return response.status, str(response.headers.get("Content-Type", "")).split(";")[0].strip().lower(), text


def _unsent(error: Exception) -> bool:
    """Whether nobody was there, or nobody to trust: not a byte of the request was sent. Any other end of TLS may come later."""
    from urllib3 import exceptions as of

    chain = causes(error)
    early = of.NewConnectionError | of.NameResolutionError | of.ConnectTimeoutError | of.ProxyError | ssl.SSLCertVerificationError
    return any(isinstance(one, early) or "CERTIFICATE_VERIFY_FAILED" in str(one) for one in chain)


def _refused(status: int, kind: str, body: bytes) -> Trouble:
    """The refusal with the server's whole message: what an engineer needs is often at its end."""
    trouble = refusal(status, kind, body)
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    message = str(found.get("message") or "") if isinstance(found, dict) else ""
    causes = [str(one.get("message")) for one in ((found.get("details") or {}).get("causes") or ()) if isinstance(one, dict)] if isinstance(found, dict) else []
    whole = " ".join(part for part in (message, *(cause for cause in causes if cause not in message)) if part)[:_LONGEST_MESSAGE]
    return Trouble(whole or trouble.what, remedy=trouble.remedy, status=trouble.status, code=status, said=whole or trouble.said)


def _unknown(what: str, method: str, path: str) -> UnknownOutcomeError:
    return UnknownOutcomeError(f"{what}; whether it was done is not known", where=f"{method} {path.partition('?')[0]}",
                               remedy="look at the target; it is not sent again")


def gathering() -> Gathering[Any]:
    """Where a question notes what it asked; changes keep their own record."""
    return Gathering("cluster")
