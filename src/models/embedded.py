"""The embedded model: llama.cpp inside this process, used like any OpenAI-compatible server.

Observed with xllamacpp 2026.10 and Qwen2.5-Coder-1.5B; callers may rely on it:

- A client that drops its connection, streaming or not, stops the generation within a second.
- A shared prompt prefix is reused (`usage.prompt_tokens_details.cached_tokens`) by the slot that
  has it cached; of several calls sent at once only one finds it, the others recompute it
  (`slots.py` handles that).
- `json_schema` is compiled to GBNF. Enforced: property order, `enum`, `const`, `required`, string
  lengths, item counts, anchored `pattern`, integer bounds, `anyOf`/`oneOf`, `$ref`/`$defs` even
  recursive, `additionalProperties`, `date`. Silently ignored: bounds of `number`,
  `uniqueItems`, `not`, `patternProperties`, unanchored patterns and look-aheads. An unknown type
  or `$ref` gives 400; contradictory bounds give 500.
- n-gram speculation changes the text at temperature 0 and is not faster here.
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
from .loading import mark_loading, tell_loading
from .weights import ensure_weights, show_progress

T = TypeVar("T")
SPIN_TURNS = "3000"


class EmbeddedServer:
    """A loaded model served on loopback, with a key that only this process knows.

    Loading blocks for seconds and may be done in any thread. The process's standard output and
    error stay untouched.

    Args:
        path: The GGUF file.
        context: Context size in tokens, shared by the concurrent requests; each may use all
            that are free.
        parallel: Concurrent requests, each in a slot; further ones are queued.
        slot_folder: Folder for saved slots; it need not exist.

    Raises:
        ModelError: llama.cpp's library or the file cannot be loaded.
    """

    loads: ClassVar[int] = 0
    """Number of models loaded by this process so far."""

    def __init__(
        self, path: Path, *, slot_folder: Path, context: int = 16384, parallel: int = 4
    ) -> None:
        self.path = path
        self.parallel = parallel
        self.slot_folder = slot_folder
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
        # Closing a server whose loop has not started blocks forever; a reply shows that it has.
        self._server.handle_metrics()
        EmbeddedServer.loads += 1
        self.address: str = self._server.listening_address
        self.base_url = f"{self.address}/v1"

    def close(self) -> None:
        """Stop the server and free its memory; running requests are cut off. Idempotent."""
        if self._server is not None:
            _shut_down_connections(self.address)
            self._server = None

    def abandon(self) -> None:
        """Discard a server whose threads are in another process, without waiting for them."""
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._server))
        self._server = None


_servers: dict[tuple[Path, int, int], EmbeddedServer] = {}
_loading = threading.Lock()


async def start_embedded(settings: Settings) -> EmbeddedServer:
    """Return the process's server for these settings, fetching the weights first if needed.

    Raises:
        WeightsError: the model's file cannot be obtained.
        ModelError: the model cannot be loaded.
    """
    with mark_loading():
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
    """Return the result of `work`, run in a daemon thread that is abandoned on cancellation.

    Ctrl-C must end a download of minutes, but asyncio waits for its own threads.
    """
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
    """Return the process's server for a model, loaded by the first caller while others wait.

    Blocks: call it through `asyncio.to_thread` in async code. A forked child gets its own server
    and must end by `os._exit`, as `multiprocessing` does: at a normal exit llama.cpp waits for
    threads that exist only in the parent.
    """
    key = (path, context, parallel)
    with mark_loading(), _loading:
        if key not in _servers:
            tell_loading("loading")
            _servers[key] = EmbeddedServer(
                path, context=context, parallel=parallel, slot_folder=slot_folder
            )
        return _servers[key]


@atexit.register
def _close_servers() -> None:
    """Close all servers at exit: llama.cpp crashes a process that exits while generating."""
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
    # Slots keep their cache until the space is needed; `slots.py` assigns them.
    params.cache_idle_slots = False
    params.cache_ram_mib = 0
    params.cpuparams.n_threads = _count_cores()
    return params


@cache
def _load_library() -> Any:
    """Load llama.cpp, with OpenMP threads that spin only briefly before they sleep.

    By default they spin longer: on two cores with one other busy process that made generation
    twenty times slower. Sleeping at once (`OMP_WAIT_POLICY=passive`) costs a third of the speed
    on an idle machine; `SPIN_TURNS` costs nothing there, and little beside another process.
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
    """Count the physical cores available to this process; hyper-threads gain nothing."""
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

    llama.cpp stops only after its clients have disconnected, and has no call to disconnect them.
    Where open files cannot be listed (Windows), it has to wait for them.
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
