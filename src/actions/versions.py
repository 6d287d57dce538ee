"""Contents of files before and after a task's changes, kept beside the task so that a change can be
finished after a crash and taken back later."""

import os
import secrets
from pathlib import Path

from .workspace import digest


class Versions:
    """A folder of contents by their SHA-256. Blocking: call it in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, content: bytes | None) -> str | None:
        """Keep a content and return its digest; None for no file."""
        name = digest(content)
        if content is None or name is None:
            return None
        path = self._folder / name
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = path.with_suffix(f".{secrets.token_hex(4)}")
            with fresh.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        return name

    def load(self, name: str | None) -> bytes | None:
        """Return the content with this digest; None for no file.

        Raises:
            FileNotFoundError: it was not kept.
        """
        return None if name is None else (self._folder / name).read_bytes()
