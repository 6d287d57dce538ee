import os
from pathlib import Path

import pytest
from concertino.actions.errors import ActionError, TimedOut, TooLarge
from concertino.actions.python.actions import ProgramResult, PythonRunParams, run_python
from concertino.actions.python.run import MAX_PRINTED
from concertino.actions.spec import ActionContext
from concertino.actions.workspace import Change


def run(context: ActionContext, code: str) -> tuple[ProgramResult, tuple[Change, ...]]:
    outcome = run_python(PythonRunParams(code=code), context)
    return outcome.data, outcome.changes


def test_a_program_reads_files_by_their_paths(folder: Path, context: ActionContext) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "一.txt").write_text("1\n2\n")
    found, changes = run(context, "print(sum(map(int, open('a/一.txt'))))")
    assert (found.output, changes) == ("3\n", ())
    assert found.format_preview() == "3"


def test_the_value_of_a_last_expression_is_printed(context: ActionContext) -> None:
    assert run(context, "x = 2\nx + 1")[0].output == "3\n"
    assert run(context, "x = 2\nprint(x)")[0].output == "2\n"


def test_files_that_it_writes_are_asked_for_and_not_written(
    folder: Path, context: ActionContext
) -> None:
    (folder / "a.csv").write_text("b,2\na,1\n")
    code = (
        "import csv, os\n"
        "rows = sorted(csv.reader(open('a.csv')))\n"
        "os.makedirs('out')\n"
        "csv.writer(open('out/b.csv', 'w', newline='')).writerows(rows)\n"
        "open('a.csv', 'a').write('c,3\\n')\n"
    )
    found, changes = run(context, code)
    assert changes == (
        Change("a.csv", b"b,2\na,1\n", b"b,2\na,1\nc,3\n"),
        Change("out/b.csv", None, b"a,1\r\nb,2\r\n"),
    )
    assert found.format_preview() == "written: a.csv, out/b.csv"
    assert [path.name for path in folder.iterdir()] == ["a.csv"]


def test_copies_renames_and_deletions_are_asked_for(folder: Path, context: ActionContext) -> None:
    for name in "abc":
        (folder / name).write_text(name)
    code = (
        "import os, pathlib, shutil\n"
        "shutil.copy('a', 'd')\n"
        "os.rename('b', 'e')\n"
        "pathlib.Path('c').unlink()\n"
    )
    found, changes = run(context, code)
    assert changes == (
        Change("b", b"b", None),
        Change("c", b"c", None),
        Change("d", None, b"a"),
        Change("e", None, b"b"),
    )
    assert (found.written, found.deleted) == (["d", "e"], ["b", "c"])


def test_a_program_that_fails_changes_nothing(folder: Path, context: ActionContext) -> None:
    with pytest.raises(ActionError, match=r"ZeroDivisionError.*line 3(.|\n)*so far"):
        run(context, "open('b', 'w').write('x')\nprint('so far')\n1/0")
    assert not (folder / "b").exists()


HOSTILE = {
    "reading beside the workspace": "open({secret!r}).read()",
    "reading by a relative path": "open('../outside/secret').read()",
    "reading the system": "open('/etc/passwd').read()",
    "writing the workspace itself": "open({folder!r} + '/b', 'w')",
    "writing elsewhere": "open('/tmp/concertino-escape', 'w')",
    "truncating elsewhere": "import os; os.truncate({secret!r}, 0)",
    "a symbolic link": "import os; os.symlink({secret!r}, 'link')",
    "a hard link": "import os; os.link({secret!r}, 'link')",
    "a pipe": "import os; os.mkfifo('pipe')",
    "a device": "import os; os.mknod('null', 0o20666, os.makedev(1, 3))",
    "moving a file in": "import os; os.rename({secret!r}, 'mine')",
    "changing a mode": "import os; os.chmod({secret!r}, 0o777)",
    "changing an owner": "import os; os.chown({secret!r}, 1, 1)",
    "changing times": "import os; os.utime({secret!r})",
    "a process": "import subprocess; subprocess.run(['true'])",
    "a fork": "import os; os.fork()",
    "a thread": "import threading; threading.Thread(target=print).start()",
    "a socket": "import socket; socket.socket()",
    "a signal to the parent": "import os; os.kill(os.getppid(), 9)",
    "memory of the parent": "import os; open(f'/proc/{{os.getppid()}}/mem', 'rb')",
    "its environment": "open('/proc/self/environ').read()",
    "leaving by the root": "import os; os.chroot('.')",
    "a file too large": "f = open('b', 'wb')\nfor _ in range(100): f.write(bytes(1 << 20))",
}


@pytest.mark.parametrize("attempt", HOSTILE)
def test_a_program_reaches_nothing_but_its_copy(
    attempt: str, folder: Path, context: ActionContext
) -> None:
    secret = folder.parent / "outside" / "secret"
    code = HOSTILE[attempt].format(secret=str(secret), folder=str(folder))
    with pytest.raises(ActionError):
        run(context, code)
    assert secret.read_text() == "secret"
    assert list(folder.iterdir()) == []


def test_no_environment_reaches_a_program(
    context: ActionContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert run(context, "import os; 'OPENAI_API_KEY' in os.environ")[0].output == "False\n"


def test_what_is_to_be_ignored_is_not_in_the_copy(folder: Path, context: ActionContext) -> None:
    (folder / ".gitignore").write_text("*.log\n")
    (folder / "a.log").write_text("x")
    found, changes = run(context, "import os; sorted(os.listdir())")
    assert (found.output, changes) == ("['.gitignore']\n", ())


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        ("x = 'a' * 10**11", TooLarge, "memory"),
        ("while True: print('x' * 1000)", TooLarge, "printed more"),
        ("(", ActionError, "SyntaxError"),
        ("", None, ""),
        ("import sys; sys.exit(3)", ActionError, "3"),
        ("import sys; sys.exit()", None, ""),
        ("open('b', 'w').write('\\udc80')", ActionError, "UnicodeEncodeError"),
        ("import pandas_of_nowhere", ActionError, "No module named"),
    ],
)
def test_an_end_says_why(
    context: ActionContext, code: str, error: type[ActionError] | None, words: str
) -> None:
    if error is None:
        assert run(context, code)[0].format_preview() == (
            "The program printed nothing and changed no file."
        )
        return
    with pytest.raises(error, match=words):
        run(context, code)


def test_an_endless_program_is_stopped(
    context: ActionContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    from concertino.actions.python import actions as python

    monkeypatch.setattr(python, "SECONDS", 1)
    with pytest.raises(TimedOut):
        run(context, "while True: pass")


def test_of_a_large_workspace_it_has_the_files_that_it_names(
    folder: Path, context: ActionContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    from concertino.actions.python import actions as python

    monkeypatch.setattr(python, "MAX_FILES", 2)
    for name in ("a.txt", "b.txt", "c.txt"):
        (folder / name).write_text(name)
    assert run(context, "open('b.txt').read()")[0].output == "b.txt\n"
    with pytest.raises(TooLarge, match="Name the ones"):
        run(context, "[open(name) for name in ('a.txt', 'b.txt', 'c.txt')]")


@pytest.mark.parametrize("rest", ["}", ")}", '"}', "\n```", "\n}"])
def test_what_closes_the_form_around_a_program_is_left_out(
    rest: str, context: ActionContext
) -> None:
    assert run(context, f"print('{{ok}}'){rest}")[0].output == "{ok}\n"
    assert run(context, f"```python\nprint('{{ok}}'){rest}")[0].output == "{ok}\n"


def test_a_sound_program_is_left_as_it_is() -> None:
    for code in ("print({'a': [1]})", "x = {}", "print('}')", "s = '''a\n'''"):
        assert PythonRunParams(code=code).code == code


def test_a_failure_shows_the_values_that_the_program_met(
    folder: Path, context: ActionContext
) -> None:
    (folder / "a.txt").write_text("stock 318\n")
    code = "for line in open('a.txt'):\n    number = int(line.split(': ')[1])\n"
    with pytest.raises(ActionError, match="IndexError") as caught:
        run(context, code)
    assert str(caught.value).splitlines()[1:] == [r"line = 'stock 318\n'"]


def test_as_much_as_is_allowed_is_printed_and_its_beginning_kept(context: ActionContext) -> None:
    found, _ = run(context, f"print('x' * {MAX_PRINTED - 1})")
    assert 1000 < len(found.output) < MAX_PRINTED
    with pytest.raises(TooLarge):
        run(context, f"print('x' * {MAX_PRINTED})")


def test_copies_that_killed_processes_left_are_removed(
    context: ActionContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name, age in (("old", 7200), ("new", 60)):
        left = tmp_path / f"concertino_program-{name}"
        left.mkdir()
        then = left.stat().st_mtime - age
        os.utime(left, (then, then))
    run(context, "")
    assert [path.name for path in tmp_path.glob("concertino_program-*")] == [
        "concertino_program-new"
    ]


def test_tables_are_joined_with_pandas(folder: Path, context: ActionContext) -> None:
    for month, row in (("jan", "Bo,7"), ("feb", "Ada,9")):
        (folder / f"{month}.csv").write_text(f"name,hours\n{row}\n")
    code = (
        "import pandas as pd\n"
        "table = pd.concat([pd.read_csv('jan.csv'), pd.read_csv('feb.csv')])\n"
        "table.sort_values('name').to_csv('all.csv', index=False)\n"
        "print(table.hours.sum())\n"
    )
    found, [change] = run(context, code)
    assert (found.output, change.after) == ("16\n", b"name,hours\nAda,9\nBo,7\n")


WIDE = "\n".join(
    [
        "best = 0",
        "for name in ('a.txt', 'b.txt'):",
        "    with open(name) as file:",
        "        best = max(best, int(file.readline().split(': ')[1]))",
        "print('最大:', best)",
    ]
)


def test_half_width_marks_are_tried_as_the_full_width_ones_of_the_data(
    folder: Path, context: ActionContext
) -> None:
    (folder / "a.txt").write_text("库存：318\n")
    (folder / "b.txt").write_text("库存：905\n")
    found, _ = run(context, WIDE)
    assert found.output == "最大: 905\n"
    assert found.instead == WIDE.replace("': '", "'：'")
    assert found.format_preview().endswith("(with the full-width punctuation of the data)")


def test_a_failure_tells_of_full_width_marks_that_stand_within_a_longer_text(
    folder: Path, context: ActionContext
) -> None:
    (folder / "a.txt").write_text("库存：318\n")
    with pytest.raises(ActionError) as caught:
        run(context, "with open('a.txt') as file:\n    int(file.read().split('库存:')[1])")
    assert str(caught.value).splitlines()[1:] == [
        r"file = '库存：318\n'",
        "The data have the full-width “：”, not “:”.",
    ]


def test_a_program_that_fails_for_another_reason_is_not_changed(
    folder: Path, context: ActionContext
) -> None:
    (folder / "a.txt").write_text("库存：没有\n")
    with pytest.raises(ActionError, match="invalid literal for int"):
        run(context, "line = open('a.txt').read()\nint(line.split('：')[1])")
