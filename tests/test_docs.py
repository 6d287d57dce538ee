"""Diagrams and tables in the docs are those of the code. `python -m tests.test_docs` writes them
anew."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from concertino.graphs.coordinator import graph
from concertino.graphs.execution import build_execution
from concertino.graphs.registry import WORKFLOWS
from concertino.language.messages import Language

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


GENERATED: list[tuple[str, str, Callable[[], str]]] = [
    ("agent.md", "diagram: coordinator", lambda: diagram("coordinator")),
    ("agent.md", "diagram: execution", lambda: diagram("execution")),
    ("README.md", "workflows", lambda: workflow_table("en")),
    ("README.zh-CN.md", "workflows", lambda: workflow_table("zh")),
]


def _block(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- end -->)", re.DOTALL)


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
            (ROOT / file).write_text(text.replace(old[0], make()), encoding="utf-8")
