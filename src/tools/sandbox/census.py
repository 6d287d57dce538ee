"""How much the descendants of a process use."""

import contextlib
import os
from collections.abc import Iterable, Iterator

_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


def list_children(pid: int) -> list[int]:
    """Return the children of a process, those that have ended and were not waited for included."""
    children: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                children += map(int, file.read().split())
    return children


def walk_processes(roots: Iterable[int]) -> Iterator[int]:
    """Yield processes and all their descendants."""
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += list_children(pid)


def count_threads(pids: Iterable[int]) -> int:
    """Return how many threads some processes have together."""
    threads = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            threads += len(os.listdir(f"/proc/{pid}/task"))
    return threads


def exceeds_memory(pids: Iterable[int], limit_bytes: int) -> bool:
    """Return whether some processes use more memory together, without files mapped into it."""
    limit = limit_bytes // 1024
    processes = list(pids)
    if sum(_resident_kb(pid) for pid in processes) <= limit:  # counts what they share many times
        return False
    return sum(_own_kb(pid) for pid in processes) > limit


def _resident_kb(pid: int) -> int:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * _PAGE_KB
    return 0


def _own_kb(pid: int) -> int:
    """Return a process's memory, with its part of what it shares with others."""
    counted = ("Pss_Anon:", "Pss_Shmem:", "SwapPss:")
    with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith(counted))
    return 0
