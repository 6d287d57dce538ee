"""What `make check` runs: the tests that a change can affect, as far as there is time."""

from tests.touched import ROOT, TIME, Sources, choose, sources_here

HERE = sources_here()

SMALL = {
    "src/__init__.py": '_HOMES = {"tasks.api": ("run_task",)}',
    "src/tools/__init__.py": "",
    "src/tools/numbers.py": "",
    "src/agents/report.py": (
        'from ..tools import numbers\n\nPROMPT = load("math/report")\n\ndef late():\n'
        "    from ..store.sqlite import open_sqlite\n"
    ),
    "src/store/sqlite.py": "",
    "src/store/postgres.py": "",
    "src/tasks/api.py": "from ..agents.report import report",
    "src/cli/main.py": "from ..tasks.api import run_task",
    "tests/conftest.py": "",
    "tests/helper.py": "from concertino.tools.numbers import extract",
    "tests/model_server.py": "COMMAND = 'concertino'",
    "tests/agents/test_report.py": "from concertino.agents import report",
    "tests/tools/conftest.py": "",
    "tests/tools/test_numbers.py": "from tests.helper import extract",
    "tests/tools/test_fetch.py": "",
    "tests/tasks/test_api.py": "from concertino import run_task",
    "tests/store/test_store.py": 'patch("concertino.store.postgres.BEATS", 1)',
    "tests/cli/test_main.py": "from tests.model_server import COMMAND",
    "tests/page/test_page.py": "from concertino.tasks import api",
    "tests/service/test_page_files.py": "",
    "tests/test_docs.py": 'ROOT / "README.md"',
}


def chosen(*changed: str, seconds: float = TIME) -> list[str]:
    return choose(changed, Sources(SMALL, SMALL.__getitem__), seconds).run


def left_out(*changed: str, seconds: float = TIME) -> list[str]:
    return choose(changed, Sources(SMALL, SMALL.__getitem__), seconds).left_out


def test_a_test_is_chosen_that_imports_what_has_changed_also_by_way_of_others() -> None:
    assert chosen("src/tools/numbers.py") == [
        "tests/tools/test_numbers.py",
        "tests/agents/test_report.py",
        "tests/tasks/test_api.py",
        "tests/cli/test_main.py",
    ]


def test_imports_within_functions_count() -> None:
    assert "tests/agents/test_report.py" in chosen("src/store/sqlite.py")


def test_what_a_test_patches_by_name_counts() -> None:
    assert chosen("src/store/postgres.py") == ["tests/store/test_store.py"]


def test_a_public_name_comes_from_where_the_package_has_it() -> None:
    assert "tests/tasks/test_api.py" in chosen("src/tasks/api.py")
    assert "tests/agents/test_report.py" not in chosen("src/tasks/api.py")


def test_a_test_that_starts_the_command_needs_all_that_the_command_does() -> None:
    assert "tests/cli/test_main.py" in chosen("src/agents/report.py")


def test_a_test_that_has_changed_is_chosen_first_and_whatever_it_is() -> None:
    assert chosen("tests/tasks/test_api.py", "tests/page/test_page.py", seconds=0) == [
        "tests/page/test_page.py",
        "tests/tasks/test_api.py",
    ]


def test_a_changed_helper_or_conftest_is_a_change_of_the_tests_that_have_it() -> None:
    assert chosen("tests/helper.py") == ["tests/tools/test_numbers.py"]
    assert chosen("tests/tools/conftest.py") == [
        "tests/tools/test_fetch.py",
        "tests/tools/test_numbers.py",
    ]
    assert set(chosen("tests/conftest.py")) == {
        path for path in SMALL if "/test_" in path and "/page/" not in path
    }


def test_a_prompt_belongs_to_the_tests_of_the_agent_that_loads_it() -> None:
    assert chosen("src/prompts/math/report.md")[0] == "tests/agents/test_report.py"
    assert "tests/tools/test_fetch.py" not in chosen("src/prompts/math/report.md")


def test_a_file_that_is_no_python_belongs_to_its_room_and_to_those_that_name_it() -> None:
    assert chosen("README.md") == ["tests/test_docs.py"]
    assert chosen("src/tools/table.json") == [
        "tests/tools/test_fetch.py",
        "tests/tools/test_numbers.py",
    ]
    assert chosen("tests/store/old.sqlite") == ["tests/store/test_store.py"]


def test_tests_of_the_page_run_where_the_page_has_changed_and_are_named_where_not() -> None:
    assert chosen("src/service/page/answer.js") == [
        "tests/page/test_page.py",
        "tests/service/test_page_files.py",
    ]
    assert "tests/page/test_page.py" in left_out("src/tasks/api.py")


def test_where_there_is_not_the_time_the_nearest_run_and_the_others_are_named() -> None:
    assert chosen("src/tools/numbers.py", seconds=10) == [
        "tests/tools/test_numbers.py",
        "tests/agents/test_report.py",
    ]
    assert left_out("src/tools/numbers.py", seconds=10) == [
        "tests/page/test_page.py",
        "tests/tasks/test_api.py",
        "tests/cli/test_main.py",
    ]


def test_what_is_gone_is_a_change_of_its_room() -> None:
    assert chosen("src/agents/gone.py") == ["tests/agents/test_report.py"]


def test_what_nothing_names_chooses_nothing() -> None:
    assert chosen("LICENSE", "docs/picture.png") == []


def test_every_source_of_this_repository_has_tests() -> None:
    for path in HERE.files:
        if path.startswith("src/") and (ROOT / path).read_text(encoding="utf-8").strip():
            found = choose([path], HERE)
            assert found.run or found.left_out, path


def test_a_driver_is_tested_by_its_own_tests_and_by_those_of_every_store() -> None:
    found = choose(["src/store/postgres.py"], HERE)
    assert "tests/store/test_store.py" in found.run[:2]
    assert "tests/conformance/test_store.py" in found.run
    assert "tests/work/test_kills.py" not in found.run
