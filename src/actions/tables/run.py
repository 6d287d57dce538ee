"""SQL over loaded tables, in the confined process."""

import itertools
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ...language.messages import say
from ..errors import ActionError, InvalidCall, NotFound, TooLarge
from .load import load_table, quote
from .write import WRITERS, simplify

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MEMORY = "512MB"
_MOST_ROWS = 200
_MOST_CHARACTERS = 40_000
_CELL_CHARACTERS = 2_000
_COUNTED = 1_000_000
_SAVED = 2_000_000
_SHOWN_COLUMNS = 30

SETTINGS: dict[str, Any] = {
    "memory_limit": _MEMORY,
    "threads": 1,
    "temp_directory": "",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}
"""Of any database here: in memory, without extensions, without sight of Python's variables."""

READERS = ("read_csv", "read_csv_auto", "read_json", "read_json_auto", "read_parquet", "read_xlsx")
"""Table functions that a model may write instead of a file's name."""

_OPTIONS = ("header", "delim", "sep", "quote", "encoding", "auto_detect", "format")
"""What models like to tell them, and what the file itself says."""


def query(
    request: dict[str, Any], blobs: list[bytes], enter: Callable[[], None]
) -> tuple[dict[str, Any], bytes]:
    """Load the request's `sources`, and run its `sql` over them: the rows as data, or as a file in
    the format `save`."""
    import duckdb

    db = duckdb.connect(":memory:", config=SETTINGS)
    sheets: list[str] = []
    try:
        for number, (source, raw) in enumerate(zip(request["sources"], blobs, strict=True)):
            sheets = _load_source(db, f"file_{number}", source, raw)
        _define_readers(db)
        db.execute("SET TimeZone = 'UTC'")
        db.execute("SET enable_external_access = false")
        db.execute("SET lock_configuration = true")
        enter()
        db.execute(request["sql"])
        if request["save"]:
            return _save(db, request["save"])
        return {**_collect(db, request["rows"]), "sheets": sheets}, b""
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        raise TooLarge(say("act.confined.memory")) from error
    except duckdb.Error as error:
        raise _explain(error, db, request) from error


def _load_source(
    db: "DuckDBPyConnection", table: str, source: dict[str, Any], raw: bytes
) -> list[str]:
    import duckdb

    try:
        sheets = load_table(db, table, source["path"], source["sheet"], raw)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0][:200]
        text = say("act.tables.unreadable", path=source["path"], reason=reason)
        raise InvalidCall(text) from error
    for *schema, name in source["names"]:
        for part in schema[-1:]:
            db.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(part)}")
        place = ".".join(map(quote, [*schema[-1:], name]))
        db.execute(f"CREATE VIEW {place} AS FROM {table}")
    return sheets


def _define_readers(db: "DuckDBPyConnection") -> None:
    options = "".join(f", {name} := NULL" for name in _OPTIONS)
    for name in READERS:
        table = """query_table('"' || path || '"')"""
        db.execute(f"CREATE MACRO {name}(path{options}) AS TABLE FROM {table}")


def _collect(db: "DuckDBPyConnection", most: int) -> dict[str, Any]:
    """Return the first rows as plain data, and how many there are."""
    names = _name_uniquely([column[0] for column in db.description or ()])
    types = [str(column[1]) for column in db.description or ()]
    rows: list[dict[str, Any]] = []
    characters = 0
    count = 0
    while count < _COUNTED and (chunk := db.fetchmany(1000)):
        count += len(chunk)
        for row in chunk:
            if len(rows) >= min(most, _MOST_ROWS) or characters > _MOST_CHARACTERS:
                break
            plain = dict(zip(names, map(_shorten, row), strict=True))
            characters += len(json.dumps(plain, ensure_ascii=False))
            rows.append(plain)
    return {"columns": names, "types": types, "rows": rows, "row_count": count}


def _save(db: "DuckDBPyConnection", suffix: str) -> tuple[dict[str, Any], bytes]:
    names = _name_uniquely([column[0] for column in db.description or ()])
    rows = db.fetchmany(_SAVED)
    if len(rows) == _SAVED:
        raise TooLarge(say("act.tables.too_many_rows", most=_SAVED))
    return {"columns": names, "row_count": len(rows)}, WRITERS[suffix](names, rows)


def _shorten(value: Any) -> Any:
    plain = simplify(value)
    if isinstance(plain, list | dict):
        text = json.dumps(plain, ensure_ascii=False)
        return plain if len(text) <= _CELL_CHARACTERS else text[:_CELL_CHARACTERS] + "…"
    if isinstance(plain, str) and len(plain) > _CELL_CHARACTERS:
        return plain[:_CELL_CHARACTERS] + "…"
    return plain


def _name_uniquely(names: Sequence[str]) -> list[str]:
    """Return the names of a result's columns, with a number where two are the same."""
    found: list[str] = []
    for name in names:
        numbered = (f"{name}_{number}" for number in itertools.count(2))
        free = (new for new in itertools.chain([name], numbered) if new not in found)
        found.append(next(free))
    return found


def _explain(error: Exception, db: "DuckDBPyConnection", request: dict[str, Any]) -> ActionError:
    """Return DuckDB's error as one that names the tables and columns there are."""
    import duckdb

    reason = str(error).split("\n\nLINE")[0].strip()[:400]
    tables = "; ".join(_describe_source(db, number, source)
                       for number, source in enumerate(request["sources"]))  # fmt: skip
    others = ", ".join(quote(path) for path in request["files"])
    known = tables or others or "-"
    if isinstance(error, duckdb.CatalogException) and "Table" in reason:
        known = "; ".join(filter(None, [tables, others]))
        return NotFound(say("act.tables.unknown", reason=reason, known=known or "-"))
    return InvalidCall(say("act.tables.refused", reason=reason, known=known))


def _describe_source(db: "DuckDBPyConnection", number: int, source: dict[str, Any]) -> str:
    columns = [str(row[0]) for row in db.execute(f"DESCRIBE file_{number}").fetchall()]
    more = "…" if len(columns) > _SHOWN_COLUMNS else ""
    shown = ", ".join(quote(column) for column in columns[:_SHOWN_COLUMNS])
    sheet = f"#{source['sheet']}" if source["sheet"] else ""
    return f"{quote(source['path'] + sheet)} ({shown}{more})"
