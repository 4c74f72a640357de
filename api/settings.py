"""Settings: the only reader of the environment (prefix ``ONCALM_``, and what other tools call by its usual name)."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_data_path
from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """``ONCALM_HOME`` holds everything; ``ONCALM_EMBEDDING_PATH`` is a folder with sentence-transformers weights."""

    model_config = SettingsConfigDict(env_prefix="ONCALM_", populate_by_name=True)
    home: Path = Field(default_factory=lambda: user_data_path("oncalm"))
    embedding_path: Path | None = None
    zone: str | None = None
    """Time zone of logs that state none (default UTC)."""
    debug: bool = False
    """Show where an unexpected error comes from."""

    openai_api_key: SecretStr | None = Field(None, validation_alias=AliasChoices("OPENAI_API_KEY", "ONCALM_API_KEY"))
    openai_base_url: str | None = Field(None, validation_alias=AliasChoices("OPENAI_BASE_URL", "ONCALM_BASE_URL"))
    azure_api_version: str | None = Field(None, validation_alias=AliasChoices("OPENAI_API_VERSION", "ONCALM_API_VERSION"))
    model: str = Field("gpt-5-mini", validation_alias=AliasChoices("ONCALM_MODEL", "OPENAI_MODEL"))
    context_tokens: int | None = Field(None, ge=4_000)
    """What the model takes (default 128,000); below 16,000 it gets short prompts and results."""
    call_seconds: float = Field(60.0, gt=0)
    run_seconds: float = Field(180.0, gt=0)
    run_usd: float | None = Field(0.50, ge=0)
    """Spending limits; a model whose price is unknown is limited by tokens alone."""
    run_tokens: int | None = Field(400_000, ge=0)
    day_usd: float | None = Field(20.0, ge=0)
    user_day_usd: float | None = Field(None, ge=0)
    prices: Path | None = None
    """A file with prices of models (docs/model.md)."""
    cache_replies: bool = True
    cache_tools: bool = True
    recall: bool = True
    user: str = "local"
    environment: str = ""
    """What this store is of, as ``production``; recalled investigations never cross it."""
    runbooks: Path | None = None
    mcp: Path | None = None
    """A file that names MCP servers and their allowed tools (docs/model.md)."""

    otlp_endpoint: str | None = Field(None, validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_ENDPOINT", "ONCALM_OTLP_ENDPOINT"))
    otlp_headers: str = Field("", validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_HEADERS", "ONCALM_OTLP_HEADERS"))
    traceparent: str | None = Field(None, validation_alias=AliasChoices("TRACEPARENT", "ONCALM_TRACEPARENT"))
    record_content: bool = False
    """Whether prompts and outputs go into OnCalm's own spans (secrets masked)."""

    @property
    def thinks(self) -> bool:
        """Whether a model is configured: a key, or an endpoint that may need none."""
        return bool(self.openai_base_url or (self.openai_api_key and self.openai_api_key.get_secret_value().strip()))
