"""Settings: the only reader of the environment (prefix ``ONCALM_``)."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_data_path
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """``ONCALM_HOME`` holds everything; ``ONCALM_EMBEDDING_PATH`` is a folder with sentence-transformers weights."""

    model_config = SettingsConfigDict(env_prefix="ONCALM_")
    home: Path = Field(default_factory=lambda: user_data_path("oncalm"))
    embedding_path: Path | None = None
    zone: str | None = None
    """Time zone of logs that state none (default UTC)."""
    debug: bool = False
    """Show where an unexpected error comes from."""
