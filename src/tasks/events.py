"""Events of a running task, one TypedDict each, and their translation from LangGraph's stream.

All interfaces share these events: Python yields them, the command shows them, the service stores
and streams them, and `/openapi.json` has their JSON schema.
"""

import time
import uuid
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from langchain_core.messages import AIMessage, AIMessageChunk
from langgraph.types import StreamMode
from pydantic import BaseModel, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from typing_extensions import TypedDict

from ..models.loading import LoadingState
from ..models.structured import strip_thoughts
from ..state import Approval, ArmValue, Candidate, FileEffect, Record, Turn, Usage
from .result import TaskResult


@dataclass(frozen=True)
class DumpOf:
    """Annotation for plain data that is a model's dump; its JSON schema is the model's."""

    model: type[BaseModel]

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(self.model.__pydantic_core_schema__)


ResultDump = Annotated[dict[str, Any], DumpOf(TaskResult)]
UsageDump = Annotated[dict[str, Any], DumpOf(Usage)]
CandidateDump = Annotated[dict[str, Any], DumpOf(Candidate)]
ApprovalDump = Annotated[dict[str, Any], DumpOf(Approval)]
FileEffectDump = Annotated[dict[str, Any], DumpOf(FileEffect)]
ArmValueDump = Annotated[dict[str, Any], DumpOf(ArmValue)]


class StartedEvent(TypedDict):
    """A run of the task begins; the first event of each run."""

    type: Literal["started"]
    task_id: str
    thread_id: str


class RoutingEvent(TypedDict):
    """Advice of classifier and bandit when a workflow must be chosen; see `Routing`."""

    type: Literal["routing"]
    task_type: str
    candidates: list[CandidateDump]
    none: float
    values: list[ArmValueDump]
    policy: str
    probabilities: dict[str, float]
    suggestion: str | None
    router_version: str | None


class DecisionEvent(TypedDict):
    """The Coordinator has decided; see `CoordinatorDecision` and `Record`."""

    type: Literal["decision"]
    round: int
    actor: str
    summary: str
    source: Literal["model", "forced", "fallback"]
    legal: list[str]
    usage: UsageDump
    seconds: float
    reasoning: str
    next_action: str
    instructions: str
    should_continue: bool


class ProgressEvent(TypedDict):
    """An agent has finished a part of its work."""

    type: Literal["progress"]
    actor: str
    summary: str


class TurnEvent(TypedDict):
    """An agent has finished its turn; see `Turn`."""

    type: Literal["turn"]
    actor: str
    summary: str
    note: str
    usage: UsageDump
    seconds: float
    failed: bool


class ModelEvent(TypedDict):
    """The run waits for its language model, or (`ready`) no longer."""

    type: Literal["model"]
    state: LoadingState
    share: float | None
    """Part of the model's file that is done, 0 to 1; None where that is not known."""


class NodeStartEvent(TypedDict):
    """A node of the graph begins."""

    type: Literal["node_start"]
    node: str
    path: list[str]
    """Enclosing nodes, outermost first."""
    run: str
    """Id shared by the node's `node_start` and `node_end`."""


class NodeEndEvent(TypedDict):
    """A node of the graph has ended."""

    type: Literal["node_end"]
    node: str
    path: list[str]
    run: str
    seconds: float
    failed: bool


class TokenEvent(TypedDict):
    """A piece of text for the user, streamed while a model writes it. It is provisional: it may be
    rewritten, and text that fails its checks is not in the result."""

    type: Literal["token"]
    node: str
    message: str
    """Id shared by all pieces of one text."""
    offset: int
    """Position of this piece in the text, in characters."""
    text: str


class ActionEvent(TypedDict):
    """A call of an action begins."""

    type: Literal["action"]
    call: str
    """Id of the call and of its result."""
    action: str
    effect: Literal["read", "write", "delete", "execute", "network"]


class ResultEvent(TypedDict):
    """A call of an action has ended; see `CallResult`."""

    type: Literal["result"]
    id: str
    action: str
    params: dict[str, Any]
    status: Literal["done", "failed", "skipped", "denied"]
    error_class: str | None
    preview: str
    effects: list[FileEffectDump]
    untrusted: bool
    seconds: float


class ResetEvent(TypedDict):
    """Events after the one last read are no longer kept, or it is none of this task: what was read
    is to be forgotten. Sent by the service, without a number."""

    type: Literal["reset"]


class NeedsInputEvent(TypedDict):
    """The task waits for the user's answer. Sent by the service."""

    type: Literal["needs_input"]
    question: str


class NeedsApprovalEvent(TypedDict):
    """Calls wait for the user's approval. Sent by the service."""

    type: Literal["needs_approval"]
    question: str
    approvals: list[ApprovalDump]


class ErrorEvent(TypedDict):
    """The task did not finish. Sent by the service."""

    type: Literal["error"]
    error: str


class DoneEvent(TypedDict):
    """The run is over; the last event of each run."""

    type: Literal["done"]
    result: ResultDump


Event = (
    StartedEvent
    | RoutingEvent
    | DecisionEvent
    | ProgressEvent
    | TurnEvent
    | ModelEvent
    | NodeStartEvent
    | NodeEndEvent
    | TokenEvent
    | ActionEvent
    | ResultEvent
    | ResetEvent
    | NeedsInputEvent
    | NeedsApprovalEvent
    | ErrorEvent
    | DoneEvent
)
AnyEvent = Annotated[Event, Field(discriminator="type")]
"""Union of all events, discriminated by `type`; used in the HTTP schema."""

STREAM_MODES: list[StreamMode] = ["updates", "custom", "tasks", "messages"]
"""Stream modes that `EventTranslator` needs from `graph.astream`, with `subgraphs=True`."""


@dataclass
class StreamedText:
    """A text being written by a model."""

    message: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    length: int = 0
    held: str | None = ""
    """Buffered beginning that may still be thoughts; None once the text itself has begun."""

    def extract_visible(self, piece: str) -> str:
        """Return the part of the next piece shown to the user, without any leading thoughts."""
        if self.held is None:
            return piece
        self.held += piece
        begun = self.held.lstrip()
        if "<think>".startswith(begun[:7]) and "</think>" not in begun:
            return ""
        if text := strip_thoughts(self.held):
            self.held = None
        return text


class EventTranslator:
    """Translates a run's stream into events: `node_start`, `node_end`, `routing`, `decision`,
    `turn`, `token`, and custom events of the nodes."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        self._texts: dict[tuple[str, str | None], StreamedText] = {}

    def translate(self, namespace: tuple[str, ...], mode: str, payload: Any) -> list[Event]:
        """Return the events of one stream item."""
        match mode:
            case "messages":
                return self._translate_token(*payload)
            case "custom":
                return [payload]
            case "tasks":
                return self._translate_node(namespace, payload)
        return [] if namespace else _translate_update(payload)

    def _translate_node(self, namespace: tuple[str, ...], task: dict[str, Any]) -> list[Event]:
        node = task["name"]
        path = [step.partition(":")[0] for step in namespace]
        run = task["id"]
        if "triggers" in task:
            self._began[run] = time.monotonic()
            return [NodeStartEvent(type="node_start", node=node, path=path, run=run[:8])]
        began = self._began.pop(run, time.monotonic())
        if task["interrupts"]:  # it waits for the user and restarts with the answer
            return []
        return [
            NodeEndEvent(
                type="node_end",
                node=node,
                path=path,
                run=run[:8],
                seconds=round(time.monotonic() - began, 3),
                failed=task["error"] is not None,
            )
        ]

    def _translate_token(self, message: AIMessage, about: dict[str, Any]) -> list[Event]:
        # A server may give all messages the same id, but one node never streams two at a time.
        key = about["langgraph_checkpoint_ns"], message.id
        text = self._texts.setdefault(key, StreamedText())
        said = text.extract_visible(str(message.text))
        event = TokenEvent(
            type="token",
            node=about["langgraph_node"],
            message=text.message,
            offset=text.length,
            text=said,
        )
        text.length += len(said)
        if not isinstance(message, AIMessageChunk) or message.chunk_position == "last":
            del self._texts[key]
        return [event] if said else []


def _translate_update(update: dict[str, Any]) -> list[Event]:
    """Return the events of one superstep's update of the outer graph."""
    events: list[Any] = []
    for node, values in update.items():
        if node == "coordinator":
            record: Record = values["history"][-1]
            dumped = record.model_dump(mode="json", exclude={"fingerprint", "failed", "decision"})
            decision = record.decision.model_dump() if record.decision else {}
            events.append({"type": "decision", **dumped, **decision})
        elif node == "router":
            events.append({"type": "routing", **values["routing"].model_dump(mode="json")})
        elif isinstance(values, dict) and isinstance(turn := values.get("turn"), Turn):
            events.append({"type": "turn", **turn.model_dump(mode="json", exclude={"fingerprint"})})
    return events
