"""Verification of an answer by the relations that the problem states.

The relations are solved, what the words ask of the solutions is selected, and the answer has to be
exactly that. A problem with a word or a formula that is not understood verifies nothing.
"""

from .comparing import is_same_value
from .problems import read_problem
from .solving import list_expected
from .textbook import write_text
from .values import Equation, Quantity, Value


def find_held_relations(problem: str, answer: Value) -> str | None:
    """Return the relations of a problem that an answer is the solution of, as text.

    None if that is not certain: no relation, a word or formula that is not understood, more than
    one reading, another answer.
    """
    read = read_problem(problem)
    if read is None or isinstance(answer, Equation):
        return None  # an equation is the question handed back
    if isinstance(answer, Quantity) and answer.is_percentage:
        return None
    expected = list_expected(read)
    if not any(is_same_value(value, answer, strict=True) for value in expected):
        return None
    return ", ".join(write_text(Equation(relation)) for relation in read.relations)
