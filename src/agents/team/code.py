"""Code that answers a request: taken out of a reply, run in the sandbox, met with assertions."""

import ast
import doctest
import json
import re
from collections.abc import Sequence
from typing import NamedTuple

from ...context import get_sandbox
from ...tools.sandbox import SandboxLimits

_FENCED = re.compile(
    r"^[ \t]*```[^\S\n]*(\w*)[^\n]*\n(.*?)(?:^[ \t]*```|\Z)", re.DOTALL | re.MULTILINE
)
_STATED = re.compile(r"^[ \t]*assert[ \t]+(.+)$", re.MULTILINE)
_TOLD = re.compile(
    r"\b(\w+\([^()\n]*\))`?\s*(?:==|=>|->|→|returns?|gives|should be|is|应?返回|应为|得到|等于|为)"
    r"\s*`?(\[[^\]\n]*\]|\([^)\n]*\)|\{[^}\n]*\}|'[^'\n]*'|\"[^\"\n]*\"|-?\w+(?:\.\d+)?)"
)
"""A call and its result, as a sentence tells them."""
_PYTHON = frozenset({"", "python", "py", "python3"})
LIMITS = SandboxLimits(cpu_seconds=5, wall_seconds=10)
MAX_ASSERTIONS = 12
# Runs after the code, in its process: test functions that nobody has called yet.
_CALL_TESTS = """
for _name, _test in list(globals().items()):
    if _name.startswith("test") and callable(_test) and not isinstance(_test, type):
        if not getattr(getattr(_test, "__code__", None), "co_argcount", 1):
            _test()
"""
# Tries each assertion by itself. What the code did to its globals it did to itself.
_TRY_EACH = """
import json as _json
_outcomes = []
for _source in _assertions:
    try:
        exec(compile(_source, "<assertion>", "exec"), globals())
        _outcomes.append("")
    except AssertionError:
        _outcomes.append("AssertionError")
    except BaseException as _error:
        _outcomes.append(f"{type(_error).__name__}: {_error}"[:200])
_found = _json.dumps(_outcomes)
"""


class Ran(NamedTuple):
    """What came of running code."""

    ok: bool
    error: str
    """Why it failed, in one line; empty if it ran."""
    tests: int
    """Assertions in the code."""


def extract_python(text: str) -> str:
    """Return the Python in a reply: its blocks joined, or the whole reply if it is a program."""
    blocks = [code for tongue, code in _FENCED.findall(text) if tongue.lower() in _PYTHON]
    if blocks:
        return "\n\n".join(_dedent(block) for block in blocks).strip()
    return text.strip() if parse(text) and not _FENCED.search(text) else ""


def parse(code: str) -> ast.Module | None:
    """Return the code's syntax tree; None if it is no Python, or empty."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if tree.body else None


def list_functions(code: str) -> set[str]:
    """Return the names of the functions and classes that the code defines."""
    tree = parse(code)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)} if tree else set()


def count_assertions(code: str) -> int:
    """Return how many assertions the code holds."""
    tree = parse(code)
    return sum(isinstance(node, ast.Assert) for node in ast.walk(tree)) if tree else 0


def drop_assertions(code: str) -> str:
    """Return the code without the assertions and calls at its top level; unchanged if it cannot
    be read."""
    tree = parse(code)
    if tree is None:
        return code
    body = [
        node
        for node in tree.body
        if not isinstance(node, ast.Assert)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
        and not _is_main(node)
    ]
    return ast.unparse(ast.Module(body, [])) if len(body) < len(tree.body) else code


async def run_code(code: str) -> Ran:
    """Run code with the tests that stand in it.

    Raises:
        SandboxUnavailable: programs cannot be confined on this machine.
    """
    result = await get_sandbox().run(f"{code}\n{_CALL_TESTS}", result=None, limits=LIMITS)
    error = "" if result.status == "ok" else _last_line(result.error or result.status)
    return Ran(result.status == "ok", error, count_assertions(code))


def read_assertions(text: str, functions: Sequence[str]) -> list[str]:
    """Return the distinct assertions in a reply that parse and call what is to be tested.

    Args:
        functions: Names of what is to be tested; an assertion has to use one of them. None given:
            any call will do.
    """
    found: list[str] = []
    for line in re.split(r"\n(?=\s*assert\b)", text.replace("```", "\n")):
        source = _cut_to_assertion(line.strip())
        if source and _tests_one(source, functions):
            found.append(source)
    return list(dict.fromkeys(found))[:MAX_ASSERTIONS]


def read_examples(task: str) -> list[str]:
    """Return the examples of a request, `>>> double(2)` and the result under it or an assertion,
    as assertions."""
    try:
        examples = doctest.DocTestParser().get_examples(task)
    except ValueError:
        examples = []
    shown = [f"assert {e.source.strip()} == {e.want.strip()}" for e in examples if e.want.strip()]
    stated = [_cut_to_assertion(f"assert {rest}") for rest in _STATED.findall(task)]
    told = [
        f"assert {call} == {result}"
        for call, result in _TOLD.findall(task)
        if _is_plain(call, result)
    ]
    found = [source for source in (*shown, *stated, *told) if source and parse(source)]
    return list(dict.fromkeys(found))[:MAX_ASSERTIONS]


def _is_plain(call: str, result: str) -> bool:
    """Return whether a call has literal arguments, and a result is a literal."""
    try:
        ast.literal_eval(result)
        tree = ast.parse(call, mode="eval").body
        return isinstance(tree, ast.Call) and all(
            ast.literal_eval(each) is not ... for each in tree.args
        )
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return False


def drop_contradictions(assertions: Sequence[str]) -> list[str]:
    """Return the assertions without those that expect different results of one call."""
    results: dict[str, set[str]] = {}
    for source in assertions:
        call, _, result = source.partition(" == ")
        results.setdefault(call, set()).add(result)
    return [source for source in assertions if len(results[source.partition(" == ")[0]]) == 1]


async def try_assertions(code: str, assertions: Sequence[str]) -> list[str] | None:
    """Run code, then each assertion by itself.

    Returns:
        For each assertion why it failed, empty if it held; None if the code itself does not run,
        or something does not end.

    Raises:
        SandboxUnavailable: programs cannot be confined on this machine.
    """
    result = await get_sandbox().run(
        f"{drop_assertions(code)}\n{_TRY_EACH}",
        inputs={"_assertions": list(assertions)},
        result="_found",
        limits=LIMITS,
    )
    if result.status != "ok" or result.value is None:
        return None
    try:
        outcomes = json.loads(result.value)
    except ValueError:
        return None
    return [str(each) for each in outcomes] if isinstance(outcomes, list) else None


def _cut_to_assertion(text: str) -> str:
    """Return the assertion that a text begins with; empty if there is none."""
    lines = text.splitlines()
    for end in range(1, min(len(lines), 12) + 1):
        tree = parse("\n".join(lines[:end]))
        if tree and len(tree.body) == 1 and isinstance(tree.body[0], ast.Assert):
            return ast.unparse(tree)
    return ""


def _tests_one(source: str, functions: Sequence[str]) -> bool:
    tree = ast.parse(source)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    calls = any(isinstance(node, ast.Call) for node in ast.walk(tree))
    return calls and (not functions or bool(names & set(functions)))


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def _dedent(block: str) -> str:
    lines = [line for line in block.splitlines() if line.strip()]
    margin = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    return "\n".join(line[margin:] for line in block.splitlines())


def _last_line(error: str) -> str:
    return " ".join(error.split())[:200]
