"""What a program leaves in `answer`, Python and SymPy objects, becomes one typed value."""

import datetime
from decimal import Decimal
from fractions import Fraction

import pytest
import sympy as sp
from concertino.tools.algebra.comparing import is_same_value
from concertino.tools.algebra.entry import build_outcome
from concertino.tools.algebra.objects import type_object
from concertino.tools.algebra.reading import read_value
from concertino.tools.algebra.showing import describe

X, Y = sp.symbols("x y")


@pytest.mark.parametrize(
    ("value", "exact", "text"),
    [
        ([2, 3], "{2, 3}", "{2, 3}"),
        ([5], "5", "5"),
        (0.1 + 0.2, "3/10", "0.3"),
        (1 / 3, "1/3", "1/3"),
        ({X: 1, Y: 2}, "(Eq(x, 1), Eq(y, 2))", "x = 1, y = 2"),
        ([{X: 1}], "Eq(x, 1)", "x = 1"),
        ([(1, 2)], "(1, 2)", "(1, 2)"),
        (sp.Interval.open(4, sp.oo), "Interval.open(4, oo)", "(4, ∞)"),
        (sp.Symbol("x", real=True) ** 2, "x**2", "x^2"),
        ([], "EmptySet", "∅"),
        ("15 km", "15", "15 km"),
    ],
)
def test_what_a_program_leaves_behind_becomes_one_exact_form(
    value: object, exact: str, text: str
) -> None:
    described = describe(type_object(value))
    assert (described["exact"], described["text"]) == (exact, text)
    assert is_same_value(read_value(text), type_object(value))


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (sp.factorint(60), "named", "2^2 × 3 × 5"),
        (sp.factorint(97), "named", "97"),
        (3 * 1.67e-27, "number", "5.01 × 10^-27"),
        ([[1, 2], [3, 4]], "matrix", "[[1, 2], [3, 4]]"),
        (sp.Matrix([[1, 2], [3, 4]]), "matrix", "[[1, 2], [3, 4]]"),
        ("75%", "percentage", "75%"),
        ("3小时25分", "quantity", "3小时25分"),
        ("没有正根", "text", "没有正根"),
        ({"chickens": 23, "rabbits": 12}, "named", "chickens = 23, rabbits = 12"),
        ({2, 3}, "collection", "{2, 3}"),
        ((1, 2), "tuple", "(1, 2)"),
        (sp.Tuple(1, 2), "tuple", "(1, 2)"),
        (sp.FiniteSet(1, 2), "collection", "{1, 2}"),
        (True, "truth", "true"),
        (sp.false, "truth", "false"),
        (Fraction(3, 4), "number", "3/4"),
        (Decimal("0.1"), "number", "0.1"),
        (sp.sqrt(8), "number", "2*sqrt(2)"),
        (sp.Float(0.5), "number", "1/2"),
        (datetime.date(2024, 3, 5), "date", "2024-03-05"),
        (datetime.timedelta(minutes=2), "quantity", "2 min"),
        (sp.Eq(3 * X - Y, 1), "equation", "3*x - y = 1"),
        (sp.Eq(X, 5), "named", "x = 5"),
        (sp.And(X > 2, X < 5), "set", "(2, 5)"),
        (X > 3, "set", "(3, ∞)"),
        (sp.S.EmptySet, "set", "∅"),
    ],
)
def test_an_object_is_typed_and_shown_by_its_kind(value: object, kind: str, text: str) -> None:
    described = describe(type_object(value))
    assert (described["kind"], described["text"]) == (kind, text)


def test_a_number_from_floating_point_becomes_the_number_that_is_meant() -> None:
    meant = {0.1: "1/10", 2 / 3: "2/3", 1e-5: "1/100000", 19.99 * 3: "5997/100", 1e20: f"{10**20}"}
    assert {n: describe(type_object(n))["exact"] for n in meant} == meant


def test_a_small_number_is_not_shown_as_zero() -> None:
    described = describe(type_object(3 * 1.67e-27))
    assert "0" not in (described["exact"], described["text"], described["decimal"])


def test_a_program_without_an_answer_is_an_error() -> None:
    with pytest.raises(ValueError, match="no answer"):
        type_object(None)


def test_an_answer_of_too_many_parts_is_an_error() -> None:
    with pytest.raises(ValueError, match="more than"):
        type_object(list(range(1000)))


def test_named_quantities_are_facts_and_modules_and_functions_are_not() -> None:
    found = build_outcome({"sp": sp, "f": len, "_x": 1, "x": X, "price": 0.5, "answer": 6})
    assert '"facts": {"price": "0.5"}' in found


@pytest.mark.parametrize(
    ("value", "text", "latex"),
    [
        (12.5, "12.5", "12.5"),
        (Fraction(1, 3), "1/3", r"\frac{1}{3}"),
        (1 / 3, "1/3", r"\frac{1}{3}"),
        (0.1 + 0.2, "0.3", "0.3"),
        (3000.0, "3000", "3000"),
        ("3000.0 quarts", "3000 quarts", r"3000\ \text{quarts}"),
        ("$3.50", "$3.50", r"\text{\$3.50}"),
        (datetime.timedelta(hours=2, minutes=30), "2 h 30 min", r"\text{2 h 30 min}"),
        (
            [{X: 1, "y": 2}, {X: 3, "y": 4}],
            "{(x = 1, y = 2), (x = 3, y = 4)}",
            r"\left\{\left(x = 1,\ y = 2\right),\ \left(x = 3,\ y = 4\right)\right\}",
        ),
    ],
)
def test_a_result_is_shown_as_it_was_given(value: object, text: str, latex: str) -> None:
    described = describe(type_object(value))
    assert (described["text"], described["latex"]) == (text, latex)
