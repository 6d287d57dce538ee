"""Shared data types, passed between the Coordinator and the agents.

Models named after an agent are both that agent's output and the JSON schema that constrains its
language model, so field order is the order in which the model thinks, and lengths bound its
output.
"""

import operator
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal, NamedTuple

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from typing_extensions import TypedDict

from .language.messages import Language

Level = Literal["comprehension", "planning", "execution"]
Route = Literal["program", "reasoning"]
Status = Literal[
    "running",
    "verified",
    "unverified",
    "no_answer",
    "needs_input",
    "needs_approval",
    "failed",
    "interrupted",
]
"""Status of a run of the graph."""
TaskStatus = Status | Literal["queued", "cancelled"]
"""Status of a task; the service adds `queued` and `cancelled`."""


class StatusTraits(NamedTuple):
    """Properties of a status."""

    final: bool = False
    """The task does not leave this status by itself."""
    traced: bool = False
    """The task is recorded in the trace."""
    rewarded: bool = False
    """The router learns from the task's reward."""
    resumable: bool = False
    """A user may resume the task."""


STATUSES: Mapping[TaskStatus, StatusTraits] = {
    "queued": StatusTraits(),
    "running": StatusTraits(),
    "needs_input": StatusTraits(resumable=True),
    "needs_approval": StatusTraits(resumable=True),
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
WAITING: frozenset[TaskStatus] = frozenset({"needs_input", "needs_approval"})
"""Statuses of a task that waits for its user."""
RESUMABLE = frozenset(status for status, traits in STATUSES.items() if traits.resumable)


def truncate_to(limit: int) -> BeforeValidator:
    """Truncate text that is too long instead of refusing it: providers without a grammar ignore
    length limits."""
    return BeforeValidator(lambda text: text[:limit] if isinstance(text, str) else text)


Line = Annotated[str, truncate_to(240), Field(max_length=240)]
Phrase = Annotated[str, truncate_to(100), Field(max_length=100)]


class Contract(BaseModel):
    """Base of everything stored in the state: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Usage(Contract):
    """Model usage of a piece of work."""

    calls: int = 0
    """Model calls."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens served from the cache (included in `prompt_tokens`)."""
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
    """Which agent plays next, and why."""

    reasoning: Line
    """Why, in one or two sentences; first, so that a small model thinks before it chooses."""
    next_action: str
    """One of the currently legal actions, `complete` or `need_input`."""
    instructions: Line
    """Instructions for the next agent; for `need_input`, the question to the user."""
    should_continue: bool
    """False if and only if `next_action` is `complete`."""


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
    """A small DAG of steps; the result of the last step answers the problem."""

    steps: list[PlanStep] = Field(min_length=1, max_length=8)


class Answer(Contract):
    """A typed answer in several notations."""

    exact: str
    """SymPy's notation, for machines; without the unit of a number."""
    text: str
    """Mathematical notation in plain text, for people."""
    latex: str
    decimal: str | None = None
    """Decimal approximation to eight digits; None for whole numbers and for decimals."""
    kind: str = "number"
    """Type: `number`, `quantity` (with a unit), `percentage`, `expression`, `ratio`, `remainder`,
    `date`, `time`, `tuple` (ordered), `collection`, `named`, `set`, `equation`, `matrix`, `truth`,
    or `text`."""
    unit: str | None = None
    """Unit of a number, or what is counted: `cm²`, `chickens`."""

    places: int | None = None
    """Decimal places of a number that was given as a decimal, and so may be rounded."""

    @property
    def written(self) -> str:
        """The answer as it can be read again, with its unit, and as a decimal if it was one."""
        number = self.exact
        if self.places:
            value = Fraction(number)
            number = f"{Decimal(value.numerator) / value.denominator:.{self.places}f}"
        return f"{number} {self.unit}" if self.unit else number


class StepResult(Contract):
    """Result of a chain of steps run as one program."""

    step_ids: list[int]
    program: str
    """The Python that ran in the sandbox."""
    ok: bool
    answer: Answer | None = None
    facts: dict[str, str] = {}
    """Named quantities of the program and their values, in order."""
    error: str | None = None
    repaired: bool = False
    """Whether this is the second program, written after the first one failed."""


class Execution(Contract):
    """Results of running the plan."""

    results: list[StepResult]
    answer: Answer | None = None
    """Answer of the last step."""
    error: str | None = None


class Attempt(Contract):
    """An answer found by one route; attempts that agree support each other."""

    route: Route
    answer: Answer
    working: str
    """The program, or the reasoning in words."""
    facts: dict[str, str] = {}


class Check(Contract):
    """Result of one automatic check."""

    name: str
    """Name of a check defined by the workflow."""
    passed: bool
    detail: str
    """Finding, in the language of the task."""


class Issue(Contract):
    """A problem suspected by the verifier's model."""

    what: Phrase
    suggestion: Phrase
    type: Literal["misread", "wrong_method", "arithmetic", "missing_case", "wrong_form"]
    level: Level
    """Level to go back to."""


class Diagnosis(Contract):
    """The verifier's assessment of an unsupported answer."""

    issues: list[Issue] = Field(min_length=1, max_length=1)


class Verification(Contract):
    """Whether the answer holds."""

    status: Literal["PASSED", "NEEDS_REVISION", "FATAL_ERROR"]
    """`FATAL_ERROR`: no route found an answer, and no further program may be written."""
    answer: Answer | None = None
    """The answer with the most support so far."""
    support: int = 0
    """Number of methods (programs, reasoning in words) that found it."""
    checks: list[Check] = []
    issues: list[Issue] = []


class Source(Contract):
    """A piece of text that an output cites."""

    number: int
    """Citation number n, written [n] in the output."""
    title: str
    location: str
    """A file or a URL."""
    chunk_id: str | None = None
    """Chunk id in the knowledge base; None for a web page."""
    text: str
    """Text that was read."""


class Output(Contract):
    """Output of a workflow."""

    workflow: str
    status: Literal["verified", "unverified", "no_answer"]
    """Whether all checks passed, some failed, or there is no output."""
    text: str
    """Text for the user, as Markdown; with `no_answer`, why there is none."""
    checks: list[Check] = []
    sources: list[Source] = []
    data: dict[str, Any] = {}
    """Parts of the output as plain data, specific to each workflow."""
    language: Language | None = None
    """Language of `text`; None for the task's language."""
    mixed: bool = False
    """Whether the text is meant to have several languages, or another one than these two."""


class Exchange(TypedDict):
    """An earlier task of the same thread, as plain data."""

    question: str
    workflow: str | None
    inputs: dict[str, Any]
    answer: str


class Turn(Contract):
    """What an agent just did; the Coordinator records it in the history."""

    actor: str
    summary: str
    """One line for the Coordinator and, without a `note`, for the user."""
    note: str = ""
    """The line for the user, where `summary` names checks and kinds as the program does."""
    fingerprint: str
    """Digest of input and output, to detect a stall."""
    usage: Usage = Usage()
    seconds: float = 0.0
    failed: bool = False


class Record(Contract):
    """One entry of the history."""

    round: int
    actor: str
    summary: str
    note: str = ""
    """As in `Turn`."""
    decision: CoordinatorDecision | None = None
    """Set on the Coordinator's own entries."""
    source: Literal["model", "forced", "fallback"] | None = None
    """Who decided: the model, the rules because only one action was legal (`forced`), or the rules
    because the model's decision was unusable (`fallback`)."""
    legal: list[str] = []
    """Legal actions at that point."""
    fingerprint: str = ""
    failed: bool = False
    usage: Usage = Usage()
    seconds: float = 0.0


OnFailure = Literal["replan", "continue", "ask", "stop"]


class Call(Contract):
    """A call of an action, as planned."""

    id: str
    """Id of its result, `r1`, `r2`, …, unique in the task."""
    action: str
    params: dict[str, Any]
    """Parameters, with placeholders such as `{{r1.rows[0].city}}` for earlier results."""
    depends_on: list[str] = []
    """Ids of the calls whose results it uses or has to come after."""
    on_failure: OnFailure = "replan"
    """What its failure means for the rest of the plan."""


class SingleAction(Contract):
    """The planner's output: one call."""

    type: Literal["SINGLE_ACTION"] = "SINGLE_ACTION"
    reasoning: Line
    call: Call


class MiniPlan(Contract):
    """The planner's output: a DAG of calls."""

    type: Literal["MINI_PLAN"] = "MINI_PLAN"
    reasoning: Line
    goal: Line
    steps: list[Call] = Field(min_length=1, max_length=5)


class NeedInput(Contract):
    """The planner's output: a question to the user."""

    type: Literal["NEED_INPUT"] = "NEED_INPUT"
    reasoning: Line
    question: Line
    options: list[Phrase] = Field([], max_length=4)
    """Answers to choose from; empty for a free answer."""


Ending = Literal["complete", "partial", "impossible"]


class Done(Contract):
    """The planner's output: nothing is left to do, or nothing can be done."""

    type: Literal["DONE"] = "DONE"
    reasoning: Line
    outcome: Ending
    evidence: list[str]
    """Ids of the results that the message stands on."""
    message: str
    """What was found or done, for the user."""


Planned = Annotated[SingleAction | MiniPlan | NeedInput | Done, Field(discriminator="type")]


class FileEffect(Contract):
    """One file that was written, replaced or deleted, and read back."""

    path: str
    """Relative to the workspace."""
    before: str | None
    """SHA-256 of the content before; None: there was no file."""
    after: str | None
    """SHA-256 of the content now; None: the file is deleted."""
    diff: str
    """Unified diff of a text, shortened; one line on a binary file."""


class CallResult(Contract):
    """What became of a call."""

    id: str
    action: str
    params: dict[str, Any]
    """Parameters with placeholders filled in."""
    status: Literal["done", "failed", "skipped", "denied"]
    error_class: str | None = None
    """See `actions/errors.py`; None if done."""
    preview: str
    """What the planner reads: a beginning of the data, or the error."""
    data: dict[str, Any] = {}
    """The data as plain values, for placeholders; long texts are cut."""
    artifact: str | None = None
    """Name of the file beside the task that holds data too long for the state."""
    effects: list[FileEffect] = []
    untrusted: bool = False
    """Whether the data is somebody else's text."""


class Approval(Contract):
    """A call that waits for the user."""

    call: str
    """Id of the call."""
    action: str
    params: dict[str, Any]
    reason: str
    """Why it is not simply done."""
    diff: str
    """What it would change, as far as known."""
    digest: str
    """Binds the approval to this action, these parameters and these changes."""


class Verdict(Contract):
    """The user's answer to an approval."""

    digest: str
    approved: bool
    action: str | None = None
    """If set, all calls of this action are approved for the task."""
    reason: str = ""
    """Why it was denied."""


OPEN_TASK_TYPE = "open"
"""Type of tasks for which the router is undecided."""


class Candidate(Contract):
    """A workflow proposed by the router for a task."""

    workflow: str
    p: float = Field(ge=0, le=1)
    """Probability that this is the right workflow."""


class ArmValue(Contract):
    """The bandit's value of a workflow for one task type."""

    workflow: str
    value: float
    """Mean reward."""
    count: int
    """Number of rewards."""


class Routing(Contract):
    """Advice to the Coordinator for choosing a workflow."""

    task_type: str
    """The router's most probable workflow, or `OPEN_TASK_TYPE`."""
    candidates: list[Candidate] = []
    """Most probable first; empty where there is no router."""
    none: float = Field(0.0, ge=0, le=1)
    """Probability that the task is for none of the workflows that the router knows."""
    values: list[ArmValue] = []
    """The bandit's values for this task type."""
    policy: str = ""
    probabilities: dict[str, float] = {}
    """Probability of each workflow being suggested."""
    suggestion: str | None = None
    """The workflow drawn from `probabilities`; None for an open task."""
    router_version: str | None = None


class Term(Contract):
    """One part of a task's quality or of its cost."""

    name: str
    value: float = Field(ge=0, le=1)
    weight: float = Field(gt=0)
    """Weight relative to the other terms of its kind."""


class Reward(Contract):
    """Quality of a task's result, and its cost."""

    quality: float = Field(ge=0, le=1)
    """Weighted mean of `quality_terms`."""
    cost: float = Field(ge=0, le=1)
    """Weighted mean of `cost_terms`; 0.5 is the workflow's usual cost."""
    reward: float
    """`quality − λ · cost`, with λ from the setting `reward_lambda`."""
    quality_terms: list[Term] = []
    cost_terms: list[Term] = []


class Sampling(TypedDict, total=False):
    """How texts for the reader are sampled, where the task says so."""

    temperature: float
    top_p: float
    seed: int
    """Added to the agents' own seeds, by which they draw anew."""
    frequency_penalty: float
    presence_penalty: float


class TaskState(TypedDict, total=False):
    """State of the outer graph."""

    question: str
    messages: Annotated[list[AnyMessage], add_messages]
    """The conversation, if the task came as one, with the report as the reply."""
    inputs: dict[str, Any]
    """The workflow's inputs model as plain data."""
    language: Language
    workflow: str | None
    """The workflow asked for; None lets the Coordinator choose."""
    max_iterations: int
    earlier: list[Exchange]
    """Earlier tasks of the thread, oldest first."""
    instructions: str
    """Standing instructions besides the question, such as a chat's system prompt."""
    restated: str | None
    """A follow-up rewritten as a self-contained task; `question` keeps the original."""

    active: str | None
    """The workflow being played."""
    outputs: Annotated[dict[str, Output], operator.or_]
    """Latest output of each workflow, by name."""
    comprehension_output: Comprehension | None
    planning_output: Plan | None
    execution_output: Execution | None
    verification_output: Verification | None
    attempts: Annotated[list[Attempt], operator.add]
    """Every answer found so far, oldest first."""
    clarifications: Annotated[list[str], operator.add]
    """The user's answers to questions."""

    workspace: str | None
    """Folder in which actions may work; None: there is none."""
    planner_output: Planned | None
    call_results: Annotated[list[CallResult], operator.add]
    """Results of all calls, in the order in which they ended."""
    approvals: list[Approval]
    """Calls that wait for the user."""
    verdicts: Annotated[list[Verdict], operator.add]

    turn: Turn | None
    """The latest agent's turn, until the Coordinator has recorded it."""
    decision: CoordinatorDecision | None
    history: Annotated[list[Record], operator.add]
    usage: Annotated[Usage, operator.add]

    status: Status
    answer: Answer | None
    final_answer: str | None
    """The answer as text."""
    report: str | None
    routing: Routing | None
    """Advice given when the Coordinator chose the workflow."""
    reward: Reward | None
    """Quality and cost of the result, once the task has ended."""


class WorkflowOutput(TypedDict, total=False):
    """Output of a workflow's subgraph; excludes the outer graph's additive channels."""

    outputs: dict[str, Output]
    turn: Turn | None
    usage: Usage


class Made(TypedDict, total=False):
    """The part of a state that holds workflow outputs."""

    outputs: dict[str, Output]


class Recorded(TypedDict, total=False):
    """The part of a state that holds the history."""

    history: list[Record]


RESTATE = "restate"
"""Rewrites a follow-up before the first round; its turn is recorded in the history too."""


def output_of(state: Made, workflow: str) -> Output | None:
    """Return the workflow's latest output, or None."""
    return state.get("outputs", {}).get(workflow)


def decisions(state: Recorded) -> list[CoordinatorDecision]:
    """Return the Coordinator's decisions, oldest first."""
    return [record.decision for record in state.get("history", []) if record.decision]


def turns(state: Recorded) -> list[Record]:
    """Return the turns played, oldest first."""
    return [record for record in state.get("history", []) if record.decision is None]


def rounds(state: Recorded) -> list[Record]:
    """Return the turns that count towards a task's limit, which follow from a decision."""
    return [record for record in turns(state) if record.actor != RESTATE]


class TaskInput(TypedDict, total=False):
    """Initial input of a task."""

    question: str
    messages: Annotated[list[AnyMessage], add_messages]
    """A conversation in place of a question, as LangGraph's clients send it."""
    inputs: dict[str, Any]
    workflow: str | None
    max_iterations: int
    earlier: list[Exchange]
    workspace: str | None
    """Folder in which actions may work; set by the program, never by a request's inputs."""
    instructions: str
    sampling: Sampling
