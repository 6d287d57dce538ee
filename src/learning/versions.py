"""The routers that were trained here, kept under their numbers; number 0 came with the program.

A version is written once and never changed. Which one is in use is the number in the file
`current`, replaced in one step, so that a process sees the old router or the new one.
"""

import os
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from ..errors import RouterError
from ..messages import say
from .classifier import Classifier
from .features import text_features

SHIPPED = 0


class Versions:
    """A folder of routers.

    Args:
        folder: need not exist yet; `CONCERTINO_HOME/router` for the user's own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def current(self) -> int:
        """Number of the router in use.

        Raises:
            RouterError: the file that says so cannot be read.
        """
        try:
            return int(self._pointer.read_text(encoding="ascii"))
        except FileNotFoundError:
            return SHIPPED
        except (OSError, ValueError) as error:
            raise RouterError(say("router.no_pointer", path=self._pointer)) from error

    def numbers(self) -> list[int]:
        """Every version there is, the shipped one first."""
        kept = (path.stem for path in self.folder.glob("*.json"))
        return [SHIPPED, *sorted(int(name) for name in kept if name.isdecimal())]

    def load(self, number: int) -> Classifier:
        """The router of that number.

        Raises:
            RouterError: there is none, or it cannot be read.
        """
        if number not in self.numbers():
            known = ", ".join(map(str, self.numbers()))
            raise RouterError(say("router.unknown_version", number=number, known=known))
        return _read(None if number == SHIPPED else self._path(number))

    def add(self, classifier: Classifier) -> int:
        """Keep a router under the next number, which is returned; it is not in use yet.

        Raises:
            RouterError: it cannot be written.
        """
        text = classifier.model_dump_json()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft = self._written(text)
            number = self.numbers()[-1] + 1
            while not _claimed(draft, self._path(number)):  # another process was faster
                number += 1
        except OSError as error:
            raise RouterError(say("router.unwritable", folder=self.folder, reason=error)) from error
        return number

    def use(self, number: int) -> None:
        """Make a version the one in use.

        Raises:
            RouterError: there is no such version, or it cannot be read or written.
        """
        self.load(number)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._written(f"{number}\n").replace(self._pointer)
        except OSError as error:
            raise RouterError(say("router.unwritable", folder=self.folder, reason=error)) from error

    def before(self) -> int:
        """The version that a rollback goes to.

        Raises:
            RouterError: the shipped one is in use.
        """
        earlier = [number for number in self.numbers() if number < self.current()]
        if not earlier:
            raise RouterError(say("router.nothing_before"))
        return earlier[-1]

    @property
    def _pointer(self) -> Path:
        return self.folder / "current"

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:04}.json"

    def _written(self, text: str) -> Path:
        """A file with that text that no one else writes, and that is on the disk."""
        draft = self.folder / f".draft-{os.getpid()}-{os.urandom(4).hex()}"
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return draft


def _claimed(draft: Path, path: Path) -> bool:
    """Whether the draft could be given that name, which nobody had."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    draft.unlink()
    return True


@lru_cache(maxsize=4)
def _read(path: Path | None) -> Classifier:
    source = path or files(__package__).joinpath("router.json")
    try:
        classifier = Classifier.model_validate_json(source.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise RouterError(say("router.unreadable", path=source)) from error
    if classifier.features != list(text_features("")):
        raise RouterError(say("router.unreadable", path=source))
    return classifier
