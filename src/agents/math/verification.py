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
from ...language.messages import say
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
    find_broken_forms,
    find_made_up_numbers,
    fit_answer,
    group_answers,
)
from ...tools.sandbox import Sandbox
from ..turns import Stopwatch, count_turns, fingerprint, format_problem, record_turn
from .execution import tries_left
from .reasoning import reason_in_words
from .solution import build_solution_output, format_check, format_facts

DIAGNOSIS = load_prompt("math/diagnosis")
MAX_DIAGNOSIS_TOKENS = 250
ENOUGH_SUPPORT = 2
ANOTHER_TEMPERATURE = 0.7
"""Temperature of later reasoning: at 0, reasoning that found no answer would find none again."""


async def verify(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    """Look for support for the answer. Writes `verification_output` and adds to `attempts`."""
    watch = Stopwatch()
    model = await resolve_model(runtime)
    sandbox = get_sandbox()
    executed = state["execution_output"]
    if executed is None:
        raise ValueError("there is no execution to verify")
    answer = await _fit_program_answer(sandbox, state, executed)
    new = _build_program_attempts(executed, answer)
    usage = Usage()
    checks = await _substitute(sandbox, state, answer)
    routes: set[Route] = {"program"}
    if not checks:
        answer, routes, usage = await _compare_routes(model, sandbox, state, new)
        agree = len(routes) >= ENOUGH_SUPPORT
        checks.append(Check(name="second_route", passed=agree, detail=_format_attempts(state, new)))
        checks += await _check_data(sandbox, state, [*state.get("attempts", []), *new], answer)
    checks = [_check_program(executed, answer, routes), *checks]
    checks += await _check_form(sandbox, state, answer)
    passed = all(check.passed for check in checks)
    hope = tries_left(state) > 0
    issues = list[Issue]()
    if not passed and executed.answer and hope:  # otherwise nobody would read it
        diagnosis = await _diagnose(model, state, checks)
        usage += diagnosis.usage
        issues = diagnosis.value
    found = Verification(
        status="PASSED" if passed else "NEEDS_REVISION" if answer or hope else "FATAL_ERROR",
        answer=answer,
        support=len(routes) if answer else 0,
        checks=checks,
        issues=issues,
    )
    return _update(state, found, new, usage, watch)


async def _fit_program_answer(
    sandbox: Sandbox, state: TaskState, executed: Execution
) -> Answer | None:
    """Return the program's answer in the type and unit that the problem asks for, if it is one."""
    if executed.answer is None:
        return None
    return await fit_answer(sandbox, format_problem(state), executed.answer)


async def _substitute(sandbox: Sandbox, state: TaskState, answer: Answer | None) -> list[Check]:
    """Check the answer by the problem's own equations, if it has any and they are understood."""
    if answer is None:
        return []
    held = await check_substitution(sandbox, format_problem(state), answer.written)
    return [Check(name="substitution", passed=True, detail=held)] if held else []


def _check_program(executed: Execution, answer: Answer | None, supported: set[Route]) -> Check:
    """Check that a program came to the answer that is given."""
    passed = answer is not None and "program" in supported
    computed = answer if passed else executed.answer
    return Check(
        name="ran", passed=passed, detail=computed.text if computed else f"{executed.error}"
    )


async def _check_data(
    sandbox: Sandbox, state: TaskState, attempts: list[Attempt], answer: Answer | None
) -> list[Check]:
    """Check that the program behind the answer computes with the problem's own numbers. Numbers
    that a model makes up for missing data tend to be the same in all its routes."""
    programs = [a for a in attempts if a.route == "program" and a.answer == answer]
    if not programs:
        return []
    problem = format_problem(state)
    made_up = await find_made_up_numbers(sandbox, programs[-1].working, problem)
    return [Check(name="given", passed=False, detail=", ".join(made_up))] if made_up else []


async def _check_form(sandbox: Sandbox, state: TaskState, answer: Answer | None) -> list[Check]:
    """Check that the answer has the form that the problem's words, and comprehension, expect of
    it."""
    if answer is None:
        return []
    comprehended = state.get("comprehension_output")
    expected = comprehended.answer_is if comprehended else []
    problem = format_problem(state)
    forms, broken = await find_broken_forms(sandbox, problem, answer, expected)
    if not forms:
        return []
    return [Check(name="form", passed=not broken, detail=", ".join(broken or forms))]


async def _compare_routes(
    model: LanguageModel, sandbox: Sandbox, state: TaskState, new: list[Attempt]
) -> tuple[Answer | None, set[Route], Usage]:
    """Return the best supported answer, the routes that found it and the usage. Adds reasoning to
    `new` if the answer needs it."""
    attempts = [*state.get("attempts", []), *new]
    answer, routes = await find_best_supported(sandbox, attempts)
    reasoned = any(attempt.route == "reasoning" for attempt in attempts)
    if len(routes) >= ENOUGH_SUPPORT or reasoned:
        return answer, routes, Usage()
    reply = await _reason(model, sandbox, state)
    if reply.value is not None:
        new.append(reply.value)
        answer, routes = await find_best_supported(sandbox, [*attempts, reply.value])
    return answer, routes, reply.usage


async def find_best_supported(
    sandbox: Sandbox, attempts: list[Attempt]
) -> tuple[Answer | None, set[Route]]:
    """Return the answer found by the most methods, and these; None and none without attempts.

    Ties go to the answer found most often, then to that of reasoning, which is right more often
    than a single program (see bench/README.md).
    """
    if not attempts:
        return None, set()
    groups = await group_answers(sandbox, [attempt.answer.written for attempt in attempts])
    methods = defaultdict[int, set[Route]](set)
    for attempt, group in zip(attempts, groups, strict=True):
        methods[group].add(attempt.route)

    def weight(group: int) -> tuple[int, int, bool]:
        routes = methods[group]
        return len(routes), groups.count(group), "reasoning" in routes

    best = max(methods, key=weight)
    return attempts[groups.index(best)].answer, methods[best]


async def _reason(
    model: LanguageModel, sandbox: Sandbox, state: TaskState
) -> Reply[Attempt | None]:
    """Solve the problem in words, without seeing the program; None if no answer was found."""
    tried = count_turns(state, "verification")
    return await reason_in_words(
        model,
        sandbox,
        format_problem(state),
        state["language"],
        temperature=ANOTHER_TEMPERATURE if tried else 0.0,
        seed=tried or None,
    )


async def _diagnose(
    model: LanguageModel, state: TaskState, checks: list[Check]
) -> Reply[list[Issue]]:
    """Ask the model what went wrong, where, and what to try; empty if its reply is unusable. The
    model is not told what reasoning found, so that the next program is not written towards it."""
    executed = state["execution_output"]
    failed = {check.name: check.detail for check in checks if not check.passed}
    if executed and executed.answer:
        failed.pop("ran", None)
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


def _build_program_attempts(executed: Execution, answer: Answer | None) -> list[Attempt]:
    """Return the execution as an attempt; empty if it has no answer to what is asked."""
    if answer is None:
        return []
    facts = {name: value for result in executed.results for name, value in result.facts.items()}
    program = "\n\n".join(result.program for result in executed.results)
    return [Attempt(route="program", answer=answer, working=program, facts=facts)]


def _format_attempts(state: TaskState, new: list[Attempt]) -> str:
    attempts = [*state.get("attempts", []), *new]
    return ", ".join(f"{attempt.route}: {attempt.answer.text}" for attempt in attempts)


def _update(
    state: TaskState, found: Verification, new: list[Attempt], usage: Usage, watch: Stopwatch
) -> TaskState:
    after: TaskState = {
        **state,
        "attempts": [*state.get("attempts", []), *new],
        "verification_output": found,
    }
    update = record_turn(
        "verification",
        found,
        note=_format_note(found, after),
        summary=f"{found.status}; "
        + "; ".join(f"{check.name}: {check.detail}" for check in found.checks[1:]),
        inputs="".join(fingerprint(attempt) for attempt in new),
        usage=usage,
        seconds=watch.seconds,
        failed=found.status != "PASSED",
    )
    update["attempts"] = new
    if found.answer and found.status == "PASSED":  # another workflow may build on it
        output = build_solution_output(after, found.answer, format_facts(after, found.answer))
        update["outputs"] = {output.workflow: output}
    return update


def _format_note(found: Verification, state: TaskState) -> str:
    """Format the finding for the user: the checks that count for it or, failing that, against."""
    passed = found.status == "PASSED"
    checks = "; ".join(format_check(c, state) for c in found.checks if c.passed == passed)
    return say(f"math.{'confirmed' if passed else 'unconfirmed'}", state["language"], checks=checks)
