"""Solving of a problem's relations, and selection of what it asks of the solutions."""

from typing import Any

import sympy as sp

from .building import build_items, build_named
from .problems import Problem
from .selecting import Selector
from .values import Quantity, Region, Value

MAX_SELECTORS = 2
MAX_DEGREE = 8
MAX_WIDTH = 1000
"""Widest range of which the whole numbers are listed."""


def list_expected(problem: Problem) -> list[Value]:
    """Return the values that answer a problem; several if real and complex solutions differ.

    None are returned if the solutions are not found, or what is asked of them is not clear.
    """
    symbols = set().union(*(relation.free_symbols for relation in problem.relations))
    unknowns = sorted(symbols, key=str)
    names = {str(unknown) for unknown in unknowns}
    if not names.issuperset(problem.wanted) or len(problem.selectors) > MAX_SELECTORS:
        return []
    try:
        return _solve(problem, unknowns)
    except (NotImplementedError, ValueError, TypeError, AttributeError):
        return []  # SymPy raises these on what it cannot solve


def _solve(problem: Problem, unknowns: list[Any]) -> list[Value]:
    relations = problem.relations
    equations = [relation for relation in relations if isinstance(relation, sp.Eq)]
    conditions = [relation for relation in relations if not isinstance(relation, sp.Eq)]
    if _has_high_degree(equations, unknowns):
        return []
    if len(unknowns) > 1:
        unclear = bool(problem.selectors or conditions)
        return [] if unclear else _solve_system(equations, unknowns, problem.wanted)
    if not equations:
        return _solve_inequalities(conditions, unknowns[0], problem.selectors)
    of_all = {sum, sp.prod} & {selector.result for selector in problem.selectors}
    if of_all:
        return _combine_roots(equations, unknowns[0], problem)
    real_only = problem.real_only or problem.selectors or conditions
    domains = [sp.S.Reals] if real_only else [sp.S.Reals, sp.S.Complexes]
    found = [_solve_equations(equations, conditions, unknowns[0], domain) for domain in domains]
    answers = [
        _select(solutions, unknowns[0], problem.selectors)
        for solutions in found
        if solutions is not None
    ]
    return [answer for answer in answers if answer is not None]


def _has_high_degree(equations: list[Any], unknowns: list[Any]) -> bool:
    """Return whether an equation has a degree that takes long, and has no closed solution."""
    sides = [equation.lhs - equation.rhs for equation in equations]
    return any(
        sp.degree(side, unknown) > MAX_DEGREE
        for side in sides
        for unknown in unknowns
        if side.is_polynomial(unknown)
    )


def _combine_roots(equations: list[Any], unknown: Any, problem: Problem) -> list[Value]:
    """Return the sum or the product of an equation's roots, each as often as it occurs; none if it
    is not clear which roots are meant: only different or only real ones."""
    results = [selector.result for selector in problem.selectors if selector.result is not None]
    if len(equations) != 1 or len(problem.relations) != 1 or len(problem.selectors) != 1:
        return []
    roots = sp.roots(equations[0].lhs - equations[0].rhs, unknown)
    degree = sp.degree(equations[0].lhs - equations[0].rhs, unknown)
    every = [root for root, times in roots.items() for _ in range(times)]
    if len(every) != degree or not results or results[0] is None:
        return []
    unclear = problem.real_only or not all(root.is_real for root in every)
    return [] if unclear and len(every) > 2 else [Quantity(sp.simplify(results[0](every)))]


# --- one unknown ---------------------------------------------------------------------------------


def _solve_equations(
    equations: list[Any], conditions: list[Any], unknown: Any, domain: Any
) -> list[Any] | None:
    """Return all solutions of one unknown; None if they are not finitely many, or not found."""
    try:
        found = sp.Intersection(*(sp.solveset(equation, unknown, domain) for equation in equations))
    except ValueError:  # an absolute value over the complex numbers
        return None
    if found is sp.S.EmptySet:
        return []
    if not isinstance(found, sp.FiniteSet):
        return None
    if not all(_solves(value, unknown, equation) for value in found for equation in equations):
        return None
    return [
        value
        for value in found
        if all(_is_true(condition.subs(unknown, value)) for condition in conditions)
    ]


def _solves(value: Any, unknown: Any, equation: Any) -> bool:
    difference = equation.lhs.subs(unknown, value) - equation.rhs.subs(unknown, value)
    return bool(sp.simplify(difference) == 0)


def _is_true(statement: Any) -> bool:
    """Return whether SymPy has decided that a statement is true."""
    return bool(statement == sp.true)


def _select(solutions: list[Any], unknown: Any, selectors: list[Selector]) -> Value | None:
    """Return what the selectors ask of the solutions; None if nothing is left to ask it of."""
    for selector in selectors:
        if selector.keep is not None:
            solutions = [value for value in solutions if selector.keep(value)]
    results = [selector.result for selector in selectors if selector.result is not None]
    if len(results) > 1:
        return None
    if results:
        if not solutions and results[0] is not len:
            return None
        return Quantity(sp.sympify(results[0](solutions)))
    if not solutions:
        return Region(sp.S.EmptySet)
    values: list[Value] = [Quantity(value) for value in solutions]
    return build_named({unknown.name: build_items(values, ordered=False)})


# --- inequalities --------------------------------------------------------------------------------


def _solve_inequalities(
    conditions: list[Any], unknown: Any, selectors: list[Selector]
) -> list[Value]:
    """Return the region of one unknown, or what is asked of the whole numbers in it."""
    region = sp.reduce_inequalities(conditions, [unknown]).as_set()
    if not selectors:
        return [Region(region)]
    keeps = [selector.keep for selector in selectors if selector.keep is not None]
    whole = [keep for keep in keeps if keep(sp.Rational(1, 2)) is False]
    if not whole:
        return []
    if any(keep(sp.Integer(-1)) is False for keep in whole):
        least = 0 if all(keep(sp.Integer(0)) is not False for keep in whole) else 1
        region = sp.Intersection(region, sp.Interval(least, sp.oo))
    return _answer_in_whole_numbers(region, unknown, selectors)


def _answer_in_whole_numbers(region: Any, unknown: Any, selectors: list[Selector]) -> list[Value]:
    low = region.inf
    high = region.sup
    results = [selector.result for selector in selectors if selector.result is not None]
    if results and results[0] in (max, min):
        largest = results[0] is max
        end = _find_last(region, high, -1) if largest else _find_last(region, low, 1)
        return [] if end is None else [Quantity(end)]
    if not (low.is_finite and high.is_finite) or high - low > MAX_WIDTH:
        return []
    candidates = map(sp.Integer, range(int(sp.ceiling(low)), int(sp.floor(high)) + 1))
    kept = [number for number in candidates if _is_true(region.contains(number))]
    value = _select(kept, unknown, selectors)
    return [] if value is None else [value]


def _find_last(region: Any, end: Any, inwards: int) -> Any:
    """Return the whole number of a region that is nearest to its end; None if none is near.

    Args:
        inwards: 1 from the lower end, -1 from the upper one.
    """
    if not end.is_finite:
        return None
    first = sp.ceiling(end) if inwards > 0 else sp.floor(end)
    candidates = [first + inwards * step for step in range(3)]
    return next((number for number in candidates if _is_true(region.contains(number))), None)


# --- several unknowns ----------------------------------------------------------------------------


def _solve_system(equations: list[Any], unknowns: list[Any], names: list[str]) -> list[Value]:
    """Return all solutions of a polynomial system, and the real ones; none if they are infinitely
    many."""
    if len(equations) < len(unknowns):
        return []
    if not all((each.lhs - each.rhs).is_polynomial(*unknowns) for each in equations):
        return []
    found = sp.solve(equations, unknowns, dict=True)
    if not all(_is_complete(solution, unknowns) for solution in found):
        return []
    wanted = [unknown for unknown in unknowns if not names or unknown.name in names]
    real = [solution for solution in found if all(v.is_real for v in solution.values())]
    return [_name_solutions(solutions, wanted) for solutions in (found, real)]


def _is_complete(solution: dict[Any, Any], unknowns: list[Any]) -> bool:
    return set(solution) == set(unknowns) and not any(v.free_symbols for v in solution.values())


def _name_solutions(solutions: list[dict[Any, Any]], wanted: list[Any]) -> Value:
    named = [build_named({u.name: Quantity(s[u]) for u in wanted}) for s in solutions]
    return build_items(list(dict.fromkeys(named)), ordered=False)
