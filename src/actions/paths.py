"""Paths in the workspace: how they are written, shown, and found when they are nearly right."""

import difflib
import os
import re
import unicodedata
from collections.abc import Iterable

from ..kb.decode import replace_surrogates
from ..language.messages import say
from .errors import Denied, InvalidCall

MAX_NEAR = 5
"""Most similar paths named."""
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters, line separators, and what makes a name look like another one."""
_PUNCTUATION = re.compile(r"[\W_]+")


def split_path(path: str) -> list[str]:
    """Return the names that a relative path consists of; none for the workspace itself.

    Raises:
        Denied: it is absolute, or has `..` in it.
        InvalidCall: no file can have this name.
    """
    if path.startswith("/"):
        raise Denied(say("act.files.absolute", path=show_path(path)))
    names = [name for name in path.split("/") if name not in ("", ".")]
    if ".." in names:
        raise Denied(say("act.files.dots", path=show_path(path)))
    try:
        raw = os.fsencode(path)
    except UnicodeEncodeError:
        raw = b"\0"
    if b"\0" in raw:
        raise InvalidCall(say("act.files.bad_name", path=show_path(path)))
    return names


def show_path(path: str) -> str:
    """Return a path on one line, as it can be written in a call."""
    return _UNSHOWABLE.sub(
        lambda found: found[0].encode("unicode_escape").decode(), replace_surrogates(path)
    )


def is_plain(path: str) -> bool:
    """Return whether a path is shown in one way only."""
    return path.isascii() and not {"\\", "?"} & set(path)


def find_name(folder: int, name: str) -> str | None:
    """Return the name that an open folder has for a name: the same, or the only one that is shown
    alike, be it composed differently (NFC, NFD), with a line break or not valid UTF-8."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        pass
    else:
        return name
    if is_plain(name):
        return None
    wanted = _compose(name)
    alike = [other for other in os.listdir(folder) if _compose(other) == wanted]
    return alike[0] if len(alike) == 1 else None


def find_near(path: str, others: Iterable[str]) -> list[str]:
    """Return paths that may be meant by a path, the most similar first."""
    wanted, stem = _fold(path)
    keys: dict[str, dict[str, None]] = {}
    for other in others:
        for key in _fold(other):
            keys.setdefault(key, {})[other] = None
    near = [
        *keys.get(wanted, ()),
        *keys.get(stem, ()),
        *(other for key in keys if len(stem) > 1 and stem in key for other in keys[key]),
        *(
            other
            for text in (wanted, stem)
            for key in difflib.get_close_matches(text, keys, MAX_NEAR, 0.6)
            for other in keys[key]
        ),
    ]
    return list(dict.fromkeys(near))[:MAX_NEAR]


def _compose(name: str) -> str:
    return unicodedata.normalize("NFC", show_path(name))


def _fold(path: str) -> tuple[str, str]:
    """Return a path's last name, and the same without its extension, as bare letters and digits."""
    name = unicodedata.normalize("NFKC", path.rpartition("/")[2]).casefold()
    return _PUNCTUATION.sub("", name), _PUNCTUATION.sub("", os.path.splitext(name)[0])
