"""The embedded model: llama.cpp inside this process, spoken to like any OpenAI-compatible server.

What was found of xllamacpp 2026.10 with Qwen2.5-Coder-1.5B, and what callers may rely on:

- A client that drops its connection, streaming or not, stops the generation within a second.
- Prompts that begin alike are reused (`usage.prompt_tokens_details.cached_tokens`) by the slot
  that has the beginning; of several sent at once only one finds it, the others read it anew
  (`slots.py` sees to that).
- `json_schema` is compiled to GBNF. Kept: property order, `enum`, `const`, `required`, string
  lengths, item counts, anchored `pattern`, integer bounds, `anyOf`/`oneOf`, `$ref`/`$defs` even
  recursive, `additionalProperties`, `date`. Ignored in silence: bounds of `number`,
  `uniqueItems`, `not`, `patternProperties`, patterns that are unanchored or look ahead. An
  unknown type or `$ref` gives 400; bounds that exclude each other give 500.
- n-gram speculation neither gives the same text at temperature 0 nor is faster here.
"""

import asyncio
import atexit
import ctypes
import importlib
import os
import secrets
import socket
import stat
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

from ..errors import ModelError
from ..language.messages import say
from ..settings import Settings
from .weights import ensure_weights, show_progress

T = TypeVar("T")
SPIN_TURNS = "3000"


class EmbeddedServer:
    """A loaded model that answers on loopback, with a key that only this process knows.

    Loading blocks for seconds and may be done in any thread. The process's standard output and
    error stay untouched.

    Args:
        path: The GGUF file.
        context: Tokens that the concurrent requests share; each may take as many as are free.
        parallel: Requests answered at a time, each in a slot; more wait their turn.
        slot_folder: Where slots may be written to and read from; it need not exist.

    Raises:
        ModelError: llama.cpp's library or the file cannot be loaded.
    """

    loads: ClassVar[int] = 0
    """Models that this process has loaded."""

    def __init__(
        self, path: Path, *, slot_folder: Path, context: int = 16384, parallel: int = 4
    ) -> None:
        self.path, self.parallel, self.slot_folder = path, parallel, slot_folder
        self.api_key = secrets.token_urlsafe(32)
        self.model = path.stem
        library = _load_library()
        params = _fill_params(library.CommonParams(), path, self.model, self.api_key)
        params.n_ctx = context
        params.n_parallel = parallel
        params.slot_save_path = f"{slot_folder}{os.sep}"
        try:
            self._server = library.Server(params)
        except (RuntimeError, ValueError) as error:
            raise ModelError(say("embedded.not_loaded", path=path)) from error
        # Closing a server whose loop has not begun to run waits for ever; its answer shows it has.
        self._server.handle_metrics()
        EmbeddedServer.loads += 1
        self.address: str = self._server.listening_address
        self.base_url = f"{self.address}/v1"

    def close(self) -> None:
        """Stop answering and free the memory; requests under way are cut off. May be repeated."""
        if self._server is not None:
            _shut_down_connections(self.address)
            self._server = None

    def abandon(self) -> None:
        """Give up a server whose threads are in another process, without waiting for them."""
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._server))
        self._server = None


_servers: dict[tuple[Path, int, int], EmbeddedServer] = {}
_loading = threading.Lock()


async def start_embedded(settings: Settings) -> EmbeddedServer:
    """The process's server for these settings, its weights fetched first where need be.

    Raises:
        WeightsError: the model's file cannot be had.
        ModelError: it cannot be loaded.
    """
    with show_progress() as progress:
        cache_folder = settings.home / "models"
        path = await _run_abandonable(
            partial(ensure_weights, settings.model_path, cache_folder, progress=progress)
        )
    return await asyncio.to_thread(
        get_embedded_server,
        path,
        context=settings.embedded_context,
        parallel=settings.embedded_parallel,
        slot_folder=settings.home / "slots",
    )


async def _run_abandonable(work: Callable[[], T]) -> T:
    """What `work` makes in a thread that nothing waits for once this is cancelled: Ctrl-C has to
    end a fetch of minutes, and asyncio's own threads are waited for."""
    made: Future[T] = Future()
    made.set_running_or_notify_cancel()
    context = copy_context()

    def run() -> None:
        try:
            made.set_result(context.run(work))
        except BaseException as problem:
            made.set_exception(problem)

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(made)


def get_embedded_server(
    path: Path, *, context: int, parallel: int, slot_folder: Path
) -> EmbeddedServer:
    """The process's server for that model, loaded by the first caller while others wait.

    It blocks: async code calls it through `asyncio.to_thread`. A forked child gets its own, and
    has to end by `os._exit`, as those of `multiprocessing` do: at an ordinary exit llama.cpp
    waits for threads that only the parent has.
    """
    key = (path, context, parallel)
    with _loading:
        if key not in _servers:
            _servers[key] = EmbeddedServer(
                path, context=context, parallel=parallel, slot_folder=slot_folder
            )
        return _servers[key]


@atexit.register
def _close_servers() -> None:
    """llama.cpp crashes the exiting process if it is still generating."""
    while _servers:
        _servers.popitem()[1].close()


def _abandon_servers() -> None:
    global _loading
    _loading = threading.Lock()
    while _servers:
        _servers.popitem()[1].abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_servers)


def _fill_params(params: Any, path: Path, model: str, api_key: str) -> Any:
    params.model.path = str(path)
    params.model_alias = {model}
    params.port = 0
    params.api_keys = [api_key]
    params.ui = False
    params.endpoint_slots = False
    params.endpoint_metrics = True
    params.verbosity = -1
    params.kv_unified = True
    # Slots keep what they have read until its room is needed: who gets which is ours to say.
    params.cache_idle_slots = False
    params.cache_ram_mib = 0
    params.cpuparams.n_threads = _count_cores()
    return params


@cache
def _load_library() -> Any:
    """llama.cpp, its OpenMP threads told to wait for each other only briefly before they sleep.

    By default they spin: on two cores with one other busy process that made generation twenty
    times slower. Sleeping at once (`OMP_WAIT_POLICY=passive`) loses a third on an idle machine;
    this many turns lose nothing there, and little beside another process.
    """
    ours = not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & set(os.environ)
    if ours:
        os.environ["GOMP_SPINCOUNT"] = SPIN_TURNS
    try:
        return importlib.import_module("xllamacpp")
    except ImportError as error:
        raise ModelError(say("embedded.no_library", reason=error)) from error
    finally:
        if ours:
            del os.environ["GOMP_SPINCOUNT"]


def _count_cores() -> int:
    """Physical cores that this process may use; a second thread on one gains nothing."""
    try:
        cpus = os.sched_getaffinity(0)
        topology = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
        cores = len({Path(topology.format(cpu)).read_text() for cpu in cpus})
    except (AttributeError, OSError):
        cores = (os.cpu_count() or 2) // 2
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        cores = min(cores, round(int(quota) / int(period)))
    except (OSError, ValueError):
        pass  # no cgroup, or a quota of "max"
    return max(1, cores)


def _shut_down_connections(address: str) -> None:
    """Shut down the server's listening socket and its connections.

    llama.cpp stops when asked to only after its clients have gone, and has no call to send them
    away. Where open files cannot be listed (Windows) it is left waiting for them.
    """
    url = urlsplit(address)
    folder = Path("/dev/fd")
    for name in os.listdir(folder) if folder.exists() else ():
        try:
            if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
            with socket.socket(fileno=os.dup(int(name))) as connection:
                if connection.getsockname() == (url.hostname, url.port):
                    connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue  # closed meanwhile, or not connected
