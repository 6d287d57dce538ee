"""What models are writing just now, for those who read along.

It is stored nowhere: the finished text is in the events that follow, and what was being written
when a service stopped is written again. Readers come for it themselves, each at its own pace.
"""

from dataclasses import dataclass

from ..tasks.events import TokenEvent


@dataclass(frozen=True)
class TextPiece:
    """A part of a text, between two stored events."""

    after: int
    """Number of the stored event before it."""
    event: TokenEvent
    """A `token` with all of the part that is written."""

    @property
    def end(self) -> int:
        """Characters of the text up to here."""
        return int(self.event["offset"] + len(self.event["text"]))

    def is_continued_by(self, after: int, event: TokenEvent) -> bool:
        """Whether that event belongs to this piece."""
        return self.after == after and self.event["message"] == event["message"]

    def drop_first(self, chars: int) -> "TextPiece":
        """The piece without what is in the text's first characters."""
        offset = max(chars, self.event["offset"])
        text = self.event["text"][offset - self.event["offset"] :]
        return TextPiece(self.after, {**self.event, "offset": offset, "text": text})


class LiveText:
    """The texts of the tasks that are being worked on, each as far as it is written."""

    def __init__(self) -> None:
        self._pieces: dict[str, list[TextPiece]] = {}

    def write(self, task_id: str, after: int, event: TokenEvent) -> None:
        """Add a `token` that came after that stored event."""
        pieces = self._pieces.setdefault(task_id, [])
        if pieces and pieces[-1].is_continued_by(after, event):
            pieces[-1].event["text"] += event["text"]
        else:
            pieces.append(TextPiece(after, event.copy()))

    def read(self, task_id: str, place: dict[str, int]) -> list[TextPiece]:
        """What is written and was not read.

        Args:
            place: characters that were read of each message; it is moved on.
        """
        unread = []
        for piece in self._pieces.get(task_id, ()):
            message = piece.event["message"]
            if piece.end > place.get(message, 0):
                unread.append(piece.drop_first(place.get(message, 0)))
                place[message] = piece.end
        return unread

    def drop(self, task_id: str) -> None:
        """Forget a task's texts."""
        self._pieces.pop(task_id, None)
