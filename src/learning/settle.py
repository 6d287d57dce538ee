"""Settlement of an ended task: its reward is computed, counted and traced.

All steps are idempotent: the table counts a task once, the latest of several trace lines counts,
and the caller writes the reward into the task's state last. So an interrupted settlement is
completed when the task is resumed. Nothing here fails a task; one that lost its lease or database
continues later.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import StoreUnavailable, TaskBusy
from ..language.messages import Language
from ..settings import Settings
from ..state import REWARDED, TRACED, Output, Record, TaskState, Usage, output_of
from . import bandit
from .contracts import Amendment, Move, Reward, RewardEvent, Routing, TraceRecord
from .features import extract_features
from .reward import (
    RULES_VERSION,
    Evidence,
    build_cost_terms,
    build_quality_terms,
    combine_terms,
    extract_opinions,
    measure_costs,
)
from .trace import TextRedactor, Trace

if TYPE_CHECKING:
    from ..store.base import TaskStore

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ending:
    """An ended task, with the data to settle it."""

    task_id: str
    thread_id: str
    status: str
    state: TaskState
    question: str
    """As a standalone question."""
    chosen: str | None
    """The workflow chosen first, by anyone; its arm gets the reward."""
    weights: Mapping[str, float]
    """Weights of the checks of the workflow that concluded the task."""
    sources: Mapping[str, Collection[str]]
    """As in `Evidence`."""
    opinions: Mapping[str, float]
    """New external opinions, see `reward.OPINIONS`; earlier ones still hold."""
    error: str | None = None
    model: str | None = None
    """`provider/model`, if known."""
    spent: Mapping[str, float] = field(default_factory=dict)
    """Costs not recorded in the state."""
    late: bool = False
    """Whether this adds opinions to a task that ended earlier."""

    @property
    def rewarded(self) -> Reward | None:
        """The reward from an earlier settlement."""
        return self.state.get("reward")

    @property
    def all_opinions(self) -> dict[str, float]:
        return {**extract_opinions(self.rewarded), **self.opinions}

    @property
    def workflow(self) -> str | None:
        """The workflow that concluded the task."""
        return self.state.get("active")

    @property
    def output(self) -> Output | None:
        return output_of(self.state, self.workflow or "")

    @property
    def history(self) -> list[Record]:
        return self.state.get("history", [])

    @property
    def features(self) -> dict[str, float]:
        return extract_features(self.question, self.state.get("inputs", {}))

    @property
    def costs(self) -> dict[str, float]:
        return {**measure_costs(self.state), **self.spent}

    @property
    def revision(self) -> int:
        """Higher for later settlements, such as after more rounds or a later opinion."""
        return time.time_ns() // 1_000_000 if self.all_opinions else len(self.history)


async def settle(
    store: "TaskStore", ending: Ending, settings: Settings, trace: Trace | None
) -> Reward | None:
    """Reward an ended task, or reward it again if there are new opinions.

    Args:
        trace: None writes no trace.

    Returns:
        None if the task is not rewarded, because it continues, was cancelled or had no workflow,
        or if the reward could not be counted now.

    Raises:
        TaskBusy: another process has the task now.
        StoreUnavailable: the database does not respond.
    """
    if ending.status not in TRACED:
        return None
    if ending.rewarded and ending.all_opinions == extract_opinions(ending.rewarded):
        return ending.rewarded
    revision = ending.revision
    reward = None
    counted = False
    try:
        if ending.status in REWARDED and ending.chosen:
            reward = await _compute_reward(store, ending, ending.chosen, settings)
            event = _build_event(ending, ending.chosen, revision, reward)
            await bandit.record_rewards(store, event, step=settings.bandit_step)
            counted = True
    except (TaskBusy, StoreUnavailable):
        raise  # the task continues elsewhere or later
    except Exception:
        log.exception("the reward of task %s is not counted", ending.task_id)
    if trace:
        try:
            await asyncio.to_thread(_write, trace, ending, settings, revision, reward)
        except (OSError, ValueError) as error:  # disk full, or invalid Unicode
            log.warning("task %s is not in the trace: %s", ending.task_id, error)
    return reward if counted else None


async def _compute_reward(
    store: "TaskStore", ending: Ending, chosen: str, settings: Settings
) -> Reward:
    """Compute the reward; cost terms stay as they were first computed."""
    if before := ending.rewarded:
        cost = before.cost_terms
    else:
        usual = (await bandit.Bandit.read(store.checkpointer)).get_baseline(chosen)
        cost = build_cost_terms(ending.costs, usual)
    return combine_terms(
        build_quality_terms(_collect_evidence(ending, chosen)), cost, settings.reward_lambda
    )


def _build_event(ending: Ending, chosen: str, revision: int, reward: Reward) -> RewardEvent:
    routing = ending.state.get("routing")
    return RewardEvent(
        id=ending.task_id,
        revision=revision,
        task_type=routing.task_type if routing else None,
        workflow=chosen,
        reward=reward.reward,
        # A failed task's spending is not representative of the workflow.
        spent=ending.costs if ending.status != "failed" else {},
    )


def _collect_evidence(ending: Ending, chosen: str) -> Evidence:
    return Evidence(
        status=ending.status,
        workflow=ending.workflow or chosen,
        output=ending.output,
        language=_get_language(ending.state),
        features=ending.features,
        sources=ending.sources,
        weights=ending.weights,
        opinions=ending.all_opinions,
    )


def _write(
    trace: Trace, ending: Ending, settings: Settings, revision: int, reward: Reward | None
) -> None:
    if not ending.late:
        trace.append(_build_record(ending, settings, revision, reward))
    elif reward:
        trace.append(Amendment(task_id=ending.task_id, revision=revision, reward=reward))


def _build_record(
    ending: Ending, settings: Settings, revision: int, reward: Reward | None
) -> TraceRecord:
    state = ending.state
    texts = TextRedactor(settings.trace_texts, settings.home)
    routing = state.get("routing")
    output = ending.output
    suggestion = routing.suggestion if routing else None
    return TraceRecord(
        task_id=ending.task_id,
        thread_id=ending.thread_id,
        ended=datetime.now(UTC),
        question=texts.redact_text(ending.question),
        inputs=texts.redact_inputs(state.get("inputs", {})),
        final_answer=texts.redact_text(state.get("final_answer")),
        error=texts.redact_text(ending.error),
        language=_get_language(state),
        features=ending.features,
        named=state.get("workflow"),
        routing=routing,
        propensity=routing.probabilities[suggestion] if routing and suggestion else None,
        chosen=ending.chosen,
        followed=ending.chosen == suggestion if suggestion and ending.chosen else None,
        workflow=ending.workflow,
        moves=[_build_move(record) for record in ending.history],
        status=ending.status,
        checks={check.name: check.passed for check in output.checks} if output else {},
        reward=reward,
        revision=revision,
        usage=state.get("usage", Usage()),
        spent=ending.costs,
        model=ending.model,
        versions=_collect_versions(routing),
    )


def _build_move(record: Record) -> Move:
    return Move(
        round=record.round,
        actor=record.actor,
        action=record.decision.next_action if record.decision else None,
        source=record.source,
        legal=record.legal,
        failed=record.failed,
        usage=record.usage,
        seconds=record.seconds,
    )


def _collect_versions(routing: Routing | None) -> dict[str, str]:
    router = routing.router_version if routing else None
    return {
        "concertino": __version__,
        "reward": RULES_VERSION,
        **({"router": router} if router else {}),
    }


def _get_language(state: TaskState) -> Language:
    return state.get("language", "en")
