"""Run one program inside the jail and report its result.

Nothing here is trusted after the program has started: it can change every object it can reach.
"""

import json
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import sympy
from sympy.printing.defaults import Printable

from .problems import NAME, describe_problem

OUT_OF_MEMORY = json.dumps(
    {"status": "memory", "value": None, "latex": None, "error": "MemoryError: out of memory"}
).encode()


class Report(TypedDict):
    """A program's result as reported by its process; fields as in `SandboxResult`."""

    status: str
    value: str | None
    latex: str | None
    error: str | None


def run(
    code: str,
    inputs: Mapping[str, Any],
    result: str | None,
    *,
    text_bytes: int,
    libraries: Sequence[str],
) -> bytes:
    """Run ``code`` and return its `Report` as JSON.

    Args:
        code: Python source.
        inputs: Initial globals of the program.
        result: Name of the global to report, if it exists.
        text_bytes: Size at which the reported value is cut.
        libraries: Folders whose paths are removed from error messages.
    """
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    namespace = vars(main)
    namespace.update(inputs)
    out = sys.stdout
    try:
        report = _execute(code, namespace, result, text_bytes, libraries)
        out.flush()
        return json.dumps(report).encode()
    except MemoryError:
        namespace.clear()
        return OUT_OF_MEMORY


def _execute(
    code: str,
    namespace: dict[str, Any],
    result: str | None,
    text_bytes: int,
    libraries: Sequence[str],
) -> Report:
    report: Report = {"status": "ok", "value": None, "latex": None, "error": None}
    try:
        _exec(code, namespace)
        if result is not None and result in namespace:
            report["value"] = cut(_text(namespace[result]), text_bytes)
            report["latex"] = _latex(namespace[result], text_bytes)
    except MemoryError:
        raise
    except BaseException as problem:
        report["status"] = "error"
        report["error"] = describe_problem(problem, code, libraries)
    return report


def _exec(code: str, namespace: dict[str, Any]) -> None:
    try:
        exec(compile(code, NAME, "exec", dont_inherit=True), namespace)  # noqa: S102
    except SystemExit as leaving:
        if leaving.code not in (None, 0):
            raise


def cut(text: str, size: int) -> str:
    """Truncate ``text`` to ``size`` bytes of UTF-8, with a mark if anything is cut."""
    kept = text[:size].encode("utf-8", "replace")[:size].decode("utf-8", "ignore")
    return kept if len(kept) == len(text) else f"{kept}\n[cut at {size} bytes]"


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if _has_sympy(value):
        return str(sympy.sstr(value, full_prec=True))
    return repr(value)


def _latex(value: object, size: int) -> str | None:
    """Return LaTeX of a mathematical value; ``None`` for text and values SymPy cannot print."""
    if not isinstance(value, int | float | complex | list | tuple) and not _has_sympy(value):
        return None
    try:
        return cut(str(sympy.latex(value)), size)
    except Exception:  # a failing printer must not cost more than this field
        return None


def _has_sympy(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_sympy, value.keys())) or any(map(_has_sympy, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_has_sympy, value))
    return isinstance(value, Printable)
