"""The types of an answer. What cannot be typed is `Text`, and equal only as text."""

from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from .units import Unit


@dataclass(frozen=True)
class Quantity:
    """A number, or an expression with unknowns, perhaps with a unit or another label."""

    number: Any
    """SymPy expression, in multiples of `unit`."""
    unit: Unit | None = None
    label: str = ""
    """What is counted if that is no unit: `chicken`, `只鸡`; with a unit of what it is measured:
    `long`, `old`."""
    places: int | None = field(default=None, compare=False)
    """Decimal places of a number that was given as a decimal, and so may be rounded."""
    shown: str = field(default="", compare=False)
    """Number and unit as written if they do not follow from the fields: `3小时25分`."""

    @property
    def canonical(self) -> Any:
        """The number in base units."""
        return self.number * self.unit.factor if self.unit else self.number

    @property
    def is_percentage(self) -> bool:
        return self.unit is not None and self.unit.name in ("%", "percent")


@dataclass(frozen=True)
class Ratio:
    """`3:2`, also of more than two terms."""

    terms: tuple[Any, ...]


@dataclass(frozen=True)
class Remainder:
    """A quotient with its remainder: `3余2`."""

    quotient: Any
    remainder: Any


@dataclass(frozen=True)
class Date:
    """A calendar date; parts that are not given are None."""

    year: int | None
    month: int
    day: int | None
    shown: str = field(default="", compare=False)
    """The date as written."""


@dataclass(frozen=True)
class Clock:
    """A time of day, in minutes since midnight."""

    minutes: int
    in_digits: bool = field(default=False, compare=False)
    """Whether it is written as `4:10`, which may be a ratio."""


@dataclass(frozen=True)
class Items:
    """Several values: a coordinate or sequence (`ordered`), or a collection."""

    items: tuple["Value", ...]
    ordered: bool = False
    square: bool = field(default=False, compare=False)
    """Whether two values are in square brackets, as the ends of a closed interval are too."""


@dataclass(frozen=True)
class Named:
    """Values by name: `x = 3, y = 4`, `{'chickens': 23}`."""

    items: tuple[tuple[str, "Value"], ...]
    """Sorted by name."""


@dataclass(frozen=True)
class Region:
    """An interval, a union of them, or another set of numbers."""

    content: sp.Set


@dataclass(frozen=True)
class Equation:
    """A relation between unknowns: `3x - y = 1`."""

    relation: Any


@dataclass(frozen=True)
class Matrix:
    """A matrix of numbers or expressions."""

    rows: sp.ImmutableMatrix


@dataclass(frozen=True)
class Truth:
    """Yes or no."""

    holds: bool


@dataclass(frozen=True)
class Text:
    """Words."""

    words: str


Value = (
    Quantity
    | Ratio
    | Remainder
    | Date
    | Clock
    | Items
    | Named
    | Region
    | Equation
    | Matrix
    | Truth
    | Text
)
