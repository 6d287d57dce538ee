"""Actions on files: list, read, search, write, edit, move, copy, delete."""

import difflib
import re
import stat
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from typing import Literal

from ...language.messages import say
from ...state import Contract
from ..catalogue import register
from ..errors import ActionError, Conflict, Denied, InvalidCall, NotFound, NothingFound, TooLarge
from ..libraries import need
from ..paths import show_path, split_path
from ..spec import (
    Action,
    ActionContext,
    Data,
    ExistingFile,
    ExistingFolder,
    ExistingPath,
    Outcome,
    Params,
)
from ..workspace import Change, StoredFile, Workspace
from .ignored import list_visible
from .text import TextFile, decode_text, encode_edited, find_actions, read_text

PAGE_ENTRIES = 200
"""Most entries listed at once."""
PAGE_CHARS = 10_000
"""Most characters read at once."""
MAX_MATCHES = 100
"""Most lines found by a search."""
MAX_SEARCHED_BYTES = 5 << 20
"""Largest file that is searched."""
MAX_LINE_CHARS = 200
"""Most characters shown of a line."""
MAX_FILES = 1_000
"""Most files that are moved, copied or deleted at once."""
MAX_TOTAL_BYTES = 256 << 20
"""Most bytes that are moved, copied or deleted at once."""
MAX_COMPARED_LINES = 20_000
"""Most lines among which the nearest one is looked for."""


class ListFiles(Params):
    """Which folder to list."""

    path: ExistingFolder = "."
    """Folder; `.` is the whole workspace."""
    recursive: bool = False
    """Also list the folders in it."""
    pattern: str = "*"
    """Only names like this, such as `*.csv`."""
    offset: int = 0
    """Number of entries to pass over."""


class ListedFile(Contract):
    """An entry of a listing."""

    path: str
    kind: Literal["file", "folder", "link", "other"]
    size: int
    """Bytes."""


class FileList(Data):
    """Entries of a folder."""

    entries: list[ListedFile]
    next_offset: int | None
    """Where to go on; None if all entries are listed."""

    def format_preview(self) -> str:
        lines = [_format_entry(entry) for entry in self.entries]
        if self.next_offset is not None:
            lines.insert(0, say("act.files.more_entries", offset=self.next_offset))
        return "\n".join(lines) or say("act.files.no_entries")


def _format_entry(entry: ListedFile) -> str:
    shown = show_path(entry.path)
    if entry.kind == "file":
        return say("act.files.entry", path=shown, size=entry.size)
    return f"{shown}/" if entry.kind == "folder" else f"{shown} ({entry.kind})"


def list_files(params: ListFiles, context: ActionContext) -> Outcome[FileList]:
    """List a folder, without what `.gitignore` leaves out."""
    _check_offset(params.offset)
    entries = list_visible(context.workspace, params.path, recursive=params.recursive)
    fitting = (entry for entry in entries if fnmatchcase(_name(entry.path), params.pattern))
    end = params.offset + PAGE_ENTRIES
    page = list(islice(fitting, params.offset, end + 1))
    listed = [ListedFile(**entry._asdict()) for entry in page[:PAGE_ENTRIES]]
    return Outcome(FileList(entries=listed, next_offset=end if len(page) > PAGE_ENTRIES else None))


class ReadFile(Params):
    """Which file to read, and from where on."""

    path: ExistingFile
    """File to read."""
    offset: int = 0
    """First character to read."""


class FileText(Data):
    """Text of a file, or a page of it."""

    path: str
    text: str
    offset: int
    """First character of the page."""
    left: int
    """Characters after the page."""

    def format_preview(self) -> str:
        if not self.offset and not self.left:
            return self.text or say("act.files.empty_file", path=show_path(self.path))
        end = self.offset + len(self.text)
        key = "act.files.page" if self.left else "act.files.last_page"
        where = say(key, path=show_path(self.path), begin=self.offset, end=end, left=self.left)
        return f"{where}\n{self.text}"


def read_file(params: ReadFile, context: ActionContext) -> Outcome[FileText]:
    """Read a page of a text file."""
    _check_offset(params.offset)
    text = read_text(context.workspace, params.path)[1].text
    if params.offset > len(text):
        raise InvalidCall(say("act.files.beyond", path=show_path(params.path), length=len(text)))
    page = text[params.offset : params.offset + PAGE_CHARS]
    left = len(text) - params.offset - len(page)
    return Outcome(FileText(path=params.path, text=page, offset=params.offset, left=left))


class SearchFiles(Params):
    """What to look for, and where."""

    path: ExistingPath = "."
    """Folder or file to search."""
    pattern: str = "*"
    """Only files with names like this, such as `*.py`."""
    ignore_case: bool = False
    """Take upper and lower case as the same."""
    text: str
    """Text to find, literally."""


class Match(Contract):
    """A line that holds the text."""

    path: str
    line: int
    text: str


class Matches(Data):
    """Lines that hold the text."""

    matches: list[Match]
    searched: int
    """Files searched."""
    complete: bool
    """Whether these are all."""

    def format_preview(self) -> str:
        lines = [f"{show_path(it.path)}:{it.line}: {it.text}" for it in self.matches]
        return "\n".join(lines if self.complete else [say("act.files.more_matches"), *lines])


def search_files(params: SearchFiles, context: ActionContext) -> Outcome[Matches]:
    """Find the lines that hold a text."""
    if not params.text.strip() or "\n" in params.text:
        raise InvalidCall(say("act.files.search_text"))
    found: list[Match] = []
    searched = 0
    for path in _list_searched(context.workspace, params):
        text = _find_text(context.workspace, path)
        searched += text is not None
        lines = _find_lines(text or "", params)
        found += [Match(path=path, line=number, text=line) for number, line in lines]
        if len(found) > MAX_MATCHES:
            break
    if not found:
        raise NothingFound(
            say("act.files.nothing_found", text=params.text[:MAX_LINE_CHARS], searched=searched)
        )
    complete = len(found) <= MAX_MATCHES
    return Outcome(Matches(matches=found[:MAX_MATCHES], searched=searched, complete=complete))


def _list_searched(workspace: Workspace, params: SearchFiles) -> Iterator[str]:
    if workspace.find_kind(params.path) == "file":
        read_text(workspace, params.path)  # tells why, if it is no text
        yield params.path
        return
    for entry in list_visible(workspace, params.path, recursive=True):
        fits = fnmatchcase(_name(entry.path), params.pattern)
        if fits and entry.kind == "file" and entry.size <= MAX_SEARCHED_BYTES:
            yield entry.path


def _find_text(workspace: Workspace, path: str) -> str | None:
    """Return the text of a file, or None if it is not text or cannot be read."""
    try:
        raw = workspace.read_bytes(path)
        if b"\0" in raw[:8192] and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            return None
        return decode_text(raw, path).text
    except (ActionError, OSError):
        return None


def _find_lines(text: str, params: SearchFiles) -> Iterator[tuple[int, str]]:
    """Yield the numbers of the lines that hold the text, and of each line what is about it."""
    wanted = params.text.casefold() if params.ignore_case else params.text
    whole = text.casefold() if params.ignore_case else text
    if wanted not in whole:
        return
    for number, line in enumerate(text.split("\n"), 1):
        place = (line.casefold() if params.ignore_case else line).find(wanted)
        if place >= 0:
            start = max(0, place - MAX_LINE_CHARS // 2)
            yield number, line[start : start + MAX_LINE_CHARS].strip()


class WriteFile(Params):
    """A file and its whole content."""

    path: str
    """File to write."""
    overwrite: bool = False
    """Replace the file if it exists."""
    content: str
    """The whole text of the file."""


class ChangedFiles(Data):
    """Files that are written, changed or deleted."""

    paths: list[str]

    def format_preview(self) -> str:
        return ", ".join(map(show_path, self.paths)) or say("act.files.unchanged")


def write_file(params: WriteFile, context: ActionContext) -> Outcome[ChangedFiles]:
    """Write a whole text file."""
    path = params.path
    reader, writer = find_actions(path)
    if reader:
        key = "act.files.write_with" if writer else "act.files.not_writable"
        raise InvalidCall(say(key, path=show_path(path), action=writer))
    before = context.workspace.find_content(path)
    if before is None:
        return _change([Change(path, None, _encode(params.content))])
    if not params.overwrite:
        raise Conflict(say("act.files.overwrite", path=show_path(path)))
    return _change([Change(path, before, _encode_like(before, params.content, path))])


def _encode(content: str) -> bytes:
    return content.encode(errors="replace")


def _encode_like(before: bytes, content: str, path: str) -> bytes:
    """Encode a text like the one that it replaces; in UTF-8 where that was none."""
    try:
        old = decode_text(before, path)
        if old.encode() != before:
            return _encode(content)
    except (InvalidCall, UnicodeEncodeError):
        return _encode(content)
    return encode_edited(before, old, content, path)


class EditFile(Params):
    """A text in a file, and what takes its place."""

    path: ExistingFile
    """File to edit."""
    old: str
    """Text to replace, exactly as it is in the file, and only there."""
    new: str
    """Text that takes its place."""


def edit_file(params: EditFile, context: ActionContext) -> Outcome[ChangedFiles]:
    """Replace a text that occurs once in a file."""
    if not params.old.strip():
        raise InvalidCall(say("act.files.blank_old"))
    raw, file = read_text(context.workspace, params.path)
    old, new = _fit_newlines(file, params.old), _fit_newlines(file, params.new)
    count = file.text.count(old)
    if count == 0:
        raise NotFound(_describe_nearest(file.text, old, params.path))
    if count > 1 or file.text.find(old) != file.text.rfind(old):
        raise InvalidCall(_describe_places(file.text, old, params.path))
    edited = encode_edited(raw, file, file.text.replace(old, new), params.path)
    return _change([Change(params.path, raw, edited)])


def _fit_newlines(file: TextFile, text: str) -> str:
    """Return a text with the ends of lines by which it is looked for in a file."""
    text = text.replace("\r\n", "\n")
    return text.replace("\n", "\r\n") if "\r\n" in file.text else text


def _describe_places(text: str, old: str, path: str) -> str:
    places = []
    place = text.find(old)
    while place >= 0:
        places.append(text.count("\n", 0, place) + 1)
        place = text.find(old, place + 1) if len(places) < MAX_MATCHES else -1
    lines = ", ".join(map(str, places[:10]))
    return say("act.files.old_not_unique", path=show_path(path), count=len(places), lines=lines)


def _describe_nearest(text: str, old: str, path: str) -> str:
    """Say which line is nearest to a text that is not in a file."""
    wanted = next(line.strip() for line in old.splitlines() if line.strip())
    lines = [line.strip() for line in text.split("\n")[:MAX_COMPARED_LINES]]
    near = difflib.get_close_matches(wanted, dict.fromkeys(filter(None, lines)), 1, 0.4)
    if not near:
        return say("act.files.old_not_found", path=show_path(path))
    number = lines.index(near[0])
    line = text.split("\n")[number].rstrip("\r")[:MAX_LINE_CHARS]
    return say("act.files.old_nearest", path=show_path(path), number=number + 1, line=line)


class MoveFile(Params):
    """A file or folder, and its new place."""

    path: ExistingPath
    """File or folder."""
    to: str
    """New path, or a folder to put it in."""
    overwrite: bool = False
    """Replace what is there."""


def move_file(params: MoveFile, context: ActionContext) -> Outcome[ChangedFiles]:
    """Move or rename a file, or all files of a folder."""
    writes, files = _plan_copies(params, context.workspace)
    deletes = [Change(path, file.content, None) for path, file in files.items()]
    return _change([*writes, *deletes])


def copy_file(params: MoveFile, context: ActionContext) -> Outcome[ChangedFiles]:
    """Copy a file, or all files of a folder."""
    return _change(_plan_copies(params, context.workspace)[0])


def _plan_copies(
    params: MoveFile, workspace: Workspace
) -> tuple[list[Change], dict[str, StoredFile]]:
    """Return the changes that write the copies, and what is copied."""
    path = _tidy(params.path)
    goal = "/".join(split_path(params.to))
    if params.to.endswith("/") or workspace.find_kind(params.to) == "folder":
        goal = f"{goal}/{_name(path)}".lstrip("/")
    if goal == path or goal.startswith(f"{path}/"):
        raise InvalidCall(say("act.files.onto_itself", path=show_path(path)))
    files = _read_all(workspace, path)
    changes = []
    for source, file in files.items():
        target = goal + source[len(path) :]
        before = workspace.find_content(target)
        if before is not None and not params.overwrite:
            raise Conflict(say("act.files.target_exists", path=show_path(target)))
        mode = file.mode | stat.S_IWUSR  # a copy may be edited, and undone
        changes.append(Change(target, before, file.content, mode))
    return changes, files


class DeleteFile(Params):
    """What to delete."""

    path: ExistingPath
    """File to delete."""
    folder: bool = False
    """Say true to delete a folder with all that is in it."""


def delete_file(params: DeleteFile, context: ActionContext) -> Outcome[ChangedFiles]:
    """Delete a file, or all files of a folder."""
    path = _tidy(params.path)
    if not params.folder and context.workspace.find_kind(path) == "folder":
        raise InvalidCall(say("act.files.delete_folder", path=show_path(path)))
    files = _read_all(context.workspace, path)
    return _change([Change(each, file.content, None) for each, file in files.items()])


def _read_all(workspace: Workspace, path: str) -> dict[str, StoredFile]:
    """Return a file by its path, or all files of a folder by theirs."""
    if workspace.find_kind(path) != "folder":
        return {path: workspace.read_file(path)}
    files = _list_files(workspace, path)
    if not files:
        raise InvalidCall(say("act.files.no_files", path=show_path(path)))
    # The folder stays as the caller wrote it, which may be composed differently.
    depth = path.count("/") + 1
    return {"/".join([path, *each.split("/")[depth:]]): workspace.read_file(each) for each in files}


def _list_files(workspace: Workspace, path: str) -> list[str]:
    """Return the paths of all files of a folder, which must have nothing but files in it."""
    files = []
    total = 0
    for entry in workspace.list_entries(path, recursive=True):
        if entry.kind in ("link", "other"):
            key = "act.files.link" if entry.kind == "link" else "act.files.is_special"
            raise Denied(say(key, path=show_path(entry.path)))
        if entry.kind == "file":
            files.append(entry.path)
            total += entry.size
        if len(files) > MAX_FILES or total > MAX_TOTAL_BYTES:
            megabytes = MAX_TOTAL_BYTES >> 20
            raise TooLarge(say("act.files.too_many", count=MAX_FILES, megabytes=megabytes))
    return files


def _tidy(path: str) -> str:
    """Return a path without what means nothing in it.

    Raises:
        InvalidCall: it is the workspace itself.
    """
    names = split_path(path)
    if not names:
        raise InvalidCall(say("act.files.whole_workspace"))
    return "/".join(names)


def _change(changes: Sequence[Change]) -> Outcome[ChangedFiles]:
    real = tuple(change for change in changes if change.before != change.after)
    return Outcome(ChangedFiles(paths=[change.path for change in real]), real)


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _check_offset(offset: int) -> None:
    if offset < 0:
        raise InvalidCall(say("act.files.negative"))


register(
    Action(
        name="file_list",
        description={
            "en": "List the files and folders in a folder",
            "zh": "列出文件夹中的文件和子文件夹",
        },
        params=ListFiles,
        data=FileList,
        effect="read",
        run=list_files,
        find_obstacle=need("pathspec"),
        asked_for=re.compile(
            r"\blist(?:ing)?\b|\b(?:how many|which|what|all)\b[^.?!]{0,20}\b(?:files|folders)\b"
            r"|列出|(?:哪些|几个|多少个?|所有)[^，。？]{0,8}(?:文件|目录)|清单|文件名",
            re.IGNORECASE,
        ),
    )
)
register(
    Action(
        name="file_read",
        description={"en": "Read a text file.", "zh": "读取文本文件的内容。"},
        params=ReadFile,
        data=FileText,
        effect="read",
        run=read_file,
    )
)
register(
    Action(
        name="file_search",
        description={
            "en": "Find the lines in files that contain a text",
            "zh": "在文件中查找包含某段文字的行",
        },
        params=SearchFiles,
        data=Matches,
        effect="read",
        run=search_files,
        find_obstacle=need("pathspec"),
    )
)
register(
    Action(
        name="file_write",
        description={
            "en": "Create a new text file with the whole content, or replace one",
            "zh": "新建文本文件并写入全部内容，或整个替换",
        },
        params=WriteFile,
        data=ChangedFiles,
        effect="write",
        run=write_file,
    )
)
register(
    Action(
        name="file_edit",
        description={
            "en": "Replace one piece of text in a text file, and keep the rest",
            "zh": "替换文本文件中的一处文字，其余不变",
        },
        params=EditFile,
        data=ChangedFiles,
        effect="write",
        run=edit_file,
    )
)
register(
    Action(
        name="file_move",
        description={
            "en": "Move or rename a file or folder",
            "zh": "移动或重命名文件或文件夹",
        },
        asked_for=re.compile(r"\b(?:mov|renam)(?:e|ing)\b|移动|移到|重命名|改名", re.IGNORECASE),
        params=MoveFile,
        data=ChangedFiles,
        effect="write",
        run=move_file,
    )
)
register(
    Action(
        name="file_copy",
        description={"en": "Copy a file or folder.", "zh": "复制文件或文件夹。"},
        asked_for=re.compile(r"\b(?:copy|copies|duplicate)\b|复制|拷贝|备份", re.IGNORECASE),
        params=MoveFile,
        data=ChangedFiles,
        effect="write",
        run=copy_file,
    )
)
register(
    Action(
        name="file_delete",
        description={"en": "Delete a file or a folder.", "zh": "删除文件或文件夹。"},
        asked_for=re.compile(
            r"\b(?:delet|remov|eras|purg)(?:e|ing)\b|\b(?:clean|clear|tidy|get rid|throw|trash)\b"
            r"|删|移除|清除|清理|清空|去掉|丢掉|扔掉",
            re.IGNORECASE,
        ),
        params=DeleteFile,
        data=ChangedFiles,
        effect="delete",
        run=delete_file,
    )
)
