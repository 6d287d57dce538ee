"""The trace: a JSON line per ended task, in daily files.

Each line is written in a single append, by one process at a time. A line truncated by a kill or a
full disk stays separate: the next writer starts a new line after it, and readers skip it.
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
"""Timeout for acquiring the write lock."""
HASH_DIGITS = 32
HASH_PREFIX = "hmac:"
"""Prefix of hashed texts."""
REDACTED = "[key]"
MIN_KEY_CHARS = 12
"""Shortest setting treated as a key; local servers accept any word as a key."""

Line = TypeVar("Line", TraceRecord, Amendment)

_NAME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\.[0-9]+\.jsonl")
_LINE: TypeAdapter[TraceRecord | Amendment] = TypeAdapter(TraceRecord | Amendment)


@dataclass(frozen=True)
class TraceReading:
    """The contents of a trace."""

    records: list[TraceRecord]
    """The latest record of each task, ordered by end time."""
    skipped: int
    """Number of lines that are truncated or of an unknown later version."""


class Trace:
    """The files of a trace in a folder, which is created with the first line.

    Args:
        file_mb: maximum file size in megabytes; a day continues in another file beyond it.
        days: age in days after which files are deleted; 0 keeps all.
        keys: secrets that are redacted from every line.
        today: returns the current day.
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
        self._folder = folder
        self._file_bytes = file_mb * 1_000_000
        self._days = days
        self._today = today
        self._keys = [json.dumps(key)[1:-1] for key in keys]

    @classmethod
    def of(cls, settings: Settings) -> "Trace":
        """Return the trace of this home, with the keys in these settings redacted."""
        return cls(
            settings.home / FOLDER,
            file_mb=settings.trace_file_mb,
            days=settings.trace_days,
            keys=[key for key in settings.secrets if len(key) >= MIN_KEY_CHARS],
        )

    def append(self, line: TraceRecord | Amendment) -> None:
        """Append a line. Blocks.

        Raises:
            OSError: the line could not be written; the file is unchanged.
        """
        text = line.model_dump_json()
        for key in self._keys:
            text = text.replace(key, REDACTED)
        written = text.encode() + b"\n"
        today = self._today()
        with _lock_folder(self._folder):
            path = self._choose_file(today, len(written))
            if self._days and not path.exists():
                self._forget(before=today - timedelta(days=self._days))
            _append(path, written)

    def forget(self, task_id: str) -> None:
        """Remove the lines of a task, truncated ones too. Blocks.

        Raises:
            OSError: a file could not be rewritten; it is unchanged.
        """
        if not self._folder.is_dir():
            return
        mark = f'"task_id":{json.dumps(task_id)}'.encode()
        with _lock_folder(self._folder):
            for path in self._list_files():
                lines = path.read_bytes().splitlines(keepends=True)
                kept = [line for line in lines if mark not in line]
                if len(kept) < len(lines):
                    new = path.with_suffix(".new")
                    new.touch(mode=0o600)
                    new.write_bytes(b"".join(kept))
                    new.replace(path)

    def read(self) -> TraceReading:
        """Read all records and count the skipped lines. Blocks."""
        return parse_records(self._read_lines())

    def _read_lines(self) -> Iterator[bytes]:
        for path in self._list_files():
            with suppress(FileNotFoundError):  # deleted by a writer in the meantime
                yield from _read_file_lines(path)

    def _list_files(self) -> list[Path]:
        """List the trace files, oldest first, ignoring other files in the folder."""
        found = (path for path in self._folder.glob("*.jsonl") if _NAME.fullmatch(path.name))
        return sorted(found, key=_parse_file_name)

    def _choose_file(self, day: date, size: int) -> Path:
        """Return the day's latest file, or the next if the line would make it too large."""
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
    """Read the records in these files and folders. Blocks.

    Raises:
        OSError: a file cannot be read.
    """
    files = (sorted(path.glob("*.jsonl")) if path.is_dir() else [path] for path in paths)
    return parse_records(
        line for group in files for file in group for line in _read_file_lines(file)
    )


def parse_records(lines: Iterable[bytes]) -> TraceReading:
    """Parse the records in lines of traces, in any order."""
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
    """Redaction of a task's texts for the trace.

    Hashes are keyed, so that readers of a trace cannot test guesses; the key stays in the home.
    """

    def __init__(self, mode: Literal["full", "hashed", "off"], home: Path) -> None:
        self._mode = mode
        self._folder = home / FOLDER

    def redact_text(self, text: str | None) -> str | None:
        """Return the text, its hash or None, depending on the mode."""
        if text is None or self._mode == "off":
            return None
        return text if self._mode == "full" else self._hash_text(text)

    def redact_inputs(self, inputs: dict[str, Any]) -> dict[str, Any] | None:
        """Return the inputs, in mode `hashed` with all but numbers, booleans and None hashed;
        None in mode `off`."""
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
        """Read the key, creating it on first use."""
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
    """Hold the folder's write lock across processes, creating the folder with mode 0700.

    Raises:
        OSError: the folder cannot be written, or the lock timed out.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with FileLock(folder / ".lock", timeout=LOCK_SECONDS):
        yield


def _append(path: Path, line: bytes) -> None:
    """Append to a file, all or nothing."""
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
    """Return the day and number in a file name such as `2026-01-31.1.jsonl`."""
    day, number, _ = path.name.split(".")
    return day, int(number)
