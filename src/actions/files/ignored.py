"""What a listing leaves out: what `.gitignore` files say, and what no person works on."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import ActionError
from ..workspace import TEMPORARY, Entry, Workspace

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

ALWAYS = frozenset(
    {
        ".git",
        ".hg",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        "__pycache__",
        "node_modules",
    }
)
"""Names left out whatever is said."""


def list_visible(
    workspace: Workspace, path: str = ".", *, recursive: bool = False
) -> Iterator[Entry]:
    """Yield the entries of a folder without those that are to be ignored. A folder that is
    itself to be ignored was named on purpose, and nothing in it is left out."""
    rules = _Rules(workspace)
    if rules.hide_folder(path):
        return workspace.list_entries(path, recursive=recursive)
    return workspace.list_entries(path, recursive=recursive, skip=rules.hide)


class _Rules:
    """The `.gitignore` files of a workspace, each read once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._specs: dict[str, GitIgnoreSpec] = {}

    def hide(self, entry: Entry) -> bool:
        """Return whether an entry is to be ignored; the folders that it is in are not."""
        folder, _, name = entry.path.rpartition("/")
        if name in ALWAYS or name.startswith(TEMPORARY):
            return True
        path = f"{entry.path}/" if entry.kind == "folder" else entry.path
        while True:
            below = path[len(folder) + 1 :] if folder else path
            verdict = self._find_spec(folder).check_file(below).include
            if verdict is not None or not folder:
                return bool(verdict)
            folder = folder.rpartition("/")[0]

    def hide_folder(self, path: str) -> bool:
        """Return whether a folder, or one that it is in, is to be ignored."""
        names = [name for name in path.split("/") if name not in ("", ".")]
        folders = ("/".join(names[: depth + 1]) for depth in range(len(names)))
        return any(self.hide(Entry(folder, "folder", 0)) for folder in folders)

    def _find_spec(self, folder: str) -> "GitIgnoreSpec":
        if folder not in self._specs:
            try:
                content = self._workspace.find_content(f"{folder}/.gitignore".lstrip("/"))
            except (ActionError, OSError):
                content = None
            self._specs[folder] = _parse(content or b"")
        return self._specs[folder]


def _parse(content: bytes) -> "GitIgnoreSpec":
    """Return the patterns of a `.gitignore` file; other lines are passed over, as by git."""
    from pathspec import GitIgnoreSpec

    lines = content.decode("utf-8-sig", "replace").splitlines()
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError:
        return GitIgnoreSpec.from_lines(line for line in lines if _is_pattern(line))


def _is_pattern(line: str) -> bool:
    from pathspec import GitIgnoreSpec

    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True
