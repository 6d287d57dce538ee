"""Diagrams and tables in the docs are those of the code. `python -m tests.test_docs` writes them
anew."""

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from concertino.graphs.coordinator import graph
from concertino.graphs.execution import build_execution
from concertino.graphs.registry import WORKFLOWS
from concertino.language.messages import Language
from concertino.state import STATUSES, StatusTraits
from concertino.tasks.events import Event
from concertino.tasks.result import TaskResult
from pydantic import BaseModel

from tests.test_house import FLOORS, SRC

ROOT = Path(__file__).parents[1]


def diagram(name: str) -> str:
    """A compiled graph as Mermaid."""
    drawn = {"coordinator": graph, "execution": build_execution()}[name].get_graph().draw_mermaid()
    return f"```mermaid\n{drawn}```\n"


def workflow_table(language: Language) -> str:
    """What can be asked for, what may be given besides, and what is checked."""
    heads = {
        "en": "| workflow | what it does | inputs | checked by machine |",
        "zh": "| 工作流 | 用途 | 输入 | 由机器检查 |",
    }
    lines = [heads[language], "| --- | --- | --- | --- |"]
    for flow in WORKFLOWS.values():
        inputs = ", ".join(f"`{name}`" for name in flow.inputs.model_fields) or "-"
        checks = "; ".join(text[language] for text in flow.checks.values()) or "-"
        lines.append(f"| `{flow.name}` | {flow.description[language]} | {inputs} | {checks} |")
    return "\n".join(lines) + "\n"


def room_table() -> str:
    """Every room of the package with its docstring, from the top floor down."""
    lines = ["| room | what is in it |", "| --- | --- |"]
    for room in [room for floor in reversed(FLOORS) for room in sorted(floor)]:
        places = [SRC / room / "__init__.py", SRC / f"{room}.py"]
        place = next((path for path in places if path.exists()), None)
        if place:
            name = f"src/{room}/" if place.name == "__init__.py" else f"src/{room}.py"
            lines.append(f"| `{name}` | {first_line(place)} |")
    return "\n".join(lines) + "\n"


def first_line(path: Path) -> str:
    """The first sentence of a module's docstring."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.partition("\n\n")[0].split())


def field_table(model: type[BaseModel]) -> str:
    """The fields of a model with their docstrings."""
    lines = ["| field | meaning |", "| --- | --- |"]
    for name, field in model.model_fields.items():
        meaning = " ".join((field.description or "").split())
        lines.append(f"| `{name}` | {meaning} |")
    return "\n".join(lines) + "\n"


def event_table() -> str:
    """Every event with its docstring and fields."""
    lines = ["| event | when | fields |", "| --- | --- | --- |"]
    for event in get_args(Event):
        (kind,) = get_args(event.__annotations__["type"])
        fields = ", ".join(f"`{name}`" for name in event.__annotations__ if name != "type")
        lines.append(f"| `{kind}` | {' '.join(event.__doc__.split())} | {fields} |")
    return "\n".join(lines) + "\n"


def status_table() -> str:
    """Every status and what follows from it."""
    traits = StatusTraits._fields
    lines = [f"| status | {' | '.join(traits)} |", "| --- " * (len(traits) + 1) + "|"]
    for status, held in STATUSES.items():
        lines.append(f"| `{status}` | {' | '.join('yes' if trait else '' for trait in held)} |")
    return "\n".join(lines) + "\n"


GENERATED: list[tuple[str, str, Callable[[], str]]] = [
    ("agent.md", "rooms", room_table),
    ("agent.md", "statuses", status_table),
    ("agent.md", "result", lambda: field_table(TaskResult)),
    ("agent.md", "events", event_table),
    ("agent.md", "diagram: coordinator", lambda: diagram("coordinator")),
    ("agent.md", "diagram: execution", lambda: diagram("execution")),
    ("README.md", "workflows", lambda: workflow_table("en")),
    ("README.zh-CN.md", "workflows", lambda: workflow_table("zh")),
]


def _block(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- end -->)", re.DOTALL)


def test_agent_md_opens_with_the_map_of_the_rooms() -> None:
    opening = (ROOT / "agent.md").read_text(encoding="utf-8").partition("\n## ")[0]
    assert "<!-- rooms -->" in opening


def test_every_field_of_a_result_and_every_event_says_what_it_means() -> None:
    assert all(field.description for field in TaskResult.model_fields.values())
    assert all(event.__doc__ for event in get_args(Event))


@pytest.mark.parametrize(("file", "name", "make"), GENERATED)
def test_the_docs_show_what_the_code_says(file: str, name: str, make: Callable[[], str]) -> None:
    found = _block(name).search((ROOT / file).read_text(encoding="utf-8"))
    assert found, f"{file} has no block {name}"
    assert found[0] == make(), "run: python -m tests.test_docs"


if __name__ == "__main__":
    for file, name, make in GENERATED:
        text = (ROOT / file).read_text(encoding="utf-8")
        old = _block(name).search(text)
        if old:
            new = text[: old.start()] + make() + text[old.end() :]
            (ROOT / file).write_text(new, encoding="utf-8")
