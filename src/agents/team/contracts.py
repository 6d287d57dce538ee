"""Contracts of the workflow `team`: assignments to roles, what they contribute, and the plan."""

import operator
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from ...language.messages import Language
from ...state import Check, Contract, Exchange, Line, Output, Source, Turn, Usage
from ..turns import InputsState, LookupState

WORKFLOW = "team"
Topology = Literal["single", "centralized", "decentralized"]
Aggregation = Literal["check", "vote", "write"]
"""How the answers of a blind round become one: by a machine check (code against assertions), by
agreement of two methods, or by one writer who puts the parts together."""
Decider = Literal["person", "rule", "classifier", "adapter", "model"]


class TeamPlan(Contract):
    """The team for a task: who works on it, and how their work becomes one answer."""

    reasoning: Line
    topology: Topology
    manager: str | None = None
    """Role that hands out the parts; set for `centralized` only."""
    roles: list[str]
    """One for `single`; 2 to 4 below a manager; 2 or 3 of different methods, blind to each
    other."""
    aggregation: Aggregation | None = None
    """Set for `decentralized` only."""
    source: Decider
    """Who chose the topology."""


class Contribution(Contract):
    """What a role made of its assignment."""

    role: str
    number: int
    """Place among the assignments of its round, from 1."""
    round: int = 0
    """0 for a first try; 1 after an exchange, or for a part that came back."""
    text: str
    """Text in Markdown; empty if it failed."""
    instructions: str = ""
    """What it was told to do; empty for the whole task."""
    value: str = ""
    """The answer in canonical form, of methods whose answers are compared."""
    checks: list[Check] = Field(default_factory=list)
    sources: list[Source] = Field(default_factory=list)
    cut_off: bool = False
    """Whether the model was stopped at its limit of tokens."""
    error: str = ""
    """Why there is no text."""
    usage: Usage = Usage()
    seconds: float = 0.0


class TeamInput(LookupState, InputsState, total=False):
    """Part of the task's state that the subgraph reads."""

    language: Language
    earlier: list[Exchange]
    outputs: dict[str, Output]


class TeamState(TeamInput, total=False):
    """State of the subgraph; contributions arrive in any order."""

    plan: TeamPlan
    contributions: Annotated[list[Contribution], operator.add]
    spent: Annotated[Usage, operator.add]
    """Usage of the manager's decisions."""
    turn: Turn | None
    usage: Usage


class Assignment(TypedDict):
    """One role's work, sent to its own run of the node."""

    role: str
    number: int
    round: int
    task: str
    """The whole task, in self-contained form."""
    instructions: str
    """The part to do; empty for the whole task."""
    material: str
    """What the role builds on, fenced as data; empty if there is none."""
    findings: str
    """What was wrong with an earlier version, one line each; empty at first."""
    language: Language
    alone: bool
    """Whether this role is the whole team, so that its text is checked once, at the end."""
    aloud: bool
    """Whether the text is streamed to the reader while it is written."""
    seed: int
    """0 at first; another one draws another text."""
