"""Every error that a caller may want to tell apart."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .state import Usage


class ConcertinoError(Exception):
    """Base of all errors raised by this package; its text is meant for a person."""


class InvalidTask(ConcertinoError, ValueError):
    """The question or its options cannot be worked on as given."""


class UnknownTask(ConcertinoError, LookupError):
    """No task of that id is stored."""


class TaskBusy(ConcertinoError):
    """The task is being worked on by another process."""


class RouterError(ConcertinoError):
    """The router cannot be read, kept or trained; the text says what to do."""


class StoreUnavailable(ConcertinoError):
    """The database of the tasks does not answer. What was under way can be taken up later."""


class ModelError(ConcertinoError):
    """The language model could not be reached or refused the request."""


class StructuredOutputError(ModelError):
    """The model did not give valid output, not even when shown its error.

    `usage` is what the tries cost.
    """

    def __init__(self, message: str, usage: "Usage") -> None:
        super().__init__(message)
        self.usage = usage
