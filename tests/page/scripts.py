"""What tasks do in these tests: events as `astream_task` yields them, and results."""

from typing import Any

Json = dict[str, Any]

USAGE = {"calls": 1, "prompt_tokens": 812, "cached_tokens": 0, "output_tokens": 64, "seconds": 2.1}
LEGAL = ["comprehension", "planning", "execution"]
STARTED: Json = {"type": "started", "task_id": "task0", "thread_id": "task0"}


def decision(action: str, reasoning: str, *, source: str = "model", instructions: str = "") -> Json:
    """The Coordinator sends the task to `action`."""
    return {
        "type": "decision",
        "round": 1,
        "actor": "coordinator",
        "summary": action,
        "source": source,
        "legal": LEGAL if source == "model" else [action],
        "usage": USAGE if source == "model" else {"calls": 0},
        "seconds": 2.1 if source == "model" else 0.0,
        "reasoning": reasoning,
        "next_action": action,
        "instructions": instructions,
        "should_continue": action != "complete",
    }


def progress(actor: str, summary: str) -> Json:
    """A piece of an agent's work is done."""
    return {"type": "progress", "actor": actor, "summary": summary}


def turn(actor: str, summary: str, *, failed: bool = False) -> Json:
    """What an agent did."""
    return {
        "type": "turn",
        "actor": actor,
        "summary": summary,
        "failed": failed,
        "usage": USAGE,
        "seconds": 2.4,
    }


def done(status: str, text: str = "", workflow: str = "solve_math", **more: Any) -> Json:
    """The end of a task with an output of that workflow."""
    output = {
        "workflow": workflow,
        "status": status,
        "text": text,
        "checks": more.pop("checks", []),
        "sources": more.pop("sources", []),
        "data": {},
    }
    result = {
        "status": status,
        "workflow": workflow,
        "report": text,
        "final_answer": text[:40] or None,
        "outputs": {workflow: output} if text else {},
        "answer": None,
        "usage": {"prompt_tokens": 2436, "output_tokens": 192},
        "input_request": None,
        "error": None,
        **more,
    }
    return {"type": "done", "result": result}


SOLUTION = r"""## Solution

1. The equation factors: $x^2 - 5x + 6 = (x - 2)(x - 3)$.
2. A product is zero exactly when one of its factors is:

$$
x - 2 = 0 \quad \text{or} \quad x - 3 = 0
$$

| root | $x^2 - 5x + 6$ |
| ---: | :------------: |
| 2 | $4 - 10 + 6 = 0$ |
| 3 | $9 - 15 + 6 = 0$ |

```python
from sympy import solve, symbols

x = symbols("x")
answer = solve(x**2 - 5 * x + 6)
```

**Answer:** $x = 2$ or $x = 3$

Verified: put back into the problem, the answer holds."""

SOLVED: list[Json] = [
    STARTED,
    decision(
        "comprehension",
        "The task states an equation, so what is given and what is asked for must be read first.",
        instructions="Say whether real solutions are asked for.",
    ),
    turn("comprehension", "Given: x² − 5x + 6 = 0. Unknown: x."),
    decision("planning", "Only Planning makes sense now.", source="forced"),
    turn("planning", "1. Factor the quadratic. 2. Set each factor to zero."),
    decision("execution", "There is a plan; a program can carry it out exactly."),
    turn("execution", "x = 2, x = 3"),
    decision("verification", "Only Verification makes sense now.", source="forced"),
    turn("verification", "PASSED: both roots fulfil the equation."),
    decision("complete", "The answer passed.", source="forced"),
    done(
        "verified",
        SOLUTION,
        answer={"exact": "{2, 3}", "text": "2, 3", "latex": r"x \in \{2, 3\}", "decimal": None},
        checks=[
            {"name": "ran", "passed": True, "detail": ""},
            {"name": "substitution", "passed": True, "detail": "x² − 5x + 6 = 0"},
        ],
    ),
]

LESSON = """# Fractions

## Introduction

A pizza is cut into four equal slices. One slice is $\\frac{1}{4}$ of it.

## Practice

1. What is $\\frac{1}{4} + \\frac{2}{4}$?

## Answer key

1. $\\frac{3}{4}$"""
