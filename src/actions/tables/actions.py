"""Tables: CSV, JSON, sheets and Parquet files of the workspace, by SQL."""

import json
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from pydantic import Field

from ...language.messages import say, use_language
from ..catalogue import register
from ..confined.run import run_confined
from ..errors import InvalidCall
from ..libraries import need
from ..spec import Action, ActionContext, Data, ExistingFile, Outcome, Params
from ..workspace import Change, Workspace
from .load import SUFFIXES, TABLE_SUFFIXES, quote
from .run import READERS
from .write import WRITERS

QUERY_SECONDS = 25.0
"""Time of a query, with loading its files."""
_FIRST_ROWS = 5
_MOST_FILES = 5000
_MOST_SQL = 10_000
_PREVIEW = 560
_MOST_NAMED = 12
_PARSER: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "threads": 1,
}


class TableDescribeParams(Params):
    path: ExistingFile
    """File; `#` and a name after it for another sheet than the first."""


class TableQueryParams(Params):
    sql: str
    """One SELECT; a file is a table, with its path in double quotes."""


class TableSaveParams(Params):
    path: str
    """File to write: .csv, .json or .xlsx."""
    sql: str
    """One SELECT; a file is a table, with its path in double quotes."""


class TableData(Data):
    """A table, or the result of a query."""

    columns: list[str]
    types: list[str]
    rows: list[dict[str, Any]]
    """The first rows."""
    row_count: int
    sheets: list[str] = Field(default_factory=list)
    """Names of all sheets, if the file has several."""

    def format_preview(self) -> str:
        head = say("act.tables.rows", count=self.row_count)
        names = " | ".join(
            f"{name} {kind}" for name, kind in zip(self.columns, self.types, strict=True)
        )
        lines = [head, names]
        if len(self.sheets) > 1:
            lines.append(say("act.tables.sheets", names=", ".join(self.sheets)))
        room = _PREVIEW - sum(map(len, lines))
        shown = list(_fit_rows(self.rows, room))
        left_out = self.row_count - len(shown)
        more = [say("act.tables.more_rows", count=left_out)] if left_out else []
        return "\n".join([*lines, *shown, *more])


class TableSaveData(Data):
    path: str
    columns: list[str]
    row_count: int

    def format_preview(self) -> str:
        columns = ", ".join(self.columns)[:300]
        return say("act.tables.saved", path=self.path, count=self.row_count, columns=columns)


def _fit_rows(rows: Sequence[dict[str, Any]], room: int) -> Iterator[str]:
    for number, row in enumerate(rows):
        line = " | ".join(map(_format_cell, row.values()))
        room -= len(line) + 1
        if room < 0 and number:
            return
        yield line if len(line) <= _PREVIEW else line[:_PREVIEW] + "…"


def _format_cell(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else " ".join(str(value).split())


def describe_table(params: TableDescribeParams, context: ActionContext) -> Outcome[TableData]:
    """Read a file's columns, types, number of rows and first rows."""
    with use_language(context.language):
        path, _, sheet = params.path.partition("#")
        if not path.lower().endswith(SUFFIXES):
            context.workspace.read_bytes(path)  # raises what is the matter if there is none
            raise InvalidCall(say("act.tables.no_table", path=path, known=", ".join(SUFFIXES)))
        raw = context.workspace.read_bytes(path)
        source = {"path": path, "sheet": sheet, "names": [["t"]]}
        data = _run("SELECT * FROM t", [source], [raw], [], rows=_FIRST_ROWS)[0]
        return Outcome(TableData.model_validate(data))


def query_tables(params: TableQueryParams, context: ActionContext) -> Outcome[TableData]:
    """Run a SELECT over files of the workspace."""
    with use_language(context.language):
        return Outcome(TableData.model_validate(_query(params.sql, context.workspace)[0]))


def save_table(params: TableSaveParams, context: ActionContext) -> Outcome[TableSaveData]:
    """Ask for a file with the rows of a SELECT."""
    with use_language(context.language):
        suffix = os.path.splitext(params.path.lower())[1]
        if suffix not in WRITERS:
            known = ", ".join(WRITERS)
            raise InvalidCall(say("act.tables.save_as", path=params.path, known=known))
        before = context.workspace.find_content(params.path)
        data, content = _query(params.sql, context.workspace, save=suffix)
        found = TableSaveData(path=params.path, **data)
        return Outcome(found, (Change(params.path, before, content),))


def _query(sql: str, workspace: Workspace, save: str = "") -> tuple[dict[str, Any], bytes]:
    """Find the files that a SELECT names, and run it over them."""
    files = _list_tables(workspace)
    sources: dict[tuple[str, str], dict[str, Any]] = {}
    for names in _find_tables(sql):
        if found := _find_file(".".join(names), files, workspace):
            path, sheet = found
            source = {"path": path, "sheet": sheet, "names": []}
            sources.setdefault(found, source)["names"].append(names)
    blobs = [workspace.read_bytes(path) for path, _ in sources]
    return _run(sql, list(sources.values()), blobs, files, save=save)


def _run(
    sql: str,
    sources: list[dict[str, Any]],
    blobs: list[bytes],
    files: Sequence[str],
    *,
    save: str = "",
    rows: int = 200,
) -> tuple[dict[str, Any], bytes]:
    request = {
        "sql": sql,
        "sources": sources,
        "files": files[:_MOST_NAMED],
        "save": save,
        "rows": rows,
    }
    return run_confined(
        "concertino.actions.tables.run:query", request, blobs, seconds=QUERY_SECONDS
    )


def _list_tables(workspace: Workspace) -> list[str]:
    entries = islice(workspace.list_entries(recursive=True), _MOST_FILES)
    return [
        entry.path
        for entry in entries
        if entry.kind == "file" and entry.path.lower().endswith(SUFFIXES)
    ]


def _find_tables(sql: str) -> list[list[str]]:
    """Return the names of the tables in a query, each once, as DuckDB's own parser sees them.

    Raises:
        InvalidCall: it is not one SELECT.
    """
    import duckdb

    if len(sql) > _MOST_SQL:
        raise InvalidCall(say("act.tables.long_sql", most=_MOST_SQL))
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        reason = str(error).split("\n\nLINE")[0].strip()[:400]
        raise InvalidCall(say("act.tables.syntax", reason=reason)) from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise InvalidCall(say("act.tables.only_select"))
    with duckdb.connect(":memory:", config=_PARSER) as db:
        tree = db.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()[0][0]
    return [list(name) for name in dict.fromkeys(_read_names(json.loads(tree)))]


def _read_names(tree: Any) -> Iterator[tuple[str, ...]]:
    """Yield the parts of each table's name in a parsed query, `read_csv('a.csv')` included."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            waiting += node.values()
            if node.get("type") == "BASE_TABLE":
                parts = (node["catalog_name"], node["schema_name"], node["table_name"])
                yield tuple(filter(None, parts))
            elif node.get("type") == "TABLE_FUNCTION" and (path := _read_path(node)):
                yield (path,)


def _read_path(node: dict[str, Any]) -> str | None:
    """Return the path that a reader such as `read_csv` is given."""
    function = node["function"]
    arguments = [part["expression"].get("literal", {}) for part in function.get("arguments", ())]
    is_reader = function["function_name"] in READERS and arguments
    return arguments[0].get("text") if is_reader else None


def _find_file(name: str, files: Sequence[str], workspace: Workspace) -> tuple[str, str] | None:
    """Return the file and the sheet that a table's name means; None if it may be something else,
    such as a query's own WITH.

    Raises:
        InvalidCall: several files have that name.
        NotFound: it is a file's name, and there is none.
    """
    path, _, sheet = name.partition("#")
    for shorten in (_keep, os.path.basename, _drop_suffix, _find_stem):
        found = [file for file in files if shorten(file) == path]
        found = found or [file for file in files if shorten(file).casefold() == path.casefold()]
        if len(found) > 1:
            known = ", ".join(quote(file) for file in found[:_MOST_NAMED])
            raise InvalidCall(say("act.tables.ambiguous", name=path, known=known))
        if found:
            return found[0], sheet
    if path.lower().endswith(SUFFIXES):
        workspace.read_bytes(path)  # raises, naming what is near
        return path, sheet
    return None


def _keep(path: str) -> str:
    return path


def _drop_suffix(path: str) -> str:
    return os.path.splitext(path)[0]


def _find_stem(path: str) -> str:
    return _drop_suffix(os.path.basename(path))


register(
    Action(
        name="table_describe",
        description={
            "en": "Show a table file's columns, types, number of rows and first rows",
            "zh": "查看表格文件的列名、类型、行数和前几行",
        },
        params=TableDescribeParams,
        data=TableData,
        effect="read",
        run=describe_table,
        suffixes=TABLE_SUFFIXES,
        find_obstacle=need("duckdb", "python_calamine"),
    )
)
register(
    Action(
        name="table_query",
        description={
            "en": "Compute from table files (csv, xlsx, json) with SQL: filter, sum, count, join",
            "zh": "用 SQL 对表格文件（csv、xlsx、json）做筛选、求和、计数、合并",
        },
        params=TableQueryParams,
        data=TableData,
        effect="read",
        run=query_tables,
        suffixes=TABLE_SUFFIXES,
        find_obstacle=need("duckdb", "python_calamine"),
    )
)
register(
    Action(
        name="table_save",
        description={
            "en": "Save the rows of a SQL query over table files as csv, json or xlsx",
            "zh": "把对表格文件的 SQL 查询结果保存为 csv、json 或 xlsx",
        },
        params=TableSaveParams,
        data=TableSaveData,
        effect="write",
        run=save_table,
        suffixes=TABLE_SUFFIXES,
        find_obstacle=need("duckdb", "python_calamine", "xlsxwriter"),
    )
)
