"""Watching a program's decisions: which way its comparisons went, and whether its roundings changed
anything.

A program that rounds down 42 / 7 may mean a division without remainder, and would be wrong for
43 / 7. So a new task is kept only where everything went the same way as in the seed. What is
recorded is a string, a sign for each decision in the order in which they were made.
"""

import ast

from .program import is_solver, name_call

_ROUNDERS = frozenset(("int", "round", "floor", "ceil", "trunc", "ceiling", "Integer"))

PRELUDE = """
_path = []
def _note(sign, value):
    _path.append(sign)
    return value
def _decide(value):
    return _note("T" if value else "F", value)
def _floor(a, b):
    return _note("=" if a % b == 0 else "<", a // b)
def _rest(a, b):
    return _note("=" if a % b == 0 else "<", a % b)
def _round(change, number, *places):
    changed = change(number, *places)
    return _note("=" if abs(changed - number) < 1e-9 else "~", changed)
def _sign(number):
    return _note("-" if number < 0 else "+", abs(number))
def _solved(found):
    return _note("M" if isinstance(found, list) and len(found) > 1 else "S", found)
"""
"""What watched programs call; it runs in the sandbox."""


MANY = "M"
"""Recorded where equations have several solutions: which one is meant may change."""


def watch_program(source: str) -> str:
    """Return a program that records its decisions in `_path`, to be run after `PRELUDE`."""
    tree = _Watcher().visit(ast.parse(source))
    return ast.unparse(ast.fix_missing_locations(tree))


class _Watcher(ast.NodeTransformer):
    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        return _call("_decide", node)

    def visit_If(self, node: ast.If) -> ast.If:
        self.generic_visit(node)
        node.test = _call("_decide", node.test)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.IfExp:
        self.generic_visit(node)
        node.test = _call("_decide", node.test)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return _watch_division(node.op, node.left, node.right) or node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        self.generic_visit(node)
        if not isinstance(node.target, ast.Name):
            return node
        old = ast.Name(node.target.id, ast.Load())
        watched = _watch_division(node.op, old, node.value)
        return ast.Assign([node.target], watched) if watched else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        name = name_call(node)
        if name in _ROUNDERS and node.args and not node.keywords:
            return _call("_round", node.func, *node.args)
        if name == "abs" and len(node.args) == 1:
            return _call("_sign", *node.args)
        return _call("_solved", node) if is_solver(node) else node


def _watch_division(operator: ast.operator, left: ast.expr, right: ast.expr) -> ast.expr | None:
    names = {ast.FloorDiv: "_floor", ast.Mod: "_rest"}
    name = names.get(type(operator))
    return _call(name, left, right) if name else None


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])
