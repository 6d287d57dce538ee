"""What LangGraph streams of a run, as the events that whoever follows the task gets."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langgraph.types import StreamMode

from ..models.structured import without_thoughts
from ..state import Record, Turn

Event = dict[str, Any]

STREAM_MODES: list[StreamMode] = ["updates", "custom", "tasks", "messages"]
"""What `Retelling` needs of `graph.astream`, with `subgraphs=True`."""


@dataclass
class Text:
    """A text that a model is writing."""

    message: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    length: int = 0
    held: str | None = ""
    """What may be thoughts as yet; None once the text itself has begun."""

    def said(self, piece: str) -> str:
        """What of the next piece is for the person: nothing of the thoughts it may begin with."""
        if self.held is None:
            return piece
        self.held += piece
        begun = self.held.lstrip()
        if "<think>".startswith(begun[:7]) and "</think>" not in begun:
            return ""
        if text := without_thoughts(self.held):
            self.held = None
        return text


class Retelling:
    """Turns a run's stream into events: `node_start`, `node_end`, `routing`, `decision`, `turn`,
    `token`, and whatever a node itself tells."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        self._texts: dict[tuple[str, str | None], Text] = {}

    def events(self, namespace: tuple[str, ...], mode: str, payload: Any) -> list[Event]:
        """What one item of the stream tells."""
        match mode:
            case "messages":
                return self._token(*payload)
            case "custom":
                return [payload]
            case "tasks":
                return self._node(namespace, payload)
        return [] if namespace else _played(payload)

    def _node(self, namespace: tuple[str, ...], task: dict[str, Any]) -> list[Event]:
        about = {
            "node": task["name"],
            "path": [step.partition(":")[0] for step in namespace],
            "run": task["id"][:8],
        }
        if "triggers" in task:
            self._began[task["id"]] = time.monotonic()
            return [{"type": "node_start", **about}]
        began = self._began.pop(task["id"], time.monotonic())
        if task["interrupts"]:  # it waits for the person, and begins again with the answer
            return []
        seconds, failed = round(time.monotonic() - began, 3), task["error"] is not None
        return [{"type": "node_end", **about, "seconds": seconds, "failed": failed}]

    def _token(self, message: AIMessage, about: dict[str, Any]) -> list[Event]:
        # A server may give all its messages the same id; two at once in one node it cannot.
        key = about["langgraph_checkpoint_ns"], message.id
        text = self._texts.setdefault(key, Text())
        said = text.said(str(message.text))
        piece = {"message": text.message, "offset": text.length, "text": said}
        text.length += len(said)
        if not isinstance(message, AIMessageChunk) or message.chunk_position == "last":
            del self._texts[key]
        return [{"type": "token", "node": about["langgraph_node"], **piece}] if said else []


def _played(update: dict[str, Any]) -> list[Event]:
    """What one superstep's update of the outer graph tells."""
    events: list[Event] = []
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
