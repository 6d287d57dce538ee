import errno
import fcntl
import os
import socket
import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from concertino.actions import beneath
from concertino.actions import workspace as module
from concertino.actions.errors import (
    ActionError,
    Conflict,
    Denied,
    InvalidCall,
    NotFound,
    TooLarge,
    Transient,
)
from concertino.actions.workspace import Change, Workspace

RENAME = beneath.find_renameat2()
pytestmark = pytest.mark.usefixtures("way")

ESCAPES = [
    "..",
    "../outside/secret",
    "a/../../outside/secret",
    "a/..",
    "./../work/a.txt",
    "/etc/passwd",
    "//etc/passwd",
    "/",
    "/proc/self/environ",
    "/dev/zero",
    "link",
    "inner-link",
    "chain",
    "loop",
    "dangling",
    "linked-folder/secret",
    "linked-folder/new.txt",
    "linked-folder/../a.txt",
    "inner-folder/b.txt",
    "proc/environ",
    "root-link/etc/passwd",
    "device-link",
]
"""Paths out of the workspace, or over a link; `laid` makes the links."""


@pytest.fixture
def laid(folder: Path) -> Path:
    """The workspace with files, and links of every kind."""
    (folder / "a.txt").write_text("a")
    (folder / "a").mkdir()
    (folder / "a" / "b.txt").write_text("b")
    for name, target in {
        "link": "../outside/secret",
        "inner-link": "a.txt",
        "chain": "link",
        "loop": "loop",
        "dangling": "../outside/none",
        "linked-folder": "../outside",
        "inner-folder": "a",
        "proc": "/proc/self",
        "root-link": "/",
        "device-link": "/dev/zero",
    }.items():
        (folder / name).symlink_to(target)
    return folder


def look_at(folder: Path) -> dict[str, object]:
    """What a folder and its neighbour hold, links as such."""
    return {
        str(path): os.readlink(path) if path.is_symlink() else path.is_file() and path.read_bytes()
        for path in sorted(folder.parent.rglob("*"))
    }


@pytest.mark.parametrize("path", ESCAPES)
def test_nothing_out_of_bounds_is_read(laid: Path, path: str) -> None:
    with pytest.raises(Denied, match=r"bounds|link"):
        Workspace(laid).read_bytes(path)
    with pytest.raises(Denied):
        Workspace(laid).find_content(path)


@pytest.mark.parametrize("path", ESCAPES)
def test_nothing_out_of_bounds_is_written_or_deleted(laid: Path, path: str) -> None:
    before = look_at(laid)
    for change in (Change(path, None, b"new"), Change(path, b"secret", b"new")):
        with pytest.raises(Denied, match=r"bounds|link"):
            Workspace(laid).apply(change)
    with pytest.raises(Denied):
        Workspace(laid).apply(Change(path, b"secret", None))
    assert look_at(laid) == before


@pytest.mark.parametrize(
    "path", ["..", "/", "linked-folder", "inner-folder", "proc", "root-link", "linked-folder/x"]
)
def test_no_folder_out_of_bounds_is_listed(laid: Path, path: str) -> None:
    with pytest.raises(Denied):
        list(Workspace(laid).list_entries(path))


def test_a_recursive_list_names_links_and_does_not_follow_them(laid: Path) -> None:
    entries = {entry.path: entry.kind for entry in Workspace(laid).list_entries(recursive=True)}
    assert entries["linked-folder"] == entries["loop"] == "link"
    assert entries["a/b.txt"] == "file"
    assert not any(path.startswith(("linked-folder/", "inner-folder/")) for path in entries)


def test_no_folders_are_made_behind_a_link(laid: Path) -> None:
    with pytest.raises(Denied):
        Workspace(laid).apply(Change("linked-folder/deep/er/x.txt", None, b"x"))
    assert os.listdir(laid.parent / "outside") == ["secret"]


@pytest.mark.parametrize("path", ["root/etc/passwd", "cwd/x", "exe", "fd/0"])
def test_magic_links_of_proc_are_no_way_out(path: str) -> None:
    with pytest.raises(Denied):
        Workspace(Path("/proc/self")).read_bytes(path)


def test_a_file_of_proc_which_claims_to_be_empty_is_read_to_its_end() -> None:
    assert b"Name:" in Workspace(Path("/proc/self")).read_bytes("status")


@pytest.mark.parametrize("path", ["", ".", "./", "a", "a/", "a/.", "new/"])
def test_a_folder_is_no_file(laid: Path, path: str) -> None:
    with pytest.raises(InvalidCall, match="folder"):
        Workspace(laid).read_bytes(path)
    with pytest.raises(InvalidCall, match="folder"):
        Workspace(laid).apply(Change(path, None, b""))


@pytest.mark.parametrize("path", ["a.txt/b", "a.txt/b/c.txt"])
def test_a_file_is_no_folder(laid: Path, path: str) -> None:
    with pytest.raises(InvalidCall, match="not a folder"):
        Workspace(laid).read_bytes(path)
    with pytest.raises(InvalidCall, match="not a folder"):
        Workspace(laid).apply(Change(path, None, b"x"))
    with pytest.raises(InvalidCall, match="not a folder"):
        list(Workspace(laid).list_entries("a.txt"))


@pytest.mark.parametrize(
    "path", ["a\0b", "\0", "x" * 256, "é" * 200, "a/" + "y" * 300 + "/z", "\ud800"]
)
def test_a_name_that_no_file_can_have_is_refused(laid: Path, path: str) -> None:
    with pytest.raises(InvalidCall, match="cannot be"):
        Workspace(laid).read_bytes(path)
    with pytest.raises(InvalidCall, match="cannot be"):
        Workspace(laid).apply(Change(path, None, b"x"))


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the name of a socket is short
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


def make_device(path: Path) -> None:
    try:
        os.mknod(path, 0o20666, os.makedev(1, 5))  # zero
    except PermissionError:
        pytest.skip("making a device takes root")


@pytest.mark.parametrize("make", [make_pipe, make_socket, make_device])
def test_what_is_not_an_ordinary_file_is_left_alone_without_waiting(
    folder: Path, workspace: Workspace, make: Callable[[Path], None]
) -> None:
    make(folder / "it")
    assert [entry.kind for entry in workspace.list_entries()] == ["other"]
    for attempt in (
        lambda: workspace.read_bytes("it"),
        lambda: workspace.apply(Change("it", None, b"x")),
        lambda: workspace.apply(Change("it", b"", b"x")),
        lambda: workspace.apply(Change("it", b"", None)),
    ):
        with pytest.raises(InvalidCall, match="not an ordinary file"):
            attempt()
    assert os.listdir(folder) == ["it"]


@pytest.mark.parametrize("after", [b"new", None])
def test_a_file_with_a_second_name_is_read_but_not_changed(
    folder: Path, workspace: Workspace, after: bytes | None
) -> None:
    os.link(folder.parent / "outside" / "secret", folder / "hard")
    assert workspace.read_bytes("hard") == b"secret"
    with pytest.raises(Denied, match="hard link"):
        workspace.apply(Change("hard", b"secret", after))
    assert (folder / "hard").read_text() == "secret"


@pytest.mark.parametrize("after", [b"new", None])
def test_a_file_marked_as_read_only_is_not_changed(
    folder: Path, workspace: Workspace, after: bytes | None
) -> None:
    (folder / "a").write_text("a")
    (folder / "a").chmod(0o444)
    with pytest.raises(Denied, match="read-only"):
        workspace.apply(Change("a", b"a", after))
    assert (folder / "a").read_text() == "a"


def test_a_new_file_is_written_with_the_folders_it_needs(
    folder: Path, workspace: Workspace
) -> None:
    workspace.apply(Change("a/b/c.txt", None, b"x\r\n"))
    assert (folder / "a/b/c.txt").read_bytes() == b"x\r\n"
    assert os.listdir(folder / "a/b") == ["c.txt"]


@pytest.mark.parametrize("mode", [0o600, 0o755, 0o640])
def test_replacing_keeps_the_mode(folder: Path, workspace: Workspace, mode: int) -> None:
    (folder / "run.sh").write_text("old")
    (folder / "run.sh").chmod(mode)
    workspace.apply(Change("run.sh", b"old", b"new"))
    assert (folder / "run.sh").read_text() == "new"
    assert (folder / "run.sh").stat().st_mode & 0o777 == mode
    assert os.listdir(folder) == ["run.sh"]


def test_a_new_file_has_the_mode_that_the_user_gives_new_files(
    folder: Path, workspace: Workspace
) -> None:
    (folder / "theirs").touch()
    workspace.apply(Change("mine", None, b""))
    assert (folder / "mine").stat().st_mode == (folder / "theirs").stat().st_mode


def test_deleting_leaves_the_folder(folder: Path, workspace: Workspace) -> None:
    (folder / "a").mkdir()
    (folder / "a/b").write_text("b")
    workspace.apply(Change("a/b", b"b", None))
    assert os.listdir(folder / "a") == []


@pytest.mark.parametrize(
    ("there", "change"),
    [
        (b"other", Change("a", b"old", b"new")),
        (b"other", Change("a", None, b"new")),
        (b"other", Change("a", b"old", None)),
        (b"", Change("a", None, b"new")),
        (b"", Change("a", None, None)),
        (None, Change("a", b"old", b"new")),
        (None, Change("a", b"", None)),
        (None, Change("no/folder/a", b"old", b"new")),
    ],
)
def test_a_file_that_is_not_as_it_was_read_is_left_as_it_is(
    folder: Path, workspace: Workspace, there: bytes | None, change: Change
) -> None:
    if there is not None:
        (folder / "a").write_bytes(there)
    before = look_at(folder)
    with pytest.raises(Conflict):
        workspace.apply(change)
    assert look_at(folder) == before


def test_no_file_in_place_of_no_file_is_nothing_to_do(folder: Path, workspace: Workspace) -> None:
    workspace.apply(Change("a/b", None, None))
    assert os.listdir(folder) == []


@pytest.mark.parametrize("before", [b"old", None])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    folder: Path, workspace: Workspace, before: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if before is not None:
        (folder / "a").write_bytes(before)

    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        workspace.apply(Change("a", before, b"new"))
    assert workspace.find_content("a") == before
    assert len(os.listdir(folder)) == (before is not None)


def test_what_is_too_large_is_neither_read_nor_written(
    folder: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 10)
    (folder / "a").write_bytes(b"x" * 11)
    with pytest.raises(TooLarge, match="11"):
        workspace.read_bytes("a")
    with pytest.raises(TooLarge, match="11"):
        workspace.apply(Change("b", None, b"x" * 11))
    assert os.listdir(folder) == ["a"]


def test_a_file_with_a_huge_hole_is_refused_without_being_read(
    folder: Path, workspace: Workspace
) -> None:
    with open(folder / "hole", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(TooLarge):
        workspace.read_bytes("hole")


@contextmanager
def meanwhile(act: Callable[[], None]) -> Iterator[None]:
    """Do something over and over in another thread."""
    done = threading.Event()

    def repeat() -> None:
        while not done.is_set():
            act()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_a_folder_swapped_for_a_link_again_and_again_leads_nowhere(
    folder: Path, workspace: Workspace
) -> None:
    outside = folder.parent / "outside"
    (outside / "bait").touch()
    (folder / "a").mkdir()
    (folder / "a/secret").write_text("mine")
    (folder / "trap").symlink_to(outside)

    def swap() -> None:
        RENAME(-1, bytes(folder / "a"), -1, bytes(folder / "trap"), 2)  # exchanges them

    with meanwhile(swap):
        for number in range(300):
            with suppress(ActionError):
                assert workspace.read_bytes("a/secret") == b"mine"
            with suppress(ActionError):
                workspace.apply(Change(f"a/new{number}", None, b"x"))
            with suppress(ActionError):
                assert "a/bait" not in {entry.path for entry in workspace.list_entries("a")}
    assert sorted(os.listdir(outside)) == ["bait", "secret"]
    assert (outside / "secret").read_text() == "secret"


def test_a_file_swapped_for_a_link_again_and_again_is_not_followed(
    folder: Path, workspace: Workspace
) -> None:
    secret = folder.parent / "outside" / "secret"
    (folder / "trap").symlink_to(secret)
    (folder / "mine").write_text("mine")

    def swap() -> None:
        for name in ("trap", "mine"):
            os.link(folder / name, folder / "next", follow_symlinks=False)
            (folder / "next").rename(folder / "a")
            (folder / "next").unlink(missing_ok=True)

    with meanwhile(swap):
        for _ in range(300):
            with suppress(ActionError):
                assert workspace.read_bytes("a") == b"mine"
            with suppress(ActionError):
                workspace.apply(Change("a", b"secret", b"lost"))
    assert secret.read_text() == "secret"


def test_a_file_swapped_for_a_pipe_again_and_again_does_not_make_it_wait(
    folder: Path, workspace: Workspace
) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "mine").write_text("mine")

    def swap() -> None:
        for name in ("pipe", "mine"):
            os.link(folder / name, folder / "next")
            (folder / "next").rename(folder / "a")
            (folder / "next").unlink(missing_ok=True)

    with meanwhile(swap):
        for _ in range(300):
            with suppress(ActionError):
                assert workspace.read_bytes("a") == b"mine"


def test_of_two_that_count_in_one_file_none_overwrites_the_other(
    folder: Path, workspace: Workspace
) -> None:
    (folder / "count").write_bytes(b"0")
    counted: list[int] = []

    def count(times: int) -> None:
        mine = Workspace(folder)
        done = 0
        while done < times:
            with suppress(ActionError):
                before = mine.read_bytes("count")
                mine.apply(Change("count", before, b"%d" % (int(before) + 1)))
                done += 1
        counted.append(done)

    threads = [threading.Thread(target=count, args=(40,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert workspace.read_bytes("count") == b"%d" % sum(counted)
    assert os.listdir(folder) == ["count"]


def test_a_folder_that_another_program_has_locked_is_told_to_be_busy(
    folder: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beneath, "PAUSE_SECONDS", 0)
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(Transient, match="again"):
        workspace.apply(Change("a", None, b"x"))
    os.close(descriptor)
    workspace.apply(Change("a", None, b"x"))


NAMES = [
    "two\nlines.txt",
    "tab\tand\rreturn",
    "emoji 👩‍👩‍👧 🎉.md",
    "报告 2024.docx",
    unicodedata.normalize("NFC", "café.txt"),
    unicodedata.normalize("NFD", "café.txt"),
    "-rf",
    "*?[x].txt",
    " leading and trailing ",
    "back\\slash",
    "CON",
    "...",
    "\u202egnp.exe",
    "~",
    "$HOME",
    "%2e%2e",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_any_name_is_listed_read_replaced_and_deleted(
    folder: Path, workspace: Workspace, name: str
) -> None:
    path = f"in {name}/{name}"
    workspace.apply(Change(path, None, b"1"))
    assert (folder / path).read_bytes() == b"1"
    assert [entry.path for entry in workspace.list_entries(recursive=True)][-1] == path
    workspace.apply(Change(path, b"1", b"2"))
    assert workspace.read_bytes(path) == b"2"
    workspace.apply(Change(path, b"2", None))
    assert workspace.find_content(path) is None


@pytest.mark.parametrize(("there", "asked"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_name_is_found_however_its_accents_are_composed(
    folder: Path, workspace: Workspace, there: str, asked: str
) -> None:
    real = unicodedata.normalize(there, "été/Müller.txt")
    (folder / real).parent.mkdir()
    (folder / real).write_bytes(b"1")
    path = unicodedata.normalize(asked, "été/Müller.txt")
    assert workspace.read_bytes(path) == b"1"
    with pytest.raises(Conflict):
        workspace.apply(Change(path, None, b"2"))
    workspace.apply(Change(path, b"1", b"2"))
    assert (folder / real).read_bytes() == b"2"
    assert len(list(folder.rglob("*"))) == 2


def test_a_name_that_two_files_share_up_to_composition_is_not_guessed(
    folder: Path, workspace: Workspace
) -> None:
    for form in ("NFC", "NFD"):
        (folder / unicodedata.normalize(form, "Amélie é.txt")).write_text(form)
    assert workspace.read_bytes(unicodedata.normalize("NFC", "Amélie é.txt")) == b"NFC"
    assert workspace.read_bytes(unicodedata.normalize("NFD", "Amélie é.txt")) == b"NFD"
    with pytest.raises(NotFound):
        workspace.read_bytes("Ame\u0301lie é.txt")


def test_a_name_is_found_as_it_is_shown(folder: Path, workspace: Workspace) -> None:
    (folder / "two\nlines").write_bytes(b"1")
    (folder / os.fsdecode(b"old \xe9")).write_bytes(b"2")
    (folder / os.fsdecode(b"old \xe9 folder")).mkdir()
    (folder / os.fsdecode(b"old \xe9 folder/b")).write_bytes(b"3")
    assert workspace.read_bytes("two\\nlines") == b"1"
    listed = [entry.path for entry in workspace.list_entries(recursive=True)]
    assert "".join(listed).encode()
    assert [workspace.read_bytes(p) for p in listed if not p.endswith("folder")] == [
        b"2",
        b"1",
        b"3",
    ]


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        ("READ_ME.MD", "readme.txt"),
        ("READ_ME.MD", "read_me.md"),
        ("config/app.toml", "app.toml"),
        ("config/app.toml", "conf/app.toml"),
        ("数据/价格表.xlsx", "价格表.csv"),
        ("2024年报告.docx", "报告.docx"),
        ("sales_2023.csv", "sales2023.csv"),
        ("two\nlines.txt", "two lines.txt"),
    ],
)
def test_what_is_not_found_is_told_with_what_is_near(
    folder: Path, workspace: Workspace, there: str, asked: str
) -> None:
    for other in ("zebra.png", "notes/kiwi.py", there):
        workspace.apply(Change(other, None, b""))
    with pytest.raises(NotFound) as failure:
        workspace.read_bytes(asked)
    told = str(failure.value).partition("Similar: ")[2]
    assert told.startswith(there.replace("\n", "\\n"))
    assert "zebra" not in told
    assert len(str(failure.value).splitlines()) == 1


def test_where_nothing_is_near_it_is_told_what_there_is(folder: Path, workspace: Workspace) -> None:
    with pytest.raises(NotFound, match="empty"):
        workspace.read_bytes("x.csv")
    (folder / "zebra.png").touch()
    with pytest.raises(NotFound, match=r"zebra\.png"):
        workspace.read_bytes("x.csv")
    with pytest.raises(NotFound, match=r"zebra\.png"):
        list(workspace.list_entries("no/such/folder"))


def test_a_folder_without_an_end_of_depth_is_listed_and_read(
    folder: Path, workspace: Workspace
) -> None:
    path = "/".join(["folder-with-a-long-name"] * 300 + ["x"])  # more than the system takes at once
    workspace.apply(Change(path, None, b"deep"))
    assert workspace.read_bytes(path) == b"deep"
    assert [entry.path for entry in workspace.list_entries(recursive=True)][-1] == path


def test_a_huge_folder_is_looked_into_only_as_far_as_it_is_asked_for(
    folder: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(200):
        (folder / f"{number:03}").touch()
    looked_at = []
    stat = os.stat
    monkeypatch.setattr(os, "stat", lambda *a, **k: looked_at.append(a) or stat(*a, **k))
    entries = workspace.list_entries()
    assert [next(entries).path for _ in range(3)] == ["000", "001", "002"]
    assert len(looked_at) == 3


def test_folders_that_are_left_out_are_not_gone_into(laid: Path) -> None:
    seen = []
    for entry in Workspace(laid).list_entries(recursive=True, skip=lambda it: it.path == "a"):
        seen.append(entry.path)
    assert "a.txt" in seen
    assert not {"a", "a/b.txt"} & set(seen)


def test_a_workspace_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no folder"):
        Workspace(tmp_path / "none")


def test_a_workspace_leaves_no_descriptor_open(folder: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    used = Workspace(folder)
    used.apply(Change("a/b", None, b"x"))
    next(used.list_entries())
    with suppress(NotFound):
        used.read_bytes("none")
    del used
    assert set(os.listdir("/proc/self/fd")) <= before
