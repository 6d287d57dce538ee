"""The type of a reader, and the readers that a value of several parts needs for its parts.

A reader takes the whole text or nothing: it returns None, or raises, if it does not understand it.
"""

from collections.abc import Callable
from typing import NamedTuple

from .values import Value

Reader = Callable[[str], Value | None]


class PartReaders(NamedTuple):
    """What reads the parts of a value; handed down, as those readers also call this one."""

    single: Reader
    """Reads a single value, such as an element of a list."""
    answer: Reader
    """Reads whatever an answer may be, in its frame."""
