from pathlib import Path

import pytest
from concertino.actions.errors import ActionError, InvalidCall, NotFound, TimedOut, TooLarge
from concertino.actions.python import ProgramResult, PythonRunParams, run_python, split_paths
from concertino.actions.spec import ActionContext


async def run(context: ActionContext, code: str, paths: str = "") -> ProgramResult:
    return (await run_python(PythonRunParams(code=code, paths=paths), context)).data


async def test_a_program_computes_over_files(folder: Path, context: ActionContext) -> None:
    (folder / "a.txt").write_text("1\n2\n")
    (folder / "数.txt").write_bytes("三十".encode("gb18030"))
    found = await run(
        context,
        "answer = sum(map(int, files['a.txt'].split())); print(files['数.txt'])",
        "a.txt，数.txt",
    )
    assert (found.answer, found.output) == ("3", "三十\n")
    assert found.format_preview() == "answer = 3\n三十"


async def test_a_program_reaches_no_file(folder: Path, context: ActionContext) -> None:
    (folder / "a.txt").write_text("1")
    for code in (f"open({str(folder / 'a.txt')!r}).read()", f"open({str(folder / 'b')!r}, 'w')"):
        with pytest.raises(ActionError, match="PermissionError"):
            await run(context, code)
    assert not (folder / "b").exists()


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        ("print('so far'); 1/0", ActionError, r"ZeroDivisionError.*line 1(.|\n)*so far"),
        ("x = 'a' * 10**11", TooLarge, "MemoryError"),
        ("while True: print('x' * 1000)", TooLarge, "printed more"),
        ("(", ActionError, "SyntaxError"),
    ],
)
async def test_a_failure_says_why(
    context: ActionContext, code: str, error: type[ActionError], words: str
) -> None:
    with pytest.raises(error, match=words):
        await run(context, code)


async def test_an_endless_program_is_stopped(
    context: ActionContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    from concertino.actions import python
    from concertino.tools.sandbox import SandboxLimits

    monkeypatch.setattr(python, "_LIMITS", SandboxLimits(cpu_seconds=1, wall_seconds=2))
    with pytest.raises(TimedOut):
        await run(context, "while True: pass")


async def test_files_that_are_missing_or_no_text_are_named(
    folder: Path, context: ActionContext
) -> None:
    (folder / "a.bin").write_bytes(bytes(10))
    with pytest.raises(InvalidCall, match=r"a\.bin.*document_read"):
        await run(context, "", "a.bin")
    with pytest.raises(NotFound, match=r"a\.bin"):
        await run(context, "", "a.bim")


async def test_a_program_that_says_nothing_is_told(context: ActionContext) -> None:
    assert (await run(context, "x = 1")).format_preview() == (
        "The program set no answer and printed nothing."
    )


def test_paths_are_separated_by_commas_of_both_scripts() -> None:
    assert split_paths(" a.txt, b.txt，c d.txt\ne、a.txt,") == ("a.txt", "b.txt", "c d.txt", "e")
