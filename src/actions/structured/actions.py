"""Actions on single values in JSON, YAML, TOML and INI files: get, set, remove."""

import json
import os
from collections.abc import Callable
from typing import Any, NamedTuple

from pydantic import JsonValue

from ...language.messages import say
from ..catalogue import register
from ..errors import InvalidCall, NotFound, TooLarge
from ..files.text import TextFile, encode_edited, read_text
from ..libraries import need
from ..paths import show_path
from ..spec import Action, ActionContext, Data, ExistingFile, Outcome, Params
from ..workspace import Change
from .formats import ini, toml, yaml
from .formats import json as json_format
from .formats.keys import (
    Key,
    flatten,
    format_key,
    get_value,
    parse_key,
    read_value,
    remove_value,
    set_value,
    settle_key,
)

MAX_DATA_CHARS = 2_000_000
"""Longest file of data, in characters."""


class Format(NamedTuple):
    """How values of a kind of file are read and changed."""

    load: Callable[[str], Any]
    write: Callable[[str, Key, Any], str]
    remove: Callable[[str, Key], str]
    texts_only: bool = False
    """Whether all values are texts."""


_JSON = Format(json_format.load, json_format.write, json_format.remove)
_YAML = Format(yaml.load, yaml.write, yaml.remove)
_TOML = Format(toml.load, toml.write, toml.remove)
_INI = Format(ini.load, ini.write, ini.remove, texts_only=True)
FORMATS = {
    ".json": _JSON,
    ".geojson": _JSON,
    ".yaml": _YAML,
    ".yml": _YAML,
    ".toml": _TOML,
    ".ini": _INI,
    ".cfg": _INI,
    ".conf": _INI,
    ".env": _INI,
    ".properties": _INI,
}
"""Kinds of files by the ending of their name."""


class _File(NamedTuple):
    """A file of data that was read."""

    path: str
    raw: bytes
    file: TextFile
    format: Format
    data: Any


class GetValue(Params):
    """Which value to get."""

    path: ExistingFile
    """JSON, YAML, TOML or INI file."""
    key: str = ""
    """Where the value is, such as `server.port` or `users[0].name`; empty for all."""


class Value(Data):
    """A value in a file."""

    path: str
    key: str
    value: JsonValue

    def format_preview(self) -> str:
        return f"{self.key} = {json.dumps(self.value, ensure_ascii=False)}"


def get_file_value(params: GetValue, context: ActionContext) -> Outcome[Value]:
    """Get a value of a file."""
    file = _open(params.path, context)
    key = settle_key(file.data, parse_key(params.key))
    value = get_value(file.data, key)
    return Outcome(Value(path=params.path, key=format_key(key), value=value))


class SetValue(Params):
    """Which value to set."""

    path: ExistingFile
    """JSON, YAML, TOML or INI file."""
    key: str
    """Where the value is, such as `server.port` or `users[0].name`."""
    value: str
    """New value: a text, a number, true, false, null, or JSON."""


class ChangedValue(Data):
    """A value that is changed."""

    path: str
    key: str
    before: JsonValue
    """None if there was none."""
    after: JsonValue
    """None if it is removed."""

    def format_preview(self) -> str:
        before, after = (json.dumps(it, ensure_ascii=False) for it in (self.before, self.after))
        return f"{show_path(self.path)}: {self.key}: {before} → {after}"


def set_file_value(params: SetValue, context: ActionContext) -> Outcome[ChangedValue]:
    """Set a value of a file; missing tables are made."""
    file = _open(params.path, context)
    key = settle_key(file.data, parse_key(params.key))
    if not key:
        raise InvalidCall(say("act.values.whole"))
    before = _find_value(file.data, key)
    value = params.value if file.format.texts_only else read_value(params.value, before)
    goal = set_value(file.data, key, value)
    text = file.file.text if goal == file.data else file.format.write(file.file.text, key, value)
    return _change(file, key, text, goal, before, value)


class RemoveValue(Params):
    """Which value to remove."""

    path: ExistingFile
    """JSON, YAML, TOML or INI file."""
    key: str
    """Where the value is, such as `server.port` or `users[0]`."""


def remove_file_value(params: RemoveValue, context: ActionContext) -> Outcome[ChangedValue]:
    """Remove a value from a file."""
    file = _open(params.path, context)
    key = settle_key(file.data, parse_key(params.key))
    before = get_value(file.data, key)
    goal = remove_value(file.data, key)
    text = file.format.remove(file.file.text, key)
    return _change(file, key, text, goal, before, None)


def _open(path: str, context: ActionContext) -> _File:
    ending = os.path.splitext(f"x{os.path.basename(path)}")[1].casefold()
    raw, file = read_text(context.workspace, path)
    if ending not in FORMATS:
        known = ", ".join(FORMATS)
        raise InvalidCall(say("act.values.format", path=show_path(path), known=known))
    if len(file.text) > MAX_DATA_CHARS:
        raise TooLarge(say("act.values.too_long", path=show_path(path), limit=MAX_DATA_CHARS))
    kind = FORMATS[ending]
    try:
        data = flatten(kind.load(file.text))
    except (ValueError, RecursionError) as error:
        reason = str(error) or type(error).__name__
        raise InvalidCall(say("act.values.broken", path=show_path(path), reason=reason)) from error
    return _File(path, raw, file, kind, data)


def _find_value(data: Any, key: Key) -> Any:
    try:
        return get_value(data, key)
    except NotFound:
        return None


def _change(
    file: _File, key: Key, text: str, goal: Any, before: Any, after: Any
) -> Outcome[ChangedValue]:
    """Return a change of a file, if the new text holds what it is to hold and nothing else."""
    try:
        reached = flatten(file.format.load(text))
    except ValueError:
        reached = None
    if _describe(reached) != _describe(goal):
        raise InvalidCall(say("act.values.in_place"))
    content = encode_edited(file.raw, file.file, text, file.path)
    data = ChangedValue(path=file.path, key=format_key(key), before=before, after=after)
    changes = (Change(file.path, file.raw, content),) if content != file.raw else ()
    return Outcome(data, changes)


def _describe(data: Any) -> str:
    """Return data as a text by which 1, 1.0 and true differ."""
    return json.dumps(data, sort_keys=True)


_find_obstacle = need("jsonpointer", "ruamel.yaml", "tomlkit")

register(
    Action(
        name="value_get",
        suffixes=tuple(FORMATS),
        description={
            "en": "Get one value from a JSON, YAML, TOML or INI file",
            "zh": "读取 JSON、YAML、TOML 或 INI 文件中的一个值",
        },
        params=GetValue,
        data=Value,
        effect="read",
        run=get_file_value,
        find_obstacle=_find_obstacle,
    )
)
register(
    Action(
        name="value_set",
        suffixes=tuple(FORMATS),
        description={
            "en": "Set one value in a JSON, YAML, TOML or INI file, and keep the rest",
            "zh": "修改 JSON、YAML、TOML 或 INI 文件中的一个值，其余不变",
        },
        params=SetValue,
        data=ChangedValue,
        effect="write",
        run=set_file_value,
        find_obstacle=_find_obstacle,
    )
)
register(
    Action(
        name="value_remove",
        suffixes=tuple(FORMATS),
        description={
            "en": "Remove one value from a JSON, YAML, TOML or INI file",
            "zh": "从 JSON、YAML、TOML 或 INI 文件中删除一个值",
        },
        params=RemoveValue,
        data=ChangedValue,
        effect="write",
        run=remove_file_value,
        find_obstacle=_find_obstacle,
    )
)
