"""Verification: automatic checks first, then, if they fail, a diagnosis by the model.

Two methods that find the same answer support it: a program, and reasoning in words, written without
seeing the program. Programs of one model repeat each other's mistakes and count as one method;
their number only breaks ties. Substituting the answer into the problem's own equations is a method
of its own. Every answer is kept, so a later program may be supported by earlier reasoning. A
model's opinion of an answer is not evidence and decides nothing.
"""

from collections import defaultdict

from langgraph.runtime import Runtime

from ...context import RunContext, get_sandbox, resolve_model
from ...errors import StructuredOutputError
from ...models.client import LanguageModel, Reply
from ...prompts import load_prompt
from ...state import (
    Answer,
    Attempt,
    Check,
    Diagnosis,
    Execution,
    Issue,
    Route,
    TaskState,
    Usage,
    Verification,
)
from ...tools.answers import (
    check_substitution,
    extract_boxed_answer,
    find_broken_forms,
    group_answers,
    read_answer,
)
from ...tools.sandbox import Sandbox
from ..turns import Stopwatch, count_turns, fingerprint, format_problem, record_turn
from .execution import tries_left
from .recomputation import correct_arithmetic
from .solution import build_solution_output, format_facts

REASONING = load_prompt("math/reasoning")
DIAGNOSIS = load_prompt("math/diagnosis")
MAX_REASONING_TOKENS = 800
MAX_DIAGNOSIS_TOKENS = 250
ENOUGH_SUPPORT = 2
ANOTHER_TEMPERATURE = 0.7
"""Temperature of later reasoning: at 0, reasoning that found no answer would find none again."""


async def verify(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    """Look for support for the answer. Writes `verification_output` and adds to `attempts`."""
    watch, model, sandbox = Stopwatch(), await resolve_model(runtime), get_sandbox()
    executed = state["execution_output"]
    if executed is None:
        raise ValueError("there is no execution to verify")
    new, usage = _build_program_attempts(executed), Usage()
    checks = await _machine_checks(sandbox, state, executed)
    answer = executed.answer
    support = ENOUGH_SUPPORT
    if not any(check.name == "substitution" for check in checks):
        answer, support, usage = await _compare_routes(model, sandbox, state, new)
        agree = support >= ENOUGH_SUPPORT
        checks.append(Check(name="second_route", passed=agree, detail=_format_attempts(state, new)))
    checks += await _check_form(sandbox, state, answer)
    passed = all(check.passed for check in checks)
    hope, issues = tries_left(state) > 0, list[Issue]()
    if not passed and executed.answer and hope:  # otherwise nobody would read it
        diagnosis = await _diagnose(model, state, checks)
        usage += diagnosis.usage
        issues = diagnosis.value
    found = Verification(
        status="PASSED" if passed else "NEEDS_REVISION" if answer or hope else "FATAL_ERROR",
        answer=answer,
        support=support,
        checks=checks,
        issues=issues,
    )
    return _update(state, found, new, usage, watch)


async def _machine_checks(sandbox: Sandbox, state: TaskState, executed: Execution) -> list[Check]:
    """Run the checks that need no model: that the program ran, and the problem's own equations."""
    answer = executed.answer
    if answer is None:
        return [Check(name="ran", passed=False, detail=f"{executed.error}")]
    checks = [Check(name="ran", passed=True, detail=answer.text)]
    if held := await check_substitution(sandbox, format_problem(state), answer.exact):
        checks.append(Check(name="substitution", passed=True, detail=held))
    return checks


async def _check_form(sandbox: Sandbox, state: TaskState, answer: Answer | None) -> list[Check]:
    """Check that the answer has the form that comprehension expects of it, if any."""
    comprehended = state.get("comprehension_output")
    if answer is None or comprehended is None or not comprehended.answer_is:
        return []
    broken = await find_broken_forms(sandbox, answer.exact, comprehended.answer_is)
    detail = ", ".join(broken or comprehended.answer_is)
    return [Check(name="form", passed=not broken, detail=detail)]


async def _compare_routes(
    model: LanguageModel, sandbox: Sandbox, state: TaskState, new: list[Attempt]
) -> tuple[Answer | None, int, Usage]:
    """Return the best supported answer, its support and the usage. Adds reasoning to `new` if the
    answer needs it."""
    attempts = [*state.get("attempts", []), *new]
    answer, support = await find_best_supported(sandbox, attempts)
    if support >= ENOUGH_SUPPORT or any(attempt.route == "reasoning" for attempt in attempts):
        return answer, support, Usage()
    reply = await _reason(model, sandbox, state)
    if reply.value is not None:
        new.append(reply.value)
        answer, support = await find_best_supported(sandbox, [*attempts, reply.value])
    return answer, support, reply.usage


async def find_best_supported(
    sandbox: Sandbox, attempts: list[Attempt]
) -> tuple[Answer | None, int]:
    """Return the answer found by the most methods and their number; None and 0 without attempts.

    Ties go to the answer found most often, then to that of reasoning, which is right more often
    than a single program (see bench/README.md).
    """
    if not attempts:
        return None, 0
    groups = await group_answers(sandbox, [attempt.answer.exact for attempt in attempts])
    methods = defaultdict[int, set[Route]](set)
    for attempt, group in zip(attempts, groups, strict=True):
        methods[group].add(attempt.route)

    def weight(group: int) -> tuple[int, int, bool]:
        routes = methods[group]
        return len(routes), groups.count(group), "reasoning" in routes

    best = max(methods, key=weight)
    return attempts[groups.index(best)].answer, len(methods[best])


async def _reason(
    model: LanguageModel, sandbox: Sandbox, state: TaskState
) -> Reply[Attempt | None]:
    """Solve the problem in words, without seeing the program; None if no answer was found."""
    tried = count_turns(state, "verification")
    reply = await model.generate_text(
        REASONING[state["language"]].messages(problem=format_problem(state)),
        max_tokens=MAX_REASONING_TOKENS,
        temperature=ANOTHER_TEMPERATURE if tried else 0.0,
        seed=tried or None,
    )
    working = await correct_arithmetic(sandbox, reply.value, format_problem(state))
    answer = await read_answer(sandbox, extract_boxed_answer(working))
    if answer is None:
        return Reply(None, reply.usage)
    return Reply(Attempt(route="reasoning", answer=answer, working=working), reply.usage)


async def _diagnose(
    model: LanguageModel, state: TaskState, checks: list[Check]
) -> Reply[list[Issue]]:
    """Ask the model what went wrong, where, and what to try; empty if its reply is unusable. The
    model is not told what reasoning found, so that the next program is not written towards it."""
    executed = state["execution_output"]
    failed = {check.name: check.detail for check in checks if not check.passed}
    if "second_route" in failed and executed and executed.answer:
        failed["second_route"] = f"program: {executed.answer.text}"
    messages = DIAGNOSIS[state["language"]].messages(
        problem=format_problem(state),
        program="\n".join(result.program for result in executed.results) if executed else "",
        checks="\n".join(f"{name}: {detail}" for name, detail in failed.items()),
    )
    try:
        reply = await model.generate_structured(
            messages, Diagnosis, max_tokens=MAX_DIAGNOSIS_TOKENS, language=state["language"]
        )
    except StructuredOutputError as error:
        return Reply([], error.usage)
    return Reply(reply.value.issues, reply.usage)


def _build_program_attempts(executed: Execution) -> list[Attempt]:
    """Return the execution as an attempt; empty if it has no answer."""
    if executed.answer is None:
        return []
    facts = {name: value for result in executed.results for name, value in result.facts.items()}
    program = "\n\n".join(result.program for result in executed.results)
    return [Attempt(route="program", answer=executed.answer, working=program, facts=facts)]


def _format_attempts(state: TaskState, new: list[Attempt]) -> str:
    attempts = [*state.get("attempts", []), *new]
    return ", ".join(f"{attempt.route}: {attempt.answer.text}" for attempt in attempts)


def _update(
    state: TaskState, found: Verification, new: list[Attempt], usage: Usage, watch: Stopwatch
) -> TaskState:
    update = record_turn(
        "verification",
        found,
        summary=f"{found.status}; "
        + "; ".join(f"{check.name}: {check.detail}" for check in found.checks[1:]),
        inputs="".join(fingerprint(attempt) for attempt in new),
        usage=usage,
        seconds=watch.seconds,
        failed=found.status != "PASSED",
    )
    update["attempts"] = new
    if found.answer and found.status == "PASSED":  # another workflow may build on it
        after: TaskState = {
            **state,
            "attempts": [*state.get("attempts", []), *new],
            "verification_output": found,
        }
        output = build_solution_output(after, found.answer, format_facts(after, found.answer))
        update["outputs"] = {output.workflow: output}
    return update
