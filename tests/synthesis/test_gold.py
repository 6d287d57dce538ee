"""The golds of new tasks are right: the proof, against values that are computed without lifting.

Problems are drawn with the calculation that is meant. Their programs are written in several ways,
some with parts computed in the head, as models do. Whatever is lifted, every new task's answer must
be the meant calculation of the numbers that its text states.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import pytest
from concertino.synthesis.contracts import Refusal
from concertino.synthesis.essence import lift_seed
from concertino.synthesis.mutate import change_parameters
from concertino.tools.sandbox import Sandbox
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.synthesis.conftest import make_seed

NOUNS = ("pens", "cards", "plums", "stones")
NAMES = ("Ann", "Bob", "Cleo", "Dan")
OPERATORS: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
Values = list[Fraction]


@dataclass(frozen=True)
class Given:
    """A number that the text states."""

    place: int
    head = False

    def compute(self, values: Values) -> Fraction:
        return values[self.place]

    def write(self, values: Values, named: bool) -> str:
        return NOUNS[self.place] if named else str(values[self.place])


@dataclass(frozen=True)
class Constant:
    """A number that the calculation brings with it."""

    number: int
    head = False

    def compute(self, values: Values) -> Fraction:
        return Fraction(self.number)

    def write(self, values: Values, named: bool) -> str:
        return str(self.number)


@dataclass(frozen=True)
class Operation:
    """A calculation; `head`: the program only has its result."""

    sign: str
    left: "Node"
    right: "Node"
    head: bool

    def compute(self, values: Values) -> Fraction:
        return OPERATORS[self.sign](self.left.compute(values), self.right.compute(values))

    def write(self, values: Values, named: bool) -> str:
        if self.head:
            result = self.compute(values)
            return str(result) if result.denominator == 1 else f"({result})"
        return f"({self.left.write(values, named)} {self.sign} {self.right.write(values, named)})"


Node = Given | Constant | Operation


@st.composite
def calculations(draw: st.DrawFn, head: bool) -> tuple[Values, Node]:
    """Two to four numbers, and a calculation that uses each of them, some twice."""
    count = draw(st.integers(2, 4))
    values = [Fraction(draw(st.integers(2, 60))) for _ in range(count)]
    nodes: list[Node] = [Given(place) for place in draw(st.permutations(range(count)))]
    nodes += [Constant(n) for n in draw(st.lists(st.sampled_from([2, 2, 100]), max_size=1))]
    nodes += [Given(place) for place in draw(st.lists(st.integers(0, count - 1), max_size=1))]
    nodes = draw(st.permutations(nodes))
    while len(nodes) > 1:
        sign = draw(st.sampled_from("+-*/" if len(nodes) < 4 else "+-*"))
        in_head = head and draw(st.integers(0, 3)) == 0
        nodes = [Operation(sign, nodes[0], nodes[1], in_head), *nodes[2:]]
        nodes = draw(st.permutations(nodes))
    return values, nodes[0]


def write_problem(values: Values) -> str:
    told = " ".join(f"{NAMES[i]} has {value} {NOUNS[i]}." for i, value in enumerate(values))
    return f"{told} What is the result?"


def write_program(values: Values, node: Node, named: bool) -> str:
    givens = [f"{NOUNS[i]} = {value}" for i, value in enumerate(values)] if named else []
    return "\n".join([*givens, f"answer = {node.write(values, named)}"])


def read_values(question: str) -> Values:
    return [Fraction(number) for number in re.findall(r"\d+", question)]


async def check_golds(sandbox: Sandbox, values: Values, node: Node, named: bool) -> int:
    """Lift, make tasks, and compare each gold with the meant calculation; return their number."""
    try:
        answer = node.compute(values)
    except ZeroDivisionError:
        return 0
    seed = make_seed(write_problem(values), write_program(values, node, named), answer)
    lifted = await lift_seed(seed, sandbox)
    if isinstance(lifted, Refusal):
        return 0
    tasks = await change_parameters(lifted, sandbox, 6)
    for task in tasks:
        truth = node.compute(read_values(task.question))
        assert Fraction(task.gold.exact) == truth, f"{seed.program}\n{task.question}"
    return len(tasks)


@settings(max_examples=25)
@given(case=calculations(head=False), named=st.booleans())
async def test_golds_are_right_for_programs_that_compute_everything(
    sandbox: Sandbox, case: tuple[Values, Node], named: bool
) -> None:
    await check_golds(sandbox, *case, named)


@settings(max_examples=50)
@given(case=calculations(head=True), named=st.booleans())
async def test_golds_are_right_for_programs_with_parts_computed_in_the_head(
    sandbox: Sandbox, case: tuple[Values, Node], named: bool
) -> None:
    await check_golds(sandbox, *case, named)


@pytest.mark.parametrize("named", [True, False])
async def test_plain_programs_are_lifted(sandbox: Sandbox, named: bool) -> None:
    """What is drawn above is not refused as a whole."""
    node = Operation("-", Operation("*", Given(0), Given(1), False), Given(2), False)
    values = [Fraction(13), Fraction(4), Fraction(37)]
    assert await check_golds(sandbox, values, node, named) == 6
