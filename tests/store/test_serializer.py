"""Checkpoints that an earlier version wrote still load, and only contracts are made of them.

`written_by_0_1.sqlite` was written by commit bbaff78, before its modules moved. Each task was
played with a `ScriptedModel` in a process of its own, which ended itself (`os._exit`) while the
model was asked, as a kill would end it:

- `waiting`: a problem that lacks a price waits for its person;
- `execution`: of a plan's three programs two have run;
- `diagnosed`: a result that was not confirmed, before the Coordinator's next decision;
- `story`: a story of three parts, after its first;
- `lesson`: a lesson without its summary, the other four parts written;
- `exercises`: a lesson without its exercises;
- `documents`: passages were found, the answer is not written;
- `cited` and `solved`: an answer from documents and a problem, ended and rewarded.

Then of each graph all checkpoints but the latest were deleted, as were the subgraphs that had
ended, and the file was vacuumed.
"""

import itertools
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ormsgpack
import pytest
from concertino import list_tasks, rate_task, resume_task, run_task
from concertino.agents.lesson.contracts import Exercise, Lesson, Tally
from concertino.agents.story.contracts import StoryBrief, StoryPlan
from concertino.graphs.coordinator import build_graph
from concertino.settings import get_settings
from concertino.state import Contract, Plan, Source, StepResult, Usage
from concertino.store.open import open_store
from concertino.store.serializer import MOVED, Name, serializer
from concertino.tasks.api import bandit_table
from langgraph.checkpoint.serde.jsonplus import EXT_PYDANTIC_V2
from langgraph.types import Send

from tests.graphs.test_teach_explain import PROSE, SUMS, exercises
from tests.graphs.test_write_story import POINTS, asked_for, prose
from tests.scripted_model import ScriptedModel, comprehension, decision

Scripted = Callable[..., ScriptedModel]
STORED = Path(__file__).with_name("written_by_0_1.sqlite")


@pytest.fixture(autouse=True)
def stored(home: Path) -> Path:
    """A copy of the earlier version's file, where this version looks for its tasks."""
    home.mkdir()
    return Path(shutil.copy(STORED, home / "tasks.sqlite"))


def packed_values() -> list[tuple[str, bytes]]:
    """What LangGraph has stored in the file, still packed."""
    query = "select type, checkpoint from checkpoints union all select type, value from writes"
    database = sqlite3.connect(STORED)
    rows = database.execute(query).fetchall()
    database.close()
    return rows


def names_in(packed: bytes) -> Counter[Name]:
    """The pydantic models in a packed value, by the names under which they were stored."""
    found: Counter[Name] = Counter()

    def look(code: int, inner: bytes) -> None:
        content = ormsgpack.unpackb(inner, ext_hook=look, option=ormsgpack.OPT_NON_STR_KEYS)
        if code == EXT_PYDANTIC_V2:
            found[content[0], content[1]] += 1

    ormsgpack.unpackb(packed, ext_hook=look, option=ormsgpack.OPT_NON_STR_KEYS)
    return found


def contracts_in(value: Any) -> Iterator[Contract]:
    """The contracts that a loaded value holds, but for those within another one."""
    match value:
        case Contract():
            yield value
        case dict():
            yield from contracts_in(list(value.values()))
        case list() | tuple():
            for item in value:
                yield from contracts_in(item)
        case Send():
            yield from contracts_in(value.arg)


def name_of(model: type[Contract]) -> Name:
    return model.__module__, model.__name__


def times_asked(model: ScriptedModel, words: str) -> int:
    return sum(words in text for text in model.asked)


def test_every_contract_that_was_stored_is_made_again() -> None:
    for kind, packed in packed_values():
        if kind == "msgpack":
            loaded = list(contracts_in(serializer().loads_typed((kind, packed))))
            stored = (MOVED.get(name, name) for name in names_in(packed).elements())
            assert Counter(name_of(type(contract)) for contract in loaded) == Counter(stored)
            for contract in loaded:
                assert type(contract).model_validate(contract.model_dump()) == contract


def test_the_file_has_every_contract_that_a_name_is_kept_for() -> None:
    stored = {name for kind, packed in packed_values() if packed for name in names_in(packed)}
    assert set(MOVED) <= stored


def test_each_earlier_name_leads_to_a_contract_and_is_none_itself() -> None:
    contracts = {name_of(model) for model in Contract.__subclasses__()}
    assert set(MOVED.values()) <= contracts
    assert not set(MOVED) & contracts


def test_the_stored_tasks_are_listed_and_those_of_killed_processes_are_interrupted() -> None:
    assert {task.task_id: task.status for task in list_tasks()} == {
        "waiting": "needs_input",
        **dict.fromkeys(["execution", "diagnosed", "story", "lesson"], "interrupted"),
        **dict.fromkeys(["exercises", "documents"], "interrupted"),
        **dict.fromkeys(["cited", "solved"], "verified"),
    }


@pytest.mark.parametrize(
    ("task_id", "channels"),
    [
        ("execution", {"results": StepResult, "planning_output": Plan}),
        ("story", {"brief": StoryBrief, "plan": StoryPlan, "spent": Usage}),
        ("lesson", {"lesson": Lesson}),
        ("exercises", {"lesson": Lesson, "problems": Exercise, "tallies": Tally}),
        ("documents", {"passages": Source}),
    ],
)
async def test_the_state_of_a_subgraph_is_read_as_it_was(
    task_id: str, channels: dict[str, type[Contract]]
) -> None:
    config: Any = {"configurable": {"thread_id": task_id}}
    async with open_store(get_settings().place) as store:
        outer = await build_graph(store.checkpointer).aget_state(config, subgraphs=True)

    [task] = outer.tasks
    subgraph: Any = task.state
    for channel, model in channels.items():
        assert {type(each) for each in contracts_in(subgraph.values[channel])} == {model}


def test_a_problem_that_waited_is_solved_with_the_answer(scripted: Scripted) -> None:
    model = scripted(comprehension=[comprehension()], coordinator=[decision("execution")])
    assert resume_task("waiting", model=model)["input_request"] == "What does a pen cost?"

    result = resume_task("waiting", "3 dollars", model=model)
    assert (result["status"], result["final_answer"]) == ("verified", "36")
    assert times_asked(model, "What do they cost?\n3 dollars")
    assert result["iteration_history"][0]["decision"]["next_action"] == "comprehension"


def test_a_plan_goes_on_with_the_program_that_had_not_run(scripted: Scripted) -> None:
    model = scripted(execution=["answer = a * b"])
    result = resume_task("execution", model=model)

    assert (result["status"], result["final_answer"]) == ("verified", "36")
    ran = [each["step_ids"] for each in result["execution_output"]["results"]]
    assert ran == [[1], [2], [3]]
    assert times_asked(model, "by writing Python") == 1
    assert not times_asked(model, "You plan how")


def test_a_result_that_was_not_confirmed_is_mended_as_its_diagnosis_says(
    scripted: Scripted,
) -> None:
    model = scripted(coordinator=[decision("planning"), decision("execution")])
    result = resume_task("diagnosed", model=model)

    assert (result["status"], result["final_answer"]) == ("verified", "36")
    answers = [each["answer"]["exact"] for each in result["attempts"]]
    assert answers == ["35", "36", "36"]
    assert not times_asked(model, "You read mathematical problems")
    assert result["routing"]["task_type"] == "solve_math"


def test_a_story_goes_on_with_its_second_part(scripted: Scripted) -> None:
    numbers = itertools.count(100)

    def write(prompt: str) -> str:
        point, length = asked_for(prompt)
        return f"{point} {prose(length - len(point.split()), next(numbers))}"

    model = scripted(
        story_part=[write], story_rewrite=[write], story_opinion=[{"quote": "", "told": False}]
    )
    result = resume_task("story", model=model)

    assert result["status"] == "verified", result["report"]
    assert result["final_answer"].startswith(f"# The Lamp\n\n{POINTS[0]}")
    assert times_asked(model, "You are a storyteller") == 2
    assert not times_asked(model, "You plan stories")


@pytest.mark.parametrize(("task_id", "parts_asked"), [("lesson", 1), ("exercises", 0)])
def test_a_lesson_keeps_the_parts_that_were_written(
    scripted: Scripted, task_id: str, parts_asked: int
) -> None:
    model = scripted(lesson_part=[PROSE], lesson_exercises=[exercises(*SUMS)])
    result = resume_task(task_id, model=model)

    assert result["status"] == "verified", result["report"]
    assert "## Answer key" in result["final_answer"]
    assert times_asked(model, "You write a lesson") == parts_asked
    assert not times_asked(model, "You plan lessons")
    assert not times_asked(model, "You write worked examples")


def test_documents_that_were_found_are_answered_from(scripted: Scripted) -> None:
    quoted = {"passage": 2, "quote": "Ms Ito leads it", "text": "Ms Ito leads the trip."}
    model = scripted(cited_answer=[{"statements": [quoted]}])
    result = resume_task("documents", model=model)

    assert result["status"] == "verified"
    assert result["final_answer"] == "Ms Ito leads the trip. [1]"
    [source] = result["outputs"]["rag_qa"]["sources"]
    assert source["location"] == "/notes/2.md"


def test_what_had_ended_is_read_rated_and_followed_up(scripted: Scripted) -> None:
    model = scripted(restate=[{"task": "What do 12 pens at 3 dollars cost, once more?"}])
    before = resume_task("solved", model=model)
    assert (before["status"], before["final_answer"]) == ("verified", "36")
    assert before["verification_output"]["support"] == 2
    assert resume_task("cited", model=model)["outputs"]["rag_qa"]["sources"]
    assert not model.asked

    rated = rate_task("solved", 1)
    assert rated is not None
    assert rated.reward < before["reward"]["reward"]
    assert [arm["count"] for arm in bandit_table()["arms"]] == [1]

    second = run_task("once more", workflow="solve_math", thread_id="solved", model=model)
    assert second["status"] == "verified"
    assert "-> 36" in model.asked[0]


@pytest.mark.parametrize(
    "name",
    [
        ("concertino.store.base", "TaskSummary"),
        ("concertino.agents.lesson", "Spy"),
        ("concertino.agents.lesson", "Anything"),
        ("subprocess", "Popen"),
    ],
)
def test_a_class_that_is_no_contract_is_not_made_also_under_an_earlier_name(
    name: Name, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        MOVED, ("concertino.agents.lesson", "Spy"), ("concertino.store.base", "TaskSummary")
    )
    fields = {"args": ["true"]}
    model = ormsgpack.Ext(EXT_PYDANTIC_V2, ormsgpack.packb([*name, fields, "model_validate_json"]))

    assert serializer().loads_typed(("msgpack", ormsgpack.packb({"x": model}))) == {"x": fields}


def test_what_this_version_writes_has_the_names_of_this_version() -> None:
    for kind, packed in packed_values():
        if kind == "msgpack":
            value = serializer().loads_typed((kind, packed))
            _, written = serializer().dumps_typed(value)
            assert not set(names_in(written)) & set(MOVED)
            assert list(contracts_in(serializer().loads_typed((kind, written)))) == list(
                contracts_in(value)
            )
