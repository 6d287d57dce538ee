"""Which provider is chosen, and that nothing secret is told."""

from typing import Any

import pytest
from concertino.errors import InvalidTask
from concertino.models.providers import choose_provider, list_providers
from concertino.settings import Settings

ORDER = [
    ("GEMINI_API_KEY", "k", "gemini"),
    ("DEEPSEEK_API_KEY", "k", "deepseek"),
    ("OPENAI_API_KEY", "k", "openai"),
    ("VLLM_URL", "http://127.0.0.1:8000/v1", "compatible"),
]


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_the_first_in_the_order_wins(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value, _ in ORDER[first:]:
        monkeypatch.setenv(name, value)
    assert choose_provider(Settings()).provider.name == ORDER[first][2]


def test_without_keys_and_servers_the_embedded_model_answers() -> None:
    assert choose_provider(Settings()).provider.name == "embedded"


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "")
    assert choose_provider(Settings()).provider.name == "embedded"


@pytest.mark.parametrize(
    ("settings", "model", "provider", "name"),
    [
        ({"provider": "embedded"}, None, "embedded", "qwen2.5-coder-1.5b-instruct"),
        ({"model": "gpt-x"}, None, "openai", "gpt-x"),
        ({}, "openai/gpt-y", "openai", "gpt-y"),
        ({"provider": "embedded"}, "openai", "openai", "gpt-4.1-mini"),
        ({"base_url": "http://localhost:1/v1", "model": "m"}, None, "compatible", "m"),
    ],
)
def test_explicit_settings_win(
    settings: dict[str, Any],
    model: str | None,
    provider: str,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    choice = choose_provider(Settings(**settings), model)
    assert (choice.provider.name, choice.model) == (provider, name)


def test_a_key_goes_to_no_server_but_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-2")
    monkeypatch.setenv("VLLM_URL", "http://127.0.0.1:8000/v1")
    assert choose_provider(Settings(), "compatible/m").api_key is None
    assert choose_provider(Settings(base_url="http://localhost:1/v1")).api_key is None

    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8001/v1")
    choice = choose_provider(Settings())
    assert choice.base_url == "http://127.0.0.1:8001/v1"
    assert choice.api_key is not None


@pytest.mark.parametrize("provider", ["gemini", "deepseek", "openai", "compatible"])
def test_a_provider_asked_for_without_its_key_or_address_says_what_to_set(provider: str) -> None:
    with pytest.raises(InvalidTask, match=r"set [A-Z_]+"):
        choose_provider(Settings(), provider)


def test_the_overview_explains_the_choice_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-secret-3")
    rows = list_providers(Settings())
    assert [row["provider"] for row in rows if row["chosen"]] == ["deepseek"]
    assert "DEEPSEEK_API_KEY is set" in str(rows)
    assert "sk-secret" not in str(rows)


def test_the_overview_shows_no_password_of_an_address() -> None:
    rows = list_providers(Settings(base_url="http://ann:s@same@localhost:8000/v1", model="m"))
    assert [row["base_url"] for row in rows if row["chosen"]] == ["http://localhost:8000/v1"]
