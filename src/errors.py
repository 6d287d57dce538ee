"""Errors that callers may want to distinguish."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .state import Usage


class ConcertinoError(RuntimeError):
    """Base of all errors raised by this package; the message is meant for the user.

    A `RuntimeError`, since LangGraph's server hides the messages of errors that are no built-in's.
    """


class InvalidTask(ConcertinoError, ValueError):
    """The question or its options are invalid."""


class UnknownTask(ConcertinoError, LookupError):
    """No task with this id is stored."""


class TaskBusy(ConcertinoError):
    """Another process is working on the task."""


class RouterError(ConcertinoError):
    """The router cannot be read, saved or trained; the message says what to do."""


class StoreUnavailable(ConcertinoError):
    """The task database does not respond. Running tasks can be resumed later."""


class ModelError(ConcertinoError):
    """The language model could not be reached or refused the request."""


class StructuredOutputError(ModelError):
    """The model gave no valid output, even after being shown its error.

    `usage` is the cost of all attempts.
    """

    def __init__(self, message: str, usage: "Usage") -> None:
        super().__init__(message)
        self.usage = usage
