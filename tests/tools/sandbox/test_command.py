"""What confined commands can do, and what their callers get."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from concertino.language.messages import use_language
from concertino.tools.sandbox import (
    PROGRAM_FOLDERS,
    CommandLimits,
    SandboxUnavailable,
    command_rules,
    find_command_obstacle,
    run_command,
)

pytestmark = pytest.mark.skipif(
    find_command_obstacle() is not None, reason="needs commands that can be confined"
)

PYTHON = "import collections; print(sum(map(int, open('numbers.txt'))))"
TREE = """
import os, pathlib, shutil, subprocess, tempfile
pathlib.Path('a/b').mkdir(parents=True)
pathlib.Path('a/b/file').write_text('text')
shutil.copy2('a/b/file', 'copy')
shutil.copytree('a', 'c')
os.chmod('copy', 0o700); os.utime('copy', (1, 2)); os.rename('copy', 'c/copy')
status = os.stat('c/copy')
with tempfile.TemporaryDirectory() as folder:
    pathlib.Path(folder, 'x').write_text('y')
    os.rename(folder + '/x', 'moved') if os.stat(folder).st_dev == os.stat('.').st_dev else None
text = subprocess.check_output(['cat', 'c/b/file'])
print(oct(status.st_mode & 0o777), int(status.st_mtime), text)
"""

HONEST = {
    "count": (["wc", "-l", "numbers.txt"], "3 numbers.txt\n"),
    "list": (["ls"], "numbers.txt\npage.html\n"),
    "search": (["grep", "-n", "1", "numbers.txt"], "2:1\n3:12\n"),
    "sort": (["sort", "-n", "numbers.txt"], "1\n3\n12\n"),
    "pipe": (["sh", "-c", "cat numbers.txt | sort -n | tail -1"], "12\n"),
    "redirect": (["sh", "-c", "echo hello > new && cat new"], "hello\n"),
    "here document": (["sh", "-c", "cat <<X\nhello\nX"], "hello\n"),
    "Python": (["python3", "-c", PYTHON], "16\n"),
    "files with Python": (["python3", "-c", TREE], "0o700 2 b'text'\n"),
    "find": (["find", ".", "-name", "*.html"], "./page.html\n"),
    "awk": (["awk", "{ s += $1 } END { print s }", "numbers.txt"], "16\n"),
    "sed in place": (["sh", "-c", "sed -i s/12/99/ numbers.txt; tail -1 numbers.txt"], "99\n"),
    "make executable": (
        ["sh", "-c", "echo '#!/bin/sh\necho ran' > x; chmod +x x; ./x"],
        "ran\n",
    ),
    "copy with its attributes": (
        ["sh", "-c", "cp -a numbers.txt b; touch -d @5 b; stat -c '%Y %s' b"],
        "5 7\n",
    ),
    "links": (["sh", "-c", "ln -s numbers.txt s; ln numbers.txt h; head -1 s h"], None),
    "archive": (["sh", "-c", "tar czf t.gz numbers.txt && tar tzf t.gz"], "numbers.txt\n"),
    "time limit of its own": (["sh", "-c", "timeout 0.01 sleep 9; echo $?"], "124\n"),
    "kill its own child": (["sh", "-c", "sleep 9 & kill $!; wait $! 2>&-; echo $?"], None),
    "wait": (["sh", "-c", "for i in 1 2 3; do echo $i & done | sort; wait"], "1\n2\n3\n"),
    "standard devices": (["sh", "-c", "echo gone > /dev/null; echo shown >&2"], "shown\n"),
    "names in Chinese": (["sh", "-c", "echo 你好 > 文件; cat 文件"], "你好\n"),
    "nothing on standard input": (["cat"], ""),
    "home is temporary": (["sh", "-c", '[ "$HOME" = "$TMPDIR" ] && cd && pwd | wc -l'], "1\n"),
    "version control": (
        [
            "sh",
            "-c",
            "git init -q . && git add . && git -c user.name=a -c user.email=b commit -qm c"
            " && git status --short && git log --format=%s",
        ],
        "c\n",
    ),
}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "numbers.txt").write_text("3\n1\n12\n")
    (tmp_path / "page.html").write_text("<p>")
    return tmp_path


def has(program: str) -> bool:
    return shutil.which(program, path=os.pathsep.join(PROGRAM_FOLDERS)) is not None


@pytest.mark.parametrize(("argv", "output"), HONEST.values(), ids=HONEST.keys())
async def test_an_honest_command_works(
    workspace: Path, argv: list[str], output: str | None
) -> None:
    program = argv[2].split()[0] if argv[0] == "sh" else argv[0]
    if program in ("git", "python3", "awk", "tar") and not has(program):
        pytest.skip(f"needs {program}")
    result = await run_command(argv, workspace)
    assert (result.exit_code, result.stopped) == (0, None), result
    assert output in (None, result.output)


async def test_the_exit_code_is_the_commands(workspace: Path) -> None:
    codes = [
        (await run_command(["sh", "-c", command], workspace)).exit_code
        for command in ("exit 3", "kill -TERM $$")
    ]
    assert codes == [3, 128 + 15]


async def test_a_program_that_does_not_exist_or_cannot_be_run_is_told(workspace: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nonesuch"):
        await run_command(["nonesuch"], workspace)
    with pytest.raises(PermissionError, match="page"):
        await run_command(["./page.html"], workspace)


async def test_a_folder_that_does_not_exist_is_told(workspace: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"):
        await run_command(["ls"], workspace / "missing")


async def test_the_beginning_and_the_end_of_a_long_output_are_kept(workspace: Path) -> None:
    limits = CommandLimits(kept_bytes=20)
    with use_language("en"):
        result = await run_command(["seq", "1000"], workspace, limits=limits)
    assert result.output == "1\n2\n3\n4\n5\n\n[… 3873 bytes left out …]\n\n999\n1000\n"
    short = await run_command(["seq", "10"], workspace, limits=CommandLimits(kept_bytes=22))
    assert short.output.split() == [str(number) for number in range(1, 11)]


async def test_a_character_that_was_cut_leaves_nothing_behind(workspace: Path) -> None:
    limits = CommandLimits(kept_bytes=10)
    with use_language("zh"):
        result = await run_command(["echo", "一二三四五六七八"], workspace, limits=limits)
    assert result.output == "一\n[…… 省略 15 字节 ……]\n八\n"


async def test_several_commands_run_at_once(workspace: Path) -> None:
    os.mkfifo(workspace / "fifo")
    writers = [run_command(["sh", "-c", f"echo {i} > fifo"], workspace) for i in range(4)]
    reader = run_command(
        ["sh", "-c", "for i in 1 2 3 4; do read x; echo $x; done <> fifo"], workspace
    )
    read, *_ = await asyncio.gather(reader, *writers)
    assert sorted(read.output.split()) == ["0", "1", "2", "3"]


async def test_without_confinement_nothing_runs(
    monkeypatch: pytest.MonkeyPatch, workspace: Path
) -> None:
    monkeypatch.setattr(command_rules, "find_landlock_abi", lambda: 0)
    find_command_obstacle.cache_clear()
    try:
        with pytest.raises(SandboxUnavailable, match="Landlock"):
            await run_command(["touch", "new"], workspace)
    finally:
        find_command_obstacle.cache_clear()
    assert "new" not in os.listdir(workspace)
