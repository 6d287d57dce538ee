"""A solution's program as something that can be lifted: its literals, its operations, and what
keeps it from being lifted."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from .contracts import Obstacle, Span

MODULES = frozenset(("math", "fractions", "decimal", "sympy"))
"""Modules that a program may import."""
_RANDOM = frozenset(("random", "secrets", "uuid", "time", "datetime", "numpy"))
_FORBIDDEN = frozenset(("input", "open", "eval", "exec", "compile", "globals", "locals", "vars"))
_MAKERS = frozenset(("Fraction", "Decimal", "Rational", "Integer", "Float", "sympify", "S"))
"""What makes a number of a string."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SOLVERS = frozenset(("solve", "solveset", "linsolve", "nonlinsolve", "roots"))

_LOOPS = (
    *(ast.For, ast.AsyncFor, ast.While),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_STATEMENTS = (
    *(ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.If, ast.Import, ast.ImportFrom),
    *(ast.Delete, ast.Pass),
)
_OPERATIONS: dict[type[ast.AST], str] = {
    **{ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"},
    **{ast.FloorDiv: "floordiv", ast.Mod: "mod", ast.Pow: "pow", ast.Compare: "compare"},
}


class NotLiftable(Exception):
    """A program cannot be lifted; `obstacle` says why, the text where."""

    def __init__(self, obstacle: Obstacle, detail: str = "") -> None:
        super().__init__(detail)
        self.obstacle = obstacle


@dataclass(frozen=True)
class ProgramLiteral:
    """A number in a program's source."""

    span: Span
    value: Fraction
    type: Literal["int", "float", "str"]
    computed: bool
    """Whether it stands in a calculation, rather than being given a name."""


@dataclass(frozen=True)
class Program:
    """A program that can be lifted."""

    source: str
    """In Python's own layout, without comments, docstrings and printing."""
    literals: tuple[ProgramLiteral, ...]
    names: tuple[str, ...]
    """Variables that are assigned, in order, without `answer`."""
    operations: tuple[str, ...]


def read_program(source: str) -> Program:
    """Return a program as it is lifted.

    Raises:
        NotLiftable: it has loops, functions, random numbers, constants in words or other
            statements that hide what it does with the given numbers.
    """
    try:
        tree = ast.parse(source)
        tree.body = [line for line in tree.body if not _is_idle(line)]
        plain = ast.unparse(tree)
        tree = ast.parse(plain)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotLiftable("not_python", str(error)) from None
    for node in ast.walk(tree):
        _check(node)
    _check_strings(tree)
    names = dict.fromkeys(
        node.id
        for node in _walk_in_order(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id != "answer"
    )
    operations = [name for node in _walk_in_order(tree) if (name := _name_operation(node))]
    literals = sorted(_find_literals(tree, plain), key=lambda each: each.span.start)
    return Program(plain, tuple(literals), tuple(names), tuple(operations))


def _name_operation(node: ast.AST) -> str | None:
    kind = type(node.op) if isinstance(node, ast.BinOp | ast.AugAssign) else type(node)
    counts = isinstance(node, ast.BinOp | ast.AugAssign | ast.Compare)
    return _OPERATIONS.get(kind) if counts else None


def _is_idle(line: ast.stmt) -> bool:
    """Return whether a line only prints, or is a text."""
    if not isinstance(line, ast.Expr):
        return False
    call = line.value
    prints = isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    return isinstance(call, ast.Constant) or (prints and call.func.id == "print")  # type: ignore[attr-defined]


def _check(node: ast.AST) -> None:
    where = ast.unparse(node).splitlines()[0][:80] if isinstance(node, ast.stmt | ast.expr) else ""
    if isinstance(node, _LOOPS):
        raise NotLiftable("loop", where)
    if isinstance(node, _FUNCTIONS):
        raise NotLiftable("function", where)
    if isinstance(node, ast.stmt) and not isinstance(node, _STATEMENTS):
        raise NotLiftable("statement", where)
    if isinstance(node, ast.Import | ast.ImportFrom):
        _check_import(node, where)
    if isinstance(node, ast.Name) and node.id in _FORBIDDEN:
        raise NotLiftable("statement", node.id)
    if isinstance(node, ast.Name) and node.id == "range":
        raise NotLiftable("loop", "range")
    if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
        raise NotLiftable("statement", where)
    if isinstance(node, ast.Name | ast.Attribute):
        name = node.id if isinstance(node, ast.Name) else node.attr
        if name.startswith("_"):
            raise NotLiftable("statement", name)


def _check_import(node: ast.Import | ast.ImportFrom, where: str) -> None:
    named = (
        [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
    )
    for module in (name.split(".")[0] for name in named):
        if module in _RANDOM:
            raise NotLiftable("random", where)
        if module not in MODULES:
            raise NotLiftable("import", where)


def _check_strings(tree: ast.Module) -> None:
    """Refuse constants in words: numbers in strings that make no number.

    Raises:
        NotLiftable: there is one.
    """
    numbers = {id(text) for text in _find_number_texts(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            raise NotLiftable("words", ast.unparse(node)[:80])
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            if id(node) in numbers:
                continue
            if re.search(r"\d", str(node.value)) and not re.fullmatch(
                r"[A-Za-z_]\w*", str(node.value)
            ):
                raise NotLiftable("words", ast.unparse(node)[:80])


def _find_number_texts(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield the strings that are one plain number, `"3.5"` in `Fraction("3.5")`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_call(node) in _MAKERS and len(node.args) == 1:
            text = node.args[0]
            if (
                isinstance(text, ast.Constant)
                and isinstance(text.value, str)
                and _NUMBER.fullmatch(text.value)
            ):
                yield text


def name_call(node: ast.Call) -> str:
    """Return the name of what is called, without the module; empty if it has none."""
    called = node.func
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def is_solver(node: ast.Call) -> bool:
    """Return whether a call solves equations, and may find several solutions."""
    return name_call(node) in _SOLVERS


def _find_literals(tree: ast.Module, source: str) -> Iterator[ProgramLiteral]:
    """Yield the numbers of a program, without positions (`x[0]`) and places (`round(x, 2)`)."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    skipped = {id(node) for node in _find_positions(tree)}
    texts = {id(node) for node in _find_number_texts(tree)}
    named = {id(node) for node in _find_named(tree)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in skipped:
            continue
        if type(node.value) not in (int, float) and id(node) not in texts:
            continue
        place = [
            starts[row - 1] + len(lines[row - 1].encode()[:column].decode())
            for row, column in (
                (node.lineno, node.col_offset),
                (node.end_lineno or 0, node.end_col_offset or 0),
            )
        ]
        kind: Literal["int", "float", "str"] = (
            "str" if id(node) in texts else "float" if isinstance(node.value, float) else "int"
        )
        span = Span(start=place[0], end=place[1])
        if node.value in (float("inf"), float("-inf")):
            raise NotLiftable("statement", "inf")
        yield ProgramLiteral(span, Fraction(str(node.value)), kind, id(node) not in named)


def _find_positions(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            yield from ast.walk(node.slice)
        elif isinstance(node, ast.Call) and name_call(node) in ("round", "quantize", "N", "evalf"):
            for argument in (*node.args[1:], *(keyword.value for keyword in node.keywords)):
                yield from ast.walk(argument)


def _find_named(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the numbers that are given a name: `price = 3`, `price = Fraction(3)`, `[3, 4]`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            yield from _peel(node.value)
        elif isinstance(node, ast.List | ast.Tuple | ast.Set):
            for item in node.elts:
                yield from _peel(item)
        elif isinstance(node, ast.Dict):
            for item in node.values:
                yield from _peel(item)


def _peel(value: ast.expr) -> Iterator[ast.AST]:
    yield value
    if isinstance(value, ast.Call) and name_call(value) in (*_MAKERS, "int", "float"):
        yield from value.args


def _walk_in_order(node: ast.AST) -> Iterator[ast.AST]:
    """Yield nodes in the order in which they stand in the source."""
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _walk_in_order(child)
