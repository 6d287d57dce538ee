"""Commands of the system, run in the workspace and confined to it."""

import asyncio
import difflib
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from ...language.messages import say, use_language
from ...tools.sandbox import (
    PROGRAM_FOLDERS,
    CommandLimits,
    CommandResult,
    SandboxUnavailable,
    find_command_obstacle,
    run_command,
)
from ..catalogue import register
from ..errors import ActionError, InvalidCall, NotFound, TimedOut, TooLarge, Unavailable
from ..snapshot import Snapshot, take_snapshot
from ..spec import Action, ActionContext, Data, Outcome, Params, Targets
from ..workspace import StoredFile
from .risk import is_risky

_SHOWN_PATHS = 10
_SHOWN_OUTPUT = 400
_LIMITS = CommandLimits()

_LITERAL = re.compile(r"""\\[^$`]|'[^']*'|"(?:[^"\\$`]|\\[^$`\n])*\"""", re.DOTALL)
_OPERATOR = re.compile(r"[|&;<>()$`*?\[\n]|(?:^|\s)[~#]|^\s*\w+=")
_BUILT_IN = frozenset(("!", ".", "alias", "cd", "eval", "exec", "export", "read", "set", "source"))


class ShellParams(Params):
    command: str
    """Program and arguments, as in the task or as in a terminal."""


class ShellData(Data):
    exit_code: int
    """0 means success."""
    output: str
    """What it printed, errors too."""
    seconds: float
    created: list[str]
    changed: list[str]
    deleted: list[str]
    compared: bool
    """False: the workspace is too large to tell which files were changed."""

    def format_preview(self) -> str:
        head = say("act.shell.exit", code=self.exit_code, seconds=self.seconds)
        output = self.output.strip() or say("act.shell.no_output")
        return f"{head}; {_describe_effects(self.model_dump())}\n{_shorten(output)}"


def split_command(command: str) -> tuple[str, ...]:
    """Return a command's words. One with operators of the shell, variables or patterns becomes a
    call of the shell, for all to see.

    Raises:
        InvalidCall: a quotation mark is not closed, or there is no command.
    """
    try:
        words = shlex.split(command)
    except ValueError as problem:
        raise InvalidCall(say("act.shell.words", reason=problem)) from problem
    if not words or not words[0] or "\0" in command:
        raise InvalidCall(say("act.shell.words", reason=repr(command)))
    if words[0] in _BUILT_IN or _OPERATOR.search(_LITERAL.sub("x", command)):
        return ("sh", "-c", command)
    return tuple(words)


def _find_targets(params: ShellParams) -> Targets:
    try:
        argv = split_command(params.command)
    except InvalidCall:  # it will be refused
        argv = ("sh", "-c", params.command)
    return Targets(argv=argv, risky=is_risky(argv))


async def run_shell(params: ShellParams, context: ActionContext) -> Outcome[ShellData]:
    """Run a command; tell which files it has changed."""
    with use_language(context.language):
        return await _run_and_compare(split_command(params.command), context)


async def _run_and_compare(argv: tuple[str, ...], context: ActionContext) -> Outcome[ShellData]:
    before = await asyncio.to_thread(take_snapshot, context.workspace)
    await context.note(before)
    result = await _run(argv, context.workspace.root)
    after = await asyncio.to_thread(take_snapshot, context.workspace)
    effects = _compare(before, after)
    if result.exit_code is None:
        raise _explain_stop(result, effects)
    data = ShellData(
        exit_code=result.exit_code,
        output=result.output,
        seconds=round(result.seconds, 3),
        compared=effects is not None,
        **(effects or _NO_EFFECTS),
    )
    return Outcome(data)


async def _run(argv: tuple[str, ...], folder: Path) -> CommandResult:
    try:
        return await run_command(argv, folder, limits=_LIMITS)
    except SandboxUnavailable as problem:
        raise Unavailable(str(problem)) from problem
    except FileNotFoundError as problem:
        near = await asyncio.to_thread(_find_near, argv[0])
        raise NotFound(say("act.shell.no_program", name=argv[0], near=near)) from problem
    except OSError as problem:
        text = say("act.shell.not_run", name=argv[0], reason=problem.strerror)
        raise InvalidCall(text) from problem


def _find_near(name: str) -> str:
    folders = filter(os.path.isdir, PROGRAM_FOLDERS)
    programs = {program for folder in folders for program in os.listdir(folder)}
    near = difflib.get_close_matches(name, programs, 3, 0.7)
    return ", ".join(near) or say("act.shell.nothing_near")


Effects = dict[str, list[str]]
_NO_EFFECTS: Effects = {"created": [], "changed": [], "deleted": []}


def _compare(before: Snapshot | None, after: Snapshot | None) -> Effects | None:
    if before is None or after is None:
        return None
    return {
        "created": sorted(after.keys() - before.keys()),
        "changed": sorted(path for path in before.keys() & after if _differs(before, after, path)),
        "deleted": sorted(before.keys() - after.keys()),
    }


def _differs(before: Snapshot, after: Snapshot, path: str) -> bool:
    old, new = before[path], after[path]
    if isinstance(old, StoredFile) and isinstance(new, StoredFile):
        return old.content != new.content
    return old != new


def _describe_effects(effects: Mapping[str, object] | None) -> str:
    if effects is None or effects.get("compared") is False:
        return say("act.shell.not_compared")
    parts = []
    for kind in _NO_EFFECTS:
        if isinstance(paths := effects[kind], list) and paths:
            more = [f"… +{len(paths) - _SHOWN_PATHS}"] if len(paths) > _SHOWN_PATHS else []
            shown = ", ".join([*paths[:_SHOWN_PATHS], *more])
            parts.append(say(f"act.shell.{kind}", paths=shown))
    return "; ".join(parts) or say("act.shell.unchanged")


def _shorten(output: str) -> str:
    """Return the beginning and the end of an output: what went wrong stands at its end."""
    half = _SHOWN_OUTPUT // 2
    return output if len(output) <= _SHOWN_OUTPUT else f"{output[:half]}\n…\n{output[-half:]}"


def _explain_stop(result: CommandResult, effects: Effects | None) -> ActionError:
    kind = {"timeout": TimedOut, "killed": ActionError}.get(result.stopped or "killed", TooLarge)
    text = say(
        f"act.shell.stopped.{result.stopped}",
        seconds=result.seconds,
        effects=_describe_effects(effects),
    )
    return kind(f"{text}\n{_shorten(result.output.strip())}".strip())


register(
    Action(
        name="shell_run",
        description={
            "en": "Run a program of the system in the workspace, such as wc, sort, git, python3",
            "zh": "在工作区内运行系统程序，例如 wc、sort、git、python3",
        },
        params=ShellParams,
        data=ShellData,
        effect="execute",
        run=run_shell,
        targets=_find_targets,
        timeout=_LIMITS.wall_seconds + 60,  # the command has its own; the rest is for comparing
        asked_for=re.compile(
            r"`|\b(?:command|shell|terminal|bash|run|execute|git|make|pytest|npm|pip)\b"
            r"|命令|终端|运行|执行",
            re.IGNORECASE,
        ),
        find_obstacle=find_command_obstacle,
    )
)
