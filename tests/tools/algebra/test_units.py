"""Units are known in English and Chinese, convert exactly, and combine to products and powers."""

from fractions import Fraction

import pytest
from concertino.tools.algebra.comparing import is_same_value
from concertino.tools.algebra.reading import read_value
from concertino.tools.algebra.showing import describe
from concertino.tools.algebra.units import find_unit


def are_same(left: str, right: str) -> bool:
    return is_same_value(read_value(left), read_value(right), strict=True)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("1 km", "1000 m"),
        ("15 km", "15千米"),
        ("1公里", "2里"),
        ("3尺", "1米"),
        ("1丈", "10尺"),
        ("1 mile", "1609.344 m"),
        ("1 ft", "12 inches"),
        ("1 m²", "10000 cm²"),
        ("162 cm²", "162平方厘米"),
        ("162 cm^2", "162 square centimeters"),
        ("15亩", "1公顷"),
        ("1 L", "1000 mL"),
        ("1升", "1立方分米"),
        ("1 m³", "1000 L"),
        ("1千克", "2斤"),
        ("1斤", "10两"),
        ("1 t", "1000 kg"),
        ("3小时25分", "205分钟"),
        ("3 h 25 min", "205 min"),
        ("3小时25分", "3 h 25 min"),
        ("2 hours", "120 minutes"),
        ("2天", "48小时"),
        ("1周", "7天"),
        ("1年", "12个月"),
        ("5元3角", "5.3元"),
        ("5元3角2分", "5.32元"),
        ("5元", "50角"),
        ("$5", "500 cents"),
        ("$5", "5 dollars"),
        ("36 km/h", "10 m/s"),
        ("60千米/时", "60 km/h"),
        ("60千米每小时", "60 km/h"),
        ("每小时60千米", "60 km/h"),
        ("60 kilometers per hour", "60 km/h"),
        ("5元/千克", "2.5元/斤"),
        ("180°", "180度"),
        ("30°30'", "30.5°"),
        ("20℃", "20°C"),
        ("2 dozen", "24"),
        ("50%", "0.5"),
    ],
)
def test_the_same_amount_in_another_unit_is_equal(left: str, right: str) -> None:
    assert are_same(left, right)
    assert are_same(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("3小时25分", "3小时55分"),
        ("5元3角", "5元8角"),
        ("162 cm²", "162 cm"),
        ("162 cm²", "162 m²"),
        ("15 km", "15 m"),
        ("15 km", "15 kg"),
        ("60 km/h", "60 km"),
        ("60 km/h", "60 m/s"),
        ("5元", "5角"),
        ("$5", "5元"),
        ("$5", "€5"),
        ("1斤", "1千克"),
        ("3 h 25 min", "325 min"),
        ("23 chickens", "23 rabbits"),
        ("23只鸡", "23只兔"),
        ("20°C", "20°F"),
        ("50%", "50"),
        ("12个月", "12周"),
    ],
)
def test_another_amount_or_another_kind_of_unit_differs(left: str, right: str) -> None:
    assert not are_same(left, right)
    assert not is_same_value(read_value(left), read_value(right), rounded=True)


@pytest.mark.parametrize(
    "text", ["15 km", "162 cm²", "5元3角", "3小时25分", "60 km/h", "23 chickens"]
)
def test_a_number_without_a_unit_may_stand_for_one_with_a_unit_but_not_strictly(text: str) -> None:
    described = describe(read_value(text))
    with_unit, bare = read_value(text), read_value(str(described["exact"]))
    assert is_same_value(with_unit, bare)
    assert not is_same_value(with_unit, bare, strict=True)


@pytest.mark.parametrize(
    ("name", "factor", "dimension"),
    [
        ("km", 1000, {"length": 1}),
        ("平方厘米", Fraction(1, 10_000), {"length": 2}),
        ("cm³", Fraction(1, 10**6), {"length": 3}),
        ("亩", Fraction(2000, 3), {"length": 2}),
        ("km/h", Fraction(5, 18), {"length": 1, "time": -1}),
        ("m/s^2", 1, {"length": 1, "time": -2}),
        ("kg·m", 1, {"mass": 1, "length": 1}),
        ("元/千克", 1, {"yuan": 1, "mass": -1}),
        ("hours", 3600, {"time": 1}),
        ("小时", 3600, {"time": 1}),
        ("角", Fraction(1, 10), {"yuan": 1}),
        ("square meters", 1, {"length": 2}),
        ("%", Fraction(1, 100), {}),
    ],
)
def test_a_unit_has_an_exact_factor_and_a_dimension(
    name: str, factor: int | Fraction, dimension: dict[str, int]
) -> None:
    unit = find_unit(name)
    assert unit is not None
    assert Fraction(int(unit.factor.p), int(unit.factor.q)) == factor
    assert dict(unit.dimension) == dimension


@pytest.mark.parametrize("text", ["", "xyz", "km/", "/h", "苹果", "m/s/h/d", "and"])
def test_what_is_no_unit_is_none(text: str) -> None:
    assert find_unit(text) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("162 cm²", "162 cm²"),
        ("162平方厘米", "162平方厘米"),
        ("15 km", "15 km"),
        ("5元3角", "5元3角"),
        ("3小时25分", "3小时25分"),
        ("$1,200", "$1,200"),
        ("60 km/h", "60 km/h"),
        ("75%", "75%"),
        ("23 chickens", "23 chickens"),
    ],
)
def test_a_unit_is_shown_with_its_number(text: str, shown: str) -> None:
    assert describe(read_value(text))["text"] == shown


def test_a_single_letter_after_a_number_is_an_unknown_without_a_space_and_a_unit_with_one() -> None:
    assert describe(read_value("5m"))["kind"] == "expression"
    assert describe(read_value("5 m"))["kind"] == "quantity"
