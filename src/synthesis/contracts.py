"""Data contracts of task synthesis."""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from ..language.messages import Language
from ..state import Answer, Contract, Usage

ESSENCE_VERSION = 1
"""Schema version of stored essences; others are skipped by readers."""

Kind = Literal["whole", "decimal", "money", "percentage"]
Writing = Literal["digits", "words", "han"]
"""In digits, in English words, in Chinese characters."""
Level = Literal["simple", "medium", "complex"]
Status = Literal["draft", "certified", "retired"]

Obstacle = Literal[
    "not_python",
    "loop",
    "function",
    "statement",
    "random",
    "import",
    "words",
    "unknown_number",
    "too_many",
    "nothing_to_change",
    "wrong_answer",
    "fails",
    "many_solutions",
    "unreadable_answer",
]
"""Why a seed cannot be lifted."""

Reason = Literal[
    "one",
    "ordinal",
    "fraction",
    "date",
    "clock",
    "label",
    "scale",
    "glued",
    "word",
    "sign",
    "constant",
    "reference",
    "listed",
    "rounding",
    "repeated",
    "unused",
    "ambiguous",
    "derived",
    "related",
    "still",
]
"""Why a number of a text is kept as it is."""


class Seed(Contract):
    """A solved problem with the program that solved it."""

    id: str
    problem: str = Field(min_length=1, max_length=20_000)
    program: str = Field(min_length=1, max_length=20_000)
    answer: str = Field(min_length=1, max_length=1000)
    """The answer as written; the program has to arrive at it."""
    language: Language
    task_id: str | None = None
    """The stored task that was solved; None for a seed from elsewhere."""
    indicators: list[str] = Field(default_factory=list)
    """Names of the checks that its answer has passed."""


class Refusal(Contract):
    """Why a seed gives no essence."""

    seed_id: str
    obstacle: Obstacle
    detail: str = ""
    """The place in the program, or the numbers concerned."""


class Span(Contract):
    """A place in a text: characters from `start` up to, not including, `end`."""

    start: int
    end: int


class Place(Contract):
    """A literal of a program that holds a slot's value."""

    span: Span
    type: Literal["int", "float", "str"]
    """`str`: an argument of `Fraction`, `Decimal` and the like."""
    hundredths: bool = False
    """Whether it holds the value divided by 100: `0.2` for 20 %."""


class Slot(Contract):
    """A given number that new tasks change."""

    name: str
    value: Decimal
    """Value in the seed."""
    kind: Kind
    unit: str
    """What follows it in the text; empty if nothing does."""
    low: Decimal
    """Smallest plausible value."""
    high: Decimal
    """Largest plausible value."""
    step: Decimal
    """Distance of values, which keeps them as round as the seed's."""
    writing: Writing
    places: int = 0
    """Decimal places that are written."""
    grouped: bool = False
    """Whether thousands are separated by commas."""
    capital: bool = False
    """Whether the number word begins with a capital."""
    article: str | None = None
    """What stands between `a` or `an` and the number, such as `$`; None if there is no article.
    The span begins with the article."""
    span: Span
    """Place in the problem."""
    literals: list[Place]
    """Places in the program."""


class Kept(Contract):
    """A number of the text that new tasks do not change."""

    text: str
    reason: Reason


class Invariants(Contract):
    """What holds in the seed and has to hold in every new task."""

    path: str
    """Results of the program's comparisons and roundings, see `watching.py`."""
    shapes: dict[str, str]
    """Sign and form of each fact and of the answer (`answer`), see `invariants.py`."""
    answer_kind: str
    answer_unit: str | None
    orders: list[tuple[str, str]] = Field(default_factory=list)
    """Pairs of slots; the first is smaller than the second."""


class SuccessPattern(Contract):
    """How the seed was solved."""

    key_steps: list[str]
    """Names of the program's quantities, in order."""
    execution_pattern: str
    """Operations in order, such as `mul sub`."""
    success_indicators: list[str]
    """Names of the checks that its answer has passed."""


class Certificate(Contract):
    """The verdict of an independent solver on fresh instances."""

    agreed: int
    """Instances on which it arrived at the gold."""
    tried: int
    usage: Usage = Usage()
    """What the solver has cost."""


class Essence(Contract):
    """A solved problem, lifted into a template: its text, its program and what may change."""

    version: int = Field(ESSENCE_VERSION, ge=ESSENCE_VERSION, le=ESSENCE_VERSION)
    id: str
    """Digest of the two skeletons."""
    seed_id: str
    task_id: str | None
    """The stored task it was lifted from, with which it is deleted."""
    language: Language
    task_type: Literal["reasoning"] = "reasoning"
    domain: str
    query: str
    """What is wanted, in the problem's words."""
    complexity_level: Level
    success_pattern: SuccessPattern
    problem: str
    """The seed's text, into which the slots' spans point."""
    program: str
    """The seed's program in Python's own layout, without comments and printing."""
    slots: list[Slot]
    kept: list[Kept]
    invariants: Invariants
    answer: Answer
    """The seed's answer."""
    n_ops: int
    expected_tools: list[str] = Field(default_factory=lambda: ["python"])
    certificate: Certificate | None = None
    status: Status = "draft"


class NewTask(Contract):
    """A task made from an essence, with its answer."""

    id: str
    """Digest of the question."""
    essence_id: str
    language: Language
    task_type: Literal["code", "web", "reasoning"] = "reasoning"
    question: str
    values: dict[str, Decimal]
    """By slot name."""
    gold: Answer
    """Computed in the sandbox."""
    program: str
    """The program that computed it."""
    level: Level
    operator: Literal["parameter"] = "parameter"
    expected_tools: list[str] = Field(default_factory=lambda: ["python"])
