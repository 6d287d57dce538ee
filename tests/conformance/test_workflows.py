"""Conformance of every workflow: the registered ones, and one defined for a test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from concertino.graphs import coordinator, rag_qa, search_qa_strict
from concertino.graphs.registry import WORKFLOWS, Workflow, register
from concertino.language.messages import Language

from tests.conformance.workflows import (
    LANGUAGES,
    RUBBISH,
    check_description,
    check_rubbish,
    check_run,
)
from tests.graphs import test_teach_explain, test_team, test_write_story
from tests.graphs.pages import serve_pages
from tests.graphs.test_rag_qa import Base
from tests.graphs.test_registry import COUNTING
from tests.graphs.test_search_qa_strict import HERONS, LAKE, Provider
from tests.scripted_model import ScriptedModel, decision, done, next_action

LAKE_ZH = "这个湖长12千米。苍鹭在湖的北岸筑巢。"
NAMES = [*WORKFLOWS, COUNTING.name]
assert coordinator.WORKFLOWS is WORKFLOWS, "importing it has registered them"

Scripted = Callable[..., ScriptedModel]


@pytest.fixture(params=NAMES)
def flow(request: pytest.FixtureRequest) -> Iterator[Workflow]:
    """Return each workflow; workflows registered by the test are removed afterwards."""
    before = dict(WORKFLOWS)
    if request.param not in WORKFLOWS:
        register(COUNTING)
    yield WORKFLOWS[request.param]
    WORKFLOWS.clear()
    WORKFLOWS.update(before)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Callable[[Language], None]:
    """Serve one page and one document about a lake, which every search finds."""

    def make(language: Language) -> None:
        text = LAKE_ZH if language == "zh" else LAKE
        serve_pages(monkeypatch, lake=text)
        provider = Provider("https://lake.test")
        monkeypatch.setattr(search_qa_strict, "choose_search_provider", lambda *_: provider)
        monkeypatch.setattr(rag_qa, "open_knowledge_base", lambda: Base(text))

    return make


def sound_answers(name: str) -> dict[str, list[Any]]:
    """Return changes to the script with which a model does well in the workflow."""
    match name:
        case "write_story":
            return {
                "story_request": [test_write_story.request()],
                "story_plan": [test_write_story.plan()],
                "story_part": [test_write_story.writer()],
                "story_summary": ["Ada has a lamp."],
                "story_opinion": [{"quote": "", "told": False}],
                "coordinator": [decision("complete")],
            }
        case "teach_explain":
            return {
                "lesson_plan": [test_teach_explain.plan()],
                "lesson_part": [test_teach_explain.PROSE],
                "lesson_example": [test_teach_explain.worked],
                "lesson_exercises": [test_teach_explain.exercises(*test_teach_explain.SUMS)],
                "coordinator": [decision("complete")],
            }
        case "summarize_url":
            return {"summary": ["A lake of 12 km where herons nest."]}
        case "rag_qa" | "search_qa_strict":
            return {"cited_answer": [{"statements": [HERONS]}]}
        case "team":
            return {"programmer": [test_team.CODE]}
        case "act":
            return {
                "act_next": [next_action("file_read"), next_action("done")],
                "act_params": [{"path": "lake.txt", "offset": 0}],
                "act_done": [done("Herons nest on the north shore.", "r1")],
            }
    return {}


def lay_workspace(flow: Workflow, folder: Path) -> Path | None:
    """Return a folder with a note on the lake for the workflow that works on files, else None."""
    if flow.name != "act":
        return None
    (folder / "lake.txt").write_text(LAKE, encoding="utf-8")
    return folder


QUESTIONS = {
    "solve_math": "A shop sells 12 pens at 3 dollars each. What do they cost?",
    "write_story": test_write_story.QUESTION,
    "teach_explain": test_teach_explain.TASK,
    "summarize_url": "Summarize https://lake.test.",
    "team": test_team.CODING,
}


def test_it_is_described_in_both_languages_and_needs_no_inputs(flow: Workflow) -> None:
    check_description(flow)


async def test_what_it_does_goes_through_the_coordinator(
    flow: Workflow, world: Callable[[Language], None], scripted: Scripted, tmp_path: Path
) -> None:
    world("en")
    model = scripted(**sound_answers(flow.name))
    question = QUESTIONS.get(flow.name, "Where do herons nest?")
    result = await check_run(flow, model, question, lay_workspace(flow, tmp_path))

    assert result.status == "verified"
    assert result.final_answer


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rubbish", RUBBISH)
async def test_whatever_the_model_answers_a_task_ends_clearly(
    flow: Workflow,
    world: Callable[[Language], None],
    rubbish: str,
    language: Language,
    tmp_path: Path,
) -> None:
    world(language)
    await check_rubbish(flow, rubbish, language, workspace=lay_workspace(flow, tmp_path))
