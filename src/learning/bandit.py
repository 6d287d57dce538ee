"""The bandit's table: a LangGraph state in a reserved thread of the tasks' checkpointer.

Only reward events change it, from one process at a time. When `record_rewards` returns, its events
are written. A killed call counts all of its events or none, and resending them counts each once.

To count a task only once, every id must be kept, but each checkpoint holds the whole state of its
thread. The table's thread therefore keeps only the latest ids and moves older ones to pages, each
a thread with a share of all ids. A page is written before the table drops its ids, so an id is
always in at least one of the two.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from typing_extensions import TypedDict

from ..store.base import checkpoint_config
from .contracts import Arm, ArmValue, Baseline, RewardEvent
from .counting import CountedReward, History, Table, apply_event, build_arm_key

if TYPE_CHECKING:
    from ..store.base import TaskStore

THREAD = "learning:bandit"
"""The reserved thread; task ids contain no colon."""
MAX_RECENT = 256
"""Ids that the table's thread holds before they move to pages."""
PAGE_COUNT = 32
"""Number of page threads that hold the older ids."""
PRUNE_EVERY = 16
"""Changes of the table after which old checkpoints of the reserved thread are deleted."""


class BanditInput(TypedDict, total=False):
    """Input of the graph."""

    events: list[RewardEvent]
    step: float
    """Lower bound of α, see `arms.py`."""


class BanditState(BanditInput, total=False):
    """State of the reserved thread."""

    arms: dict[str, Arm]
    """By arm key, see `build_arm_key`."""
    baselines: dict[str, Baseline]
    """Usual task costs, by workflow."""
    history: dict[str, History]
    """Past values, by arm key."""
    recent: dict[str, CountedReward]
    """The latest events, by id."""
    paged: dict[str, CountedReward]
    """The current events that are already on a page, by id."""
    changes: int
    """Number of changes of the table."""


class PageState(TypedDict):
    """State of a page thread."""

    counted: dict[str, CountedReward]
    """By id."""


@dataclass(frozen=True)
class PageStore:
    """Pages with the ids that the table no longer holds."""

    store: "TaskStore"

    async def find(self, ids: Iterable[str]) -> dict[str, CountedReward]:
        """Return the known rewards among these ids."""
        found: dict[str, CountedReward] = {}
        for thread, wanted in _group_by_page(ids).items():
            counted = await self._read(thread)
            found |= {name: counted[name] for name in wanted if name in counted}
        return found

    async def keep(self, counted: Mapping[str, CountedReward]) -> None:
        """Store these rewards, overwriting earlier entries with the same ids."""
        graph = PAGE_GRAPH.copy({"checkpointer": self.store.checkpointer})
        for thread, names in _group_by_page(counted).items():
            page = {**await self._read(thread), **{name: counted[name] for name in names}}
            await graph.ainvoke({"counted": page}, checkpoint_config(thread), durability="exit")
            await self.store.prune_checkpoints(thread)

    async def _read(self, thread: str) -> dict[str, CountedReward]:
        values = await _read_values(self.store.checkpointer, thread)
        counted: dict[str, CountedReward] = values.get("counted", {})
        return counted


async def recall(state: BanditState, runtime: Runtime[PageStore]) -> BanditState:
    """Look up earlier counts of the events, and move ids to pages once there are too many."""
    pages = runtime.context
    recent = state.get("recent", {})
    if len(recent) >= MAX_RECENT:
        await pages.keep(recent)
        recent = {}
    wanted = {event.id for event in state["events"]} - set(recent)
    return {"recent": recent, "paged": await pages.find(wanted)}


async def count_events(state: BanditState) -> BanditState:
    """Record the events in the table."""
    recent = state.get("recent", {})
    table = Table(
        arms=dict(state.get("arms", {})),
        baselines=dict(state.get("baselines", {})),
        history=dict(state.get("history", {})),
        counted=state["paged"] | recent,
    )
    now = datetime.now(UTC)
    step = state.get("step", 0.0)
    new = {event.id for event in state["events"] if apply_event(table, event, step, now)}
    return {
        "events": [],
        "paged": {},
        "arms": table.arms,
        "baselines": table.baselines,
        "history": table.history,
        "recent": recent | {name: table.counted[name] for name in new},
        "changes": state.get("changes", 0) + 1,
    }


def build_bandit() -> CompiledStateGraph[BanditState, PageStore, BanditInput, BanditState]:
    """Compile the graph whose state is the table and whose input is reward events."""
    builder = StateGraph(BanditState, context_schema=PageStore, input_schema=BanditInput)
    builder.add_node("recall", recall)
    builder.add_node("count", count_events)
    builder.add_edge(START, "recall")
    builder.add_edge("recall", "count")
    builder.add_edge("count", END)
    return builder.compile(name="bandit")


def build_page() -> CompiledStateGraph[PageState, None, PageState, PageState]:
    """Compile the graph whose state is a page, and whose input replaces it."""
    builder = StateGraph(PageState)
    builder.add_node("keep", lambda page: page)
    builder.add_edge(START, "keep")
    builder.add_edge("keep", END)
    return builder.compile(name="bandit_page")


BANDIT_GRAPH, PAGE_GRAPH = build_bandit(), build_page()
"""Copy these with a checkpointer; compiling them takes as long as running them."""


async def record_rewards(store: "TaskStore", *events: RewardEvent, step: float = 0.0) -> None:
    """Count these events, ignoring those already counted or older than the counted revision.

    Args:
        step: lower bound of α, see `arms.py`.

    Raises:
        ConcertinoError: other processes held the table's lock for too long.
    """
    async with store.hold_lock("bandit") as own:
        table = await BANDIT_GRAPH.copy({"checkpointer": own.checkpointer}).ainvoke(
            {"events": list(events), "step": step},
            checkpoint_config(THREAD),
            context=PageStore(own),
            durability="exit",
        )
        if table["changes"] % PRUNE_EVERY == 0:
            await own.prune_checkpoints(THREAD)


@dataclass(frozen=True)
class Bandit:
    """A snapshot of the table."""

    arms: list[Arm]
    """Sorted by task type, then by value, highest first."""
    baselines: dict[str, Baseline]
    """By workflow."""
    history: dict[str, History]
    """By arm key."""

    @classmethod
    async def read(cls, checkpointer: BaseCheckpointSaver[str]) -> "Bandit":
        """Read the table from a checkpointer."""
        state = await _read_values(checkpointer, THREAD)
        arms: dict[str, Arm] = state.get("arms", {})
        return cls(
            sorted(arms.values(), key=lambda arm: (arm.task_type, -arm.value)),
            state.get("baselines", {}),
            state.get("history", {}),
        )

    def list_values(self, task_type: str) -> list[ArmValue]:
        """Return the values of the workflows for a task type, highest first."""
        return [
            ArmValue(workflow=arm.workflow, value=arm.value, count=arm.count)
            for arm in self.arms
            if arm.task_type == task_type
        ]

    def list_points(self, arm: Arm) -> list[list[float]]:
        """Return an arm's sampled history as (Unix time in seconds, count, value) points."""
        known = self.history.get(build_arm_key(arm.task_type, arm.workflow))
        return known["points"] if known else []

    def get_baseline(self, workflow: str) -> Baseline:
        """Return the usual cost of the workflow's tasks."""
        return self.baselines.get(workflow) or Baseline(workflow=workflow)


async def _read_values(checkpointer: BaseCheckpointSaver[str], thread: str) -> dict[str, Any]:
    kept = await checkpointer.aget_tuple(checkpoint_config(thread))
    return kept.checkpoint["channel_values"] if kept else {}


def _group_by_page(ids: Iterable[str]) -> dict[str, list[str]]:
    """Group the ids by their page's thread."""
    pages: dict[str, list[str]] = defaultdict(list)
    for name in ids:
        digest = hashlib.sha256(name.encode()).digest()
        pages[f"{THREAD}:{digest[0] % PAGE_COUNT:02x}"].append(name)
    return pages
