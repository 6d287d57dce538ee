"""Concertino: a language model conducts a small ensemble of agents.

>>> from concertino import solve_math_problem
>>> solve_math_problem("Solve x^2 - 5x + 6 = 0")["final_answer"]
'{2, 3}'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import ConcertinoError, InvalidTask, ModelError, TaskBusy, UnknownTask
    from .state import CoordinatorDecision
    from .tasks.api import (
        arate_task,
        aresume_stream,
        aresume_task,
        arun_task,
        asolve_math_problem,
        astream_task,
        delete_task,
        delete_thread,
        list_tasks,
        rate_task,
        rename_task,
        rename_thread,
        resume_task,
        run_task,
        solve_math_problem,
        undo_task,
        workflows,
    )

__version__ = "0.1.0"

_HOMES = {
    "errors": ("ConcertinoError", "InvalidTask", "ModelError", "TaskBusy", "UnknownTask"),
    "state": ("CoordinatorDecision",),
    "tasks.api": (
        "arate_task",
        "aresume_stream",
        "aresume_task",
        "arun_task",
        "asolve_math_problem",
        "astream_task",
        "delete_task",
        "delete_thread",
        "list_tasks",
        "rate_task",
        "rename_task",
        "rename_thread",
        "resume_task",
        "run_task",
        "solve_math_problem",
        "undo_task",
        "workflows",
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "ConcertinoError",
    "CoordinatorDecision",
    "InvalidTask",
    "ModelError",
    "TaskBusy",
    "UnknownTask",
    "arate_task",
    "aresume_stream",
    "aresume_task",
    "arun_task",
    "asolve_math_problem",
    "astream_task",
    "delete_task",
    "delete_thread",
    "list_tasks",
    "rate_task",
    "rename_task",
    "rename_thread",
    "resume_task",
    "run_task",
    "solve_math_problem",
    "undo_task",
    "workflows",
]


def __getattr__(name: str) -> Any:
    """Load the public names on first use: LangGraph takes a second to import."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
