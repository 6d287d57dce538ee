"""A value is shown as a textbook prints it, with its unit, and can be read again."""

import pytest
from concertino.tools.algebra.comparing import is_same_value
from concertino.tools.algebra.objects import type_object
from concertino.tools.algebra.reading import read_value
from concertino.tools.algebra.showing import describe, write_text, write_whole


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("75%", "75%"),
        ("[[1, 2], [3, 4]]", "[[1, 2], [3, 4]]"),
        ("162 cm²", "162 cm²"),
        ("15 km", "15 km"),
        ("3小时25分", "3小时25分"),
        ("5元3角", "5元3角"),
        ("23 chickens and 12 rabbits", "chickens = 23, rabbits = 12"),
        ("x = 3, y = 4", "x = 3, y = 4"),
        ("2xy+1", "2*x*y + 1"),
        ("x^2 + 1", "x^2 + 1"),
        ("3:2", "3:2"),
        ("3余2", "3 r 2"),
        ("2024年3月5日", "2024年3月5日"),
        ("下午3点25分", "15:25"),
        ("(1, 2)", "(1, 2)"),
        ("2 and 3", "{2, 3}"),
        ("x > 4", "(4, ∞)"),
        ("x <= 4", "(-∞, 4]"),
        ("x < 2 or x > 3", "(-∞, 2) ∪ (3, ∞)"),
        ("无解", "∅"),
        ("Eq(3*x - y - 1, 0)", "3*x - y - 1 = 0"),
        ("是", "true"),
        ("没有正根", "没有正根"),
        (r"0.\overline{3}", "1/3"),
        (r"12\,000", "12000"),
        ("5.01e-27", "5.01 × 10^-27"),
        ("6.02e23", "6.02 × 10^23"),
    ],
)
def test_an_answer_is_shown_as_a_textbook_prints_it(text: str, shown: str) -> None:
    assert write_text(read_value(text)) == shown


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("3/4", r"\frac{3}{4}"),
        ("75%", r"75\%"),
        ("60°", r"60^{\circ}"),
        ("15 km", r"15\ \text{km}"),
        ("2*sqrt(3)", r"2 \sqrt{3}"),
        ("3:2", "3:2"),
        ("(1, 2)", r"\left(1,\ 2\right)"),
        ("{1, 2}", r"\left\{1,\ 2\right\}"),
        ("x = 3, y = 4", r"x = 3,\ y = 4"),
        ("x > 3", r"\left(3, \infty\right)"),
        ("没有正根", r"\text{没有正根}"),
    ],
)
def test_an_answer_is_given_as_latex(text: str, latex: str) -> None:
    assert describe(read_value(text))["latex"] == latex


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        ("45/7", "6.4285714"),
        ("3", None),
        ("{1, sqrt(2)}", "1, 1.4142136"),
        ("{1, 2}", None),
        ("x = 1/3", "0.33333333"),
        ("x = 1, y = 1/4", "1, 0.25"),
        ("49/5 m/s^2", "9.8"),
        ("x^2 + 1", None),
        ("没有正根", None),
    ],
)
def test_a_decimal_is_given_where_the_value_is_not_whole(text: str, decimal: str | None) -> None:
    assert describe(read_value(text))["decimal"] == decimal


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("162 cm²", "cm²"),
        ("15千米", "千米"),
        ("75%", "%"),
        ("23 chickens", "chickens"),
        ("42", None),
        ("(1, 2)", None),
    ],
)
def test_the_unit_has_a_field_of_its_own(text: str, unit: str | None) -> None:
    assert describe(read_value(text))["unit"] == unit


@pytest.mark.parametrize(
    "text",
    [
        "42",
        "-7/3",
        "2*sqrt(3)",
        "75%",
        "162 cm²",
        "3小时25分",
        "5元3角",
        "23 chickens",
        "2xy+1",
        "x^2/2 + C",
        "3:2",
        "3余2",
        "2024-03-05",
        "3:25 pm",
        "(1, 2)",
        "{1, 2, 3}",
        "x = 3, y = 4",
        "x = 2 or x = 3",
        "23 chickens and 12 rabbits",
        "{'chickens': 23, 'rabbits': 12}",
        "x > 3",
        "x < 2 or x > 3",
        "[1, 2)",
        "无解",
        "all real numbers",
        "Eq(3*x - y - 1, 0)",
        "y = 2x + 1",
        "[[1, 2], [3, 4]]",
        "yes",
        "没有正根",
        "Monday",
        "hello there",
        "5.01e-27",
    ],
)
def test_what_is_shown_can_be_read_again(text: str) -> None:
    value = read_value(text)
    for written in (write_text(value), write_whole(value)):
        assert is_same_value(read_value(written), value, strict=True), written


def test_the_whole_answer_is_the_exact_one_with_its_unit() -> None:
    assert write_whole(read_value("15 km")) == "15 km"
    assert write_whole(read_value("sqrt(2) cm")) == "(sqrt(2)) cm"
    assert write_whole(type_object([1, 2])) == "{1, 2}"
