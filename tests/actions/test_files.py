import codecs
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from concertino.actions.catalogue import ACTIONS
from concertino.actions.errors import Conflict, Denied, InvalidCall, NotFound, NothingFound
from concertino.actions.files import actions as files
from concertino.actions.spec import ActionContext, Outcome
from concertino.actions.workspace import Workspace
from hypothesis import given
from hypothesis import strategies as st


def call(context: ActionContext, name: str, **params: Any) -> Outcome[Any]:
    """What an action finds and asks for."""
    action = ACTIONS[name]
    outcome = action.run(action.params(**params), context)
    assert isinstance(outcome, Outcome)
    return outcome


def do(context: ActionContext, name: str, **params: Any) -> Any:
    """Let an action change what it asks for, and return its data."""
    outcome = call(context, name, **params)
    for change in outcome.changes:
        context.workspace.apply(change)
    return outcome.data


def lay(folder: Path, contents: dict[str, str | bytes]) -> None:
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def paths(data: Any) -> list[str]:
    return [entry.path for entry in data.entries]


@pytest.mark.parametrize("name", [name for name in ACTIONS if name.startswith("file_")])
def test_an_action_is_described_in_one_line_of_each_language(name: str) -> None:
    action = ACTIONS[name]
    assert action.description.keys() == {"en", "zh"}
    assert all(len(text) < 80 and "\n" not in text for text in action.description.values())
    assert all(field.description for field in action.params.model_fields.values())


def test_a_listing_leaves_out_what_is_to_be_ignored(folder: Path, context: ActionContext) -> None:
    lay(folder, {"a": "", "b.log": "", "c/d.log": "", "c/keep.log": "", "e/f": "", "g/e/f": ""})
    lay(folder, {".gitignore": "*.log\n/e/\n!\n", "c/.gitignore": "!keep.log\n"})
    lay(folder, {".git/HEAD": "", "node_modules/x": "", "g/__pycache__/y": ""})
    data = call(context, "file_list", recursive=True).data
    assert paths(data) == [
        ".gitignore",
        "a",
        "c",
        "g",
        "c/.gitignore",
        "c/keep.log",
        "g/e",
        "g/e/f",
    ]


@pytest.mark.parametrize("path", [".git", "./.git/", "build", "build/deep"])
def test_a_folder_that_is_named_is_listed_though_it_is_ignored(
    folder: Path, context: ActionContext, path: str
) -> None:
    lay(folder, {".gitignore": "build/\n*.log", ".git/x": "", "build/x": "", "build/deep/x": ""})
    assert any(found.endswith("/x") for found in paths(call(context, "file_list", path=path).data))


def test_a_pattern_picks_names(folder: Path, context: ActionContext) -> None:
    lay(folder, {"a.csv": "", "b.txt": "", "c/d.csv": ""})
    data = call(context, "file_list", recursive=True, pattern="*.csv").data
    assert paths(data) == ["a.csv", "c/d.csv"]


def test_a_long_listing_comes_in_pages(
    folder: Path, context: ActionContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PAGE_ENTRIES", 2)
    lay(folder, {"a": "", "b": "", "c": ""})
    first = call(context, "file_list").data
    assert (paths(first), first.next_offset) == (["a", "b"], 2)
    assert "offset=2" in first.format_preview()
    rest = call(context, "file_list", offset=2).data
    assert (paths(rest), rest.next_offset) == (["c"], None)


def test_a_listing_shows_each_entry_on_one_line(folder: Path, context: ActionContext) -> None:
    (folder / "two\nlines").write_text("abc")
    (folder / "sub").mkdir()
    (folder / "link").symlink_to("sub")
    lines = call(context, "file_list").data.format_preview().splitlines()
    assert lines == ["link (link)", "sub/", "two\\nlines (3 bytes)"]


def test_a_long_text_is_read_in_pages_that_join_to_the_whole(
    folder: Path, context: ActionContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PAGE_CHARS", 4)
    lay(folder, {"a": "一二三四五🎉七八九"})
    pages = [call(context, "file_read", path="a", offset=offset).data for offset in (0, 4, 8)]
    assert [page.text for page in pages] == ["一二三四", "五🎉七八", "九"]
    assert [page.left for page in pages] == [5, 1, 0]
    assert "offset=4" in pages[0].format_preview()
    with pytest.raises(InvalidCall, match="9 characters"):
        call(context, "file_read", path="a", offset=10)
    with pytest.raises(InvalidCall, match="negative"):
        call(context, "file_read", path="a", offset=-1)


def test_a_text_is_found_with_its_lines(folder: Path, context: ActionContext) -> None:
    lay(folder, {"a": "one\nTwo port\n", "b/c": "port = 1\r\n端口 port\r\n", "d": b"\x89PNG\0port"})
    lay(folder, {".gitignore": "e", "e": "port"})
    found = call(context, "file_search", text="port").data
    assert [(it.path, it.line, it.text) for it in found.matches] == [
        ("a", 2, "Two port"),
        ("b/c", 1, "port = 1"),
        ("b/c", 2, "端口 port"),
    ]
    assert found.complete
    assert [it.path for it in call(context, "file_search", text="port", path="e").data.matches]


def test_upper_case_is_another_text_unless_it_is_to_be_ignored(
    folder: Path, context: ActionContext
) -> None:
    lay(folder, {"a": "PORT. Straße"})
    with pytest.raises(NothingFound, match="ignore_case"):
        call(context, "file_search", text="port")
    for text in ("port", "STRASSE"):
        found = call(context, "file_search", text=text, ignore_case=True).data
        assert found.matches[0].text == "PORT. Straße"
    with pytest.raises(NothingFound):
        call(context, "file_search", text="P.RT")


def test_a_search_ends_when_it_has_found_enough(
    folder: Path, context: ActionContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_MATCHES", 3)
    lay(folder, {"a": "x\n" * 10})
    found = call(context, "file_search", text="x").data
    assert len(found.matches) == 3
    assert not found.complete


@pytest.mark.parametrize("text", ["", "  ", "a\nb"])
def test_what_cannot_be_searched_for_is_told(context: ActionContext, text: str) -> None:
    with pytest.raises(InvalidCall):
        call(context, "file_search", text=text)


def test_an_action_writes_nothing_by_itself(folder: Path, context: ActionContext) -> None:
    lay(folder, {"a": "x"})
    call(context, "file_write", path="new", content="x")
    call(context, "file_edit", path="a", old="x", new="y")
    call(context, "file_move", path="a", to="b")
    call(context, "file_delete", path="a")
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("a", "x")]


def test_a_file_is_replaced_only_if_that_is_said(folder: Path, context: ActionContext) -> None:
    do(context, "file_write", path="in/a.md", content="# 一\n")
    assert (folder / "in/a.md").read_text() == "# 一\n"
    with pytest.raises(Conflict, match="file_edit"):
        do(context, "file_write", path="in/a.md", content="x")
    do(context, "file_write", path="in/a.md", content="x", overwrite=True)
    assert (folder / "in/a.md").read_text() == "x"
    assert not call(context, "file_write", path="in/a.md", content="x", overwrite=True).changes


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (codecs.BOM_UTF8 + b"a\r\nb\r\n", codecs.BOM_UTF8 + "一\r\n二\r\n".encode()),
        ("一二三四\n".encode("utf-16"), "一\n二\n".encode("utf-16")),
        ("端口是八千零八十\r\n".encode("gb18030"), "一\r\n二\r\n".encode("gb18030")),
        (b"\0\1\2", "一\n二\n".encode()),
    ],
)
def test_a_text_that_is_replaced_is_written_down_as_it_was(
    folder: Path, context: ActionContext, before: bytes, after: bytes
) -> None:
    lay(folder, {"a": before})
    do(context, "file_write", path="a", content="一\n二\n", overwrite=True)
    assert (folder / "a").read_bytes() == after


@pytest.mark.parametrize(
    ("path", "told"),
    [("a.docx", "document_write"), ("a.XLSX", "sheet_set"), ("a.pdf", ".md")],
)
def test_text_is_not_written_into_what_is_no_text(
    context: ActionContext, path: str, told: str
) -> None:
    with pytest.raises(InvalidCall, match=told):
        call(context, "file_write", path=path, content="x")


@pytest.mark.parametrize(
    ("old", "error", "told"),
    [
        ("port = 80", InvalidCall, "2 times .*lines 2, 4"),
        ("a = a", InvalidCall, "occurs 2 times"),
        ("port: 8080", NotFound, r"line 2: port = 8080"),
        ("port  =  8080", NotFound, r"line 2: port = 8080"),
        ("zzzz", NotFound, "file_read"),
        ("", InvalidCall, "blank"),
        (" \n", InvalidCall, "blank"),
    ],
)
def test_an_edit_that_does_not_fit_tells_what_there_is(
    folder: Path, context: ActionContext, old: str, error: type[Exception], told: str
) -> None:
    lay(folder, {"a": "[server]\nport = 8080\n[b]\nport = 8081\na = a = a\n"})
    with pytest.raises(error, match=told):
        call(context, "file_edit", path="a", old=old, new="x")


def test_an_edit_finds_lines_whatever_their_ends_are(folder: Path, context: ActionContext) -> None:
    lay(folder, {"a": "one\r\ntwo\r\nthree\r\n", "b": "one\r\ntwo\r\nthree\n"})
    for path in ("a", "b"):
        do(context, "file_edit", path=path, old="one\ntwo", new="1\n2")
    assert (folder / "a").read_bytes() == b"1\r\n2\r\nthree\r\n"
    assert (folder / "b").read_bytes() == b"1\r\n2\r\nthree\n"


@given(
    st.text("abc \n一é🎉", max_size=30),
    st.text("abc \n一é🎉", max_size=30),
    st.text("abc \n一é🎉", max_size=10),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_an_edit_keeps_all_other_bytes(
    tmp_path_factory: pytest.TempPathFactory,
    before: str,
    after: str,
    new: str,
    encoding: str,
    newline: str,
) -> None:
    folder = tmp_path_factory.mktemp("work")
    marked = f"{before}<HERE>{after}".replace("\n", newline)
    (folder / "a").write_bytes(marked.encode(encoding))
    mine = ActionContext(Workspace(folder), "en")
    do(mine, "file_edit", path="a", old="<HERE>", new=new)
    ends = "\r\n" if newline in marked and newline == "\r\n" else "\n"
    expected = marked.replace("<HERE>", new.replace("\n", ends))
    assert (folder / "a").read_bytes() == expected.encode(encoding)


@pytest.mark.parametrize(
    ("path", "to", "there"),
    [
        ("a.txt", "b.txt", "b.txt"),
        ("a.txt", "in/b.txt", "in/b.txt"),
        ("a.txt", "sub", "sub/a.txt"),
        ("a.txt", "new/", "new/a.txt"),
        ("./sub//x.bin", ".", "x.bin"),
        ("sub", "other", "other/x.bin"),
        ("sub/", "deep/other", "deep/other/x.bin"),
    ],
)
@pytest.mark.parametrize("name", ["file_move", "file_copy"])
def test_files_and_folders_go_to_a_new_path_or_into_a_folder(
    folder: Path, context: ActionContext, name: str, path: str, to: str, there: str
) -> None:
    lay(folder, {"a.txt": "a", "sub/x.bin": b"\0\xff"})
    content = (folder / (path if "." in path else "sub/x.bin")).read_bytes()
    do(context, name, path=path, to=to)
    assert (folder / there).read_bytes() == content
    assert len([each for each in folder.rglob("*") if each.is_file()]) == 2 + (name == "file_copy")


def test_what_is_there_is_not_overwritten_by_a_move(folder: Path, context: ActionContext) -> None:
    lay(folder, {"a": "a", "b": "b"})
    with pytest.raises(Conflict, match="overwrite=true"):
        call(context, "file_move", path="a", to="b")
    do(context, "file_move", path="a", to="b", overwrite=True)
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("b", "a")]


@pytest.mark.parametrize(
    ("path", "to"), [("a", "a"), ("a", "./a"), ("sub", "sub/in"), ("sub", ".")]
)
def test_nothing_is_moved_onto_or_into_itself(
    folder: Path, context: ActionContext, path: str, to: str
) -> None:
    lay(folder, {"a": "a", "sub/x": "x"})
    with pytest.raises(InvalidCall, match="own place"):
        call(context, "file_move", path=path, to=to)


def test_a_folder_is_deleted_only_if_that_is_said(folder: Path, context: ActionContext) -> None:
    lay(folder, {"a/b": "1", "a/c/d": "2", "a/.git/x": "3", "e": ""})
    with pytest.raises(InvalidCall, match="folder=true"):
        call(context, "file_delete", path="a")
    outcome = call(context, "file_delete", path="a/", folder=True)
    assert {change.path for change in outcome.changes} == {"a/b", "a/c/d", "a/.git/x"}
    do(context, "file_delete", path="a", folder=True)
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["e"]
    with pytest.raises(InvalidCall, match="no files"):
        call(context, "file_delete", path="a", folder=True)


@pytest.mark.parametrize("path", [".", "", "./"])
def test_the_whole_workspace_is_not_deleted(
    folder: Path, context: ActionContext, path: str
) -> None:
    lay(folder, {"a": ""})
    with pytest.raises(InvalidCall, match="whole workspace"):
        call(context, "file_delete", path=path, folder=True)


def test_a_folder_with_a_link_in_it_is_left_alone(folder: Path, context: ActionContext) -> None:
    lay(folder, {"a/b": "1"})
    (folder / "a/link").symlink_to("../../outside")
    for name, rest in (("file_delete", {"folder": True}), ("file_move", {"to": "c"})):
        with pytest.raises(Denied, match="a/link is a link"):
            call(context, name, path="a", **rest)


def test_a_folder_of_composed_names_is_moved_whole(folder: Path, context: ActionContext) -> None:
    real = unicodedata.normalize("NFD", "été")
    (folder / real).mkdir()
    (folder / real / "é.txt").write_text("x")
    do(context, "file_move", path=unicodedata.normalize("NFC", "été"), to="summer")
    assert os.listdir(folder / "summer") == ["é.txt"]
    assert os.listdir(folder / real) == []


def test_too_many_files_at_once_are_refused(
    folder: Path, context: ActionContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_FILES", 2)
    lay(folder, {"a/b": "", "a/c": "", "a/d": ""})
    with pytest.raises(files.TooLarge, match="more than 2 files"):
        call(context, "file_delete", path="a", folder=True)
