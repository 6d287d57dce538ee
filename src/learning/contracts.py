"""What the parts of this package hand to each other.

What is kept in a task's state is of `state.py` and only named here again.
"""

from datetime import datetime
from typing import Any

from pydantic import Field

from ..language.messages import Language
from ..state import OPEN_TASK_TYPE as OPEN_TASK_TYPE
from ..state import ArmValue as ArmValue
from ..state import Candidate as Candidate
from ..state import Contract, Usage
from ..state import Reward as Reward
from ..state import Routing as Routing
from ..state import Term as Term

TRACE_VERSION = 1
"""Of the lines of a trace; a reader knows lines of this and of earlier versions."""


class Arm(Contract):
    """One workflow for one type of task, and what came of choosing it."""

    task_type: str
    workflow: str
    count: int = 0
    """Rewards counted."""
    value: float = 0.0
    """The running mean of the rewards, see `arms.py`."""
    updated: datetime | None = None
    """When the latest reward was counted."""
    fade: float = 0.0
    """Logarithm of what the steps since have left of the first reward's weight."""


class Baseline(Contract):
    """What a workflow usually costs: a running mean of each quantity."""

    workflow: str
    count: int = 0
    usual: dict[str, float] = Field(default_factory=dict)
    """By the name of the cost term."""


class RewardEvent(Contract):
    """That a task has been rewarded. The only thing that changes the bandit's table."""

    id: str
    """The task's; an event of the same id and revision counts once."""
    revision: int = 0
    """A later word on the same task has a higher number, and replaces the earlier ones."""
    task_type: str | None
    """None where no choice was to be made: only the baseline learns of it."""
    workflow: str
    reward: float
    spent: dict[str, float] = Field(default_factory=dict)
    """By the name of the cost term."""


class Move(Contract):
    """One line of a task's history, without its words."""

    round: int
    actor: str
    action: str | None = None
    """What the Coordinator decided; None on an agent's line."""
    source: str | None = None
    """Who decided: the model, the rules, or the rules in its stead."""
    legal: list[str]
    failed: bool = False
    usage: Usage = Usage()
    seconds: float = 0.0


class TraceRecord(Contract):
    """One ended task. Texts are left out or hashed where the settings say so."""

    schema_version: int = Field(TRACE_VERSION, ge=1, le=TRACE_VERSION)
    task_id: str
    thread_id: str
    ended: datetime
    question: str | None
    """The task as it stands on its own; the same question has the same hash."""
    inputs: dict[str, Any] | None
    final_answer: str | None
    error: str | None
    language: Language | None
    features: dict[str, float]
    """Of the question, by `features.py`."""
    named: str | None
    """The workflow that the person asked for; such tasks say nothing of the policy."""
    routing: Routing | None
    """Candidates with their probabilities, the bandit's values, the suggestion."""
    propensity: float | None
    """How probable the suggestion was to be made."""
    chosen: str | None
    """The workflow that the Coordinator chose first; the reward is its arm's."""
    followed: bool | None
    """Whether that was the suggestion; None where there was none."""
    workflow: str | None
    """The workflow that concluded the task."""
    moves: list[Move]
    status: str
    checks: dict[str, bool]
    """Those of the result, by name."""
    reward: Reward | None
    """None for what is not rewarded: a task that was cancelled."""
    revision: int = 0
    """Of several records of a task the highest counts."""
    usage: Usage = Usage()
    spent: dict[str, float]
    """What went into the cost, by the name of the term."""
    model: str | None
    """`provider/model`, as far as it is known."""
    versions: dict[str, str]
    """Of the program, the router, and the rules of reward."""


class Amendment(Contract):
    """A later word on a task that is in the trace already."""

    schema_version: int = Field(TRACE_VERSION, ge=1, le=TRACE_VERSION)
    task_id: str
    revision: int
    reward: Reward
