"""Fixtures for all tests: a home of their own, no providers, and a chat model that reads a script."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from concertino.settings import get_settings
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

Answer = str | dict[str, Any] | Exception | Callable[[str], str]

PROVIDER_VARIABLES = (
    "GEMINI_API_KEY",
    "DEEPSEEK_API_KEY",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "VLLM_URL",
)


class ScriptedModel(BaseChatModel):
    """Answers by who is asking, each agent its own list in turn, the last one again and again.

    The keys are words of the agents' prompts; `asked` keeps every conversation.
    """

    script: dict[str, list[Any]]
    asked: list[str] = []

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        text = "\n".join(str(message.content) for message in messages)
        self.asked.append(text)
        answers = next(answers for word, answers in self.script.items() if word in text)
        answer: Answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer = answer(text)
        content = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        usage = {"input_tokens": len(text) // 4, "output_tokens": len(content) // 4}
        message = AIMessage(content, usage_metadata={**usage, "total_tokens": sum(usage.values())})
        return ChatResult(generations=[ChatGeneration(message=message)])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home, English messages, and no provider but the embedded one."""
    for name in PROVIDER_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CONCERTINO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LC_ALL", "C")
    get_settings.cache_clear()
    yield tmp_path / "home"
    get_settings.cache_clear()
