"""What tasks do in these tests: events as `astream_task` yields them, and results."""

from itertools import accumulate
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


def turn(actor: str, summary: str, *, failed: bool = False, note: str = "") -> Json:
    """What an agent did."""
    return {
        "type": "turn",
        "actor": actor,
        "summary": summary,
        "note": note,
        "failed": failed,
        "usage": USAGE,
        "seconds": 2.4,
    }


def node(kind: str, name: str, *path: str, run: str = "") -> Json:
    """A node of the graph starts or ends."""
    return {"type": f"node_{kind}", "node": name, "path": list(path), "run": run or name}


def token(text: str, offset: int, message: str = "m1") -> Json:
    """A model writes a piece of a text."""
    return {"type": "token", "node": "n", "message": message, "offset": offset, "text": text}


def tokens(text: str, message: str = "m1") -> list[Json]:
    """A model writes a text, word by word."""
    words = [f"{word} " for word in text.split(" ")]
    starts = accumulate((len(word) for word in words), initial=0)
    return [token(word, start, message) for word, start in zip(words, starts, strict=False)]


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


def action(call: str, name: str, effect: str = "read") -> Json:
    """A call of an action begins."""
    return {"type": "action", "call": call, "action": name, "effect": effect}


def changed(path: str, diff: str, before: str | None = "b" * 64, after: str | None = "a") -> Json:
    """A file that was changed."""
    return {"path": path, "before": before, "after": after, "diff": diff}


def call_result(
    call: str, name: str, params: Json, *, status: str = "done", preview: str = "", **more: Any
) -> Json:
    """What became of a call, as the result of a task tells it."""
    return {
        "id": call,
        "action": name,
        "params": params,
        "status": status,
        "error_class": None if status == "done" else "failed",
        "preview": preview,
        "effects": more.pop("effects", []),
        "untrusted": False,
        **more,
    }


def result(call: Json) -> Json:
    """A call has ended."""
    return {"type": "result", **call, "seconds": 0.1}


def approval(call: str, name: str, params: Json, diff: str = "", reason: str = "It asks.") -> Json:
    """A call that waits for the person."""
    digest = f"{call}-digest"
    known = {"call": call, "action": name, "params": params, "reason": reason}
    return {**known, "diff": diff, "digest": digest}


def needs_approval(*approvals: Json) -> Json:
    """Calls wait for the person."""
    return {"type": "needs_approval", "question": "May I?", "approvals": list(approvals)}


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
    turn("verification", "PASSED; ran", note="Confirmed: both roots fulfil the equation."),
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

ROUTING: Json = {
    "task_type": "write_story",
    "candidates": [
        {"workflow": "write_story", "p": 0.82},
        {"workflow": "teach_explain", "p": 0.11},
        {"workflow": "solve_math", "p": 0.04},
        {"workflow": "rag_qa", "p": 0.03},
    ],
    "values": [
        {"workflow": "write_story", "value": 0.714, "count": 12},
        {"workflow": "solve_math", "value": -0.08, "count": 1},
    ],
    "policy": "thompson",
    "probabilities": {"write_story": 0.97, "teach_explain": 0.03},
    "suggestion": "write_story",
    "router_version": "1",
}

REWARD: Json = {
    "quality": 0.79,
    "cost": 0.45,
    "reward": 0.70,
    "quality_terms": [
        {"name": "status", "value": 1.0, "weight": 2.0},
        {"name": "plot", "value": 0.375, "weight": 1.0},
    ],
    "cost_terms": [
        {"name": "tokens", "value": 0.4, "weight": 3.0},
        {"name": "seconds", "value": 0.5, "weight": 2.0},
        {"name": "calls", "value": 0.5, "weight": 2.0},
    ],
}

LESSON = """# Fractions

## Introduction

A pizza is cut into four equal slices. One slice is $\\frac{1}{4}$ of it.

## Practice

1. What is $\\frac{1}{4} + \\frac{2}{4}$?

## Answer key

1. $\\frac{3}{4}$"""
