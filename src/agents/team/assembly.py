"""The team for a task: the simplest one that may do it. A person's word counts first, then rules in
both languages."""

import re

from ...language.messages import Language, say
from ...state import Output
from ...tools.numbers import extract_numbers
from .contracts import Aggregation, Decider, TeamPlan, Topology
from .inputs import MOST, TeamInputs
from .request import Asked, Kind, list_addresses
from .roles import ROLES
from .splitting import split_requests

MANAGER = "planner"
_BY_KIND: dict[Kind, str] = {
    "code": "programmer",
    "translation": "translator",
    "plan": "planner",
    "text": "writer",
    "rewriting": "assistant",
    "answer": "assistant",
}
_COMPARES = re.compile(
    r"\b(?:compar\w+|versus|vs\.?)\b"
    r"|\bwhich (?:\w+ ){0,3}?(?:is|are|would be) (?:better|cheaper|best)\b"
    r"|对比|比较|哪[个家种款份]更|更划算|更便宜",
    re.IGNORECASE,
)


def choose_role(asked: Asked) -> str:
    """Return the role that does a task alone."""
    return _BY_KIND[asked.kind]


def assemble_team(
    asked: Asked, given: TeamInputs, before: Output | None, language: Language
) -> TeamPlan:
    """Return the team for a task.

    Args:
        asked: What the task asks for.
        given: What the person says about the team.
        before: The version that failed a check; None at first.
    """
    if given.topology or given.roles:
        topology = given.topology or _infer_topology(given.roles)
        roles = given.roles or _choose_roles(topology, asked)
        return _build_plan(topology, roles, "person", say("team.why.person", language))
    topology, why = _apply_rules(asked, before)
    roles = _choose_roles(topology, asked)
    return _build_plan(topology, roles, "rule", say(f"team.why.{why}", language))


def _apply_rules(asked: Asked, before: Output | None) -> tuple[Topology, str]:
    """Return the topology of the cold start, and the name of the rule."""
    if before is not None:
        failed = {check.name for check in before.checks if not check.passed}
        escalates = asked.runs and bool(failed & {"runs", "tests"})
        return ("decentralized", "failed_tests") if escalates else ("single", "failed")
    if len(split_requests(asked.task)) > 1:
        return "centralized", "parts"
    if asked.kind == "answer" and _COMPARES.search(asked.task):
        if len(list_addresses(asked.task)) > 1:
            return "centralized", "sources"
        if len(extract_numbers(asked.task)) > 1:
            return "decentralized", "compares"
    return "single", "single"


def _infer_topology(roles: list[str]) -> Topology:
    """Return the topology that suits roles without one: blind to each other where they can be."""
    if len(roles) == 1:
        return "single"
    methods = {ROLES[name].method for name in roles}
    blind = len(methods) == len(roles) <= MOST["decentralized"]
    return "decentralized" if blind else "centralized"


def _choose_roles(topology: Topology, asked: Asked) -> list[str]:
    """Return the roles for a topology that suit a task."""
    if topology == "single":
        return [choose_role(asked)]
    if topology == "centralized":
        if parts := split_requests(asked.task):
            return list(dict.fromkeys(choose_role(part) for part in parts))
        if list_addresses(asked.task):
            return ["page_reader", "writer"]
        return list(dict.fromkeys([choose_role(asked), "planner", "writer", "assistant"]))
    if asked.runs:
        return ["programmer", "tester"]
    return ["assistant", "calculator" if extract_numbers(asked.task) else "reasoner"]


def _build_plan(topology: Topology, roles: list[str], source: Decider, why: str) -> TeamPlan:
    return TeamPlan(
        reasoning=why,
        topology=topology,
        manager=MANAGER if topology == "centralized" else None,
        roles=roles,
        aggregation=_choose_aggregation(roles) if topology == "decentralized" else None,
        source=source,
    )


def _choose_aggregation(roles: list[str]) -> Aggregation:
    """Return how blind answers become one: by the strongest means that their methods allow."""
    methods = {ROLES[name].method for name in roles}
    if methods >= {"code", "assertions"}:
        return "check"
    return "vote" if methods >= {"reasoning", "calculation"} else "write"
