"""Programs meet assertions in the sandbox: which program holds, and which assertions count."""

from typing import NamedTuple

from ...language.messages import Language, say
from ...state import Check
from .code import (
    drop_contradictions,
    extract_python,
    list_functions,
    read_assertions,
    read_examples,
    try_assertions,
)
from .contracts import Contribution
from .request import Asked


class Trial(NamedTuple):
    """The outcome of programs against assertions."""

    best: Contribution | None
    """The program that fails the fewest assertions; None if there is none that runs."""
    passed: list[str]
    """Assertions that it passes."""
    failed: list[str]
    """Assertions that count and that it fails."""
    left_out: int
    """Assertions that every one of several programs fails, and so are taken to be wrong."""

    @property
    def holds(self) -> bool:
        """Whether the best program passes all that counts, and that is most of what was
        asserted."""
        return bool(self.passed) and not self.failed and self.left_out <= len(self.passed)


async def hold_trial(
    programs: list[Contribution], tests: list[Contribution], asked: Asked
) -> Trial:
    """Run every program against all assertions.

    An assertion counts if it parses, calls what is tested and contradicts no other; one that every
    one of several programs fails does not, unless it is an example of the task.

    Raises:
        SandboxUnavailable: programs cannot be confined on this machine.
    """
    codes = {part.number * 10 + part.round: extract_python(part.text) for part in programs}
    names = list(asked.functions) or sorted(
        {n for code in codes.values() for n in list_functions(code)}
    )
    examples = read_examples(asked.task)
    stated = [each for part in tests for each in read_assertions(part.text, names)]
    assertions = [*examples, *drop_contradictions([s for s in stated if s not in examples])]
    outcomes: list[tuple[Contribution, list[str]]] = []
    for part in programs:
        found = await try_assertions(codes[part.number * 10 + part.round], assertions)
        if found is not None:
            outcomes.append((part, found))
    return _compare(outcomes, assertions, set(examples))


def _compare(
    outcomes: list[tuple[Contribution, list[str]]], assertions: list[str], examples: set[str]
) -> Trial:
    if not outcomes:
        return Trial(None, [], [], 0)
    lost = {
        source
        for place, source in enumerate(assertions)
        if len(outcomes) > 1 and source not in examples and all(why[place] for _, why in outcomes)
    }
    best, why = min(outcomes, key=lambda outcome: sum(map(bool, outcome[1])))
    passed = [source for source, failed in zip(assertions, why, strict=True) if not failed]
    failed = [s for s, reason in zip(assertions, why, strict=True) if reason and s not in lost]
    return Trial(best, passed, failed, len(lost))


def build_test_check(trial: Trial, language: Language) -> Check:
    """Return the check of a trial."""
    if trial.failed:
        return Check(name="tests", passed=False, detail=trial.failed[0][:200])
    if not trial.holds:
        return Check(name="tests", passed=False, detail=say("team.no_tests", language))
    detail = say("team.tests", language, count=len(trial.passed))
    return Check(name="tests", passed=True, detail=detail)


def format_program(trial: Trial, language: Language) -> str:
    """Return the best program with the assertions that it passed."""
    best = trial.best
    if best is None:
        return ""
    code = extract_python(best.text)
    new = [source for source in trial.passed if source not in code]
    if not new:
        return best.text
    shown = "\n".join(new)
    return f"{best.text}\n\n{say('team.passed', language)}\n\n```python\n{shown}\n```"
