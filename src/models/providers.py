"""The table of language model providers, and the choice between them."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import SecretStr

from ..errors import InvalidTask
from ..language.messages import say
from ..settings import ProviderName, Settings, StructuredMethod


@dataclass(frozen=True)
class Provider:
    """How to reach a provider through `ChatOpenAI`."""

    name: ProviderName
    base_url: str | None
    """None if it is known only at run time or set by the user."""
    key_variable: str
    """The environment variable that holds its key; setting it selects the provider."""
    default_model: str | None
    """None means the first model that the server lists."""
    structured_output: StructuredMethod
    reasoning_effort: str | None = None
    """Sent to the default model only, whose reasoning would count against its reply length."""


PROVIDERS: dict[ProviderName, Provider] = {
    row.name: row
    for row in (
        Provider(
            "gemini",
            "https://generativelanguage.googleapis.com/v1beta/openai/",
            "GEMINI_API_KEY",
            "gemini-2.5-flash",
            "json_schema",
            reasoning_effort="none",
        ),
        Provider(
            "deepseek",
            "https://api.deepseek.com",
            "DEEPSEEK_API_KEY",
            "deepseek-chat",
            "json_mode",
        ),
        Provider(
            "openai", "https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-4.1-mini", "json_schema"
        ),
        Provider("compatible", None, "VLLM_URL or OPENAI_BASE_URL", None, "json_schema"),
        Provider("embedded", None, "", "qwen2.5-coder-1.5b-instruct", "json_schema"),
    )
}


class Choice(NamedTuple):
    """The chosen provider and the reason; its text contains no secrets."""

    provider: Provider
    base_url: str | None
    api_key: SecretStr | None
    model: str | None
    structured_output: StructuredMethod
    because: str


def choose_provider(settings: Settings, model: str | None = None) -> Choice:
    """Decide which provider answers.

    `model` is a model name, a provider's name, or `provider/model`; it takes precedence over the
    settings, and they over the keys found in the environment.

    Raises:
        InvalidTask: the named provider lacks its key or address.
    """
    asked, model_name = _split_model_name(model)
    name, because = (asked, say("models.asked", model=model)) if asked else _detect(settings)
    row = PROVIDERS[name]
    base_url = settings.base_url or _resolve_url(row, settings)
    key = settings.api_key or (None if settings.base_url else _resolve_key(row, settings))
    if name == "compatible" and not base_url:
        raise InvalidTask(
            "The provider `compatible` needs an address: set CONCERTINO_BASE_URL, VLLM_URL or "
            "OPENAI_BASE_URL."
        )
    if name in ("gemini", "deepseek", "openai") and key is None:
        raise InvalidTask(f"The provider `{name}` needs a key: set {row.key_variable}.")
    return Choice(
        row,
        base_url,
        key,
        model_name or settings.model or row.default_model,
        settings.structured_output or row.structured_output,
        because,
    )


def _split_model_name(model: str | None) -> tuple[ProviderName | None, str | None]:
    """Split `provider/model`; a bare provider's name gives no model."""
    for name in PROVIDERS:
        if model == name:
            return name, None
        if model and model.startswith(f"{name}/"):
            return name, model.removeprefix(f"{name}/")
    return None, model


def _detect(settings: Settings) -> tuple[ProviderName, str]:
    if settings.provider:
        return settings.provider, say("models.set", variable="CONCERTINO_PROVIDER")
    if settings.base_url:
        return "compatible", say("models.set", variable="CONCERTINO_BASE_URL")
    if settings.gemini_api_key:
        return "gemini", say("models.set", variable="GEMINI_API_KEY")
    if settings.deepseek_api_key:
        return "deepseek", say("models.set", variable="DEEPSEEK_API_KEY")
    if settings.openai_base_url:
        return "compatible", say("models.set", variable="OPENAI_BASE_URL")
    if settings.openai_api_key:
        return "openai", say("models.set", variable="OPENAI_API_KEY")
    if settings.vllm_url:
        return "compatible", say("models.set", variable="VLLM_URL")
    return "embedded", say("models.nothing_set")


def _resolve_url(row: Provider, settings: Settings) -> str | None:
    if row.name == "compatible":
        return settings.openai_base_url or settings.vllm_url
    return row.base_url


def _resolve_key(row: Provider, settings: Settings) -> SecretStr | None:
    """Return the provider's own key; a key is never sent to another server."""
    return {
        "gemini": settings.gemini_api_key,
        "deepseek": settings.deepseek_api_key,
        "openai": settings.openai_api_key,
        "compatible": settings.openai_api_key if settings.openai_base_url else None,
        "embedded": None,
    }[row.name]


def strip_login(text: str) -> str:
    """Remove user names and passwords from the addresses in a text."""
    return re.sub(r"(?<=://)[^/?#\s]*@", "", text)


def list_providers(settings: Settings) -> list[dict[str, str | bool | None]]:
    """List all providers, which one is chosen and why; contains no keys."""
    chosen = choose_provider(settings)
    rows: list[dict[str, str | bool | None]] = []
    for row in PROVIDERS.values():
        is_chosen = row.name == chosen.provider.name
        reachable = (
            _resolve_url(row, settings) if row.name == "compatible" else _resolve_key(row, settings)
        )
        ready = row.name == "embedded" or is_chosen or reachable
        rows.append(
            {
                "provider": row.name,
                "chosen": is_chosen,
                "model": chosen.model if is_chosen else row.default_model,
                "base_url": strip_login((chosen if is_chosen else row).base_url or "") or None,
                "structured_output": row.structured_output,
                "state": say("models.ready" if ready else "models.unset", name=row.key_variable),
                "because": chosen.because if is_chosen else None,
            }
        )
    return rows
