"""Forms of the planner: what a model with a grammar can say is bound to what there is."""

from typing import Any

import pytest
from concertino.agents.act.forms import build_params_schema
from concertino.models.structured import build_provider_schema

PATHS = (("file", "a.txt"), ("folder", "b"), ("file", "b/c.csv"))


def properties(
    action: str, *, brief: bool = True, paths: Any = PATHS, named: tuple[str, ...] = ()
) -> dict[str, Any]:
    form = build_params_schema(action, paths, brief=brief, named=named)
    found: dict[str, Any] = build_provider_schema(form, string_bounds=True)["properties"]
    return found


@pytest.mark.parametrize(
    ("action", "field", "choices"),
    [
        ("file_read", "path", ["a.txt", "b/c.csv"]),
        ("file_list", "path", [".", "b"]),
        ("file_search", "path", [".", "b"]),
        ("file_write", "path", None),
        ("file_move", "path", [".", "a.txt", "b", "b/c.csv"]),
        ("file_move", "to", None),
    ],
)
def test_what_has_to_exist_can_only_be_chosen_among_what_there_is(
    action: str, field: str, choices: list[str] | None
) -> None:
    assert properties(action)[field].get("enum") == choices


def test_a_first_search_is_in_folders_and_in_the_files_that_the_task_names() -> None:
    assert properties("file_search", named=("a.txt",))["path"]["enum"] == [".", "a.txt", "b"]
    everywhere = [".", "a.txt", "b", "b/c.csv"]
    assert properties("file_search", brief=False)["path"]["enum"] == everywhere


def test_in_a_large_workspace_any_path_can_be_said() -> None:
    assert "enum" not in properties("file_read", paths=())["path"]


def test_a_first_call_says_nothing_of_pages_and_patterns_and_later_ones_may() -> None:
    assert list(properties("file_list")) == ["path", "recursive"]
    assert list(properties("file_list", brief=False)) == ["path", "recursive", "pattern", "offset"]


def test_a_model_without_a_grammar_may_name_what_is_not_there_and_is_told_later() -> None:
    form = build_params_schema("file_read", PATHS, brief=True)
    assert form.model_validate({"path": "A.TXT", "offset": 10}).model_dump() == {
        "path": "A.TXT",
        "offset": 10,
    }
