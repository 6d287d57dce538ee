"""The shared vocabulary: what travels between the Coordinator and the agents.

Models named after an agent are both that agent's output and the JSON schema its language
model is held to, so field order is the order in which the model thinks, and lengths bound
what it can spend.
"""

import operator
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from typing_extensions import TypedDict

from .language.messages import Language

Level = Literal["comprehension", "planning", "execution"]
Route = Literal["program", "reasoning"]
Status = Literal[
    "running", "verified", "unverified", "no_answer", "needs_input", "failed", "interrupted"
]
"""How a run of the graph stands."""
TaskStatus = Status | Literal["queued", "cancelled"]
"""How a task stands; the two more are the service's."""


class StatusTraits(NamedTuple):
    """What follows from a status."""

    final: bool = False
    """A task does not leave it by itself."""
    traced: bool = False
    """A line of the trace is written for the task."""
    rewarded: bool = False
    """The task's reward teaches the router."""
    resumable: bool = False
    """A person may have the task taken up again."""


STATUSES: Mapping[TaskStatus, StatusTraits] = {
    "queued": StatusTraits(),
    "running": StatusTraits(),
    "needs_input": StatusTraits(resumable=True),
    "verified": StatusTraits(final=True, traced=True, rewarded=True),
    "unverified": StatusTraits(final=True, traced=True, rewarded=True),
    "no_answer": StatusTraits(final=True, traced=True, rewarded=True),
    "failed": StatusTraits(final=True, traced=True, rewarded=True, resumable=True),
    "interrupted": StatusTraits(final=True, resumable=True),
    "cancelled": StatusTraits(final=True, traced=True, resumable=True),
}
FINAL = frozenset(status for status, traits in STATUSES.items() if traits.final)
TRACED = frozenset(status for status, traits in STATUSES.items() if traits.traced)
REWARDED = frozenset(status for status, traits in STATUSES.items() if traits.rewarded)
RESUMABLE = frozenset(status for status, traits in STATUSES.items() if traits.resumable)


def truncate_to(limit: int) -> BeforeValidator:
    """Providers without a grammar do not keep to lengths; what is too long is cut, not refused."""
    return BeforeValidator(lambda text: text[:limit] if isinstance(text, str) else text)


Line = Annotated[str, truncate_to(240), Field(max_length=240)]
Phrase = Annotated[str, truncate_to(100), Field(max_length=100)]


class Contract(BaseModel):
    """Base of everything stored in the state: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Usage(Contract):
    """What a piece of work cost."""

    calls: int = 0
    """Model calls."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Those of the prompt tokens that the server had in its cache."""
    output_tokens: int = 0
    seconds: float = 0.0
    """Wall-clock time spent waiting for the model."""

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            **{name: getattr(self, name) + getattr(other, name) for name in Usage.model_fields}
        )

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(
            **{name: getattr(self, name) - getattr(other, name) for name in Usage.model_fields}
        )


class CoordinatorDecision(Contract):
    """Who plays next, and why."""

    reasoning: Line
    """Why, in one or two sentences; first, so that a small model thinks before it chooses."""
    next_action: str
    """One of the actions that are legal now, or `complete`, or `need_input`."""
    instructions: Line
    """To whoever plays next; for `need_input`, the question to the person."""
    should_continue: bool
    """False exactly when `next_action` is `complete`."""


class Comprehension(Contract):
    """What the problem says."""

    givens: list[Line] = Field(max_length=12)
    """Each known quantity or statement with its value."""
    unknowns: list[Line] = Field(max_length=4)
    """What is asked for."""
    constraints: list[Line] = Field(max_length=6)
    """Conditions the answer must satisfy: domain, whole number, rounding."""
    traps: list[Line] = Field(max_length=3)
    """What is easily misread."""
    missing: list[Line] = Field(max_length=3)
    """Data without which the problem cannot be solved; empty for a complete problem."""
    answer_is: list[Literal["whole", "non_negative"]] = Field(max_length=2)
    """What the answer must be by its nature: a count is whole, an amount not negative."""
    problem_type: Literal[
        "word_problem",
        "equation",
        "inequality",
        "calculus",
        "geometry",
        "combinatorics",
        "number_theory",
        "other_math",
        "not_a_problem",
    ]


class PlanStep(Contract):
    """One step of the plan, a node of its DAG."""

    id: int
    description: Line
    tool: Literal["python", "sympy"]
    """Plain exact arithmetic, or computer algebra."""
    depends_on: list[int] = Field(max_length=8)
    """Ids of the steps whose results this one uses."""


class Plan(Contract):
    """A small DAG of steps; the result of the last one answers the problem."""

    steps: list[PlanStep] = Field(min_length=1, max_length=8)


class Answer(Contract):
    """A value, exact, in the forms it is needed in."""

    exact: str
    """SymPy's notation, for machines."""
    text: str
    """Mathematical notation in plain text, for people."""
    latex: str
    decimal: str | None = None
    """Eight digits, where the value is not a whole number."""


class StepResult(Contract):
    """What came of a chain of steps that one program carried out."""

    step_ids: list[int]
    program: str
    """The Python that ran in the sandbox."""
    ok: bool
    answer: Answer | None = None
    facts: dict[str, str] = {}
    """Every named quantity of the program with its value, in order."""
    error: str | None = None
    repaired: bool = False
    """Whether the program that ran is the second, written after seeing the first one's error."""


class Execution(Contract):
    """What running the plan gave."""

    results: list[StepResult]
    answer: Answer | None = None
    """The last step's."""
    error: str | None = None


class Attempt(Contract):
    """An answer that some route arrived at; attempts that agree support each other."""

    route: Route
    answer: Answer
    working: str
    """The program or the reasoning."""
    facts: dict[str, str] = {}


class Check(Contract):
    """One check made by machine."""

    name: str
    """One of those that the workflow names."""
    passed: bool
    detail: str
    """What was found, in the language of the task."""


class Issue(Contract):
    """What the verifier's model thinks went wrong."""

    what: Phrase
    suggestion: Phrase
    type: Literal["misread", "wrong_method", "arithmetic", "missing_case", "wrong_form"]
    level: Level
    """Where to go back to."""


class Diagnosis(Contract):
    """The verifier's model on an answer that found no support."""

    issues: list[Issue] = Field(min_length=1, max_length=1)


class Verification(Contract):
    """Whether the answer holds."""

    status: Literal["PASSED", "NEEDS_REVISION", "FATAL_ERROR"]
    """Fatal: no route has led to any answer, and no further program may be written."""
    answer: Answer | None = None
    """The answer with the most support so far."""
    support: int = 0
    """How many methods arrived at it: programs, reasoning in words."""
    checks: list[Check] = []
    issues: list[Issue] = []


class Source(Contract):
    """A piece of text that an output rests on."""

    number: int
    """The [n] by which the output cites it."""
    title: str
    location: str
    """A file or a URL."""
    chunk_id: str | None = None
    """Its chunk in the knowledge base; None for a page."""
    text: str
    """What was read there."""


class Output(Contract):
    """What a workflow made."""

    workflow: str
    status: Literal["verified", "unverified", "no_answer"]
    """Whether every check passed, some failed, or there is nothing to show."""
    text: str
    """What the person gets, as Markdown; with `no_answer`, why there is none."""
    checks: list[Check] = []
    sources: list[Source] = []
    data: dict[str, Any] = {}
    """The parts it was made of, as plain data; each workflow says which."""
    language: Language | None = None
    """The one the text is in; None where it is the task's."""


class Exchange(TypedDict):
    """An earlier task of the same thread, as plain data."""

    question: str
    workflow: str | None
    inputs: dict[str, Any]
    answer: str


class Turn(Contract):
    """What an agent just did: the Coordinator enters it into the history."""

    actor: str
    summary: str
    """One line for people."""
    fingerprint: str
    """Digest of what went in and what came out, to tell a stall."""
    usage: Usage = Usage()
    seconds: float = 0.0
    failed: bool = False


class Record(Contract):
    """One line of the history."""

    round: int
    actor: str
    summary: str
    decision: CoordinatorDecision | None = None
    """Set on the Coordinator's own lines."""
    source: Literal["model", "forced", "fallback"] | None = None
    """Who decided: the model, the rules because one action was legal, or the rules because
    the model's decision could not be used."""
    legal: list[str] = []
    """What there was to choose from."""
    fingerprint: str = ""
    failed: bool = False
    usage: Usage = Usage()
    seconds: float = 0.0


OPEN_TASK_TYPE = "open"
"""Type of the tasks about which the router is undecided."""


class Candidate(Contract):
    """A workflow that the router thinks of for a task."""

    workflow: str
    p: float = Field(ge=0, le=1)
    """How probable it is that this is the one."""


class ArmValue(Contract):
    """What the bandit knows of a workflow for tasks of one type."""

    workflow: str
    value: float
    """Mean of its rewards."""
    count: int
    """How many there were."""


class Routing(Contract):
    """What stands before the Coordinator when it chooses a workflow."""

    task_type: str
    """The router's most probable workflow, or `OPEN_TASK_TYPE`."""
    candidates: list[Candidate] = []
    """Most probable first; empty where there is no router."""
    none: float = Field(0.0, ge=0, le=1)
    """How probable it is that the task is for none of the workflows."""
    values: list[ArmValue] = []
    """What is known for this type of task."""
    policy: str = ""
    probabilities: dict[str, float] = {}
    """How probable each workflow was to be suggested."""
    suggestion: str | None = None
    """The workflow that was drawn by these probabilities; None for an open task."""
    router_version: str | None = None


class Term(Contract):
    """One part of a task's quality or of its cost."""

    name: str
    value: float = Field(ge=0, le=1)
    weight: float = Field(gt=0)
    """How much it counts beside the others of its kind."""


class Reward(Contract):
    """How good a task's result was, and what it cost."""

    quality: float = Field(ge=0, le=1)
    """Weighted mean of the terms of `quality_terms`."""
    cost: float = Field(ge=0, le=1)
    """Weighted mean of those of `cost_terms`; 0.5 is what the workflow usually costs."""
    reward: float
    """Quality less the cost, which is weighed by a setting."""
    quality_terms: list[Term] = []
    cost_terms: list[Term] = []


class TaskState(TypedDict, total=False):
    """State of the outer graph."""

    question: str
    inputs: dict[str, Any]
    """What the workflow's inputs model holds, as plain data."""
    language: Language
    workflow: str | None
    """The workflow asked for; None lets the Coordinator choose."""
    max_iterations: int
    earlier: list[Exchange]
    """The thread's tasks so far, oldest first."""
    restated: str | None
    """A follow-up as a task that stands on its own; the question stays as it was written."""

    active: str | None
    """The workflow that is being played."""
    outputs: Annotated[dict[str, Output], operator.or_]
    """What each workflow made, the latest of each."""
    comprehension_output: Comprehension | None
    planning_output: Plan | None
    execution_output: Execution | None
    verification_output: Verification | None
    attempts: Annotated[list[Attempt], operator.add]
    """Every answer found so far, oldest first."""
    clarifications: Annotated[list[str], operator.add]
    """What the person said when asked."""

    turn: Turn | None
    """The latest agent's doings, until the Coordinator has entered them."""
    decision: CoordinatorDecision | None
    history: Annotated[list[Record], operator.add]
    usage: Annotated[Usage, operator.add]

    status: Status
    answer: Answer | None
    final_answer: str | None
    """The answer as text."""
    report: str | None
    routing: Routing | None
    """What was before the Coordinator when it chose the workflow."""
    reward: Reward | None
    """How good the result was and what it cost, once the task has ended."""


class WorkflowOutput(TypedDict, total=False):
    """All that leaves a workflow's subgraph; the outer graph's additive channels stay outside."""

    outputs: dict[str, Output]
    turn: Turn | None
    usage: Usage


class Made(TypedDict, total=False):
    """The part of a state that holds what workflows made."""

    outputs: dict[str, Output]


class Recorded(TypedDict, total=False):
    """The part of a state that tells what was played."""

    history: list[Record]


RESTATE = "restate"
"""Puts a follow-up into other words before the first round; its turn is in the history too."""


def output_of(state: Made, workflow: str) -> Output | None:
    """What the workflow made last; None where it has made nothing."""
    return state.get("outputs", {}).get(workflow)


def decisions(state: Recorded) -> list[CoordinatorDecision]:
    """What the Coordinator has decided, oldest first."""
    return [record.decision for record in state.get("history", []) if record.decision]


def turns(state: Recorded) -> list[Record]:
    """What was played, oldest first."""
    return [record for record in state.get("history", []) if record.decision is None]


def rounds(state: Recorded) -> list[Record]:
    """The turns that a task's limit counts: those that a decision led to."""
    return [record for record in turns(state) if record.actor != RESTATE]


def last_turn(state: Recorded) -> Record | None:
    """What was played last; None before the first turn."""
    return next(reversed(turns(state)), None)


class TaskInput(TypedDict, total=False):
    """What starts a task."""

    question: str
    inputs: dict[str, Any]
    workflow: str | None
    max_iterations: int
    earlier: list[Exchange]
