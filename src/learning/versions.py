"""Numbered versions of locally trained routers; number 0 is the shipped one.

A version is written once and never changed. The last number in the file `current` is the version
in use; earlier numbers are the versions used before it. The file is replaced atomically, so a
process sees either the old router or the new one.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from filelock import FileLock
from pydantic import ValidationError

from ..errors import RouterError
from ..language.messages import say
from .classifier import Classifier
from .features import extract_features

SHIPPED = 0
MAX_REMEMBERED = 100
"""Most entries kept in `current`, which bounds the rollbacks."""
LOCK_SECONDS = 10
"""Timeout for acquiring the write lock."""


class Versions:
    """A folder of routers.

    Args:
        folder: need not exist yet; `CONCERTINO_HOME/router` for the user's own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get_current(self) -> int:
        """Return the number of the router in use.

        Raises:
            RouterError: the file `current` cannot be read.
        """
        return self._read_used()[-1]

    def list_numbers(self) -> list[int]:
        """List the numbers of all versions, the shipped one first."""
        kept = (path.stem for path in self.folder.glob("*.json"))
        return [SHIPPED, *sorted(int(name) for name in kept if name.isdecimal())]

    def load(self, number: int) -> Classifier:
        """Load the router with that number.

        Raises:
            RouterError: there is no such version, or it cannot be read.
        """
        if number not in self.list_numbers():
            known = ", ".join(map(str, self.list_numbers()))
            raise RouterError(say("router.unknown_version", number=number, known=known))
        return _read(None if number == SHIPPED else self._path(number))

    def add(self, classifier: Classifier) -> int:
        """Store a router, not yet in use, under the next number, and return the number.

        Raises:
            RouterError: the router cannot be written.
        """
        with self._lock_folder():
            number = self.list_numbers()[-1] + 1
            self._write(self._path(number), classifier.model_dump_json())
        return number

    def use(self, number: int) -> None:
        """Put a version in use.

        Raises:
            RouterError: there is no such version, or it cannot be read or written.
        """
        self.load(number)
        with self._lock_folder():
            used: list[int] = []
            with suppress(RouterError):  # unreadable, so the earlier versions are unknown
                used = self._read_used()
            self._write_pointer([*used, number])

    def roll_back(self) -> int:
        """Return to the previously used version, and return its number.

        Raises:
            RouterError: there is no earlier version, or it cannot be read or written.
        """
        with self._lock_folder():
            used = self._read_used()[:-1]
            if not used:
                raise RouterError(say("router.nothing_before"))
            self.load(used[-1])
            self._write_pointer(used)
        return used[-1]

    def _read_used(self) -> list[int]:
        """Return the versions put in use, latest last."""
        try:
            return [int(number) for number in self._pointer.read_text().split()] or [SHIPPED]
        except FileNotFoundError:
            return [SHIPPED]
        except (OSError, ValueError) as error:
            raise RouterError(say("router.no_pointer", path=self._pointer)) from error

    def _write_pointer(self, used: list[int]) -> None:
        self._write(self._pointer, " ".join(map(str, used[-MAX_REMEMBERED:])) + "\n")

    @contextmanager
    def _lock_folder(self) -> Iterator[None]:
        """Hold the folder's write lock across processes.

        Raises:
            RouterError: the folder cannot be written, or the lock timed out.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / ".lock", timeout=LOCK_SECONDS):
                yield
        except OSError as error:  # includes the lock's Timeout
            raise RouterError(say("router.unwritable", folder=self.folder, reason=error)) from error

    @property
    def _pointer(self) -> Path:
        return self.folder / "current"

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:04}.json"

    def _write(self, path: Path, text: str) -> None:
        """Replace a file's text atomically."""
        draft = self.folder / ".draft"
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


@lru_cache(maxsize=4)
def _read(path: Path | None) -> Classifier:
    source = path or files(__package__).joinpath("router.json")
    try:
        classifier = Classifier.model_validate_json(source.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise RouterError(say("router.unreadable", path=source)) from error
    if classifier.features != list(extract_features("")):
        raise RouterError(say("router.unreadable", path=source))
    return classifier
