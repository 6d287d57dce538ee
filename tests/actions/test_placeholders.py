"""Placeholders: filled in once, with the type they have, and checked before anything runs."""

import pytest
from concertino.actions.errors import InvalidCall
from concertino.actions.placeholders import (
    Reference,
    check_references,
    fill_in,
    find_references,
)
from concertino.actions.spec import Data
from hypothesis import given
from hypothesis import strategies as st

RESULTS = {"r1": {"rows": [{"city": "苏州", "n": 3}], "text": "{{r2.text}}"}, "r2": {"text": "x"}}


class Table(Data):
    rows: list[dict[str, str]]
    text: str


def test_a_value_that_is_one_placeholder_keeps_its_type() -> None:
    assert fill_in("{{r1.rows[0].n}}", RESULTS, "en") == 3
    assert fill_in({"a": ["{{ r1.rows }}"]}, RESULTS, "en") == {"a": [[{"city": "苏州", "n": 3}]]}


def test_inside_text_a_placeholder_becomes_text() -> None:
    assert fill_in("{{r1.rows[0].city}}: {{r1.rows[0].n}}", RESULTS, "en") == "苏州: 3"


def test_what_a_placeholder_stands_for_is_not_read_for_placeholders_again() -> None:
    assert fill_in("{{r1.text}}", RESULTS, "en") == "{{r2.text}}"
    assert fill_in("see {{r1.text}}", RESULTS, "en") == "see {{r2.text}}"


@pytest.mark.parametrize(
    ("value", "there"),
    [
        ("{{r9.text}}", "r1, r2"),
        ("{{r1.rows[4]}}", "0 … 0"),
        ("{{r1.rows[0].town}}", "city, n"),
        ("{{r1.nothing}}", "rows, text"),
    ],
)
def test_an_unknown_placeholder_is_an_error_that_lists_what_there_is(
    value: str, there: str
) -> None:
    with pytest.raises(InvalidCall, match=there):
        fill_in(value, RESULTS, "en")


def test_references_are_checked_against_the_results_models_before_anything_runs() -> None:
    check_references({"path": "{{r1.text}}"}, {"r1": Table}, "en")
    with pytest.raises(InvalidCall, match="rows, text"):
        check_references({"path": "{{r1.txt}}"}, {"r1": Table}, "en")
    with pytest.raises(InvalidCall, match="没有结果 r2。现有：r1"):
        check_references({"path": "{{r2.text}}"}, {"r1": Table}, "zh")


def test_references_are_found_at_any_depth() -> None:
    found = find_references({"a": ["x {{r1.rows[0].city}}", {"b": "{{r2}}"}]})
    assert found == [Reference("r1", ("rows", 0, "city")), Reference("r2", ())]


@given(st.text())
def test_text_without_placeholders_stays_as_it_is(text: str) -> None:
    if not find_references(text):
        assert fill_in(text, RESULTS, "en") == text
