"""Files of tables into DuckDB, in the confined process: messy CSV, sheets, JSON, Parquet.

CSV and sheets become clean text first and get their types from all their values, so that nothing
is guessed from a sample: `00123` stays text, `1,234.50` is a number, `31/01/2024` stays text since
nobody knows which of the two is the month.
"""

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from ...kb.contracts import SkippedFile
from ...kb.decode import decode
from ...language.messages import say
from ..errors import InvalidCall, NotFound, NothingFound

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TEXT_SUFFIXES = (".csv", ".tsv")
SHEET_SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
TABLE_SUFFIXES = (*TEXT_SUFFIXES, *SHEET_SUFFIXES, ".parquet")
"""Files that are tables first of all; JSON may hold one."""
SUFFIXES = (*TABLE_SUFFIXES, *JSON_SUFFIXES)
"""Suffixes of files that are tables."""

_MOST_COLUMNS = 2000
_DELIMITERS = ",;\t|"
_SAMPLED = 1 << 16

_DATE = r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?"
_AS_DATE = rf"regexp_replace({{v}}, '^{_DATE}', '\1-\2-\3')"
_WHOLE = r"[+-]?(?:0|[1-9]\d{0,17})"
_NUMBER = r"[+-]?(?:(?:0|[1-9]\d{0,13})(?:\.\d+)?|\.\d+)"
_KINDS = (
    ("BOOLEAN", "(?i)true|false", "{v}"),
    ("BIGINT", _WHOLE, "{v}"),
    ("DECIMAL", _NUMBER, "{v}"),
    ("DOUBLE", rf"{_NUMBER}|[+-]?\d+(?:\.\d+[eE][+-]?|[eE][+-])\d+", "{v}"),
    ("DECIMAL", rf"{_NUMBER}|[+-]?[1-9]\d{{0,2}}(?:,\d{{3}}){{1,4}}(?:\.\d+)?",
     "replace({v}, ',', '')"),
    ("DECIMAL", rf"{_WHOLE}|[+-]?(?:[1-9]\d{{0,2}}(?:\.\d{{3}}){{1,4}}|0|[1-9]\d{{0,13}}),\d+",
     "replace(replace({v}, '.', ''), ',', '.')"),
    ("DATE", _DATE, _AS_DATE),
    ("TIMESTAMP", rf"{_DATE}[ T]{_TIME}", _AS_DATE),
)  # fmt: skip
"""Types in the order in which they are tried, the pattern of all their values, and how they are
written for a cast."""


def load_table(
    db: "DuckDBPyConnection", table: str, path: str, sheet: str, raw: bytes
) -> list[str]:
    """Load a file into a table; return the names of its sheets, if it has any.

    Raises:
        InvalidCall: it cannot be read.
        NotFound: it has no such sheet.
        NothingFound: it is empty.
    """
    suffix = os.path.splitext(path.lower())[1]
    if not raw.strip():
        raise NothingFound(say("act.tables.empty", path=path))
    try:
        if suffix in SHEET_SUFFIXES:
            rows, sheets = _read_sheet(raw, path, sheet)
            _load_rows(db, table, rows, path)
            return sheets
        if suffix in TEXT_SUFFIXES:
            text, _ = decode(raw)
            _load_rows(db, table, _read_text(text, suffix), path)
        elif suffix in JSON_SUFFIXES:
            text, _ = decode(raw)
            _load_file(db, table, _normalise_json(text), "read_json({}, sample_size = -1)")
        else:
            _load_file(db, table, raw, "read_parquet({})")
    except SkippedFile as error:
        reason = say(f"kb.skipped.{error.reason}", detail=error.detail)
        raise InvalidCall(say("act.tables.unreadable", path=path, reason=reason)) from error
    return []


def quote(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _load_file(db: "DuckDBPyConnection", table: str, content: bytes, reader: str) -> None:
    """Load bytes by one of DuckDB's own readers, which wants a path."""
    file = os.memfd_create("table")
    try:
        with open(file, "wb", closefd=False) as target:
            target.write(content)
        call = reader.format(f"'/proc/self/fd/{file}'")
        db.execute(f"CREATE TABLE {table} AS SELECT * FROM {call}")  # noqa: S608
    finally:
        os.close(file)


def _normalise_json(text: str) -> bytes:
    """Return JSON as it is, or the list of objects that is all that an object holds."""
    try:
        value = json.loads(text)
    except ValueError:  # one object a line, or damaged: DuckDB will say
        return text.encode()
    lists = [part for part in value.values() if isinstance(part, list)] if _is_object(value) else []
    if len(lists) == 1 and lists[0] and all(map(_is_object, lists[0])):
        value = lists[0]
    return json.dumps(value, ensure_ascii=False).encode()


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _read_text(text: str, suffix: str) -> Iterator[list[str]]:
    csv.field_size_limit(1 << 26)
    delimiter = "\t" if suffix == ".tsv" else _find_delimiter(text[:_SAMPLED])
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)


def _find_delimiter(sample: str) -> str:
    """Return the delimiter that gives most rows the same number of cells, more than one."""

    def rate(delimiter: str) -> tuple[int, int]:
        rows = list(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter))
        widths = Counter(len(row) for row in rows if len(row) > 1)
        [(width, count)] = widths.most_common(1) or [(0, 0)]
        return count, width

    first = sample.partition("\n")[0].strip()
    if first.lower().startswith("sep=") and len(first) == 5:  # Excel's own mark
        return first[4]
    return max(_DELIMITERS, key=rate)


def _read_sheet(raw: bytes, path: str, sheet: str) -> tuple[Iterator[list[str]], list[str]]:
    from python_calamine import CalamineWorkbook

    if raw.startswith(b"\xd0\xcf\x11\xe0") and not path.lower().endswith(".xls"):
        raise SkippedFile("encrypted")
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(raw))
    except Exception as error:  # the library raises all kinds
        raise SkippedFile("encrypted" if "assword" in str(error) else "broken", error) from error
    names = {name.casefold(): name for name in book.sheet_names}
    name = names.get(sheet.casefold()) if sheet else next(iter(book.sheet_names), None)
    if name is None:
        known = ", ".join(book.sheet_names)
        raise NotFound(say("act.tables.no_sheet", path=path, sheet=sheet, known=known))
    rows = book.get_sheet_by_name(name).to_python(skip_empty_area=True)
    return ([_format_cell(cell) for cell in row] for row in rows), book.sheet_names


def _format_cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _load_rows(db: "DuckDBPyConnection", table: str, rows: Iterable[list[str]], path: str) -> None:
    """Load rows of text, the first one with the names, and find each column's type."""
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    width = max(map(len, filled), default=0)
    if width > _MOST_COLUMNS:
        raise InvalidCall(say("act.tables.too_wide", path=path, most=_MOST_COLUMNS))
    while len(filled) > 1 and width > 1 and sum(bool(cell.strip()) for cell in filled[0]) == 1:
        del filled[0]  # a title above the table
    if not filled:
        raise NothingFound(say("act.tables.empty", path=path))
    names = _name_columns(filled[0], width)
    clean = io.StringIO()
    writer = csv.writer(clean, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([*row, *[""] * (width - len(row))] for row in filled[1:])
    del filled
    columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(width))
    _load_file(
        db,
        "raw",
        clean.getvalue().replace("\0", "").encode(errors="replace"),
        "read_csv({}, auto_detect = false, header = false, delim = ',', quote = '\"', "
        f"escape = '\"', max_line_size = {1 << 26}, columns = {{{{{columns}}}}})",
    )
    db.execute(f"CREATE TABLE {table} AS SELECT {_build_columns(db, names)} FROM raw")  # noqa: S608
    db.execute("DROP TABLE raw")


def _name_columns(head: list[str], width: int) -> list[str]:
    """Return one name for each column, none twice."""
    names: list[str] = []
    taken: set[str] = set()
    for number, cell in enumerate([*head, *[""] * (width - len(head))], start=1):
        plain = name = " ".join(cell.split()) or f"column_{number}"
        again = 1
        while name.casefold() in taken:
            again += 1
            name = f"{plain}_{again}"
        taken.add(name.casefold())
        names.append(name)
    return names


def _build_columns(db: "DuckDBPyConnection", names: list[str]) -> str:
    """Return the select list that casts each column to the type that all its values have."""
    values = [f"nullif(trim(c{number}, ' \t\r\n　\xa0'), '')" for number in range(len(names))]
    columns = []
    for number, (name, value) in enumerate(zip(names, values, strict=True)):
        kind, written = _find_kind(db, value)
        cast = f"CAST({written} AS {kind})" if kind else f"nullif(c{number}, '')"
        columns.append(f"{cast} AS {quote(name)}")
    return ", ".join(columns)


def _find_kind(db: "DuckDBPyConnection", value: str) -> tuple[str, str]:
    """Return the type of a column and how its values are written for a cast; empty for text."""
    counts = []
    for kind, pattern, template in _KINDS:
        written = template.replace("{v}", value)
        cast = f"try_cast({written} AS {'DOUBLE' if kind == 'DECIMAL' else kind})"
        counts.append(f"count({cast}) FILTER (regexp_full_match({value}, '{pattern}'))")
    query = f"SELECT count({value}), {', '.join(counts)} FROM raw"  # noqa: S608
    total, *found = db.execute(query).fetchall()[0]
    for (kind, _, template), count in zip(_KINDS, found, strict=True):
        if total and count == total:
            written = template.replace("{v}", value)
            return _find_decimal(db, written) if kind == "DECIMAL" else kind, written
    return "", ""


def _find_decimal(db: "DuckDBPyConnection", written: str) -> str:
    """Return the type that keeps all decimals of a column."""
    query = rf"SELECT max(length(regexp_extract({written}, '\.(\d+)$', 1))) FROM raw"  # noqa: S608
    [(digits,)] = db.execute(query).fetchall()
    return f"DECIMAL(24, {digits})" if digits <= 9 else "DOUBLE"
