"""The workflow `solve_math`: four agents, each a node under the Coordinator."""

import re

from pydantic import BaseModel, ConfigDict

from ..agents.math.comprehension import comprehend
from ..agents.math.execution import tries_left
from ..agents.math.planning import plan
from ..agents.math.report import write_report
from ..agents.math.verification import verify
from ..agents.turns import format_problem
from ..state import Level, Record, TaskState, turns
from .execution import build_execution
from .registry import Agent, Workflow, register
from .rules import NEED_INPUT, find_last_turn

MAX_UNPLANNED_CHARS = 800
"""Maximum length, in characters, of a problem that may be solved without a plan."""

_FORMULA = re.compile(r"[=<>≤≥^√∫∑]|\\[a-z]|\b(?:sin|cos|tan|log|ln|f)\s*\(")


class SolveMathInputs(BaseModel):
    """Nothing besides the question."""

    model_config = ConfigDict(extra="forbid")


def _has_passed(state: TaskState) -> bool:
    found = state.get("verification_output")
    return found is not None and found.status == "PASSED" and not _has_new_execution(state)


def _has_new_execution(state: TaskState) -> bool:
    return find_last_turn(state, "execution") > find_last_turn(state, "verification")


def _has_failed(state: TaskState) -> bool:
    """Return whether the latest turn in this workflow failed."""
    played = _list_own_turns(state)
    return bool(played) and played[-1].failed


def _may_try_again(state: TaskState) -> bool:
    return _has_failed(state) and tries_left(state) > 0


def _may_go_back(state: TaskState, level: Level) -> bool:
    """Return whether to retry from this level; a diagnosis that names another level rules it
    out."""
    found = state.get("verification_output")
    diagnosed = found.issues if found and not _has_new_execution(state) else []
    return _may_try_again(state) and (not diagnosed or diagnosed[0].level == level)


def _may_comprehend(state: TaskState) -> bool:
    read, asked = find_last_turn(state, "comprehension"), find_last_turn(state, NEED_INPUT)
    return _is_untouched(state) or asked > read or _may_go_back(state, "comprehension")


def _is_untouched(state: TaskState) -> bool:
    return not _list_own_turns(state)


def _list_own_turns(state: TaskState) -> list[Record]:
    """Return the turns of this workflow's agents and the user's answers."""
    mine = {NEED_INPUT, *(action.name for action in SOLVE_MATH.agents)}
    return [record for record in turns(state) if record.actor in mine]


def _may_plan(state: TaskState) -> bool:
    read, planned = find_last_turn(state, "comprehension"), find_last_turn(state, "planning")
    if find_last_turn(state, NEED_INPUT) > read:
        return False
    return _is_untouched(state) or (
        read >= 0 and (planned < read or _may_go_back(state, "planning"))
    )


def _may_execute(state: TaskState) -> bool:
    planned, executed = find_last_turn(state, "planning"), find_last_turn(state, "execution")
    read = find_last_turn(state, "comprehension")
    if max(read, planned) < 0:
        return may_skip_planning(state) and (executed < 0 or _may_try_again(state))
    return planned > read and (executed < planned or _may_try_again(state))


def may_skip_planning(state: TaskState) -> bool:
    """Return whether a problem is simple enough for a program without a plan: short, and words
    only."""
    problem = format_problem(state)
    return len(problem) <= MAX_UNPLANNED_CHARS and not _FORMULA.search(problem)


def _may_verify(state: TaskState) -> bool:
    """Return whether there is a new result or, after a failed program, the second route left to
    try."""
    executed = state.get("execution_output")
    has_result = executed is not None and executed.answer is not None
    return _has_new_execution(state) and (has_result or _just_played(state, "execution"))


def _may_complete(state: TaskState) -> bool:
    comprehended = state.get("comprehension_output")
    no_problem = comprehended is not None and comprehended.problem_type == "not_a_problem"
    given_up = _has_failed(state) and not _may_verify(state) and tries_left(state) <= 0
    return _has_passed(state) or given_up or (no_problem and _just_played(state, "comprehension"))


def _may_ask(state: TaskState) -> bool:
    comprehended = state.get("comprehension_output")
    lacking = comprehended is not None and bool(comprehended.missing)
    return (lacking or bool(_list_made_up(state))) and (
        _just_played(state, "comprehension") or _has_failed(state)
    )


def _list_made_up(state: TaskState) -> list[str]:
    """Return the findings of the failed check that the numbers are the problem's own."""
    found = state.get("verification_output")
    checks = found.checks if found else []
    return [check.detail for check in checks if check.name == "given" and not check.passed]


def _just_played(state: TaskState, actor: str) -> bool:
    """Return whether this agent had the workflow's latest turn."""
    played = _list_own_turns(state)
    return bool(played) and played[-1].actor == actor


def _list_signals(state: TaskState) -> list[str]:
    lines = []
    if comprehended := state.get("comprehension_output"):
        lines.append(f"problem_type: {comprehended.problem_type}")
        lines += [f"missing: {item}" for item in comprehended.missing]
    if found := state.get("verification_output"):
        lines.append(f"tries left: {tries_left(state)}")
        lines += [f"missing: the problem does not state {item}" for item in _list_made_up(state)]
        lines += [f"diagnosis ({i.level}, {i.type}): {i.what} {i.suggestion}" for i in found.issues]
    return lines


SOLVE_MATH = register(
    Workflow(
        name="solve_math",
        description={
            "en": "the result of a mathematical problem, also one told in words, verified.",
            "zh": "数学题的结果，包括应用题，并加以验证。",
        },
        inputs=SolveMathInputs,
        checks={
            "ran": {"en": "a program computed it", "zh": "由程序计算得出"},
            "given": {
                "en": "it uses only numbers that the problem states",
                "zh": "只用了题目给出的数",
            },
            "form": {"en": "the answer has the form it must have", "zh": "答案的形式符合要求"},
            "substitution": {
                "en": "put back into the problem, the answer holds",
                "zh": "代回原题成立",
            },
            "second_route": {
                "en": "an independent route arrives at it too",
                "zh": "另一种独立方法得到同样的结果",
            },
        },
        weights={"substitution": 4, "second_route": 4},
        agents=(
            Agent(
                "comprehension",
                {
                    "en": "reads the problem closely: for equations, geometry and long or unclear "
                    "problems; again when it was misread.",
                    "zh": "仔细审题：用于方程、几何以及长的或不清楚的题；误解题意时重做。",
                },
                comprehend,
                _may_comprehend,
            ),
            Agent(
                "planning",
                {
                    "en": "lays out the steps: after comprehension; again when the method was "
                    "wrong.",
                    "zh": "列出步骤：在审题之后；方法有误时重做。",
                },
                plan,
                _may_plan,
            ),
            Agent(
                "execution",
                {
                    "en": "computes by a program: at once for an everyday problem with all its "
                    "numbers, else after planning; again to get another program.",
                    "zh": "用程序计算：数据齐全的日常应用题直接用它，其他题在计划之后；"
                    "再用则另写一个程序。",
                },
                build_execution(),
                _may_execute,
            ),
            Agent(
                "verification",
                {
                    "en": "checks the result by an independent route.",
                    "zh": "用独立的方法检验结果。",
                },
                verify,
                _may_verify,
            ),
        ),
        complete=_may_complete,
        need_input=_may_ask,
        signals=_list_signals,
        report=write_report,
    )
)
