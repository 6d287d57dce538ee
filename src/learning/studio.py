"""The bandit's table in LangGraph Studio: a graph that, when run, shows it as its state.

Studio keeps threads of its own, and the table is where the tasks are; it is only shown here.
"""

from typing import Any, cast

from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from ..settings import get_settings
from ..store import (
    sqlite as sqlite,  # here, since importing it blocks, which its loop does not allow
)
from ..store.open import open_store
from .bandit import Bandit
from .overview import build_overview


class OverviewState(TypedDict, total=False):
    """The table, as `build_overview` has it."""

    policy: dict[str, Any]
    arms: list[dict[str, Any]]
    baselines: dict[str, dict[str, float]]
    terms: dict[str, dict[str, str]]


async def show_table(state: OverviewState) -> OverviewState:
    """Read the table of this home."""
    settings = get_settings()
    async with open_store(settings.place) as store:
        table = build_overview(await Bandit.read(store.checkpointer), settings)
    return cast("OverviewState", table)


_builder = StateGraph(OverviewState)
_builder.add_node("show", show_table)
_builder.add_edge(START, "show")
_builder.add_edge("show", END)
graph = _builder.compile(name="bandit")
