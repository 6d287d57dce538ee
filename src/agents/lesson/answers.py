"""Confirmation of the answers to exercises, by routes that do not know them.

The expression written along with the exercise is one route, provided that it uses the question's
own numbers; reasoning from the question alone is the other. If the question states its calculation
("Calculate 3/4 + 1/8."), no model is needed to read it. If the first two disagree, a program
written from the question alone is the third; reasoning must be one of the two that agree, since
programs of one model share its misreadings.
"""

import re
from fractions import Fraction
from math import gcd
from typing import NamedTuple

from langchain_core.messages import AnyMessage
from pydantic import Field

from ...language.messages import Language
from ...language.text import HAN
from ...models.client import LanguageModel
from ...prompts import load_prompt
from ...state import Answer, Contract, Line, Usage
from ...tools.answers import (
    ProgramError,
    extract_boxed_answer,
    fit_answer,
    is_same_answer,
    read_answer,
    run_program,
)
from ...tools.arithmetic import add_brackets, contains_formula, format_value, simplify_latex
from ...tools.sandbox import Sandbox
from ..math.execution import extract_program
from .contracts import Exercise

PROGRAM = load_prompt("math/execution")
REASONING = load_prompt("math/reasoning")
MAX_REASONING_TOKENS = 400
MAX_PROGRAM_TOKENS = 300
COMMON_NUMBERS = frozenset({"0", "1", "2", "10", "60", "100", "180", "360", "1000", "3.14"})
"""Numbers that an expression may use even if the question does not mention them."""

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_VALUE = re.compile(r"-?\d+\s+\d+/\d+|-?\d+/\d+|-?\d+(?:\.\d+)?")
_ASKS_FOR_AN_ESTIMATE = re.compile(
    r"\bestimate|\babout how (?:many|much)|\broughly\b|\bapproximately\b|估算|估计|大约|大概",
    re.IGNORECASE,
)
_ASKS_FOR_A_FORM = re.compile(
    r"denominator|equivalent|which|compare|分母|等值|相等的|哪|比较", re.IGNORECASE
)
_HOW_MANY = re.compile(r"how (?:many|much|far|long|old|tall)|多少|几|多[长高远大]", re.IGNORECASE)
_SIGNS = str.maketrans("×÷−（）", "*/-()")
_COUNTED = (
    ("half", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    "半一二三四五六七八九十",
)

_SOLVE = """
import sympy as sp
from sympy.parsing.sympy_parser import (
    convert_xor, implicit_multiplication_application, parse_expr, standard_transformations,
)
reading = (*standard_transformations, convert_xor, implicit_multiplication_application)
sides = [[parse_expr(side, transformations=reading) for side in pair] for pair in {pairs!r}]
answer = sp.solve([sp.Eq(left, right) for left, right in sides], dict=True)
answer = answer[0] if len(answer) == 1 else answer
"""


class Draft(Contract):
    """An exercise as drafted by a model."""

    question: Line
    expression: Line
    """The calculation, or the equation to solve; empty if nothing is computed."""
    answer: Line = Field(min_length=1)


class CheckedDraft(NamedTuple):
    """An exercise with a confirmed answer, or None, and the usage of checking it."""

    exercise: Exercise | None
    usage: Usage


async def confirm(
    model: LanguageModel, sandbox: Sandbox, draft: Draft, language: Language
) -> CheckedDraft:
    """Confirm a draft's answer, or replace it by one that holds; None if it cannot be confirmed, or
    if no single answer is right, as in an estimate."""
    if _ASKS_FOR_AN_ESTIMATE.search(draft.question):
        return CheckedDraft(None, Usage())
    raw = await compute(sandbox, draft)
    computed = await fit_answer(sandbox, draft.question, raw) if raw else None
    if raw and computed and await _states_value(sandbox, draft.question, raw):
        return await _accept_draft(sandbox, draft, computed, draft.expression, Usage())
    reply = await model.generate_text(
        REASONING[language].messages(problem=draft.question), max_tokens=MAX_REASONING_TOKENS
    )
    usage = reply.usage
    reasoned = await _parse_answer(sandbox, draft.question, extract_boxed_answer(reply.value))
    if reasoned is None:
        return CheckedDraft(None, usage)
    if computed and await is_same_answer(sandbox, computed.written, reasoned.written):
        return await _accept_draft(sandbox, draft, computed, draft.expression, usage)
    reply = await model.generate_text(_program_for(draft, language), max_tokens=MAX_PROGRAM_TOKENS)
    usage += reply.usage
    programmed = await _run_program(sandbox, draft.question, extract_program(reply.value))
    if not programmed or not await is_same_answer(sandbox, programmed.written, reasoned.written):
        return CheckedDraft(None, usage)
    return await _accept_draft(sandbox, draft, programmed, None, usage)


async def _run_program(sandbox: Sandbox, question: str, program: str) -> Answer | None:
    """Return a program's answer as the question asks for it; None if it is no answer to it."""
    try:
        found = await run_program(sandbox, program)
    except ProgramError:
        return None
    return await fit_answer(sandbox, question, found.answer)


def needs_computing(question: str, answer: str) -> bool:
    """Return whether the answer has to be computed rather than known."""
    numbers = len(_NUMBER.findall(question))
    asked = numbers >= 2 or (numbers == 1 and _HOW_MANY.search(question) is not None)
    return asked and _NUMBER.search(answer) is not None


def is_faithful(question: str, expression: str) -> bool:
    """Return whether an expression is made of the question's own numbers."""
    asked = question.lower()
    words = {str(n or 2) for tongue in _COUNTED for n, word in enumerate(tongue) if word in asked}
    known = set(_NUMBER.findall(question.replace(",", ""))) | words
    used = set(_NUMBER.findall(expression.replace(",", "")))
    return bool(used & known) and used <= known | COMMON_NUMBERS


async def compute(sandbox: Sandbox, draft: Draft) -> Answer | None:
    """Return the value of a draft's expression, or the solution of its equations; None if there is
    none, or if the expression is not made of the question's numbers."""
    expression = add_brackets(
        simplify_latex(draft.expression).translate(_SIGNS).replace("==", "=").strip(" =?")
    )
    if not is_faithful(draft.question, expression):
        return None
    program = f"answer = ({expression})"
    if "=" in expression:
        pairs = [equation.split("=") for equation in re.split(r"[,;]", expression)]
        if any(len(pair) != 2 for pair in pairs):
            return None
        program = _SOLVE.format(pairs=pairs)
    elif not re.search(r"//|\d\s*%\s*\d", expression):
        return await read_answer(sandbox, expression, words=False)
    try:
        return (await run_program(sandbox, program)).answer
    except ProgramError:
        return None


async def format_draft_answer(sandbox: Sandbox, draft: Draft, value: Answer) -> tuple[str, bool]:
    """Return the answer to print, in the draft's own words if possible, and whether the draft was
    right."""
    claimed = simplify_latex(draft.answer).strip().rstrip("。.")
    right = await _is_right(sandbox, draft.question, claimed, value)
    text = _match_number_style(value.text, draft.question)
    if value.unit and not re.search(rf"[A-Za-z{HAN}%°]", claimed):
        return text, right
    values = _VALUE.findall(text)
    places = _VALUE.findall(claimed)
    alike = len(values) == len(places)
    if right and (alike or _is_symbolic(value)) and _has_requested_form(draft.question, claimed):
        return claimed, True
    if _is_symbolic(value) or not alike:
        return text, right
    found = iter(values)
    return _VALUE.sub(lambda _: next(found), claimed), right


async def _is_right(sandbox: Sandbox, question: str, claimed: str, value: Answer) -> bool:
    """Return whether a claimed answer is the value, and rounded as the question asks."""
    written = await read_answer(sandbox, claimed, words=False)
    fitted = await fit_answer(sandbox, question, written) if written else None
    if written is None or fitted is None:
        return False
    if fitted.kind == written.kind and fitted.exact != written.exact:
        return False
    return await is_same_answer(sandbox, fitted.written, value.written)


async def _accept_draft(
    sandbox: Sandbox, draft: Draft, value: Answer, expression: str | None, usage: Usage
) -> CheckedDraft:
    answer, right = await format_draft_answer(sandbox, draft, value)
    if _is_symbolic(value) and contains_formula(draft.question, answer):
        return CheckedDraft(None, usage)  # `Expand 2(x + 3).` is not answered by `2(x + 3)`
    exercise = Exercise(
        question=simplify_latex(draft.question).strip(),
        answer=answer,
        working=_format_expression(expression) if expression else None,
        claimed=None if right else draft.answer,
        computed=True,
    )
    return CheckedDraft(exercise, usage)


def _match_number_style(text: str, question: str) -> str:
    """Convert a fraction to a decimal if the question calculates only with decimals."""
    decimals = re.search(r"\d\.\d", question) and not re.search(r"\d\s*/\s*\d", question)
    fraction = re.fullmatch(r"-?\d{1,99}/\d{1,99}", text)
    return format_value(Fraction(text)) if decimals and fraction else text


def _is_symbolic(value: Answer) -> bool:
    """Return whether the answer is an expression with letters, not `x = 5`."""
    return "Eq(" not in value.exact and re.search(r"\b[a-z]\b", value.exact) is not None


async def _states_value(sandbox: Sandbox, question: str, computed: Answer) -> bool:
    """Return whether the question states a calculation with that value, and little else."""
    text = add_brackets(simplify_latex(question)).translate(_SIGNS)
    stated = re.findall(r"\(*\d[-\d\s+*/().^]*\d\)*", text)
    # A lone fraction may be what the question is about: "What is the numerator of 3/4?"
    operators = re.sub(r"\(\d+/\d+\)", "", stated[0] if len(stated) == 1 else "")
    is_calculation = re.search(r"[-+*/^]", operators)
    around = len(text) - len(stated[0]) if is_calculation else 0
    if not is_calculation or around > 40 or _is_symbolic(computed):
        return False
    return await is_same_answer(sandbox, stated[0], computed.exact, exact=True)


async def _parse_answer(sandbox: Sandbox, question: str, text: str) -> Answer | None:
    """Return a written answer as the question asks for it; None if it is no answer to it."""
    found = await read_answer(sandbox, text, words=False)
    return await fit_answer(sandbox, question, found) if found else None


def _has_requested_form(question: str, answer: str) -> bool:
    """Return whether fractions are in lowest terms, or the question asks for another form."""
    fractions = re.findall(r"(\d+)/(\d+)", answer)
    lowest = all(gcd(int(top), int(bottom)) == 1 and bottom != "1" for top, bottom in fractions)
    return lowest or _ASKS_FOR_A_FORM.search(question) is not None


def _format_expression(expression: str) -> str | None:
    """Format an expression in school notation; None if that has no form for it."""
    text = re.sub(r"(?<=\d)\s*\*\s*(?=[a-z(])", "", simplify_latex(expression).replace("**", "^"))
    text = re.sub(r"(?<=[\w)])\s*([-+*=])\s*(?=[\w(])", r" \1 ", text)
    return None if re.search(r"//|[%,]|[A-Za-z]{2}", text) else text.replace("*", "×").strip()


def _program_for(draft: Draft, language: Language) -> list[AnyMessage]:
    fields = dict.fromkeys(("known", "steps", "program_so_far", "hints"), "")
    return PROGRAM[language].messages(problem=draft.question, **fields)
