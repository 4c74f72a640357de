"""From an entry of the configuration to a connection: who we are, which certificates to trust, which bounds hold."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from telemetry.sources.answers import Trouble
from telemetry.sources.config import Auth, Secret, Server
from telemetry.sources.web import Limits, Web

Environment = Callable[[str], str | None]
"""The value of an environment variable, None when it is not set."""
_LARGEST_SECRET = 64 << 10


def connect(entry: Server, environment: Environment) -> Web:
    """The connection of one entry; nothing is sent and no secret is read yet."""
    times = entry.timeouts
    return Web(
        entry.url, headers=lambda: headers(entry.auth, environment), ca_file=str(entry.ca_file) if entry.ca_file else None,
        limits=Limits(times.connect, times.read, times.total, entry.max_bytes),
    )


def headers(auth: Auth, environment: Environment) -> Mapping[str, str]:
    """The headers that say who we are. Raises Trouble, not assessed, for a secret that is not there."""
    found: dict[str, str] = {}
    if auth.tenant:
        found["X-Scope-OrgID"] = auth.tenant
    if auth.bearer:
        found["Authorization"] = f"Bearer {_secret(auth.bearer, 'auth.bearer', environment)}"
    if auth.api_key:
        found["Authorization"] = f"ApiKey {_secret(auth.api_key, 'auth.api_key', environment)}"
    if auth.basic:
        password = _secret(auth.basic.password, "auth.basic.password", environment, ascii_only=False)
        found["Authorization"] = "Basic " + base64.b64encode(f"{auth.basic.user}:{password}".encode()).decode()
    return found


def _secret(secret: Secret, key: str, environment: Environment, *, ascii_only: bool = True) -> str:
    if secret.env is not None:
        value, what = environment(secret.env), f"the environment variable {secret.env}"
    else:
        value, what = _read(secret, key), f"the file {secret.file}"
    value = (value or "").strip("\r\n") if not ascii_only else (value or "").strip()
    if not value:
        raise _missing(f"{what} of {key} is not set" if secret.env else f"{what} of {key} is empty")
    if "\n" in value or "\r" in value or "\0" in value or (ascii_only and not value.isascii()):
        raise _missing(f"{what} of {key} holds more than one line or characters that no header may have")
    return value


def _read(secret: Secret, key: str) -> str:
    assert secret.file is not None  # noqa: S101 - a secret has one of both
    try:
        with secret.file.open("rb") as stream:
            return stream.read(_LARGEST_SECRET).decode()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is no text"
        raise _missing(f"the file {secret.file} of {key} cannot be read ({why})") from None


def _missing(what: str) -> Trouble:
    return Trouble(what, status="not_assessed", remedy="set it where OnCalm runs, or correct the configuration of the source")
