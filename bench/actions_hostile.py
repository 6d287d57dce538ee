"""Hostile cases of the action loop: runs the tests that attack it and counts what was refused.

    python -m bench.actions_hostile

Each case is one test (a parameter of a test is one case). A test passes only if the attempt came to
nothing; one that was skipped, because this machine lacks what it needs, is no refusal.
"""

import sys
from collections import Counter
from collections.abc import Sequence

import pytest

KINDS: dict[str, Sequence[str]] = {
    "paths that lead out: `..`, absolute, links, `/proc`": (
        "tests/actions/test_workspace.py::test_nothing_out_of_bounds_is_read",
        "tests/actions/test_workspace.py::test_nothing_out_of_bounds_is_written_or_deleted",
        "tests/actions/test_workspace.py::test_no_folder_out_of_bounds_is_listed",
        "tests/actions/test_workspace.py::test_a_recursive_list_names_links_and_does_not_follow",
        "tests/actions/test_workspace.py::test_no_folders_are_made_behind_a_link",
        "tests/actions/test_workspace.py::test_magic_links_of_proc_are_no_way_out",
    ),
    "names: of no file, composed otherwise, with line breaks": (
        "tests/actions/test_workspace.py::test_a_name_that_no_file_can_have_is_refused",
        "tests/actions/test_workspace.py::test_a_name_that_two_files_share_up_to_composition",
    ),
    "hard links, pipes, sockets, devices, holes": (
        "tests/actions/test_workspace.py::test_what_is_not_an_ordinary_file_is_left_alone",
        "tests/actions/test_workspace.py::test_a_file_with_a_second_name_is_read_but_not_changed",
        "tests/actions/test_workspace.py::test_a_file_with_a_huge_hole_is_refused",
    ),
    "races between check and use": (
        "tests/actions/test_workspace.py::test_a_folder_swapped_for_a_link_again_and_again",
        "tests/actions/test_workspace.py::test_a_file_swapped_for_a_link_again_and_again",
        "tests/actions/test_workspace.py::test_a_file_swapped_for_a_pipe_again_and_again",
        "tests/actions/test_workspace.py::test_of_two_that_count_in_one_file_none_overwrites",
        "tests/actions/test_workspace.py::test_a_file_that_is_not_as_it_was_read_is_left",
    ),
    "commands that would do anything, unasked": (
        "tests/actions/test_risk.py::test_a_command_that_can_do_anything_is_risky",
        "tests/actions/test_risk.py::test_operators_of_the_shell_are_for_all_to_see_and_risky",
    ),
    "attempts of confined commands": (
        "tests/tools/sandbox/test_hostile_commands.py::test_an_attempt_is_refused",
        "tests/tools/sandbox/test_hostile_commands.py::test_an_excess_is_stopped",
        "tests/tools/sandbox/test_hostile_commands.py::test_what_runs_in_the_background_ends",
        "tests/tools/sandbox/test_hostile_commands.py::test_a_command_can_end_neither_its",
    ),
    "attempts of confined programs": (
        "tests/tools/sandbox/test_hostile_programs.py::test_an_attempt_is_refused",
        "tests/tools/sandbox/test_hostile_programs.py::test_an_excess_is_stopped",
        "tests/tools/sandbox/test_hostile_programs.py::test_a_forgery_reaches_nobody_else",
        "tests/actions/test_python.py::test_a_program_reaches_no_file",
    ),
    "SQL, documents and sheets": (
        "tests/actions/test_tables.py::test_only_one_select_is_allowed",
        "tests/actions/test_tables.py::test_nothing_outside_the_workspace_is_read",
        "tests/actions/test_tables.py::test_a_query_gets_no_more_memory_than_it_may",
        "tests/actions/test_tables.py::test_text_that_looks_like_a_formula_stays_text",
        "tests/actions/test_documents.py::test_a_template_runs_no_program",
        "tests/actions/test_documents.py::test_a_bomb_does_not_go_off",
        "tests/actions/test_spreadsheets.py::test_a_book_that_would_lose_a_part_is_refused",
    ),
    "orders hidden in files and pages": (
        "tests/test_injection.py::",
        "tests/actions/test_placeholders.py::test_what_a_placeholder_stands_for_is_not_read",
    ),
    "approvals that the model gives itself, or that are for something else": (
        "tests/graphs/test_act.py::test_an_approval_cannot_be_given_by_the_model",
        "tests/actions/test_policy.py::test_a_target_taken_from_somebody_elses_text_is_asked",
        "tests/actions/test_policy.py::test_an_approval_holds_for_the_same_call_with_the_same",
        "tests/actions/test_policy.py::test_a_kind_that_was_approved_is_not_asked_about_again",
        "tests/actions/test_policy.py::test_read_only_is_not_lifted_by_an_approval",
    ),
}
"""Beginnings of the tests' names, by kind."""


class Cases:
    """Counts cases by kind and outcome; a plugin of pytest."""

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()
        self.through: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the hostile cases only."""
        items[:] = [item for item in items if find_kind(item.nodeid)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a case once."""
        kind = find_kind(report.nodeid)
        if kind and report.skipped:
            self.skipped[kind] += 1
        elif kind and report.failed:
            self.through[kind] += 1
        elif kind and report.when == "call":
            self.refused[kind] += 1


def find_kind(name: str) -> str | None:
    """Return the kind of a test, or None."""
    fitting = (kind for kind, tests in KINDS.items() if name.startswith(tuple(tests)))
    return next(fitting, None)


def count_cases() -> Cases:
    """Run the hostile tests."""
    cases = Cases()
    files = dict.fromkeys(test.partition("::")[0] for tests in KINDS.values() for test in tests)
    pytest.main(["-q", "--no-header", "-p", "no:cacheprovider", *files], plugins=[cases])
    return cases


def main() -> None:
    """Print the table; exits with 1 where an attempt came through."""
    cases = count_cases()
    print("\n| kind | cases | refused | through | not run here |\n| --- | --- | --- | --- | --- |")
    for kind in KINDS:
        print(format_row(kind, cases.refused[kind], cases.through[kind], cases.skipped[kind]))
    counts = (cases.refused.total(), cases.through.total(), cases.skipped.total())
    print(format_row("all", *counts))
    sys.exit(bool(cases.through))


def format_row(kind: str, refused: int, through: int, skipped: int) -> str:
    """Return one row of the table."""
    return f"| {kind} | {refused + through + skipped} | {refused} | {through} | {skipped} |"


if __name__ == "__main__":
    main()
