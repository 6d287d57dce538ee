"""Legal actions, on histories made by hand and at random."""

import random
from collections.abc import Callable
from itertools import count
from typing import Any, cast

import pytest
from concertino.graphs import solve_math as solve_math
from concertino.graphs.registry import WORKFLOWS
from concertino.graphs.rules import (
    COMPLETE,
    MAX_QUESTIONS,
    NEED_INPUT,
    legal_actions,
    total_iterations,
)
from concertino.state import (
    Answer,
    Comprehension,
    CoordinatorDecision,
    Execution,
    Record,
    TaskState,
    Verification,
)

WORDS = "A shop sells 12 pens at 3 dollars each. What do they cost?"
FORMULA = "Solve x^2 - 5x + 6 = 0."
THIRTY_SIX = Answer(exact="36", text="36", latex="36")
AGENTS = [action.name for action in WORKFLOWS["solve_math"].agents]

_numbers = count()


def start(question: str = WORDS, max_iterations: int = 10) -> TaskState:
    """Return a task that nobody has worked on."""
    return {
        "question": question,
        "language": "en",
        "workflow": "solve_math",
        "active": "solve_math",
        "max_iterations": max_iterations,
        "history": [],
    }


def after(state: TaskState, *turns: TaskState) -> TaskState:
    """Return the state after these turns, each with the decision that led to it."""
    merged: dict[str, Any] = dict(state)
    for turn in turns:
        merged |= {**turn, "history": [*merged["history"], *turn["history"]]}
    return cast("TaskState", merged)


def comprehended(*missing: str, kind: Any = "word_problem", mark: str = "") -> TaskState:
    output = Comprehension(
        givens=[],
        unknowns=[],
        constraints=[],
        traps=[],
        missing=list(missing),
        answer_is=[],
        problem_type=kind,
    )
    return {"comprehension_output": output, "history": _played("comprehension", mark=mark)}


def planned(mark: str = "") -> TaskState:
    return {"history": _played("planning", mark=mark)}


def executed(answer: Answer | None = THIRTY_SIX, mark: str = "") -> TaskState:
    output = Execution(results=[], answer=answer, error=None if answer else "ZeroDivisionError")
    history = _played("execution", failed=answer is None, mark=mark)
    return {"execution_output": output, "history": history}


def verified(passed: bool = True, mark: str = "") -> TaskState:
    output = Verification(status="PASSED" if passed else "NEEDS_REVISION", answer=THIRTY_SIX)
    history = _played("verification", failed=not passed, mark=mark)
    return {"verification_output": output, "history": history}


def answered(mark: str = "") -> TaskState:
    return {"clarifications": ["3 dollars"], "history": _played(NEED_INPUT, mark=mark)}


def _played(actor: str, *, failed: bool = False, mark: str) -> list[Record]:
    """Return a decision and its turn; without a mark, the turn's result is unique."""
    decision = CoordinatorDecision(
        reasoning="", next_action=actor, instructions="", should_continue=True
    )
    decision_record = Record(round=1, actor="coordinator", summary="", decision=decision)
    print_ = mark or str(next(_numbers))
    return [
        decision_record,
        Record(round=1, actor=actor, summary="", failed=failed, fingerprint=print_),
    ]


def test_a_problem_in_words_may_be_read_or_programmed_at_once() -> None:
    legal = legal_actions(start())

    assert {"comprehension", "execution"} <= set(legal)
    assert not {"verification", COMPLETE, NEED_INPUT} & set(legal)


@pytest.mark.parametrize(
    "question",
    [FORMULA, "Find $\\frac{1}{2}$ of 8.", "What is sin(0)?", "求不等式 x ≥ 3 的解。", WORDS * 20],
)
def test_a_long_problem_or_one_with_a_formula_is_not_programmed_at_once(question: str) -> None:
    legal = legal_actions(start(question))

    assert legal[0] == "comprehension"
    assert "execution" not in legal


def test_comprehension_is_the_first_choice_where_a_decision_cannot_be_used() -> None:
    assert legal_actions(start())[0] == "comprehension"


def test_after_comprehension_comes_a_plan() -> None:
    assert legal_actions(after(start(FORMULA), comprehended())) == ["planning"]


def test_after_a_plan_comes_its_execution() -> None:
    assert legal_actions(after(start(FORMULA), comprehended(), planned())) == ["execution"]


@pytest.mark.parametrize("before", [(), (comprehended(), planned())])
def test_after_an_answer_comes_its_verification(before: tuple[TaskState, ...]) -> None:
    assert legal_actions(after(start(), *before, executed())) == ["verification"]


def test_a_verified_answer_only_has_to_be_concluded() -> None:
    state = after(start(), comprehended(), planned(), executed(), verified())

    assert legal_actions(state) == [COMPLETE]


def test_after_a_failed_verification_every_way_back_is_open_and_giving_up_is_the_last() -> None:
    refuted = [executed(), verified(passed=False)]
    once = after(start(FORMULA), comprehended(), planned(), *refuted)
    assert legal_actions(once) == ["comprehension", "planning", "execution"]

    assert legal_actions(after(once, *refuted)) == [COMPLETE]


def test_where_a_program_failed_the_second_route_is_left_and_giving_up_is_not() -> None:
    legal = legal_actions(after(start(), comprehended(), planned(), executed(None)))

    assert legal == ["comprehension", "planning", "execution", "verification"]


def test_an_answer_that_passed_does_not_speak_for_a_later_one() -> None:
    state = after(start(), executed(), verified(), executed())

    assert legal_actions(state) == ["verification"]


def test_missing_data_may_be_asked_for_and_need_not_be() -> None:
    legal = legal_actions(after(start(), comprehended("the price")))

    assert {NEED_INPUT, "planning"} <= set(legal)
    assert COMPLETE not in legal


def test_after_the_persons_answer_the_problem_is_read_again() -> None:
    state = after(start(), comprehended("the price"), answered())

    assert legal_actions(state) == ["comprehension"]


def test_a_person_is_not_asked_without_end() -> None:
    state = start()
    for _ in range(MAX_QUESTIONS):
        state = after(state, comprehended("the price"))
        assert NEED_INPUT in legal_actions(state)
        state = after(state, answered())

    assert NEED_INPUT not in legal_actions(after(state, comprehended("the price")))


def test_what_is_no_problem_may_be_concluded_at_once() -> None:
    assert COMPLETE in legal_actions(after(start(), comprehended(kind="not_a_problem")))


@pytest.mark.parametrize(
    "turns",
    [
        (comprehended("the price"),),
        (comprehended(), planned(), executed(), verified(passed=False)),
        (executed(),),
    ],
)
def test_at_the_iteration_limit_the_task_can_only_be_concluded(
    turns: tuple[TaskState, ...],
) -> None:
    state = after(start(max_iterations=len(turns)), *turns)

    assert total_iterations(state) == len(turns)
    assert legal_actions(state) == [COMPLETE]


def test_decisions_are_not_counted_as_rounds() -> None:
    state = after(start(max_iterations=3), comprehended(), planned())

    assert len(state["history"]) == 4
    assert legal_actions(state) == ["execution"]


def test_the_same_turn_is_not_legal_a_third_time() -> None:
    once = after(start(), comprehended(), planned(), executed(None, mark="same"))
    assert "execution" in legal_actions(once)

    twice = after(once, executed(None, mark="same"))
    assert "execution" not in legal_actions(twice)
    assert legal_actions(twice) == ["comprehension", "planning", "verification"]


def test_other_results_of_the_same_action_are_no_stall() -> None:
    state = after(start(), comprehended(), planned(), executed(None))

    assert "execution" in legal_actions(state)


def test_a_stall_ends_with_a_new_plan() -> None:
    """A new plan changes the inputs of the next program, so that it does not count as a third
    repetition."""
    stalled = [executed(None, mark="same"), executed(None, mark="same")]
    state = after(start(), comprehended(), planned(), *stalled, planned())

    assert legal_actions(state) == ["execution"]


def test_without_a_named_workflow_the_actions_of_all_are_legal() -> None:
    state = start()
    state["workflow"] = None

    assert legal_actions(state) == legal_actions(start())


def test_whatever_is_played_there_is_always_a_legal_next_action() -> None:
    known = {*AGENTS, COMPLETE, NEED_INPUT}
    reached: set[str] = set()
    for seed in range(2_000):
        chance = random.Random(seed)  # noqa: S311
        state = start(chance.choice([WORDS, FORMULA, WORDS * 20]), chance.randint(1, 12))
        legal = legal_actions(state)
        while COMPLETE not in legal or len(legal) > 1:
            _check(legal, known, state)
            action = chance.choice([name for name in legal if name != COMPLETE])
            state = after(state, _TURNS[action](chance))
            legal = legal_actions(state)
            reached.add(action)
        _check(legal, known, state)
        assert total_iterations(state) <= state["max_iterations"]
    assert reached == known - {COMPLETE}


def _check(legal: list[str], known: set[str], state: TaskState) -> None:
    played = [record.actor for record in state["history"] if record.decision is None]
    assert legal, played
    assert len(set(legal)) == len(legal), (legal, played)
    assert set(legal) <= known, (legal, played)


def _mark(chance: random.Random) -> str:
    """Return a mark that is often the same, like the results of a small model."""
    return chance.choice(["same", "same", ""])


_TURNS: dict[str, Callable[[random.Random], TaskState]] = {
    "comprehension": lambda chance: comprehended(
        *chance.choice([(), (), ("the price",)]),
        kind=chance.choice(["word_problem", "equation", "not_a_problem"]),
        mark=_mark(chance),
    ),
    "planning": lambda chance: planned(mark=_mark(chance)),
    "execution": lambda chance: executed(chance.choice([THIRTY_SIX, None]), mark=_mark(chance)),
    "verification": lambda chance: verified(chance.random() < 0.3, mark=_mark(chance)),
    NEED_INPUT: lambda chance: answered(mark=_mark(chance)),
}


def test_after_two_results_the_best_answer_has_to_do() -> None:
    state = after(start(), comprehended(), planned(), executed(), verified(False))
    assert "execution" in legal_actions(state)

    again = after(state, executed(), verified(False))
    assert legal_actions(again) == ["complete"]


def test_where_no_program_gave_a_result_the_second_route_is_tried() -> None:
    state = after(start(), comprehended(), planned(), *[executed(None) for _ in range(4)])

    assert legal_actions(state) == ["verification"]
