"""Calls of the planner: ids, dependencies, and values that come from somewhere."""

from typing import Any

import pytest
from concertino.actions.errors import InvalidCall
from concertino.agents.act.calls import make_call
from concertino.agents.act.claims import MadeUp, MissingModule
from concertino.agents.act.desk import Desk
from concertino.state import CallResult

READ = CallResult(
    id="r1",
    action="file_read",
    params={"path": "a.txt", "offset": 0},
    status="done",
    preview="Rent: 1,250",
    data={"text": "Rent: 1,250"},
)


def lay_desk(task: str = "Fill in form.md", **changes: Any) -> Desk:
    fields: dict[str, Any] = {
        "model": None,
        "language": "en",
        "results": [READ],
        "messages": [],
        "task": task,
        "files": "form.md (20 bytes): Date: ____",
        "paths": (),
        "missing": [],
        "may_plan": False,
        "asked": False,
        **changes,
    }
    return Desk(**fields)


def edit(new: str) -> dict[str, Any]:
    return {"path": "form.md", "old": "____", "new": new}


@pytest.mark.parametrize("new", ["2023-04-01", "on 12 May 2031", "9:30", "3 200", "99 euros"])
def test_a_number_that_stands_nowhere_is_not_written(new: str) -> None:
    with pytest.raises(MadeUp):
        make_call(lay_desk(), "file_edit", edit(new), [])


@pytest.mark.parametrize(
    ("task", "new"),
    [
        ("The date is 8 March 2025", "2025-03-08"),
        ("The date is 2025年3月8日", "2025/3/8"),
        ("The port becomes 9090", "9090"),
        ("Write down the rent", "1250"),
        ("Write down the rent", "1,250"),
        ("Greet everybody", "Hello, all 3 of you"),
    ],
)
def test_a_number_of_the_task_or_of_a_result_is_written(task: str, new: str) -> None:
    assert make_call(lay_desk(task), "file_edit", edit(new), []).id == "r2"


def test_once_the_user_was_asked_nothing_is_refused_for_it() -> None:
    assert make_call(lay_desk(asked=True), "file_edit", edit("2023-04-01"), [])


def test_a_program_may_use_numbers_but_no_date_from_nowhere() -> None:
    assert make_call(lay_desk(), "python_run", {"code": "print(255 * 4096)"}, [])
    with pytest.raises(MadeUp):
        make_call(lay_desk(), "python_run", {"code": "print('2023-04-01')"}, [])


def test_a_call_depends_on_the_results_that_it_uses() -> None:
    call = make_call(lay_desk(), "file_edit", edit("{{r1.text}}"), [])
    assert (call.id, call.depends_on) == ("r2", ["r1"])


def test_a_call_that_would_give_what_is_known_is_refused() -> None:
    with pytest.raises(InvalidCall, match="r1"):
        make_call(lay_desk(), "file_read", dict(READ.params), [])


def test_the_code_of_a_character_is_no_known_number() -> None:
    found = READ.model_copy(update={"data": {"text": "套"}, "preview": "套"})  # U+5957
    with pytest.raises(MadeUp):
        make_call(lay_desk(results=[found]), "file_edit", edit("5957"), [])


@pytest.mark.parametrize("code", ["import toml", "import json\nfrom no_such.thing import it"])
def test_a_program_that_imports_what_is_not_there_is_refused(code: str) -> None:
    with pytest.raises(MissingModule):
        make_call(lay_desk(), "python_run", {"code": code}, [])


def test_a_program_may_import_the_standard_library_and_try_others() -> None:
    code = "import csv, os.path\ntry:\n    import toml\nexcept ImportError:\n    pass"
    assert make_call(lay_desk(), "python_run", {"code": code}, []).action == "python_run"
