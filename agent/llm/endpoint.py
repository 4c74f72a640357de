"""Where a model answers, and how long to wait for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible endpoint and the model to ask there. ``str`` and ``repr`` never hold the key or headers.

    ``base_url`` None is OpenAI itself. With ``azure_api_version`` it is an Azure resource's address, and ``model``
    names the deployment. ``call_seconds`` bounds one call with its retry; ``pause_cap`` (seconds) is the longest
    pause worth waiting out before that retry: an endpoint that asks for more is given up at once.
    """

    model: str
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    azure_api_version: str | None = None
    call_seconds: float = 60.0
    pause_cap: float = 20.0

    @property
    def url(self) -> str:
        """The base URL that is used."""
        return (self.base_url or OPENAI).strip()

    @property
    def key(self) -> str | None:
        """The key without the white space that copies of keys bring along; None when there is none."""
        return (self.api_key or "").strip() or None

    @property
    def is_openai(self) -> bool:
        """Whether OpenAI or Azure answers here, as opposed to a compatible server."""
        return self.azure_api_version is not None or self._host.endswith((".openai.com", ".openai.azure.com"))

    @property
    def usable(self) -> bool:
        """Whether the base URL is one that HTTP can be spoken to."""
        return bool(self._host) and self.url.lower().startswith(("http://", "https://"))

    @property
    def where(self) -> str:
        """Model and address as error messages name them: no credentials, no query."""
        parts = urlsplit(self.url) if self._host else None
        address = (
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts else "the base URL"
        )
        return f"model {self.model} at {address}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may hold: the key, header values, a password in the URL; longest first."""
        password = (urlsplit(self.url).password if self._host else None) or ""
        found = {self.key or "", password, *(value.strip() for value in self.headers.values())}
        return tuple(sorted((secret for secret in found if len(secret) >= 4), key=len, reverse=True))

    @property
    def _host(self) -> str:
        try:
            parts = urlsplit(self.url)
            return (parts.hostname or "").lower() if parts.port != 0 else ""  # reading the port checks it
        except ValueError:
            return ""
