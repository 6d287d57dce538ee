"""What a person may say about the team: its topology and its roles."""

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from ...language.messages import say
from ..turns import define_input
from . import ensemble as ensemble
from .contracts import Topology
from .roles import ROLES

LEAST: dict[Topology, int] = {"single": 1, "centralized": 2, "decentralized": 2}
MOST: dict[Topology, int] = {"single": 1, "centralized": 4, "decentralized": 3}
"""Fewest and most roles of a topology, the manager not counted."""


class TeamInputs(BaseModel):
    """What may be given besides the question."""

    model_config = ConfigDict(extra="forbid")

    topology: Topology | None = define_input(
        None,
        en="single, centralized or decentralized; without it the program chooses",
        zh="single（单个角色）、centralized（一人分派）或 decentralized（各自独立）；"
        "不写则由程序选择",
    )
    roles: list[str] = define_input(
        [],
        max_length=4,
        en="names of the team's roles",
        zh="团队中各角色的名称",
    )

    @model_validator(mode="after")
    def _check_team(self) -> Self:
        if problem := find_obstacle(self.topology, self.roles):
            raise ValueError(problem)
        return self


def find_obstacle(topology: Topology | None, names: list[str]) -> str:
    """Return why there can be no such team; empty if there can be."""
    playing = [name for name, role in ROLES.items() if role.play]
    if unknown := [name for name in names if name not in playing]:
        return say("team.unknown_roles", names=", ".join(unknown), known=", ".join(playing))
    if not names:
        return ""
    if len(set(names)) < len(names):
        return say("team.twice", names=", ".join(names))
    if not any(ROLES[name].answers for name in names):
        return say("team.no_answer", names=", ".join(names))
    if topology is None:
        return ""
    if not LEAST[topology] <= len(names) <= MOST[topology]:
        return say(
            "team.number",
            topology=topology,
            least=LEAST[topology],
            most=MOST[topology],
            found=len(names),
        )
    if topology == "decentralized" and len({ROLES[name].method for name in names}) < len(names):
        return say("team.one_method", names=", ".join(names))
    return ""
