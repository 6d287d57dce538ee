"""Data contracts between the parts of this package.

Types stored in a task's state are defined in `state.py` and re-exported here.
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
"""Schema version of trace lines; readers accept this and earlier versions."""


class Arm(Contract):
    """A workflow for one task type, with the running result of choosing it."""

    task_type: str
    workflow: str
    count: int = 0
    """Rewards counted."""
    value: float = 0.0
    """Running mean of the rewards, see `arms.py`."""
    updated: datetime | None = None
    """When the latest reward was counted."""
    fade: float = 0.0
    """Log of the fraction of the first reward's weight left by later steps."""


class Baseline(Contract):
    """Usual cost of a workflow: a running mean of each quantity."""

    workflow: str
    count: int = 0
    usual: dict[str, float] = Field(default_factory=dict)
    """By cost term name."""


class RewardEvent(Contract):
    """A task's reward. Only these events change the bandit's table."""

    id: str
    """The task's id; an event with the same id and revision counts once."""
    revision: int = 0
    """Higher for later events of the same task, which replace the earlier ones."""
    task_type: str | None
    """None if there was no choice to make; only the baseline is updated then."""
    workflow: str
    reward: float
    spent: dict[str, float] = Field(default_factory=dict)
    """By cost term name."""


class Move(Contract):
    """One entry of a task's history, without its texts."""

    round: int
    actor: str
    action: str | None = None
    """The Coordinator's decision; None for an agent's entry."""
    source: str | None = None
    """Who decided: the model, the rules, or the rules as a fallback for it."""
    legal: list[str]
    failed: bool = False
    usage: Usage = Usage()
    seconds: float = 0.0


class TraceRecord(Contract):
    """An ended task. Texts are omitted or hashed if the settings say so."""

    schema_version: int = Field(TRACE_VERSION, ge=1, le=TRACE_VERSION)
    task_id: str
    thread_id: str
    ended: datetime
    question: str | None
    """The task as a standalone question; equal questions have equal hashes."""
    inputs: dict[str, Any] | None
    final_answer: str | None
    error: str | None
    language: Language | None
    features: dict[str, float]
    """Features of the question, see `features.py`."""
    named: str | None
    """The workflow requested by the user; such tasks say nothing about the policy."""
    routing: Routing | None
    """Candidates with their probabilities, the bandit's values and the suggestion."""
    propensity: float | None
    """Probability with which the suggestion was drawn."""
    chosen: str | None
    """The workflow that the Coordinator chose first; its arm gets the reward."""
    followed: bool | None
    """Whether `chosen` was the suggestion; None if there was no suggestion or choice."""
    workflow: str | None
    """The workflow that concluded the task."""
    moves: list[Move]
    status: str
    checks: dict[str, bool]
    """Whether each check of the result passed, by name."""
    reward: Reward | None
    """None for tasks that are not rewarded, such as cancelled ones."""
    revision: int = 0
    """The record with the highest revision of a task counts."""
    usage: Usage = Usage()
    spent: dict[str, float]
    """Quantities that the cost is computed from, by term name."""
    model: str | None
    """`provider/model`, if known."""
    versions: dict[str, str]
    """Versions of the program, the router and the reward rules."""


class Amendment(Contract):
    """A revised reward of a task that is already in the trace."""

    schema_version: int = Field(TRACE_VERSION, ge=1, le=TRACE_VERSION)
    task_id: str
    revision: int
    reward: Reward
