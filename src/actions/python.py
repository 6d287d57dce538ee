"""Programs over texts of the workspace, in the sandbox."""

import asyncio

from ..kb.contracts import SkippedFile
from ..kb.decode import decode
from ..language.messages import say, use_language
from ..tools.sandbox import SandboxLimits, SandboxUnavailable
from .catalogue import register
from .errors import ActionError, InvalidCall, TimedOut, TooLarge, Unavailable
from .spec import Action, ActionContext, Data, Outcome, Params

_LIMITS = SandboxLimits(cpu_seconds=10, wall_seconds=20)
_MOST_TEXT = 16 << 20
_PREVIEW = 560


class PythonRunParams(Params):
    paths: str = ""
    """Text files to read, separated by commas; the program has their texts as files["a.txt"]."""
    code: str
    """Python; it sets `answer` or prints. It has no access to files, only to `files`."""


class ProgramResult(Data):
    answer: str | None
    """The variable `answer`; None if the program set none."""
    output: str
    """What the program printed."""

    def format_preview(self) -> str:
        shown = [] if self.answer is None else [f"answer = {self.answer}"]
        text = "\n".join([*shown, self.output.strip()]).strip()
        cut = "…" if len(text) > _PREVIEW else ""
        return f"{text[:_PREVIEW]}{cut}" or say("act.python.nothing")


def split_paths(paths: str) -> tuple[str, ...]:
    """Return the paths in a list separated by commas, ASCII or Chinese, or by line breaks."""
    listed = paths.replace("，", ",").replace("、", ",").replace("\n", ",").split(",")
    return tuple(dict.fromkeys(filter(None, (path.strip() for path in listed))))


async def run_python(params: PythonRunParams, context: ActionContext) -> Outcome[ProgramResult]:
    """Run a program."""
    with use_language(context.language):
        files = await asyncio.to_thread(_read_files, split_paths(params.paths), context)
        try:
            result = await context.sandbox.run(params.code, inputs={"files": files}, limits=_LIMITS)
        except SandboxUnavailable as error:
            raise Unavailable(str(error)) from error
        if result.status != "ok":
            kind = _FAILURES.get(result.status, ActionError)
            said = f"\n{result.stdout.strip()[:200]}" if result.stdout.strip() else ""
            raise kind(say("act.python.failed", reason=f"{result.error}{said}"))
        return Outcome(ProgramResult(answer=result.value, output=result.stdout))


_FAILURES: dict[str, type[ActionError]] = {
    "timeout": TimedOut,
    "memory": TooLarge,
    "output": TooLarge,
}


def _read_files(paths: tuple[str, ...], context: ActionContext) -> dict[str, str]:
    files = {}
    size = 0
    for path in paths:
        raw = context.workspace.read_bytes(path)
        size += len(raw)
        if size > _MOST_TEXT:
            raise TooLarge(say("act.python.large", most=_MOST_TEXT >> 20))
        try:
            files[path], _ = decode(raw)
        except SkippedFile as error:
            raise InvalidCall(say("act.python.no_text", path=path)) from error
    return files


register(
    Action(
        name="python_run",
        description={
            "en": "Compute with a Python program over the texts of files, without changing them",
            "zh": "用 Python 程序对文件内容做计算，不改动文件",
        },
        params=PythonRunParams,
        data=ProgramResult,
        effect="read",
        run=run_python,
    )
)
