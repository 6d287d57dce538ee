"""Everything that can be set, in one object, read from the environment.

Each field `name` is the variable `CONCERTINO_NAME`; the providers' own variables
(`OPENAI_API_KEY` and the like) are read under their usual names.
"""

from functools import cache
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

ProviderName = Literal["gemini", "deepseek", "openai", "compatible", "embedded"]
StructuredMethod = Literal["json_schema", "json_mode"]


class Settings(BaseSettings):
    """Where things are, which model answers, and how long anything may take."""

    model_config = SettingsConfigDict(
        env_prefix="CONCERTINO_", env_ignore_empty=True, extra="ignore", frozen=True
    )

    home: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("concertino")))
    """Folder of the user's tasks, checkpoints and the embedded model."""

    provider: ProviderName | None = None
    """Which provider to use; None detects one from the keys that are set."""
    model: str | None = None
    """Model name at that provider; None takes the provider's default."""
    base_url: str | None = None
    """Address of an OpenAI-compatible server; wins over the provider's own."""
    api_key: SecretStr | None = None
    """Key for that server; wins over the provider's own variable."""
    structured_output: StructuredMethod | None = None
    """How the provider is asked for JSON; None takes the provider's best method."""

    gemini_api_key: SecretStr | None = Field(None, validation_alias="GEMINI_API_KEY")
    deepseek_api_key: SecretStr | None = Field(None, validation_alias="DEEPSEEK_API_KEY")
    openai_api_key: SecretStr | None = Field(None, validation_alias="OPENAI_API_KEY")
    openai_base_url: str | None = Field(None, validation_alias="OPENAI_BASE_URL")
    vllm_url: str | None = Field(None, validation_alias="VLLM_URL")

    model_path: Path | None = None
    """The embedded model's file, where this machine has it already; None fetches it once."""
    embedded_context: int = Field(16384, ge=2048)
    """Tokens of context that the embedded model's concurrent requests share."""
    embedded_parallel: int = Field(8, ge=1, le=64)
    """Requests that the embedded model answers at a time, and prompts whose beginnings it keeps."""

    request_timeout: float = Field(120.0, gt=0)
    """Seconds that one model call may take."""
    max_retries: int = Field(2, ge=0, le=10)
    """Further tries, with back-off, after 408, 409, 429, 5xx, a timeout or a lost connection."""
    task_timeout: float = Field(900.0, gt=0)
    """Seconds that one run of a task may take; it can be resumed after that."""
    max_iterations: int = Field(10, ge=1, le=100)
    """Rounds of the Coordinator before the best answer so far has to do."""
    max_question_chars: int = Field(20_000, ge=100)
    """Characters that a question may have; longer ones are refused."""

    allow_unconfined_sandbox: bool = False
    """Run model-written code without seccomp where the system has none. Only for trusted models."""


@cache
def get_settings() -> Settings:
    """The process's settings, read from the environment once."""
    return Settings()
