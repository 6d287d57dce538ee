"""The trace: a JSON line for each task that has ended, in one file a day.

A line is written by a single append, by one process at a time. What a kill or a full disk cut off
stays alone on its line: a writer that finds such a rest begins a new one, and readers skip it.
"""

import errno
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from filelock import FileLock
from pydantic import TypeAdapter, ValidationError

from ..settings import Settings
from .contracts import Amendment, TraceRecord

FOLDER = "traces"
LOCK_SECONDS = 10
"""How long a writer waits for others."""
HASH_DIGITS = 32
HASH_PREFIX = "hmac:"
"""What a hashed text begins with."""
REDACTED = "[key]"
MIN_KEY_CHARS = 12
"""Characters from which on a setting is taken for a key; local servers take any word for one."""

Line = TypeVar("Line", TraceRecord, Amendment)

_NAME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\.[0-9]+\.jsonl")
_LINE: TypeAdapter[TraceRecord | Amendment] = TypeAdapter(TraceRecord | Amendment)


@dataclass(frozen=True)
class TraceReading:
    """What is in a trace."""

    records: list[TraceRecord]
    """The latest word on each task, in the order in which the tasks ended."""
    skipped: int
    """Lines that are torn, or of a later version than this program knows."""


class Trace:
    """The files of a trace in a folder, which is made when the first line is written.

    Args:
        file_mb: megabytes after which a day goes on in another file.
        days: after which files are deleted; 0 keeps all.
        keys: words that never reach a file.
        today: the day on which lines are written.
    """

    def __init__(
        self,
        folder: Path,
        *,
        file_mb: int = 64,
        days: int = 0,
        keys: Collection[str] = (),
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        self._folder, self._file_bytes, self._days = folder, file_mb * 1_000_000, days
        self._today = today
        self._keys = [json.dumps(key)[1:-1] for key in keys]

    @classmethod
    def of(cls, settings: Settings) -> "Trace":
        """The trace of this home, which no key of these settings reaches."""
        return cls(
            settings.home / FOLDER,
            file_mb=settings.trace_file_mb,
            days=settings.trace_days,
            keys=[key for key in settings.secrets if len(key) >= MIN_KEY_CHARS],
        )

    def append(self, line: TraceRecord | Amendment) -> None:
        """Write a line. It blocks.

        Raises:
            OSError: it could not be written, and nothing of it was.
        """
        text = line.model_dump_json()
        for key in self._keys:
            text = text.replace(key, REDACTED)
        written, today = text.encode() + b"\n", self._today()
        with _lock_folder(self._folder):
            path = self._choose_file(today, len(written))
            if self._days and not path.exists():
                self._forget(before=today - timedelta(days=self._days))
            _append(path, written)

    def read(self) -> TraceReading:
        """All records, and how many lines are none. It blocks."""
        return parse_records(self._read_lines())

    def _read_lines(self) -> Iterator[bytes]:
        for path in self._list_files():
            with suppress(FileNotFoundError):  # a writer has deleted it meanwhile
                yield from _read_file_lines(path)

    def _list_files(self) -> list[Path]:
        """Oldest first; whatever else is in the folder is left alone."""
        found = (path for path in self._folder.glob("*.jsonl") if _NAME.fullmatch(path.name))
        return sorted(found, key=_parse_file_name)

    def _choose_file(self, day: date, size: int) -> Path:
        """The day's latest file, or the next where the line would make it too large."""
        places = map(_parse_file_name, self._list_files())
        number = max((n for written, n in places if written == day.isoformat()), default=1)
        path = self._folder / f"{day}.{number}.jsonl"
        if path.exists() and path.stat().st_size + size > self._file_bytes:
            return self._folder / f"{day}.{number + 1}.jsonl"
        return path

    def _forget(self, before: date) -> None:
        for path in self._list_files():
            if _parse_file_name(path)[0] < before.isoformat():
                path.unlink()


def read_trace_files(paths: Iterable[Path]) -> TraceReading:
    """The records in these files, and in those of these folders. It blocks.

    Raises:
        OSError: one cannot be read.
    """
    files = (sorted(path.glob("*.jsonl")) if path.is_dir() else [path] for path in paths)
    return parse_records(
        line for group in files for file in group for line in _read_file_lines(file)
    )


def parse_records(lines: Iterable[bytes]) -> TraceReading:
    """The records in the lines of a trace, wherever they come from and in whatever order."""
    records: dict[str, TraceRecord] = {}
    amendments: dict[str, Amendment] = {}
    skipped = 0
    for text in lines:
        match _parse_line(text):
            case None:
                skipped += 1
            case TraceRecord() as record:
                _keep_latest(records, record)
            case amendment:
                _keep_latest(amendments, amendment)
    for task_id, late in amendments.items():
        known = records.get(task_id)
        if known and late.revision >= known.revision:
            change = {"revision": late.revision, "reward": late.reward}
            records[task_id] = known.model_copy(update=change)
    return TraceReading(sorted(records.values(), key=lambda record: record.ended), skipped)


def _keep_latest(known: dict[str, Line], line: Line) -> None:
    before = known.get(line.task_id)
    if before is None or line.revision >= before.revision:
        known[line.task_id] = line


class TextRedactor:
    """What of a task's texts may be kept.

    A hash is keyed, so that whoever has a trace cannot try out guesses; the key stays in the home.
    """

    def __init__(self, mode: Literal["full", "hashed", "off"], home: Path) -> None:
        self._mode, self._folder = mode, home / FOLDER

    def redact_text(self, text: str | None) -> str | None:
        """The text, its hash, or nothing."""
        if text is None or self._mode == "off":
            return None
        return text if self._mode == "full" else self._hash_text(text)

    def redact_inputs(self, inputs: dict[str, Any]) -> dict[str, Any] | None:
        """What was given besides the question, the texts in it as `text` has them."""
        if self._mode == "off":
            return None
        return {
            name: value
            if self._mode == "full" or isinstance(value, bool | int | float | None)
            else self._hash_text(json.dumps(value, ensure_ascii=False, sort_keys=True))
            for name, value in inputs.items()
        }

    def _hash_text(self, text: str) -> str:
        digest = hmac.new(self._load_key(), text.encode(), hashlib.sha256).hexdigest()
        return f"{HASH_PREFIX}{digest[:HASH_DIGITS]}"

    def _load_key(self) -> bytes:
        """Made when it is first asked for."""
        path = self._folder / ".key"
        with _lock_folder(self._folder):
            if not path.exists():
                new = self._folder / ".key.new"
                new.touch(mode=0o600)
                new.write_bytes(secrets.token_bytes(32))
                new.replace(path)
            return path.read_bytes()


@contextmanager
def _lock_folder(folder: Path) -> Iterator[None]:
    """Be the only process that writes there; the folder is made for the user alone.

    Raises:
        OSError: the folder cannot be written, or others held on to it for too long.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with FileLock(folder / ".lock", timeout=LOCK_SECONDS):
        yield


def _append(path: Path, line: bytes) -> None:
    """Add to a file, all or nothing."""
    with open(path, "ab+", buffering=0, opener=partial(os.open, mode=0o600)) as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            line = line if file.read(1) == b"\n" else b"\n" + line
        try:
            if file.write(line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        except OSError:
            file.truncate(size)
            raise


def _read_file_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from (line for line in file if line.strip())


def _parse_line(text: bytes) -> TraceRecord | Amendment | None:
    with suppress(ValidationError):
        return _LINE.validate_json(text)
    return None


def _parse_file_name(path: Path) -> tuple[str, int]:
    """The day of a file and its number, of `2026-01-31.1.jsonl`."""
    day, number, _ = path.name.split(".")
    return day, int(number)
