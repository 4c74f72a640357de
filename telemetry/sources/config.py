"""Which servers hold logs, traces and metrics: the file ``sources.yaml`` and what each entry may say.

Secrets never stand in the file: an entry names an environment variable or a file that holds one.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from telemetry import yaml_files
from telemetry.errors import UsageError
from telemetry.units import BYTES

_REMEDY = "correct it (docs/sources.md shows one)"
SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,39}$")]
Named = dict[Annotated[str, StringConstraints(min_length=1, max_length=100)], Annotated[str, StringConstraints(min_length=1, max_length=200)]]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Secret(_Entry):
    """Where a secret is: the name of an environment variable, or a file whose last line end does not count."""

    env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    file: Path | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("give either env or file")
        return self


class Basic(_Entry):
    """User and password (RFC 7617)."""

    user: str = Field(min_length=1, pattern=r"^[^:\r\n]+$")
    password: Secret


class Auth(_Entry):
    """How to say who we are. ``tenant`` goes into ``X-Scope-OrgID``, which Loki, Tempo, Mimir and Cortex read."""

    bearer: Secret | None = None
    basic: Basic | None = None
    api_key: Secret | None = None
    """Of Elasticsearch: sent as ``Authorization: ApiKey``."""
    tenant: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!_.*'()|-]{1,150}$")] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(one is not None for one in (self.bearer, self.basic, self.api_key)) > 1:
            raise ValueError("give one of bearer, basic and api_key")
        return self


class Timeouts(_Entry):
    """Seconds: to connect, between two pieces of an answer, and for an answer as a whole."""

    connect: float = Field(default=5.0, gt=0, le=60)
    read: float = Field(default=20.0, gt=0, le=300)
    total: float = Field(default=45.0, gt=0, le=600)


class Server(_Entry):
    """What every server over HTTP has. ``url`` may have a path, under which the API is."""

    name: SourceName
    url: str
    auth: Auth = Auth()
    ca_file: Path | None = None
    """Certificates (PEM) of the authorities to trust instead of the system's."""
    timeouts: Timeouts = Timeouts()
    max_bytes: int = 64 << 20
    """Of one answer, unpacked; also as text: ``64MB``."""

    @field_validator("url")
    @classmethod
    def _usable(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            usable = False
        if not usable:
            raise ValueError("must begin with http:// or https:// and name a host")
        if parts.username or parts.password:
            raise ValueError("put credentials into auth, not into the url")
        if parts.query or parts.fragment:
            raise ValueError("may not have ? or #")
        return value.rstrip("/")

    @field_validator("max_bytes", mode="before")
    @classmethod
    def _size(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        digits = value.strip().rstrip("KMGTBkmgtbi")
        unit = value.strip()[len(digits):].lower()
        if not digits.strip().isdigit() or (unit and unit not in BYTES):
            raise ValueError("is a number of bytes, as 64MB")
        return int(digits) * int(BYTES[unit] if unit else 1)

    @field_validator("max_bytes")
    @classmethod
    def _bounded(cls, value: int) -> int:
        if not 1_000 <= value <= 1 << 30:
            raise ValueError("must be 1 KB to 1 GB")
        return value


class Loki(Server):
    """``labels`` says which label holds service, namespace, pod, host, level or trace_id where detection errs."""

    kind: Literal["loki"]
    labels: Named = {}
    selector: Annotated[str, StringConstraints(pattern=r"^\{.+\}$")] | None = None
    """A stream selector that all queries are limited to, as ``{cluster="prod"}``."""


class Elastic(Server):
    """Elasticsearch or OpenSearch; ``index`` is a pattern of indices, aliases or data streams."""

    kind: Literal["elasticsearch", "opensearch"]
    index: Annotated[str, StringConstraints(pattern=r"^[^\s/?#\"<>|\\]{1,300}$")] = "logs-*"
    fields: Named = {}
    """Which field holds time, message, service, namespace, pod, host, level, trace_id where detection errs."""


class Jaeger(Server):
    """Jaeger's query service (usually port 16686)."""

    kind: Literal["jaeger"]


class Tempo(Server):
    """Grafana Tempo."""

    kind: Literal["tempo"]


class Prometheus(Server):
    """A server with Prometheus' HTTP API: Prometheus, Mimir, Thanos, VictoriaMetrics, Cortex."""

    kind: Literal["prometheus"]
    labels: Named = {}
    """Which label holds the service, where detection errs: ``{service: job}``."""
    scrape_seconds: float = Field(default=30.0, gt=0, le=3600)
    """How far apart samples are; rates look at four of them at least."""


class Alertmanager(Server):
    """Which alerts fire; it holds no telemetry."""

    kind: Literal["alertmanager"]


class Kubernetes(_Entry):
    """The pods' logs of a cluster; without ``kubeconfig`` the pod's own service account serves."""

    kind: Literal["kubernetes"]
    name: SourceName
    kubeconfig: Path | None = None
    context: str | None = None
    namespaces: tuple[str, ...] = ()
    """Those to look into; none: every one that may be listed."""
    commands: bool = False
    """Whether what the kubeconfig wants run to log in (exec plugins) may be run."""


Source = Annotated[Loki | Elastic | Jaeger | Tempo | Prometheus | Alertmanager | Kubernetes, Field(discriminator="kind")]
KINDS = ("loki", "elasticsearch", "opensearch", "jaeger", "tempo", "prometheus", "alertmanager", "kubernetes")
_ADAPTER: TypeAdapter[Source] = TypeAdapter(Source)


def read_sources(path: Path) -> tuple[Source, ...]:
    """The entries of a file ``sources: {NAME: {kind: …, url: …}}``.

    Relative paths in it start at its folder. Raises UsageError that names the key and never repeats a value.
    """
    try:
        document = yaml_files.read(path, remedy=_REMEDY, loader=yaml_files.StrictLoader)
    except UsageError as error:
        raise _unusable(path, error.what) from None
    entries = document.get("sources") if isinstance(document, dict) else None
    if not isinstance(entries, dict):
        raise _unusable(path, "there is no map `sources` in it")
    if strange := [str(key)[:40] for key in document if key != "sources"]:
        raise _unusable(path, f"{strange[0]}: there is no such key; all stands under `sources`")
    return tuple(_entry(path, str(name), entry) for name, entry in entries.items())


def _entry(path: Path, name: str, entry: object) -> Source:
    if not isinstance(entry, dict):
        raise _unusable(path, f"sources.{name[:60]} is not a map with kind and url")
    try:
        found = _ADAPTER.validate_python({**entry, "name": name})
    except ValidationError as error:
        told = [_problem(name, item["loc"], item["msg"], item["type"]) for item in error.errors(include_url=False, include_input=False)]
        raise _unusable(path, "; ".join(told[:5])) from None  # the original repeats values, which may be secret
    changes = {key: path.parent / value for key in ("ca_file", "kubeconfig") if isinstance(value := getattr(found, key, None), Path)}
    return found.model_copy(update=changes) if changes else found


def _problem(name: str, where: tuple[int | str, ...], message: str, kind: str) -> str:
    inner = where[1:] if where and where[0] in KINDS else where  # the first part only tells the kind
    path = ".".join(str(part) for part in ("sources", name[:60], *inner))
    if kind == "extra_forbidden":
        return f"{path}: there is no such key{_near(where)}"
    if kind == "union_tag_not_found":
        return f"{path}: kind is missing; it is one of {', '.join(KINDS)}"
    if kind == "union_tag_invalid":
        return f"{path}.kind: must be one of {', '.join(KINDS)}"
    return f"{path}: {message.removeprefix('Value error, ')}"


def _near(where: tuple[int | str, ...]) -> str:
    """The keys that may have been meant."""
    classes: tuple[type[BaseModel], ...] = (Loki, Elastic, Jaeger, Tempo, Prometheus, Alertmanager, Kubernetes, Auth, Basic, Secret, Timeouts)
    known = sorted({field for one in classes for field in one.model_fields} - {"name"})
    near = difflib.get_close_matches(str(where[-1]), known, 2, 0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _unusable(path: Path, what: str) -> UsageError:
    return UsageError(f"the list of sources cannot be used: {what}"[:1000], where=str(path), remedy=_REMEDY)
