"""Execution: programs that carry out the plan, run in the sandbox.

A program carries out one chain of the plan's steps (see `graphs/execution.py`). It continues the
programs of the steps it depends on, so that exact values pass from one to the next.
"""

import ast
import operator
import re
from typing import Annotated, cast, get_type_hints

from langchain_core.messages import AnyMessage
from langgraph.runtime import Runtime
from typing_extensions import TypedDict

from ...context import RunContext, get_sandbox, resolve_model
from ...language.messages import Language, say
from ...language.text import HAN
from ...models.client import LanguageModel, Reply
from ...prompts import load_prompt
from ...state import (
    Answer,
    Attempt,
    Comprehension,
    Execution,
    Plan,
    PlanStep,
    Record,
    StepResult,
    TaskState,
    Turn,
    Usage,
    Verification,
)
from ...tools.answers import ProgramError, fit_answer, run_program
from ...tools.numbers import extract_numbers
from ...tools.sandbox import Sandbox
from ..turns import (
    QuestionState,
    Stopwatch,
    count_turns,
    format_problem,
    get_instructions,
    record_turn,
)
from .comprehension import format_comprehension

PROMPT = load_prompt("math/execution")
REPAIR = load_prompt("math/execution_repair")
MAX_TOKENS = 600
MAX_EXECUTIONS = 2
"""Executions per task before the best supported answer is used; a third rarely changes it."""
RETRY_TEMPERATURE = 0.4
"""Temperature of a retry: a second program for the same plan must be a different one."""

MAX_WORDS_CHARS = 60
"""Longest answer in words, in characters; a longer one is a sentence about the answer."""

_KEYWORD = re.compile(rf"\b(if|elif|while|for|in|and|or|not|return|else)(?=[{HAN}])")
"""Keyword followed directly by a Chinese name because the model omitted the space."""
_FENCED = re.compile(r"```(?:python|py)?[^\S\n]*\n(.*?)(?:```|\Z)", re.DOTALL)


class ExecutionInput(QuestionState, total=False):
    """The part of the task's state that execution reads."""

    language: Language
    comprehension_output: Comprehension | None
    planning_output: Plan | None
    verification_output: Verification | None
    attempts: list[Attempt]
    history: list[Record]


_INPUT_KEYS = get_type_hints(ExecutionInput)


class ExecutionState(ExecutionInput, total=False):
    """State of the subgraph: results arrive in any order."""

    results: Annotated[list[StepResult], operator.add]
    costs: Annotated[list[tuple[Usage, float]], operator.add]
    execution_output: Execution | None
    turn: Turn | None
    usage: Usage


class ExecutionOutput(TypedDict, total=False):
    """Output of the subgraph; excludes the outer graph's additive channels."""

    execution_output: Execution | None
    turn: Turn | None
    usage: Usage


class ChainTask(ExecutionInput, total=False):
    """One chain to carry out, sent to its own node run."""

    chain: list[int]
    program_so_far: str
    retry: int


def prepare_chain(state: ExecutionState, chain: list[int]) -> ChainTask:
    """Build the input of the node run that carries out a chain of steps."""
    own = {key: value for key, value in state.items() if key in _INPUT_KEYS}
    return cast(
        "ChainTask",
        {
            **own,
            "chain": chain,
            "program_so_far": _join_prior_programs(chain, state.get("results", []), plan_of(state)),
            "retry": count_turns(state, "execution"),
        },
    )


async def run_chain(state: ChainTask, runtime: Runtime[RunContext]) -> ExecutionState:
    """Write and run the program of one chain, and repair it once from its error. A program that
    reaches the token limit is instead written anew, as the model would only continue it."""
    watch = Stopwatch()
    model = await resolve_model(runtime)
    sandbox = get_sandbox()
    fields = _build_prompt_fields(state)
    retry = state["retry"]
    asked = PROMPT[state["language"]].messages(**fields)
    reply = await _generate_program(model, asked, retry)
    usage = reply.usage
    if endless := usage.output_tokens >= MAX_TOKENS:
        reply = await _generate_program(model, asked, retry + 1)
        usage += reply.usage
    result = await _run_reply(sandbox, state, reply.value)
    if not result.ok and not endless:
        mend = REPAIR[state["language"]].messages(
            **fields, program=extract_program(reply.value), error=result.error
        )
        reply = await model.generate_text(mend, max_tokens=MAX_TOKENS)
        usage += reply.usage
        result = (await _run_reply(sandbox, state, reply.value)).model_copy(
            update={"repaired": True}
        )
    return {"results": [result], "costs": [(usage, watch.seconds)]}


async def _generate_program(
    model: LanguageModel, asked: list[AnyMessage], retry: int
) -> Reply[str]:
    """Generate a program, a different one for each value of `retry`."""
    temperature = RETRY_TEMPERATURE if retry else 0.0
    return await model.generate_text(
        asked, max_tokens=MAX_TOKENS, temperature=temperature, seed=retry or None
    )


def collect_results(state: ExecutionState) -> ExecutionOutput:
    """Gather the chains' results into `execution_output`."""
    results = sorted(state.get("results", []), key=lambda result: result.step_ids)
    failed = next((result for result in results if not result.ok), None)
    last = next(r for r in results if failed or plan_of(state).steps[-1].id in r.step_ids)
    output = Execution(
        results=results,
        answer=None if failed else last.answer,
        error=failed.error if failed else None,
    )
    costs = state.get("costs", [])
    return cast(
        "ExecutionOutput",
        record_turn(
            "execution",
            output,
            summary=output.answer.text if output.answer else f"{output.error}",
            inputs=plan_of(state).model_dump_json(),
            usage=sum((usage for usage, _ in costs), Usage()),
            seconds=max((seconds for _, seconds in costs), default=0.0),
            failed=failed is not None,
        ),
    )


def tries_left(state: TaskState) -> int:
    """Return the number of executions left, an extra one while no route has found an answer."""
    found = state.get("verification_output")
    allowed = MAX_EXECUTIONS + (found is None or found.answer is None)
    return allowed - count_turns(state, "execution")


def extract_program(reply: str) -> str:
    """Return the Python program in a reply, with or without a fence."""
    fenced = _FENCED.findall(reply)
    program = str(max(fenced, key=len) if fenced else reply).strip()
    return ensure_answer(_KEYWORD.sub(r"\1 ", program))


def ensure_answer(program: str) -> str:
    """Assign the last result to `answer` if the program never does. A small model that is told of
    the omission repeats it."""
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return program
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    if any(name.id == "answer" and isinstance(name.ctx, ast.Store) for name in names):
        return program
    match tree.body[-1:]:
        case [ast.Expr(ast.Call(ast.Name("print"), [*_, ast.JoinedStr(pieces)]))]:
            values = [piece.value for piece in pieces if isinstance(piece, ast.FormattedValue)]
        case [ast.Expr(ast.Call(ast.Name("print"), [*_, result])) | ast.Expr(result)]:
            values = [result]
        case [ast.Assign([ast.Name() as result]) | ast.AugAssign(ast.Name() as result)]:
            values = [result]
        case _:
            values = []
    if not values or isinstance(values[-1], ast.Constant):
        return program
    return f"{program}\nanswer = {ast.unparse(values[-1])}"


async def _run_reply(sandbox: Sandbox, state: ChainTask, reply: str) -> StepResult:
    program = extract_program(reply)
    if before := state["program_so_far"]:
        program = f"{before}\ndel answer  # the earlier step's\n{program}"
    try:
        found = await run_program(sandbox, program)
        if plan_of(state).steps[-1].id in state["chain"]:
            await _check_type(sandbox, state, found.answer)
    except ProgramError as error:
        return StepResult(step_ids=state["chain"], program=program, ok=False, error=str(error))
    return StepResult(
        step_ids=state["chain"], program=program, ok=True, answer=found.answer, facts=found.facts
    )


async def _check_type(sandbox: Sandbox, state: ChainTask, answer: Answer) -> None:
    """Check that the last step's answer is of the type that the problem asks for.

    Raises:
        ProgramError: it is not, or it is a sentence.
    """
    sentence = answer.kind == "text" and len(answer.text) > MAX_WORDS_CHARS
    if sentence or await fit_answer(sandbox, format_problem(state), answer) is None:
        raise ProgramError(
            f"ValueError: `answer` is {answer.text[:80]!r}; it must be only what is asked for"
        )


def plan_of(state: ExecutionInput) -> Plan:
    """Return the plan or, if planning was skipped, the whole problem as a single step."""
    return state.get("planning_output") or Plan(
        steps=[PlanStep(id=1, description="", tool="python", depends_on=[])]
    )


def _join_prior_programs(chain: list[int], results: list[StepResult], plan: Plan) -> str:
    """Join the programs of the chains that this one depends on, in order."""
    needs = {step.id: step.depends_on for step in plan.steps}
    wanted = set().union(*(needs[step] for step in chain)) - set(chain)
    return "\n".join(r.program for r in results if wanted.intersection(r.step_ids))


def _build_prompt_fields(state: ChainTask) -> dict[str, str]:
    steps = [s for s in plan_of(state).steps if s.id in state["chain"] and s.description]
    return {
        "problem": format_problem(state),
        "known": format_comprehension(state.get("comprehension_output")),
        "steps": "\n".join(f"{step.id}. {step.description} [{step.tool}]" for step in steps),
        "program_so_far": state["program_so_far"],
        "hints": _format_hints(state),
    }


def _format_hints(state: ChainTask) -> str:
    """Format the hints of the Coordinator and the verifier's model; empty if nothing needs repair.

    On a first try a small model's instructions are no better than none, and their numbers mislead.
    Hints that contain a found answer are omitted: a program that was told another route's result
    does not support it.
    """
    verification = state.get("verification_output")
    if verification is None or not verification.issues:
        return ""
    lines = [f"{issue.what}; {issue.suggestion}" for issue in verification.issues]
    answers = " ".join(attempt.answer.text for attempt in state.get("attempts", []))
    found = extract_numbers(answers) - extract_numbers(format_problem(state))
    hints = [
        line for line in (get_instructions(state), *lines) if not extract_numbers(line) & found
    ]
    return "\n- ".join([say("execution.hints", state["language"]), *hints]) if hints else ""
