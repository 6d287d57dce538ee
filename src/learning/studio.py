"""The bandit's table in LangGraph Studio: a graph that loads it into its state when run.

Studio has its own threads, while the table is stored with the tasks; this graph only displays it.
"""

from typing import Any, cast

from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from ..settings import get_settings
from ..store import (
    sqlite as sqlite,  # imported here, since importing blocks, which its loop does not allow
)
from ..store.open import open_store
from .bandit import Bandit
from .overview import build_overview


class OverviewState(TypedDict, total=False):
    """The overview from `build_overview`."""

    policy: dict[str, Any]
    arms: list[dict[str, Any]]
    baselines: dict[str, dict[str, float]]
    terms: dict[str, dict[str, str]]


async def show_table(state: OverviewState) -> OverviewState:
    """Read the table from the store of this home."""
    settings = get_settings()
    async with open_store(settings.place) as store:
        table = build_overview(await Bandit.read(store.checkpointer), settings)
    return cast("OverviewState", table)


_builder = StateGraph(OverviewState)
_builder.add_node("show", show_table)
_builder.add_edge(START, "show")
_builder.add_edge("show", END)
graph = _builder.compile(name="bandit")
