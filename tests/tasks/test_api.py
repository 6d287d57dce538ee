"""Tasks from end to end with a scripted model: the plumbing, not whether problems get solved."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from concertino import (
    InvalidTask,
    UnknownTask,
    arun_task,
    asolve_math_problem,
    astream_task,
    list_tasks,
    resume_task,
    run_task,
    solve_math_problem,
)

from tests.scripted_model import ScriptedModel, comprehension, decision, steps

Scripted = Callable[..., ScriptedModel]
PENS = "A shop sells 12 pens at 3 dollars each. What do they cost?"


def test_a_problem_goes_through_the_four_agents_and_comes_out_verified(scripted: Scripted) -> None:
    result = solve_math_problem(PENS, model=scripted())

    assert result["status"] == "verified"
    assert result["final_answer"] == "36"
    assert result["total_iterations"] == 4
    assert [r["actor"] for r in result["iteration_history"] if not r["decision"]] == [
        "comprehension",
        "planning",
        "execution",
        "verification",
    ]
    assert result["comprehension_output"]["problem_type"] == "word_problem"
    assert result["planning_output"]["steps"][0]["id"] == 1
    assert result["execution_output"]["results"][0]["facts"] == {"price": "3"}
    assert result["verification_output"]["support"] == 2
    assert "36" in result["report"]
    assert result["error"] is None
    assert result["usage"]["calls"] == 6


def test_moves_without_a_choice_cost_no_model_call(scripted: Scripted) -> None:
    result = solve_math_problem(PENS, model=scripted())

    decisions = [r for r in result["iteration_history"] if r["decision"]]
    assert [r["source"] for r in decisions] == ["model", *["forced"] * 4]
    assert [r["usage"]["calls"] for r in decisions] == [1, 0, 0, 0, 0]


def test_an_everyday_problem_may_take_the_short_cut_to_a_program(scripted: Scripted) -> None:
    result = solve_math_problem(PENS, model=scripted(coordinator=[decision("execution")]))

    assert "execution" in result["iteration_history"][0]["legal"]
    assert result["status"] == "verified"
    assert result["total_iterations"] == 2
    assert result["planning_output"] is None


def test_a_problem_with_a_formula_is_comprehended_first(scripted: Scripted) -> None:
    result = solve_math_problem("Solve 3x = 108.", model=scripted())

    assert result["iteration_history"][0]["legal"] == ["comprehension", "planning"]
    checks = {check["name"]: check for check in result["verification_output"]["checks"]}
    assert checks["substitution"]["passed"]
    assert "reasoning" not in {attempt["route"] for attempt in result["attempts"]}


def test_where_program_and_reasoning_differ_another_program_decides(scripted: Scripted) -> None:
    model = scripted(execution=["```python\nanswer = 35\n```", "```python\nanswer = 12 * 3\n```"])
    result = solve_math_problem(PENS, model=model)

    assert (result["status"], result["final_answer"]) == ("verified", "36")
    routes = [(a["route"], a["answer"]["exact"]) for a in result["attempts"]]
    assert routes == [("program", "35"), ("reasoning", "36"), ("program", "36")]


@pytest.mark.parametrize("level", ["comprehension", "planning"])
def test_a_diagnosis_says_where_the_task_may_go_back_to(scripted: Scripted, level: str) -> None:
    issue = {"what": "misread", "suggestion": "read", "type": "misread", "level": level}
    model = scripted(
        execution=["```python\nanswer = 35\n```"],
        diagnosis=[{"issues": [issue]}],
        coordinator=[decision("comprehension"), decision("execution")],
    )
    result = solve_math_problem(PENS, model=model)

    chosen = [r for r in result["iteration_history"] if r["source"] == "model"]
    assert chosen[1]["legal"] == [level, "execution"]


def test_reasoning_is_given_but_not_verified_where_no_program_agrees_with_it(
    scripted: Scripted,
) -> None:
    model = scripted(execution=["```python\nanswer = 34\n```", "```python\nanswer = 35\n```"])
    result = solve_math_problem(PENS, model=model)

    routes = ["program", "reasoning", "program"]
    assert [attempt["route"] for attempt in result["attempts"]] == routes
    assert (result["status"], result["final_answer"]) == ("unverified", "36")


def test_nobody_who_writes_the_next_program_is_told_what_reasoning_arrived_at(
    scripted: Scripted,
) -> None:
    leaking = {"what": "36 is expected", "suggestion": "36", "type": "misread", "level": "planning"}
    model = scripted(
        execution=["```python\nanswer = 35\n```"],
        diagnosis=[{"issues": [leaking]}],
        coordinator=[decision("execution"), decision("execution", "it should be 36")],
    )
    solve_math_problem(PENS, model=model)

    prompts = [t for t in model.asked if "was not confirmed" in t or "by writing Python" in t]
    assert len(prompts) == 3
    assert not any("36" in text for text in prompts)


def test_a_diagnosis_that_cannot_be_read_takes_no_answer_away(scripted: Scripted) -> None:
    programs = ["```python\nanswer = 34\n```", "```python\nanswer = 35\n```"]
    model = scripted(execution=programs, diagnosis=["nonsense"])
    result = solve_math_problem(PENS, model=model)

    assert result["verification_output"]["issues"] == []
    assert (result["status"], result["final_answer"]) == ("unverified", "36")


def test_reasoning_that_came_to_no_answer_is_asked_for_again(scripted: Scripted) -> None:
    model = scripted(
        execution=["```python\nanswer = 35\n```", "```python\nanswer = 36\n```"],
        reasoning=["I cannot tell.", "so \\boxed{36}"],
    )
    result = solve_math_problem(PENS, model=model)

    assert (result["status"], result["final_answer"]) == ("verified", "36")


def test_when_the_rounds_are_used_up_the_best_answer_is_given_as_unverified(
    scripted: Scripted,
) -> None:
    model = scripted(execution=["```python\nanswer = 1\n```"], reasoning=["so \\boxed{2}"])
    result = solve_math_problem(PENS, 5, model=model)

    assert result["status"] == "unverified"
    assert result["final_answer"] in ("1", "2")
    assert result["total_iterations"] == 5


def test_a_decision_that_is_not_legal_is_shown_to_the_model_and_then_replaced(
    scripted: Scripted,
) -> None:
    model = scripted(
        execution=["```python\nanswer = 35\n```", "```python\nanswer = 36\n```"],
        coordinator=[decision("dance"), "not even JSON", "{}", decision("complete")],
    )
    result = solve_math_problem(PENS, model=model)

    fallback = result["iteration_history"][0]
    assert fallback["source"] == "fallback"
    assert fallback["decision"]["next_action"] == "comprehension"
    assert fallback["usage"]["calls"] == 3
    assert any("dance" in text and "not valid" in text for text in model.asked)


def test_a_failing_program_is_repaired_once_from_its_error(scripted: Scripted) -> None:
    model = scripted(execution=["```python\nanswer = 1 / 0\n```"])
    result = solve_math_problem(PENS, model=model)

    assert result["status"] == "verified"
    assert result["execution_output"]["results"][0]["repaired"] is True
    assert any("ZeroDivisionError" in text for text in model.asked)


def test_a_program_without_end_is_written_anew_and_not_shown_again(scripted: Scripted) -> None:
    model = scripted(execution=["eggs = 1\n" * 400, "answer = 36"])
    result = solve_math_problem(PENS, model=model)

    assert result["final_answer"] == "36"
    assert result["execution_output"]["results"][0]["repaired"] is False
    assert not any("eggs = 1" in text for text in model.asked)


def test_a_program_that_cannot_be_repaired_leads_back_to_the_coordinator(
    scripted: Scripted,
) -> None:
    model = scripted(
        execution=["answer = 1 / 0"],
        repair=["answer = 2 / 0"],
        reasoning=["I cannot tell."],
        coordinator=[decision("comprehension"), decision("planning"), decision("execution")],
    )
    result = solve_math_problem(PENS, model=model)

    assert result["status"] == "no_answer"
    assert result["final_answer"] is None
    assert "ZeroDivisionError" in result["execution_output"]["error"]


def test_where_no_program_runs_the_second_route_may_still_lead_to_an_answer(
    scripted: Scripted,
) -> None:
    model = scripted(
        execution=["answer = 1 / 0"],
        repair=["answer = 2 / 0"],
        coordinator=[decision("execution"), decision("verification"), decision("complete")],
    )
    result = solve_math_problem(PENS, model=model)

    asked = [r for r in result["iteration_history"] if r["source"] == "model"]
    assert "complete" not in asked[1]["legal"], "there is no answer yet"
    assert (result["status"], result["final_answer"]) == ("unverified", "36")


def test_where_no_route_leads_to_an_answer_that_is_fatal_and_said(scripted: Scripted) -> None:
    model = scripted(
        execution=["answer = 1 / 0"],
        repair=["answer = 1 / 0", "answer = [][0]", "answer = {}[0]"],
        reasoning=["I cannot tell."],
        coordinator=[decision("execution")] * 3 + [decision("verification")],
    )
    result = solve_math_problem(PENS, model=model)

    assert result["verification_output"]["status"] == "FATAL_ERROR"
    assert result["verification_output"]["issues"] == [], "a diagnosis would have no reader"
    assert (result["status"], result["final_answer"]) == ("no_answer", None)


def test_independent_steps_run_as_programs_of_their_own(scripted: Scripted) -> None:
    def program(text: str) -> str:
        return "b = a * 3\nanswer = b" if "a = 12" in text else "a = 12\nanswer = a"

    model = scripted(planning=[steps([], [], [1, 2])], execution=[program])
    result = solve_math_problem(PENS, model=model)

    chains = [r["step_ids"] for r in result["execution_output"]["results"]]
    assert chains == [[1], [2], [3]]
    assert result["final_answer"] == "36"


def test_independent_steps_run_side_by_side(scripted: Scripted) -> None:
    both = threading.Barrier(2, timeout=20)

    def program(text: str) -> str:
        if "3. step 3" not in text:
            both.wait()
        return "answer = 36"

    model = scripted(planning=[steps([], [], [1, 2])], execution=[program])
    assert solve_math_problem(PENS, model=model)["final_answer"] == "36"


def test_a_program_that_sets_no_answer_does_not_pass_on_the_earlier_one(
    scripted: Scripted,
) -> None:
    def program(text: str) -> str:
        return "def total():\n    return 5" if "3. step 3" in text else "answer = 12"

    model = scripted(planning=[steps([], [], [1, 2])], execution=[program])
    result = solve_math_problem(PENS, model=model)
    assert result["execution_output"]["results"][-1]["repaired"] is True
    assert result["final_answer"] == "36"


def test_a_report_shows_its_answer_without_the_models_frame(scripted: Scripted) -> None:
    result = solve_math_problem(PENS, model=scripted(report=["12 pens cost \\boxed{36} dollars."]))

    assert "12 pens cost 36 dollars." in result["report"]


def test_missing_data_is_asked_for_and_the_answer_carries_the_task_on(scripted: Scripted) -> None:
    model = scripted(
        comprehension=[comprehension(missing=["the price of a pen"]), comprehension()],
        coordinator=[
            decision("comprehension"),
            decision("need_input", "What does a pen cost?"),
        ],
    )
    paused = solve_math_problem("A shop sells 12 pens. What do they cost?", model=model)

    assert paused["status"] == "needs_input"
    assert paused["input_request"] == "What does a pen cost?"
    assert list_tasks()[0].status == "needs_input"

    with pytest.raises(InvalidTask):
        resume_task(paused["task_id"], "  ", model=model)
    result = resume_task(paused["task_id"], "3 dollars", model=model)
    assert result["status"] == "verified"
    assert any("What do they cost?\n3 dollars" in text for text in model.asked)


def test_what_is_no_problem_at_all_ends_with_a_friendly_word(scripted: Scripted) -> None:
    model = scripted(
        comprehension=[comprehension(problem_type="not_a_problem")],
        coordinator=[decision("comprehension"), decision("complete")],
    )
    result = solve_math_problem("hello", model=model)

    assert result["status"] == "no_answer"
    assert "does not look like" in result["report"]


def test_a_model_that_fails_leaves_a_task_that_can_be_resumed(scripted: Scripted) -> None:
    model = scripted(planning=[RuntimeError("the server is gone"), steps([])])
    failed = solve_math_problem(PENS, model=model)

    assert failed["status"] == "failed"
    assert "the server is gone" in failed["error"]
    assert failed["comprehension_output"] is not None

    result = resume_task(failed["task_id"], model=model)
    assert result["status"] == "verified"
    assert sum("You read mathematical problems" in text for text in model.asked) == 1


def test_a_finished_task_is_not_run_again(scripted: Scripted) -> None:
    model = scripted()
    first = solve_math_problem(PENS, model=model)
    calls = len(model.asked)

    again = resume_task(first["task_id"], model=model)
    assert len(model.asked) == calls
    assert again == first


def test_a_task_in_memory_leaves_nothing_behind(scripted: Scripted) -> None:
    result = solve_math_problem(PENS, model=scripted(), storage="memory")

    with pytest.raises(UnknownTask):
        resume_task(result["task_id"])


@pytest.mark.parametrize("question", ["", " \n\t", "x" * 200_000, None, 12])
def test_a_question_that_cannot_be_worked_on_is_refused(question: str) -> None:
    with pytest.raises(InvalidTask):
        solve_math_problem(question)


@pytest.mark.parametrize("rounds", [0, -1, 101])
def test_a_senseless_iteration_limit_is_refused(rounds: int) -> None:
    with pytest.raises(InvalidTask, match="max_iterations"):
        solve_math_problem(PENS, rounds)


def test_a_chinese_problem_is_worked_on_in_chinese(scripted: Scripted) -> None:
    model = scripted()
    result = solve_math_problem("每支钢笔3元，12支钢笔多少元？", model=model)

    assert result["language"] == "zh"
    assert any("仔细审题" in text for text in model.asked)
    assert "解答" in result["report"]


async def test_events_tell_decisions_and_turns_in_order(scripted: Scripted) -> None:
    all_events = [event async for event in astream_task(PENS, model=scripted(), storage="memory")]
    events = [
        event for event in all_events if event["type"] in ("started", "decision", "turn", "done")
    ]

    assert [event["type"] for event in events] == [
        "started",
        "decision",
        *["decision", "turn"] * 4,
        "decision",
        "done",
    ]
    assert [event["next_action"] for event in events[1:3]] == ["solve_math", "comprehension"]
    assert events[-1]["result"]["final_answer"] == "36"


async def test_a_task_can_be_run_inside_an_event_loop_without_await(scripted: Scripted) -> None:
    assert solve_math_problem(PENS, model=scripted())["final_answer"] == "36"


async def test_several_tasks_run_at_once(scripted: Scripted) -> None:
    results = await asyncio.gather(
        *(asolve_math_problem(PENS, model=scripted()) for _ in range(15)),
        arun_task(PENS, model=scripted()),
    )
    assert [result["final_answer"] for result in results] == ["36"] * 16
    assert len({result["task_id"] for result in results}) == 16


def test_a_follow_up_is_restated_from_its_thread_and_solved(scripted: Scripted) -> None:
    first = solve_math_problem(PENS, model=scripted())
    model = scripted(restate=[{"task": "What do 12 pens at 5 dollars cost?"}])
    second = run_task("and at 5?", workflow="solve_math", thread_id=first["thread_id"], model=model)

    assert first["thread_id"] == first["task_id"] == second["thread_id"] != second["task_id"]
    assert PENS in model.asked[0]
    assert "-> 36" in model.asked[0]
    assert second["question"] == "and at 5?"
    assert "What do 12 pens at 5 dollars cost?" in model.asked[1]
    assert second["iteration_history"][0]["actor"] == "restate"
    assert second["status"] == "verified"


def test_a_thread_without_an_answer_cannot_be_followed_up(scripted: Scripted) -> None:
    with pytest.raises(UnknownTask, match="nowhere"):
        run_task("shorter", thread_id="nowhere", model=scripted())


@pytest.mark.parametrize("agent", ["comprehension", "planning"])
def test_a_reading_or_a_plan_that_stays_invalid_is_done_without(
    scripted: Scripted, agent: str
) -> None:
    model = scripted(**{agent: ["no JSON at all"]})
    result = solve_math_problem(PENS, model=model)

    assert result["status"] == "verified"
    assert result["final_answer"] == "36"
    assert result[f"{agent}_output"] is None
    failed = [r for r in result["iteration_history"] if r["actor"] == agent]
    assert failed[0]["failed"]
    assert "usable" in failed[0]["summary"]
    assert failed[0]["usage"]["calls"] == 3


def test_one_that_is_cut_is_done_without_in_chinese_too(scripted: Scripted) -> None:
    cut = '{"givens": ["12支笔", "每支3元'
    result = solve_math_problem(
        "12支笔，每支3元，一共多少元？", model=scripted(comprehension=[cut])
    )

    assert result["status"] == "verified"
    turns = [r for r in result["iteration_history"] if not r["decision"]]
    assert turns[0]["summary"].startswith("模型没有给出可用的审题结果")
