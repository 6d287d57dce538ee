"""Text that models are currently generating, for readers of the event stream.

It is not stored: the finished text is in later events, and text interrupted by a service stop is
generated again. Readers pull it, each at its own pace.
"""

from dataclasses import dataclass

from ..tasks.events import TokenEvent


@dataclass(frozen=True)
class TextPiece:
    """A section of a message's text between two stored events."""

    after: int
    """Number of the stored event before it."""
    event: TokenEvent
    """A `token` event with the whole section so far."""

    @property
    def end(self) -> int:
        """Offset in characters of the end of this piece within the message."""
        return int(self.event["offset"] + len(self.event["text"]))

    def is_continued_by(self, after: int, event: TokenEvent) -> bool:
        """Return whether the event extends this piece."""
        return self.after == after and self.event["message"] == event["message"]

    def drop_first(self, chars: int) -> "TextPiece":
        """Return the piece without the part within the message's first `chars` characters."""
        offset = max(chars, self.event["offset"])
        text = self.event["text"][offset - self.event["offset"] :]
        return TextPiece(self.after, {**self.event, "offset": offset, "text": text})


class LiveText:
    """The text generated so far by each running task."""

    def __init__(self) -> None:
        self._pieces: dict[str, list[TextPiece]] = {}

    def write(self, task_id: str, after: int, event: TokenEvent) -> None:
        """Append a `token` event that followed stored event number `after`."""
        pieces = self._pieces.setdefault(task_id, [])
        if pieces and pieces[-1].is_continued_by(after, event):
            pieces[-1].event["text"] += event["text"]
        else:
            pieces.append(TextPiece(after, event.copy()))

    def read(self, task_id: str, place: dict[str, int]) -> list[TextPiece]:
        """Return the unread pieces of a task's text.

        Args:
            place: characters already read, by message; updated in place.
        """
        unread = []
        for piece in self._pieces.get(task_id, ()):
            message = piece.event["message"]
            if piece.end > place.get(message, 0):
                unread.append(piece.drop_first(place.get(message, 0)))
                place[message] = piece.end
        return unread

    def drop(self, task_id: str) -> None:
        """Delete a task's text."""
        self._pieces.pop(task_id, None)
