"""Whether the answers of synthesized tasks are right, judged by somebody else's generators.

    python -m bench.synthesis gold REASONING_GYM
    python -m bench.synthesis faults REASONING_GYM

REASONING_GYM is the package folder of `reasoning-gym` (0.1.25), installed or unpacked anywhere. Its
`gsm_symbolic` has 100 templates, each a function that makes a question and its answer from given
values. An instance of each is a seed: its question, and its calculation as a program, written with
named quantities or in one line. The values of every new task are put into the template's own
function, which must give the same answer, and the same question word for word.

With `faults` a part of each program, made of given numbers, is replaced by its result, as a model
does that computes in its head. Such a program is right for its seed only.
"""

import argparse
import ast
import asyncio
import importlib
import inspect
import re
import sys
import types
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

from concertino.synthesis.contracts import Essence, NewTask, Refusal, Seed
from concertino.synthesis.essence import lift_seed
from concertino.synthesis.mutate import change_parameters
from concertino.tools.sandbox import Sandbox, default_sandbox

ROOM = "reasoning_gym.arithmetic.gsm_symbolic"
_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
Number = int | float | Fraction
Writer = Callable[[ast.FunctionDef, dict[str, Any]], str]


@dataclass(frozen=True)
class Instance:
    """A seed with the template's own function and the values it was made of."""

    seed: Seed
    judge: Callable[..., dict[str, Any]]
    values: dict[str, Any]


def load_generators(folder: Path) -> Iterator[types.FunctionType]:
    """Yield the 100 generators, without what the rest of the package needs."""
    for depth in (1, 2, 3):
        name = ".".join(ROOM.split(".")[:depth])
        package = types.ModuleType(name)
        package.__path__ = [str(folder.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package
    for first in (0, 50):
        module = importlib.import_module(f"{ROOM}.generators_{first:02}_{first + 49}")
        for number in range(first, first + 50):
            yield getattr(module, f"generate_{number}")


def draw_instances(generate: types.FunctionType, count: int, write: Writer) -> list[Instance]:
    """Return instances of a template.

    Raises:
        ValueError: its calculation is no program of this manner.
    """
    tree = ast.parse(inspect.getsource(generate)).body[0]
    assert isinstance(tree, ast.FunctionDef)
    space = dict(generate.__globals__)
    tree.body = [line for line in tree.body if not isinstance(line, ast.Return)]
    exec(compile(ast.Module(tree.body, []), "<template>", "exec"), space)  # noqa: S102
    judge, example = space["generate_from_variables"], space["generate_example"]
    used = dict[str, Any]()

    def record(*given: Any, **named_values: Any) -> dict[str, Any]:
        used.clear()
        used.update(inspect.signature(judge).bind(*given, **named_values).arguments)
        made: dict[str, Any] = judge(**used)
        return made

    space["generate_from_variables"] = record
    [inner] = [n for n in tree.body if getattr(n, "name", "") == "generate_from_variables"]
    assert isinstance(inner, ast.FunctionDef)
    instances = []
    for number in range(count):
        made = example(Random(number))  # noqa: S311
        seed = Seed(
            id=f"{generate.__name__}/{number}",
            problem=made["question"],
            program=write(inner, used),
            answer=str(made["answer"]),
            language="en",
        )
        instances.append(Instance(seed, judge, dict(used)))
    return instances


def slice_calculation(inner: ast.FunctionDef) -> tuple[list[ast.stmt], ast.expr]:
    """Return the statements that the answer depends on, and the expression of the answer."""
    [given_back] = [n.value for n in ast.walk(inner) if isinstance(n, ast.Return)]
    assert isinstance(given_back, ast.Dict)
    fields = {
        key.value: value
        for key, value in zip(given_back.keys, given_back.values, strict=True)
        if isinstance(key, ast.Constant)
    }
    answer = fields.get("answer_value", fields["answer"])
    needed = _read_names(answer)
    kept = list[ast.stmt]()
    for line in reversed(inner.body):
        if isinstance(line, ast.Return):
            continue
        if needed & _read_names(line, ast.Store):
            needed |= _read_names(line)
            kept.insert(0, line)
    return kept, answer


def write_named_program(inner: ast.FunctionDef, values: dict[str, Any]) -> str:
    """Return the calculation with a line for each given value."""
    lines, answer = slice_calculation(inner)
    needed = set().union(_read_names(answer), *(_read_names(line) for line in lines))
    givens = [f"{name} = {value!r}" for name, value in values.items() if name in needed]
    return _with_imports(
        "\n".join([*givens, *map(ast.unparse, lines), f"answer = {ast.unparse(answer)}"])
    )


def write_inline_program(inner: ast.FunctionDef, values: dict[str, Any]) -> str:
    """Return the calculation in one line, as far as it is made of plain assignments."""
    lines, answer = slice_calculation(inner)
    known: dict[str, ast.expr] = {
        name: ast.parse(repr(value), mode="eval").body for name, value in values.items()
    }
    rest = list[str]()
    for line in lines:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            known[line.targets[0].id] = _Inline(known).visit(line.value)
        else:
            rest.append(ast.unparse(_Inline(known).visit(line)))
    return _with_imports(
        "\n".join([*rest, f"answer = {ast.unparse(_Inline(known).visit(answer))}"])
    )


def write_faulty_program(inner: ast.FunctionDef, values: dict[str, Any]) -> str:
    """Return the calculation in one line, with one operation on numbers done already.

    Raises:
        ValueError: it has no such operation.
    """
    tree = ast.parse(write_inline_program(inner, values))
    draw = Random(str(values))  # noqa: S311
    plain = [n for n in ast.walk(tree) if isinstance(n, ast.BinOp) and _is_number(n)]
    if not plain:
        raise ValueError("nothing can be done in the head")
    chosen = draw.choice(plain)
    done = Fraction(str(eval(ast.unparse(chosen))))  # noqa: S307
    if done.denominator not in (1, 2, 4, 5, 10, 20, 100):
        raise ValueError("nobody would write this number")
    number = int(done) if done.denominator == 1 else float(done)
    return ast.unparse(_Replace(chosen, ast.Constant(number)).visit(tree))


def _is_number(node: ast.BinOp) -> bool:
    parts = (node.left, node.right)
    return all(isinstance(p, ast.Constant) and type(p.value) in (int, float) for p in parts)


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.BinOp, new: ast.expr) -> None:
        self._old = old
        self._new = new

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return self._new if node is self._old else node


def _with_imports(program: str) -> str:
    lines = ["import math"] if "math." in program else []
    lines += ["from fractions import Fraction"] if "Fraction(" in program else []
    return "\n".join([*lines, program])


class _Inline(ast.NodeTransformer):
    def __init__(self, known: dict[str, ast.expr]) -> None:
        self._known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        known = self._known.get(node.id) if isinstance(node.ctx, ast.Load) else None
        return ast.parse(ast.unparse(known), mode="eval").body if known else node


def _read_names(node: ast.AST, context: type[ast.expr_context] = ast.Load) -> set[str]:
    found = (n for n in ast.walk(node) if isinstance(n, ast.Name))
    return {name.id for name in found if isinstance(name.ctx, context)}


def judge_task(instance: Instance, essence: Essence, task: NewTask) -> str:
    """Return `right`, `wrong`, or `unjudged` where the template cannot take the values; with
    `, other words` where it would write another question."""
    values = dict(instance.values)
    for slot in essence.slots:
        shares = {Fraction(slot.value), Fraction(slot.value) / 100}
        names = [n for n, v in values.items() if _as_number(instance.values[n]) in shares]
        if len(names) != 1:
            return "unjudged"
        scale = Fraction(slot.value) / (_as_number(instance.values[names[0]]) or 1)
        new = Fraction(task.values[slot.name]) / scale
        kind = type(instance.values[names[0]])
        values[names[0]] = kind(new) if kind is not int or new.denominator == 1 else float(new)
    try:
        made = instance.judge(**values)
        truth = Fraction(str(made.get("answer_value", made["answer"])))
    except (ValueError, ArithmeticError, AssertionError, TypeError, KeyError):
        return "unjudged"
    if _read_numbers(made["question"]) != _read_numbers(task.question):
        return "unjudged"  # the template relates numbers of its text, and so asks about others
    close = abs(truth - Fraction(task.gold.exact)) <= Fraction(1, 10**6)
    words = "" if made["question"] == task.question else ", other words"
    return ("right" if close else "wrong") + words


def _read_numbers(text: str) -> list[Fraction]:
    return [Fraction(number.replace(",", "")) for number in _NUMBER.findall(text)]


def _as_number(value: object) -> Fraction | None:
    plain = isinstance(value, Number) and not isinstance(value, bool)
    return Fraction(str(value)) if plain else None


async def measure(
    folder: Path, writers: dict[str, Writer], count: int, tasks: int, *, verbose: bool
) -> None:
    sandbox = default_sandbox()
    for manner, write in writers.items():
        refusals = Counter[str]()
        kept = Counter[str]()
        verdicts = Counter[str]()
        lifted = set[str]()
        for generate in load_generators(folder):
            try:
                instances = draw_instances(generate, count, write)
            except (AssertionError, ValueError, KeyError) as error:
                refusals[f"no program ({type(error).__name__})"] += count
                continue
            for instance in instances:
                found = await lift_seed(instance.seed, sandbox)
                if isinstance(found, Refusal):
                    refusals[found.obstacle] += 1
                    if verbose:
                        print(instance.seed.id, found.obstacle, found.detail)
                    continue
                lifted.add(generate.__name__)
                kept.update(number.reason for number in found.kept)
                verdicts += await _judge_all(instance, found, sandbox, tasks, verbose)
        print(f"\n| {manner} | |\n| --- | --- |")
        print(f"| templates lifted at least once, of 100 | {len(lifted)} |")
        for name, counts in (("refused", refusals), ("kept", kept), ("tasks", verdicts)):
            told = ", ".join(f"{what} {number}" for what, number in counts.most_common() if number)
            print(f"| {name} | {told} |")


async def _judge_all(
    instance: Instance, essence: Essence, sandbox: Sandbox, count: int, verbose: bool
) -> Counter[str]:
    verdicts = Counter[str]()
    made = await change_parameters(essence, sandbox, count)
    verdicts["none made"] += not made
    for task in made:
        verdict = judge_task(instance, essence, task)
        verdicts[verdict] += 1
        if verbose and verdict != "right":
            print(
                f"{instance.seed.id} {verdict}: {task.question} = {task.gold.text}\n{task.program}"
            )
    return verdicts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["gold", "faults"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--instances", type=int, default=2, help="instances of each template")
    parser.add_argument("--tasks", type=int, default=5, help="tasks of each instance")
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    writers: dict[str, Writer] = (
        {"named quantities": write_named_program, "in one line": write_inline_program}
        if given.what == "gold"
        else {"a part computed in the head": write_faulty_program}
    )
    work = measure(given.folder, writers, given.instances, given.tasks, verbose=given.verbose)
    asyncio.run(work)


if __name__ == "__main__":
    main()
