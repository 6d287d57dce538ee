"""A program in the confined process, with a folder of files that it may change."""

import ast
import gc
import importlib
import io
import os
import re
import shutil
import sys
import types
from contextlib import redirect_stderr, redirect_stdout, suppress
from typing import Any

from ...language.messages import say
from ...tools.sandbox.problems import NAME, describe_problem, find_program_step
from ..confined.child import Enter
from ..errors import TooLarge
from .punctuation import find_wide, widen_line

LIBRARIES = ("pandas", "numpy")
MAX_PRINTED = 1 << 20
"""Characters."""
_MOST_VALUES = 4
_MOST_SHOWN = 100
_NAME = re.compile(r"[^\W\d]\w*")


class _Output(io.StringIO):
    """What the program prints, up to a limit."""

    def write(self, text: str) -> int:
        if self.tell() + len(text) > MAX_PRINTED:
            raise TooLarge(say("act.python.printed"))
        return super().write(text)


def run_program(
    request: dict[str, Any], blobs: list[bytes], enter: Enter
) -> tuple[dict[str, Any], bytes]:
    """Run a program in a folder; return what it printed, and its error if it raised one, with the
    program to try instead if it only took full-width punctuation for half-width one.

    The value of a last line that is an expression is printed, as in a notebook.
    """
    os.chdir(request["folder"])
    # The jail denies changing modes and times, which copying a file tries to do.
    shutil.copymode = shutil.copystat = lambda *_, **__: None
    sys.dont_write_bytecode = True
    output = _Output()
    _preload(request["code"])
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    enter()
    problem = instead = None
    try:
        with redirect_stdout(output), redirect_stderr(output):
            _execute(request["code"], vars(main))
    except (MemoryError, TooLarge):
        raise
    except SystemExit as leaving:
        problem = None if leaving.code in (None, 0) else str(leaving.code)
    except BaseException as raised:
        problem = describe_problem(raised, request["code"], sys.path)
        notes, instead = _describe_values(raised, request["code"])
        problem += notes
    vars(main).clear()  # closes the files that it has left open
    gc.collect()
    return {"output": output.getvalue(), "problem": problem, "instead": instead}, b""


def _preload(code: str) -> None:
    """Import the libraries with compiled parts that a program names: what they are linked with
    cannot be read from inside the jail."""
    for library in LIBRARIES:
        if library in code:
            with suppress(ImportError):
                importlib.import_module(library)


def _describe_values(raised: BaseException, code: str) -> tuple[str, str | None]:
    """Return what the variables in the line that raised were, mostly data of another form than the
    program expects; and the program with their punctuation, if that differs."""
    step = find_program_step(raised)
    if step is None:
        return "", None
    line = code.split("\n")[step.tb_lineno - 1]
    known = step.tb_frame.f_locals
    values = {name: _peek(known[name]) for name in _NAME.findall(line) if name in known}
    shown = [
        f"{name} = {repr(value)[:_MOST_SHOWN]}"
        for name, value in values.items()
        if isinstance(value, str | int | float | list | tuple | dict | set | None)
    ]
    wide = find_wide(" ".join(shown), line)
    notes = [say("act.python.wide", wide=mark, narrow=narrow) for narrow, mark in wide.items()]
    told = "".join(f"\n{note}" for note in [*shown[:_MOST_VALUES], *notes])
    return told, widen_line(code, step.tb_lineno, wide)


def _peek(value: Any) -> Any:
    """Return the beginning of the text file that a value reads from, any other value as it is."""
    if isinstance(value, io.TextIOWrapper) and "r" in value.mode:
        with suppress(OSError), open(value.name, encoding=value.encoding, errors="replace") as file:
            return file.read(_MOST_SHOWN)
    return value


def _execute(code: str, names: dict[str, Any]) -> None:
    tree = ast.parse(code, NAME)
    last = tree.body[-1] if tree.body else None
    shown = last.value if isinstance(last, ast.Expr) and not _only_writes(last.value) else None
    if shown is not None:
        tree.body.pop()
    exec(compile(tree, NAME, "exec", dont_inherit=True), names)  # noqa: S102
    if shown is not None:
        last_line = compile(ast.Expression(shown), NAME, "eval", dont_inherit=True)
        value = eval(last_line, names)  # noqa: S307
        if value is not None:
            print(value)


def _only_writes(expression: ast.expr) -> bool:
    """Return whether an expression is a call such as `file.write(…)`, whose value tells nothing."""
    called = expression.func if isinstance(expression, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr.startswith("write")
