"""The only reader of the environment: variables with the prefix ``ONCALM_``, and what other tools call by its usual name."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

from platformdirs import user_data_path
from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from agent.prices import Price


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such name for this user id
        return "unknown"


class Variables(BaseSettings):
    """``ONCALM_HOME`` holds everything; ``ONCALM_EMBEDDING_PATH`` is a folder with sentence-transformers weights."""

    model_config = SettingsConfigDict(env_prefix="ONCALM_", populate_by_name=True)
    home: Path = Field(default_factory=lambda: user_data_path("oncalm"))
    embedding_path: Path | None = None
    zone: str | None = None
    """Time zone of logs that state none (default UTC)."""
    debug: bool = False
    """Show where an unexpected error comes from."""

    openai_api_key: SecretStr | None = Field(default=None, validation_alias=AliasChoices("OPENAI_API_KEY", "ONCALM_API_KEY"))
    openai_base_url: str | None = Field(default=None, validation_alias=AliasChoices("OPENAI_BASE_URL", "ONCALM_BASE_URL"))
    azure_api_version: str | None = Field(
        default=None, validation_alias=AliasChoices("OPENAI_API_VERSION", "ONCALM_API_VERSION"))
    model: str = "gpt-5-mini"
    context_tokens: int | None = Field(default=None, ge=4_000)
    """What the model takes (default 128,000); below 16,000 it gets a short prompt and short results."""
    call_seconds: float = Field(default=60.0, gt=0)
    run_seconds: float = Field(default=180.0, gt=0)
    """All model calls of one question together."""
    run_tokens: int | None = Field(default=400_000, ge=0)
    """Tokens one question may use."""
    run_usd: float | None = Field(default=None, ge=0)
    day_tokens: int | None = Field(default=None, ge=0)
    """Tokens all questions of one UTC day may use; ``user_day_…`` those of one user."""
    day_usd: float | None = Field(default=None, ge=0)
    user_day_tokens: int | None = Field(default=None, ge=0)
    user_day_usd: float | None = Field(default=None, ge=0)
    prices: dict[str, Price] = Field(default_factory=dict)
    """As JSON: ``{"MODEL": {"input": 0.25, "cached": 0.025, "output": 2.0}}``, US dollars per million tokens."""
    caches: str = "replies,tools,recall,flights"
    """Which caches serve; ``none`` for none."""
    environment: str = ""
    """Which environment the logs are of, as ``production``: nothing is recalled in another."""
    user: str = Field(default_factory=_user)
    """Who asks, for budgets by user."""
    runbooks: Path | None = None
    """A folder of Markdown runbooks."""
    mcp: Path | None = None
    """A file that names MCP servers and their allowed tools (docs/mcp.md)."""
    sources: Path | None = None
    """A file that names servers with logs, traces and metrics (docs/sources.md); default ``sources.yaml`` in the home."""

    server: str = ""
    """The URL of an ``oncalm serve`` that ``oncalm chat`` asks."""
    key: SecretStr | None = None
    """An API key or a token for it."""
    kubeconfig: str | None = None
    """A kubeconfig, several of them with colons between, or ``in-cluster`` (docs/kubernetes.md). None: no cluster is asked."""
    kube_context: str | None = None
    """A context of it (default: its current one)."""
    kube_namespaces: str = ""
    """Those that may be looked into, with commas between; none: every one that the credentials may list."""
    kube_commands: bool = False
    """Whether a login command that the kubeconfig names (exec plugin) may be run."""

    policy: Path | None = None
    """The policy of actions (docs/policy.md); default ``policy.yaml`` in the home."""
    database_url: SecretStr | None = None
    """A PostgreSQL database for approvals and audit, ``postgresql://…``; default a file in the home."""
    notifications: Path | None = None
    """A file that names notification channels (docs/notifications.md); default ``notifications.yaml`` in the home."""
    actions: Path | None = None
    """A file that names channels and nginx to act on (docs/actions.md); default ``actions.yaml`` in the home."""
    alerts: Path | None = None
    """A file that says who may send alerts and how they are grouped (docs/alerts.md); default ``alerts.yaml`` in the home."""
    slack_bot_token: SecretStr | None = None
    """``xoxb-…`` of the Slack app (docs/slack.md). None: no Slack."""
    slack_signing_secret: SecretStr | None = None
    """Takes Slack's requests over HTTP; ``slack_app_token`` (``xapp-…``) takes them by Socket Mode."""
    slack_app_token: SecretStr | None = None
    slack_api: str = "https://slack.com/api/"
    """Slack's Web API."""
    slack_channel: str = ""
    """The id of the channel (``C…``) for incidents, approvals and summaries."""
    slack_users: Path | None = None
    """A file that says which Slack user is which person; default ``slack_users.yaml`` in the home."""
    role: str = "approver"
    """What whoever may use this account's home may do: viewer, responder, approver or admin."""

    oidc_issuer: str | None = None
    """An identity provider whose tokens open the server, ``https://…`` (docs/door.md)."""
    oidc_audience: str = ""
    """Whom its tokens are made for; several with commas between."""
    oidc_jwks_url: str | None = None
    """Its keys (default: as its discovery document says)."""
    oidc_algorithms: str = "RS256,PS256,ES256"
    oidc_leeway: float = 30.0
    oidc_name_claim: str = "sub"
    oidc_role_claim: str = "groups"
    oidc_roles: dict[str, str] = Field(default_factory=dict)
    """As JSON: ``{"sre": "responder", "sre-leads": "approver"}``."""
    oidc_default_role: str | None = None
    oidc_ca_file: Path | None = None
    hosts: str = ""
    """Names by which the server is known when it listens on every address, with commas between."""
    trusted_proxies: str = ""
    """Addresses and networks of proxies that say whom a request is from, with commas between."""
    max_body: int = Field(default=16 << 20, ge=1_024)
    """Bytes of a request's body."""
    rate_requests: int = Field(default=12_000, ge=1)
    """Requests of one person in a minute; ``rate_at_once``: at once; ``rate_failures``: failed sign-ins of an address."""
    rate_at_once: int = Field(default=400, ge=1)
    rate_failures: int = Field(default=30, ge=1)
    kube_impersonate: dict[str, dict[str, dict[str, str | list[str]]]] = Field(default_factory=dict)
    """As JSON: as whom people act on the cluster, by role or by name (docs/door.md)."""

    otlp_endpoint: str | None = Field(default=None, validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_ENDPOINT", "ONCALM_OTLP_ENDPOINT"))
    otlp_headers: str = Field(default="", validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_HEADERS", "ONCALM_OTLP_HEADERS"))
    traceparent: str | None = Field(default=None, validation_alias=AliasChoices("TRACEPARENT", "ONCALM_TRACEPARENT"))
    record_content: bool = False
    """Whether prompts and outputs go into OnCalm's own spans (secrets masked)."""


def variable(name: str) -> str | None:
    """The value of an environment variable that a configuration file names, for a secret."""
    return os.environ.get(name)
