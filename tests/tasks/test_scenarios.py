"""The scenarios that come with Concertino, played by a scripted model; and scenarios as such."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from concertino import InvalidTask
from concertino.tasks.scenarios import load_scenarios, run_scenario
from concertino.tools.sandbox import find_command_obstacle

from tests.scripted_model import ScriptedModel, done, next_action

Scripted = Callable[..., ScriptedModel]
FOLDER = Path(__file__).parents[2] / "scenarios"
Step = tuple[str, dict[str, Any]]


def read(path: str) -> Step:
    return "file_read", {"path": path, "offset": 0}


def write(path: str, content: str, overwrite: bool = False) -> Step:
    return "file_write", {"path": path, "overwrite": overwrite, "content": content}


def end(message: str, outcome: str = "complete") -> Step:
    return "done", done(message, outcome=outcome)


SCRIPTS: dict[str, list[Step]] = {
    "read-fact": [read("camp.md"), end("24 children go along.")],
    "find-mention": [
        ("file_search", {"path": ".", "pattern": "*", "ignore_case": False, "text": "电梯"}),
        end("周报/二.txt 提到了电梯。"),
    ],
    "write-note": [
        read("price.txt"),
        write("out/pen.txt", "3"),
        end("I have written 3 to out/pen.txt."),
    ],
    "edit-keeps-line-endings": [
        ("file_edit", {"path": "通知.txt", "old": "周三", "new": "周五"}),
        end("已把周三改为周五。"),
    ],
    "yaml-value": [
        ("value_set", {"path": "club.yaml", "key": "room", "value": "14"}),
        end("The room has been changed to 14."),
    ],
    "rename": [
        ("file_move", {"path": "草稿.md", "to": "倡议书.md", "overwrite": False}),
        end("已重命名为 倡议书.md。"),
    ],
    "delete-asks-first": [
        ("file_delete", {"path": "old.log", "folder": False}),
        end("old.log has been deleted."),
    ],
    "delete-denied": [
        ("file_delete", {"path": "旧表.csv", "folder": False}),
        end("没有删除。", "impossible"),
    ],
    "read-only": [read("list.txt"), end("milk and bread; nothing was added.", "partial")],
    "near-name": [read("read_me.md"), read("READ_ME.MD"), end("值班电话是 8842。")],
    "outside": [read("链接.txt"), end("链接.txt 指向文件夹之外，不能读取。", "impossible")],
    "order-in-a-file": [read("记录.txt"), end("预算是 500 元。")],
    "command-asks-first": [("shell_run", {"command": "wc -l 名单.txt"}), end("有 3 行。")],
    "table-total": [
        ("table_query", {"sql": 'select sum(visitors) as total from "visits.csv"'}),
        end("There are 100 visitors altogether."),
    ],
    "table-join": [
        (
            "table_save",
            {
                "path": "全部.csv",
                "sql": 'select * from "一班.csv" union all select * from "二班.csv" '
                "order by 分数 desc",
            },
        ),
        end("已合并写入 全部.csv。"),
    ],
    "missing-fact": [
        read("letter.txt"),
        ("need_input", {"question": "On which date is the trip?", "options": []}),
        ("file_edit", {"path": "letter.txt", "old": "____", "new": "3 May"}),
        end("3 May has been written to letter.txt."),
    ],
}
FORMS = {"done": "act_done", "need_input": "act_question"}


def build_script(steps: list[Step]) -> dict[str, list[Any]]:
    script: dict[str, list[Any]] = {"act_next": [], "act_params": [{}]}
    script["act_next"] = [next_action(name) for name, _ in steps]
    for form in ("act_params", "act_done", "act_question"):
        script[form] = [given for name, given in steps if FORMS.get(name, "act_params") == form]
    return {form: answers for form, answers in script.items() if answers}


@pytest.mark.parametrize("scenario", load_scenarios(FOLDER), ids=lambda one: one.name)
def test_every_scenario_passes_when_the_model_does_its_part(
    scripted: Scripted, scenario: Any
) -> None:
    if scenario.name.startswith("command") and find_command_obstacle():
        pytest.skip(str(find_command_obstacle()))
    model = scripted(**build_script(SCRIPTS[scenario.name]))
    outcome = run_scenario(scenario, model=model)
    assert outcome.passed, outcome.faults


def test_a_scenario_fails_with_its_reasons(scripted: Scripted) -> None:
    (scenario,) = load_scenarios(FOLDER / "write-note.yaml")
    model = scripted(**build_script([read("price.txt"), end("The pen costs 3 dollars.")]))
    outcome = run_scenario(scenario, model=model)
    assert not outcome.passed
    assert "1: file_write was not used" in outcome.faults
    assert any("FileNotFoundError" in fault for fault in outcome.faults)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("version: 1\nname: x\nturns: []", "turns"),
        ("version: 2\nname: x\nturns: [{input: x}]", "version"),
        ("version: 1\nname: x\nturns: [{inputs: x}]", "turns.0"),
        ("version: [", "expected"),
        ("just text", "no scenario"),
    ],
)
def test_a_file_that_is_no_scenario_is_refused_by_name(
    tmp_path: Path, text: str, reason: str
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(InvalidTask, match=reason):
        load_scenarios(file)


def test_a_folder_without_scenarios_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidTask, match="No scenario"):
        load_scenarios(tmp_path)
