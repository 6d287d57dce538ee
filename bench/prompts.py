"""Prompts of the routes that Concertino is compared with."""

import re

from concertino.agents.math.reasoning import REASONING
from concertino.language.messages import Language
from langchain_core.messages import AnyMessage, HumanMessage

STEP_BY_STEP = {
    "en": 'Let\'s think step by step, and end with "Answer: " and the value.',
    "zh": "让我们一步一步地思考，最后写“答案：”和数值。",
}
PROGRAM = {
    "en": "Write a Python program that solves this and puts the result into a variable `answer`. "
    "Reply with one ```python block only.",
    "zh": "写一个Python程序解决这个问题，把结果放进变量 `answer`。只回复一个```python代码块。",
}
_FINAL = re.compile(r"(?:Answer|答案)\**\s*[:：](.*)", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:/\d+)?%?")


def chain_of_thought(problem: str, language: Language) -> list[AnyMessage]:
    """Zero-shot chain of thought."""
    return [HumanMessage(f"{problem}\n\n{STEP_BY_STEP[language]}")]


def boxed_reasoning(problem: str, language: Language) -> list[AnyMessage]:
    """The prompt of verification's second route."""
    return REASONING[language].messages(problem=problem)


def program(problem: str, language: Language) -> list[AnyMessage]:
    """One program, zero-shot."""
    return [HumanMessage(f"{problem}\n\n{PROGRAM[language]}")]


def final_line(reply: str) -> str | None:
    """Return the last number of the last `Answer:` line, or else of the whole reply."""
    lines = _FINAL.findall(reply)
    numbers = _NUMBER.findall(lines[-1] if lines else "") or _NUMBER.findall(reply)
    return numbers[-1] if numbers else None
