"""Why an action failed. The class follows from the exception's type, never from its words."""

from typing import ClassVar, Literal

from ..errors import ConcertinoError

ErrorClass = Literal[
    "invalid",
    "not_found",
    "empty",
    "conflict",
    "denied",
    "unavailable",
    "transient",
    "timeout",
    "too_large",
    "cancelled",
    "failed",
    "unknown_effect",
]
"""`failed`: the action ran and reported an error, such as an exception of a program.
`unknown_effect`: the process died between intent and result. The others have an exception below."""


class ActionError(ConcertinoError):
    """An action failed; the message tells the planner and the user what to do instead."""

    error_class: ClassVar[ErrorClass] = "failed"


class InvalidCall(ActionError):
    """The parameters do not fit the action or its target."""

    error_class = "invalid"


class NotFound(ActionError):
    """The target does not exist; the message names what is near."""

    error_class = "not_found"


class NothingFound(ActionError):
    """The action ran and found nothing."""

    error_class = "empty"


class Conflict(ActionError):
    """The target exists already, or has changed since it was read."""

    error_class = "conflict"


class Denied(ActionError):
    """The target is out of bounds; the same call is never tried again."""

    error_class = "denied"


class Unavailable(ActionError):
    """A library or a feature of the system is missing; the action leaves the task's catalogue."""

    error_class = "unavailable"


class Transient(ActionError):
    """The action may succeed if it is tried again."""

    error_class = "transient"


class TimedOut(ActionError):
    """The action took too long and was stopped."""

    error_class = "timeout"


class Cancelled(ActionError):
    """The task was cancelled while the action ran; it is not run again by itself."""

    error_class = "cancelled"


class TooLarge(ActionError):
    """The target or the output is larger than what is allowed."""

    error_class = "too_large"
