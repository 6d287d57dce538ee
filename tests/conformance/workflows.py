"""Conformance checks for a workflow, also for authors of new ones:

    from tests.conformance.workflows import RUBBISH, check_description, check_rubbish

    def test_mine_is_described() -> None:
        check_description(MINE)

    @pytest.mark.parametrize("language", ["en", "zh"])
    @pytest.mark.parametrize("rubbish", RUBBISH)
    async def test_mine_comes_to_an_end(rubbish: str, language: Language) -> None:
        await check_rubbish(MINE, rubbish, language)

`check_rubbish` and `check_run` run a task, so the workflow has to be registered.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from concertino import aresume_stream, astream_task
from concertino.graphs.registry import Workflow
from concertino.graphs.rules import MAX_QUESTIONS
from concertino.language.detect import detect_language
from concertino.language.messages import Language, say
from concertino.language.text import HAN_CHARACTER
from concertino.models.client import SCHEMA_PROMPT
from concertino.settings import get_settings
from concertino.state import FINAL, CoordinatorDecision, Record
from concertino.tasks.events import AnyEvent, Event
from concertino.tasks.play import ROUNDS_OF_A_PLAN
from concertino.tasks.result import TaskResult
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import TypeAdapter

LANGUAGES: tuple[Language, ...] = get_args(Language)
QUESTIONS: Mapping[Language, str] = {
    "en": "Tell me of https://lake.test in a few words: is the lake 12 km long, or 3 times 4 km?",
    "zh": "请简单介绍一下 https://lake.test ：这个湖长12千米，还是3乘4千米？",
}
"""A task that any workflow may get, by language."""
CALLS = 100
"""More model calls than any task should need."""
EVENTS: TypeAdapter[Event] = TypeAdapter(AnyEvent)

_PROSE: Mapping[Language, str] = {
    "en": "The gardener looked at the sky and went home without a word. ",
    "zh": "园丁抬头看了看天，一句话也没有说就回家了。",
}
_OTHER: Mapping[Language, Language] = {"en": "zh", "zh": "en"}


def _fill(schema: dict[str, Any], text: str) -> str:
    """Return a value of the schema, as JSON, in which every string is the same text."""
    definitions = schema.get("$defs", {})

    def value(node: dict[str, Any]) -> Any:
        if "$ref" in node:
            return value(definitions[node["$ref"].rpartition("/")[2]])
        if "const" in node:
            return node["const"]
        if "enum" in node:
            return node["enum"][0]
        if "anyOf" in node:
            return value(node["anyOf"][0])
        match node.get("type"):
            case "object":
                return {name: value(each) for name, each in node.get("properties", {}).items()}
            case "array":
                return [value(node["items"])] * max(1, node.get("minItems", 0))
            case "string":
                return text[: node.get("maxLength", 10_000)]
            case "boolean":
                return True
        return node.get("minimum", 1)

    return json.dumps(value(schema), ensure_ascii=False)


def _hollow(prompt: str, language: Language) -> str:
    """Return empty talk in the wrong language, in the form of the schema if the prompt has one."""
    talk = _PROSE[_OTHER[language]] * 3
    for each in LANGUAGES:
        before = str(SCHEMA_PROMPT[each].messages(schema="")[-1].content).strip()
        if before in prompt:
            return _fill(json.loads(prompt.rpartition(before)[2]), talk)
    return talk


RUBBISH: Mapping[str, Callable[[str, Language], str]] = {
    "nothing": lambda prompt, language: "",
    "broken JSON": lambda prompt, language: '{"reasoning": "because", "next_action": [{"',
    "endless repetition": lambda prompt, language: _PROSE[language] * 1000,
    "the wrong language": lambda prompt, language: _PROSE[_OTHER[language]] * 3,
    "empty talk of the right form": _hollow,
}
"""Rubbish that a model may reply to any prompt, by name."""


class RubbishModel(BaseChatModel):
    """Answers every prompt with rubbish, and counts the calls."""

    rubbish: str
    language: Language
    calls: int = 0

    @property
    def _llm_type(self) -> str:
        return "rubbish"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        self.calls += 1
        assert self.calls <= CALLS, "the task comes to no end"
        prompt = "\n".join(str(message.content) for message in messages)
        said = AIMessage(RUBBISH[self.rubbish](prompt, self.language))
        return ChatResult(generations=[ChatGeneration(message=said)])


def check_description(flow: Workflow) -> None:
    """Check that the workflow's purpose, inputs, agents and checks are described in both languages,
    and that all inputs have defaults."""
    assert re.fullmatch(r"[a-z][a-z0-9_]*", flow.name)
    _check_text(flow.description)
    assert flow.agents
    for agent in flow.agents:
        _check_text(agent.description)
    for text in flow.checks.values():
        _check_text(text)
    assert set(flow.weights) <= set(flow.checks)
    flow.inputs()
    for name, field in flow.inputs.model_fields.items():
        assert not field.is_required(), f"{name} has no default"
        extra = field.json_schema_extra
        assert isinstance(extra, dict), f"{name} is not described in Chinese"
        _check_text({"en": field.description or "", "zh": str(extra["description_zh"])})


async def check_rubbish(
    flow: Workflow,
    rubbish: str,
    language: Language,
    question: str | None = None,
    workspace: Path | None = None,
    **inputs: Any,
) -> TaskResult:
    """Check that a task ends properly whatever the model answers.

    It ends within a bounded number of rounds, with a text for the user in the task's language, and
    an output in another language is not called verified.
    """
    model = RubbishModel(rubbish=rubbish, language=language)
    result = await check_run(flow, model, question or QUESTIONS[language], workspace, **inputs)
    assert result.language == language
    word = result.report or result.error or ""
    assert _speaks(word, language), word
    if result.status == "verified":
        assert detect_language(word) == language, word
    return result


async def check_run(
    flow: Workflow,
    model: BaseChatModel,
    question: str,
    workspace: Path | None = None,
    **inputs: Any,
) -> TaskResult:
    """Run a task of the workflow, and check its events, its result and its history.

    Events and result must match their schemas, and every turn must follow from a decision of the
    Coordinator.
    """
    run = [
        event
        async for event in astream_task(
            question, workflow=flow.name, inputs=inputs, model=model, workspace=workspace
        )
    ]
    events = _check_events(run)
    for _ in range(MAX_QUESTIONS):
        if run[-1]["result"]["status"] == "needs_input":  # the person says what it has said
            task_id = run[-1]["result"]["task_id"]
            run = [event async for event in aresume_stream(task_id, question, model=model)]
            events += _check_events(run)
    done = run[-1]
    result = TaskResult.model_validate(done["result"])
    assert result.model_dump(mode="json") == done["result"]
    assert result.status in FINAL
    assert result.workflow == flow.name
    most = get_settings().max_iterations * (ROUNDS_OF_A_PLAN if workspace else 1)
    assert result.total_iterations <= most
    unforeseen = say("task.unforeseen", error="\0").partition("\0")[0]
    assert not (result.error or "").startswith(unforeseen), result.error
    assert bool(result.error) == (result.status in ("failed", "interrupted"))
    check_history(flow, result, events)
    return result


def _check_events(events: list[Event]) -> list[Event]:
    """Check the events of one run, and return them."""
    for event in events:
        EVENTS.validate_python(event)
    assert [events[0]["type"], events[-1]["type"]] == ["started", "done"]
    assert [event["type"] for event in events].count("done") == 1
    return events


def check_history(flow: Workflow, result: TaskResult, events: list[Event]) -> None:
    """Check that every turn follows the decision that led to it, and that the last decision is
    `complete`."""
    steps = [
        (event["type"], event["actor"]) for event in events if event["type"] in ("decision", "turn")
    ]
    history = result.iteration_history
    assert steps[: len(history)] == [
        ("decision" if record.decision else "turn", record.actor) for record in history
    ]
    for before, record in zip([None, *history], history, strict=False):
        if record.decision:
            _check_decision(record, record.decision)
        else:
            assert before, "a turn without a decision"
            assert before.decision, "a turn without a decision"
            assert before.decision.next_action == record.actor
    assert history, "nothing was decided"
    if result.error:
        return
    last = history[-1].decision
    assert last, "the last word is the Coordinator's"
    assert (last.next_action, last.should_continue) == ("complete", False)
    if result.status != "no_answer":
        assert flow.name in result.outputs
    assert result.report


def _check_decision(record: Record, decision: CoordinatorDecision) -> None:
    assert record.actor == "coordinator"
    assert decision.next_action in record.legal
    assert record.source in ("model", "forced", "fallback")
    assert decision.should_continue == (decision.next_action != "complete")


def _check_text(text: Mapping[Language, str]) -> None:
    assert set(text) == set(LANGUAGES)
    assert all(_speaks(text[language], language) for language in LANGUAGES), text
    assert not HAN_CHARACTER.search(text["en"])


def _speaks(text: str, language: Language) -> bool:
    """Return whether a text contains words of this language."""
    if language == "zh":
        return HAN_CHARACTER.search(text) is not None
    return re.search(r"[A-Za-z]{2,}", text) is not None
