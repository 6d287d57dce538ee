"""What a person gives to a task: cleaned texts, conversations as tasks, answers of a wrong kind."""

from collections.abc import Callable
from typing import Any

import pytest
from concertino import InvalidTask, aresume_task, resume_task, run_task, solve_math_problem
from concertino.context import RunContext
from concertino.graphs.coordinator import build_graph
from concertino.graphs.intake import check_types, clean_values, read_messages
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from pydantic import ValidationError

from tests.scripted_model import ScriptedModel, comprehension, decision

Scripted = Callable[..., ScriptedModel]
PENS = "A shop sells 12 pens at 3 dollars each. What do they cost?"
THREAD: Any = {"configurable": {"thread_id": "chat"}}


def say_it(text: str) -> Any:
    return {"messages": [{"role": "user", "content": text}]}


def test_a_null_character_is_left_out_of_texts_at_any_depth() -> None:
    given = {"a\0": ["b\0c", {"d": "\0e"}, 7, None], "f": "g 😀"}
    assert clean_values(given) == {"a": ["bc", {"d": "e"}, 7, None], "f": "g 😀"}


@pytest.mark.parametrize("broken", [{"a": ["\ud83d"]}, {"\ud83d": 1}, "a\udcff"])
def test_half_a_surrogate_pair_is_refused_at_any_depth(broken: Any) -> None:
    with pytest.raises(InvalidTask, match="not valid text"):
        clean_values(broken)


def test_a_question_is_played_without_its_null_characters(scripted: Scripted) -> None:
    result = solve_math_problem(PENS.replace(" ", "\0 "), model=scripted())
    assert result["question"] == PENS
    with pytest.raises(InvalidTask, match="empty"):
        solve_math_problem("\0")


def test_a_conversation_is_its_last_question_with_the_exchanges_before_it() -> None:
    said = [
        SystemMessage("Be kind."),
        HumanMessage("12 pens?"),
        AIMessage("36"),
        HumanMessage("unanswered"),
        HumanMessage([{"type": "text", "text": "and 13?"}]),
    ]
    assert read_messages(said) == {
        "question": "and 13?",
        "earlier": [{"question": "12 pens?", "workflow": None, "inputs": {}, "answer": "36"}],
        "instructions": "Be kind.",
    }


@pytest.mark.parametrize(
    "said", [[], [SystemMessage("a")], [HumanMessage("a"), AIMessage("b")], [HumanMessage("")]]
)
def test_a_conversation_in_which_the_user_did_not_speak_last_asks_nothing(said: Any) -> None:
    assert read_messages(said) == {}


def test_a_tool_s_message_does_not_come_between_question_and_answer() -> None:
    said = [
        HumanMessage("a"),
        ToolMessage("t", tool_call_id="1"),
        AIMessage("b"),
        HumanMessage("c"),
    ]
    [exchange] = read_messages(said)["earlier"]
    assert (exchange["question"], exchange["answer"]) == ("a", "b")


async def test_a_thread_of_messages_goes_on_and_each_gets_its_reply(scripted: Scripted) -> None:
    graph = build_graph(InMemorySaver())
    model = scripted(
        choosing=[decision(name) for name in ("solve_math", "complete") * 2],
        restate=[{"task": PENS}],
    )
    context = RunContext(None, model, None, None)
    first = await graph.ainvoke(say_it(PENS), THREAD, context=context)
    assert first["final_answer"] == "36"
    assert [each.type for each in first["messages"]] == ["human", "ai"]
    assert first["messages"][-1].text == first["report"]

    again = await graph.ainvoke(say_it("Once more, please."), THREAD, context=context)
    assert [each.type for each in again["messages"]] == ["human", "ai"] * 2
    assert again["question"] == "Once more, please."
    assert again["earlier"][0]["answer"] == first["report"]
    assert again["final_answer"] == "36"
    assert [each.round for each in again["history"]].count(1) <= 2, "the first run's is gone"


async def test_what_is_no_task_is_refused_by_what_is_wrong_with_it() -> None:
    said = {"role": "assistant", "content": "36"}
    picture = [{"type": "image_url", "image_url": {"url": "data:"}}]
    for given, reason in (
        ({}, "empty"),
        ({"messages": []}, "empty"),
        ({"messages": [said]}, "last message"),
        ({"messages": [{"role": "user", "content": picture}]}, "last message"),
        ({"question": 5}, "question"),
        ({"question": PENS, "inputs": [1]}, "inputs"),
        ({"question": PENS, "max_iterations": "x"}, "max_iterations"),
        ({"question": PENS, "max_iterations": 0}, "max_iterations"),
        ({"question": PENS, "earlier": [{}]}, "earlier"),
        ({"question": PENS, "instructions": 5}, "instructions"),
    ):
        with pytest.raises(InvalidTask, match=reason):
            await build_graph(InMemorySaver()).ainvoke(given, THREAD)  # type: ignore[arg-type]
    with pytest.raises(InvalidTask, match="sampling"):
        check_types({"question": PENS, "sampling": {"temperature": "warm"}})


async def test_what_the_system_says_in_a_conversation_is_an_instruction(
    scripted: Scripted,
) -> None:
    model = scripted(restate=[{"task": PENS}])
    said = [{"role": "system", "content": "Write for children."}, *say_it(PENS)["messages"]]
    context = RunContext(None, model, None, None)
    await build_graph(InMemorySaver()).ainvoke({"messages": said}, THREAD, context=context)  # type: ignore[typeddict-item]
    assert "Write for children." in model.asked[0]


def test_data_nested_too_deep_are_refused() -> None:
    deep: list[Any] = []
    for _ in range(500):
        deep = [deep]
    with pytest.raises(InvalidTask, match="nested"):
        clean_values(deep)


@pytest.fixture
def asking(scripted: Scripted) -> ScriptedModel:
    return scripted(
        comprehension=[comprehension(missing=["the price"]), comprehension()],
        coordinator=[
            decision("comprehension"),
            decision("need_input", "What is the price?"),
            decision("comprehension"),
            decision("execution"),
        ],
    )


async def test_an_answer_of_the_wrong_shape_says_so_and_the_task_goes_on_waiting(
    asking: ScriptedModel,
) -> None:
    graph = build_graph(InMemorySaver())
    context = RunContext(None, asking, None, None)
    task: Any = {"question": "A shop sells 12 pens. What do they cost?", "workflow": "solve_math"}
    await graph.ainvoke(task, THREAD, context=context)
    for wrong in ({"answer": "3 dollars"}, ["3"], 3, " ", "\0"):
        with pytest.raises(ValidationError, match=r"plain text|is empty"):
            await graph.ainvoke(Command(resume=wrong), THREAD, context=context)
        assert (await graph.aget_state(THREAD)).next == ("need_input",)
    ended = await graph.ainvoke(Command(resume="3 dollars\0"), THREAD, context=context)
    assert ended["clarifications"] == ["3 dollars"]


async def test_an_answer_that_is_no_text_is_refused_from_python_as_well(
    asking: ScriptedModel, home: Any
) -> None:
    from concertino import arun_task

    paused = await arun_task("12 pens: cost?", workflow="solve_math", model=asking)
    with pytest.raises(InvalidTask, match="plain text"):
        await aresume_task(paused["task_id"], {"answer": "3"}, model=asking)  # type: ignore[arg-type]


def test_an_answer_to_a_task_that_asks_nothing_is_refused(scripted: Scripted) -> None:
    ended = run_task(PENS, workflow="solve_math", model=scripted())
    with pytest.raises(InvalidTask, match="asks for nothing"):
        resume_task(ended["task_id"], "36")
