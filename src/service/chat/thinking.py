"""The work on a task as `reasoning_content`: what was decided and done, and drafts as they are
written.

A draft may be replaced, since its checks come after it; so it is announced as one, and only the
text that holds is sent as `content`.
"""

from ...language.messages import say
from ...tasks.events import Event, TokenEvent


class Thinking:
    """Tells a task's events as text.

    Of texts that are written side by side one is told as it is written, and the others once its
    node has ended.
    """

    def __init__(self) -> None:
        self._drafts: dict[str, str] = {}
        """All texts so far, by message."""
        self._told: dict[str, int] = {}
        """Characters told of each."""
        self._current: TokenEvent | None = None
        """The last piece of the draft that is being told."""

    def tell(self, event: Event) -> str:
        """Return what an event adds; empty if nothing."""
        if event["type"] == "token":
            return self._add_piece(event)
        ended = self._end_drafts() if self._ends_draft(event) else ""
        line = self._format_step(event)
        if line:
            ended += self._end_draft() + f"{line}\n"
        return ended

    def _ends_draft(self, event: Event) -> bool:
        if event["type"] == "node_end":
            return self._current is not None and event["node"] == self._current["node"]
        return event["type"] in ("decision", "turn")

    def _add_piece(self, event: TokenEvent) -> str:
        message = event["message"]
        self._drafts[message] = self._drafts.get(message, "") + event["text"]
        if self._current and message != self._current["message"]:
            return ""
        begins = self._current is None
        self._current = event
        return self._tell_rest(message) if begins else self._take_rest(message)

    def _end_draft(self) -> str:
        """End the line of the draft that is being told."""
        ended = "\n" if self._current else ""
        self._current = None
        return ended

    def _end_drafts(self) -> str:
        """End the draft that is being told, and tell what others have so far."""
        ended = self._end_draft()
        untold = [
            name for name, text in self._drafts.items() if len(text) > self._told.get(name, 0)
        ]
        return ended + "".join(f"{self._tell_rest(name)}\n" for name in untold)

    def _tell_rest(self, message: str) -> str:
        return f"{say('chat.draft')}\n{self._take_rest(message)}"

    def _take_rest(self, message: str) -> str:
        text = self._drafts[message]
        rest = text[self._told.get(message, 0) :]
        self._told[message] = len(text)
        return rest

    def _format_step(self, event: Event) -> str | None:
        if event["type"] == "decision":
            return f"→ {event['next_action']}: {event['reasoning']}"
        if event["type"] == "progress":
            summary = event["summary"].strip()
            return None if any(summary in draft for draft in self._drafts.values()) else summary
        return event["summary"] if event["type"] == "turn" else None
