import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from concertino.actions.errors import (
    ActionError,
    InvalidCall,
    NotFound,
    NothingFound,
    TimedOut,
    TooLarge,
)
from concertino.actions.spec import ActionContext
from concertino.actions.tables import actions as tables
from concertino.actions.tables.actions import (
    TableData,
    TableDescribeParams,
    TableQueryParams,
    TableSaveParams,
    describe_table,
    query_tables,
    save_table,
)

from tests.actions.books import make_book

SALES = "region,month,amount\nnorth,2024-01,120.50\nsouth,2024-01,80\nnorth,2024-02,99.50\n"


@pytest.fixture
def folder(folder: Path) -> Path:
    (folder / "sales.csv").write_text(SALES)
    return folder


def ask(context: ActionContext, sql: str) -> list[dict[str, Any]]:
    return query_tables(TableQueryParams(sql=sql), context).data.rows


def describe(context: ActionContext, path: str) -> TableData:
    return describe_table(TableDescribeParams(path=path), context).data


@pytest.mark.parametrize(
    "table",
    [
        '"sales.csv"',
        "sales",
        "SALES",
        "sales.csv",
        "'sales.csv'",
        "read_csv('sales.csv')",
        "read_csv_auto('sales.csv', delim = ',', header = true)",
    ],
)
def test_a_file_is_a_table_however_it_is_named(
    folder: Path, context: ActionContext, table: str
) -> None:
    sql = f"SELECT sum(amount) AS total FROM {table} WHERE region = 'north'"  # noqa: S608
    assert ask(context, sql) == [{"total": 220}]


def test_tables_of_folders_join_under_their_paths(folder: Path, context: ActionContext) -> None:
    (folder / "in").mkdir()
    (folder / "in" / "人员.csv").write_text("地区,姓名\nnorth,小明\n")
    sql = 'SELECT 姓名, sum(amount) s FROM sales JOIN "in/人员.csv" p ON p.地区 = region GROUP BY 1'
    assert ask(context, sql) == [{"姓名": "小明", "s": 220}]
    assert ask(context, "SELECT count(*) n FROM 人员") == [{"n": 1}]


def test_a_name_of_two_files_is_asked_about(folder: Path, context: ActionContext) -> None:
    for name in ("2023", "2024"):
        (folder / name).mkdir()
        (folder / name / "costs.csv").write_text(f"year\n{name}\n")
    with pytest.raises(InvalidCall, match=r'"2023/costs.csv", "2024/costs.csv"'):
        ask(context, "FROM costs")
    assert ask(context, 'FROM "2024/costs.csv"') == [{"year": 2024}]


@pytest.mark.parametrize(
    ("content", "types", "first"),
    [
        (b"\xef\xbb\xbfa,b\n1,x\n", ["BIGINT", "VARCHAR"], [1, "x"]),
        (
            "地区;金额\n北京;1,234.50\n上海;80\n".encode("gb18030"),
            ["VARCHAR", "DECIMAL(24,2)"],
            ["北京", 1234.5],
        ),
        (b"a;b\n1.234,50;x\n2,5;y\n", ["DECIMAL(24,2)", "VARCHAR"], [1234.5, "x"]),
        (b"zip,n\n00123,1\n94110,\n", ["VARCHAR", "BIGINT"], ["00123", 1]),
        (b'a,b\n"1\n2",3\n', ["VARCHAR", "BIGINT"], ["1\n2", 3]),
        (
            "d,t\n2024/1/5,2024-01-05 8:30\n2024年12月31日,\n".encode(),
            ["DATE", "TIMESTAMP"],
            ["2024-01-05", "2024-01-05 08:30:00"],
        ),
        (b"d\n31/01/2024\n", ["VARCHAR"], ["31/01/2024"]),
        (b"d,x\n2024-02-30,1e5\n", ["VARCHAR", "VARCHAR"], ["2024-02-30", "1e5"]),
        (b"a,a,,A\n1,2,3,4\n", ["BIGINT"] * 4, [1, 2, 3, 4]),
        (
            "价目表,,\n品名,单价,数\n笔,1.5,2\n".encode(),
            ["VARCHAR", "DECIMAL(24,1)", "BIGINT"],
            ["笔", 1.5, 2],
        ),
        (b"n\n12345678901234567890\n1.5\n", ["VARCHAR"], ["12345678901234567890"]),
        (b"a,b\n1\n2,3,4\n", ["BIGINT"] * 3, [1, None, None]),
    ],
)  # fmt: skip
def test_messy_csv_gives_its_values_and_types(
    folder: Path, context: ActionContext, content: bytes, types: list[str], first: Any
) -> None:
    (folder / "x.csv").write_bytes(content)
    data = describe(context, "x.csv")
    assert data.types == types
    assert list(data.rows[0].values()) == first


def test_columns_without_a_name_of_their_own_get_one(folder: Path, context: ActionContext) -> None:
    (folder / "x.csv").write_text('a,a,,A,"b\nc"\n1,2,3,4,5\n')
    assert describe(context, "x.csv").columns == ["a", "a_2", "column_3", "A_3", "b c"]


def test_sheets_have_tables_of_their_own(folder: Path, context: ActionContext) -> None:
    book = make_book({"成绩": [["姓名", "分数"], ["小明", 95]], "Sheet2": [["x"], [1.5]]})
    (folder / "book.xlsx").write_bytes(book)
    data = describe(context, "book.xlsx")
    assert (data.columns, data.sheets) == (["姓名", "分数"], ["成绩", "Sheet2"])
    assert ask(context, 'FROM "book.xlsx#sheet2"') == [{"x": 1.5}]
    assert ask(context, "SELECT 分数 + 1 AS n FROM book") == [{"n": 96}]
    with pytest.raises(NotFound, match="成绩, Sheet2"):
        ask(context, 'FROM "book.xlsx#Sheet3"')


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", '[{"a": 1, "b": "二"}, {"a": 2}]'),
        ("x.json", '{"items": [{"a": 1, "b": "二"}, {"a": 2}]}'),
        ("x.jsonl", '{"a": 1, "b": "二"}\n{"a": 2}\n'),
        ("x.tsv", "a\tb\n1\t二\n2\t\n"),
    ],
)
def test_other_formats_are_tables(
    folder: Path, context: ActionContext, name: str, content: str
) -> None:
    (folder / name).write_text(content)
    assert ask(context, "SELECT a, b FROM x ORDER BY a") == [
        {"a": 1, "b": "二"},
        {"a": 2, "b": None},
    ]


def test_parquet_is_a_table(folder: Path, context: ActionContext) -> None:
    import duckdb

    target = folder / "x.parquet"
    duckdb.execute(f"COPY (SELECT 1 AS a, DATE '2024-01-02' AS d) TO '{target}' (FORMAT parquet)")
    assert ask(context, "FROM x") == [{"a": 1, "d": "2024-01-02"}]


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE sales",
        "SELECT 1; SELECT 2",
        "COPY (SELECT 1) TO 'out.csv'",
        "INSERT INTO sales VALUES (1)",
        "ATTACH '/tmp/x.db'",
        "SET memory_limit = '9GB'",
        "INSTALL httpfs",
        "PRAGMA database_list",
        "-- SELECT",
    ],
)
def test_only_one_select_is_allowed(context: ActionContext, sql: str) -> None:
    with pytest.raises(InvalidCall, match="Only one SELECT"):
        ask(context, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "FROM read_csv('/etc/passwd')",
        "FROM '/etc/passwd'",
        "FROM read_text('/etc/passwd')",
        "FROM read_blob('/proc/self/environ')",
        "FROM glob('/etc/*')",
        "FROM sniff_csv('/etc/passwd')",
        "FROM 'https://example.com/x.csv'",
        "FROM query('FROM read_text(''/etc/passwd'')')",
        "SELECT getenv('PATH')",
        "FROM \"../outside.csv\"",
    ],
)  # fmt: skip
def test_nothing_outside_the_workspace_is_read(
    folder: Path, context: ActionContext, sql: str
) -> None:
    (folder.parent / "outside.csv").write_text("secret\n1\n")
    with pytest.raises(ActionError):
        ask(context, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT length(repeat('x', 3000000000)) AS n",
        "SELECT range(1000000000) AS n",
        "SELECT list(i) AS n FROM range(1000000000) t(i)",
    ],
)
def test_a_query_gets_no_more_memory_than_it_may(context: ActionContext, sql: str) -> None:
    with pytest.raises(TooLarge):
        ask(context, sql)


def test_a_query_without_an_end_is_stopped(
    context: ActionContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "QUERY_SECONDS", 0.5)
    with pytest.raises(TimedOut):
        ask(
            context,
            "SELECT count(*) FROM range(1000000000000) a, range(1000000) b WHERE a.range > 1",
        )


def test_errors_name_the_tables_and_columns_there_are(folder: Path, context: ActionContext) -> None:
    with pytest.raises(InvalidCall, match=r'"sales\.csv" \("region", "month", "amount"\)'):
        ask(context, "SELECT total FROM sales")
    with pytest.raises(NotFound, match=r'Table files: "sales.csv"'):
        ask(context, "FROM turnover")
    with pytest.raises(NotFound, match=r"sales\.csv"):
        ask(context, 'FROM "sale.csv"')
    with pytest.raises(InvalidCall, match="double quotes"):
        ask(context, "SELECT * FROM in/sales.csv")
    (folder / "a.txt").write_text("text")
    with pytest.raises(InvalidCall, match="file_read"):
        describe(context, "a.txt")


def test_many_rows_are_cut_and_counted(folder: Path, context: ActionContext) -> None:
    data = query_tables(TableQueryParams(sql="FROM range(100000) t(number)"), context).data
    assert (len(data.rows), data.row_count) == (200, 100_000)
    preview = data.format_preview()
    assert len(preview) <= 620
    shown = preview.count("\n") - 2
    assert preview.endswith(f"… and {100_000 - shown} more rows")


def test_sums_read_as_people_write_them(folder: Path, context: ActionContext) -> None:
    (folder / "x.json").write_text('[{"a": 0.1}, {"a": 0.2}]')
    assert ask(context, "SELECT sum(a) AS s FROM x") == [{"s": 0.3}]


def test_columns_of_the_same_name_both_stay(folder: Path, context: ActionContext) -> None:
    assert ask(context, "SELECT 1 AS a, 2 AS a, 3 AS a") == [{"a": 1, "a_2": 2, "a_3": 3}]


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("x.csv", b"", NothingFound),
        ("x.xlsx", b"no zip", InvalidCall),
        ("x.xlsx", b"\xd0\xcf\x11\xe0" + bytes(600), InvalidCall),
        ("x.json", b"{", InvalidCall),
        ("x.parquet", b"PAR1", InvalidCall),
        ("x.csv", bytes(range(256)) * 8, InvalidCall),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    folder: Path,
    context: ActionContext,
    name: str,
    content: bytes,
    error: type[ActionError],
) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(error, match=name):
        describe(context, name)


def test_a_save_asks_for_a_change_and_writes_nothing(folder: Path, context: ActionContext) -> None:
    (folder / "out.csv").write_text("old\n")
    sql = "SELECT region, sum(amount) AS 总额 FROM sales GROUP BY 1 ORDER BY 1"
    outcome = save_table(TableSaveParams(path="out.csv", sql=sql), context)
    [change] = outcome.changes
    assert change.path == "out.csv"
    assert change.before == b"old\n"
    assert change.after == "region,总额\nnorth,220.00\nsouth,80.00\n".encode()
    assert (folder / "out.csv").read_text() == "old\n"
    assert outcome.data.row_count == 2


def test_rows_are_saved_as_json(folder: Path, context: ActionContext) -> None:
    sql = "SELECT region, amount FROM sales LIMIT 1"
    outcome = save_table(TableSaveParams(path="out.json", sql=sql), context)
    assert outcome.changes[0].before is None
    assert json.loads(outcome.changes[0].after or b"") == [{"region": "north", "amount": 120.5}]


def test_text_that_looks_like_a_formula_stays_text_in_a_sheet(
    folder: Path, context: ActionContext
) -> None:
    from openpyxl import load_workbook

    texts = ["=1+1", "+1", "-1+2", "@SUM(A1)", '=HYPERLINK("http://x")', "http://x", "text"]
    values = ", ".join(f"('{text}')" for text in texts)
    sql = f"SELECT *, 1.5 AS n, DATE '2024-01-02' AS d FROM (VALUES {values}) t(v)"  # noqa: S608
    outcome = save_table(TableSaveParams(path="out.xlsx", sql=sql), context)
    sheet = load_workbook(io.BytesIO(outcome.changes[0].after or b"")).active
    cells = list(sheet.iter_rows(min_row=2))
    assert [row[0].value for row in cells] == texts
    assert {row[0].data_type for row in cells} == {"s"}
    assert (cells[0][1].value, cells[0][2].is_date) == (1.5, True)


def test_a_table_is_saved_in_known_formats_only(folder: Path, context: ActionContext) -> None:
    with pytest.raises(InvalidCall, match=r"\.csv, \.json, \.xlsx"):
        save_table(TableSaveParams(path="out.docx", sql="FROM sales"), context)


def test_errors_speak_the_language_of_the_task(folder: Path, context: ActionContext) -> None:
    chinese = replace(context, language="zh")
    with pytest.raises(InvalidCall, match="只允许一条 SELECT"):
        ask(chinese, "DROP TABLE sales")
    (folder / "empty.csv").write_text("")
    with pytest.raises(NothingFound, match="为空"):
        describe(chinese, "empty.csv")
