"""The routers that were trained here, kept under their numbers; number 0 came with the program.

A version is written once and never changed. Which one is in use is the last number in the file
`current`, replaced in one step, so that a process sees the old router or the new one; the numbers
before it are those that were in use before.
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
"""Changes that can be taken back."""
LOCK_SECONDS = 10
"""How long a writer waits for others."""


class Versions:
    """A folder of routers.

    Args:
        folder: need not exist yet; `CONCERTINO_HOME/router` for the user's own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get_current(self) -> int:
        """Number of the router in use.

        Raises:
            RouterError: the file that says so cannot be read.
        """
        return self._read_used()[-1]

    def list_numbers(self) -> list[int]:
        """Every version there is, the shipped one first."""
        kept = (path.stem for path in self.folder.glob("*.json"))
        return [SHIPPED, *sorted(int(name) for name in kept if name.isdecimal())]

    def load(self, number: int) -> Classifier:
        """The router of that number.

        Raises:
            RouterError: there is none, or it cannot be read.
        """
        if number not in self.list_numbers():
            known = ", ".join(map(str, self.list_numbers()))
            raise RouterError(say("router.unknown_version", number=number, known=known))
        return _read(None if number == SHIPPED else self._path(number))

    def add(self, classifier: Classifier) -> int:
        """Keep a router under the next number, which is returned; it is not in use yet.

        Raises:
            RouterError: it cannot be written.
        """
        with self._lock_folder():
            number = self.list_numbers()[-1] + 1
            self._write(self._path(number), classifier.model_dump_json())
        return number

    def use(self, number: int) -> None:
        """Make a version the one in use.

        Raises:
            RouterError: there is no such version, or it cannot be read or written.
        """
        self.load(number)
        with self._lock_folder():
            used: list[int] = []
            with suppress(RouterError):  # unreadable: what was used before is not known
                used = self._read_used()
            self._write_pointer([*used, number])

    def roll_back(self) -> int:
        """Use the version that was in use before, and say which one that is.

        Raises:
            RouterError: there is none before, or it cannot be read or written.
        """
        with self._lock_folder():
            used = self._read_used()[:-1]
            if not used:
                raise RouterError(say("router.nothing_before"))
            self.load(used[-1])
            self._write_pointer(used)
        return used[-1]

    def _read_used(self) -> list[int]:
        """The versions that were put in use, the latest last."""
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
        """Be the only process that writes here.

        Raises:
            RouterError: the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / ".lock", timeout=LOCK_SECONDS):
                yield
        except OSError as error:  # the lock's Timeout is one too
            raise RouterError(say("router.unwritable", folder=self.folder, reason=error)) from error

    @property
    def _pointer(self) -> Path:
        return self.folder / "current"

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:04}.json"

    def _write(self, path: Path, text: str) -> None:
        """Let a file have this text, or leave it as it was."""
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
