import pytest
from concertino.agents.act.shortlist import MAX_ACTIONS, shortlist_actions
from concertino.language.messages import Language

ALL = ("read", "write", "delete", "execute", "network")


def offer(question: str, *paths: str, language: Language = "en") -> list[str]:
    offered = shortlist_actions(question, paths, [], ALL, language)
    assert len(offered) <= MAX_ACTIONS
    return [action.name for action in offered]


@pytest.mark.parametrize(
    ("question", "language", "action"),
    [
        ("Delete notes.txt, then set the port in app.toml to 9090", "en", "file_delete"),
        ("删掉 notes.txt，再把 app.toml 的端口改成 9090", "zh", "file_delete"),
        ("Rename a.txt to b.txt", "en", "file_move"),
        ("把 a.txt 复制到 old 目录", "zh", "file_copy"),
        ("Run the shell command `wc -l log.txt`", "en", "shell_run"),
        ("运行命令 wc -l log.txt", "zh", "shell_run"),
    ],
)
def test_what_the_task_asks_for_in_words_is_offered(
    question: str, language: Language, action: str
) -> None:
    assert action in offer(question, "app.toml", "notes.txt", language=language)


def test_commands_are_offered_only_where_the_task_asks_for_one() -> None:
    assert "shell_run" not in offer("Add up the amounts in sales.csv", "sales.csv")


def test_actions_for_a_type_of_file_are_offered_where_there_is_one() -> None:
    assert "value_set" in offer("Set the port to 9090", "app.toml")
    assert "value_set" not in offer("Set the port to 9090", "app.txt")


def test_reading_and_programs_are_always_offered() -> None:
    basics = {"file_list", "file_read", "file_search", "python_run"}
    assert basics <= set(offer("Delete, rename, copy and run `ls`", "a.toml", "b.csv", "c.xlsx"))


def test_what_deletes_or_runs_is_offered_only_where_the_user_asks_for_it() -> None:
    offered = offer("Summarize minutes.txt in two sentences.", "minutes.txt", "keep.txt")
    assert not {"file_delete", "shell_run"} & set(offered)


@pytest.mark.parametrize(
    ("question", "listed"),
    [
        ("Which files are in the folder notes?", True),
        ("List all notes", True),
        ("notes 目录下有哪些文件？", True),
        ("Which file mentions the ferry?", False),
        ("把 a.toml 的端口改成 9090", False),
    ],
)
def test_where_the_planner_sees_all_files_only_a_task_about_them_is_offered_a_listing(
    question: str, listed: bool
) -> None:
    for sees_all in (True, False):
        offered = shortlist_actions(question, ["a.toml"], [], ALL, "en", sees_all=sees_all)
        assert ("file_list" in [action.name for action in offered]) == (listed or not sees_all)
