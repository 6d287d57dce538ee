"""The diagrams in agent.md are those of the compiled graphs. `python -m` writes them anew."""

import re
from pathlib import Path

import pytest
from concertino.graphs import execution
from concertino.graphs.coordinator import graph

AGENT_MD = Path(__file__).parents[1] / "agent.md"
DIAGRAMS = {"coordinator": graph, "execution": execution.build()}


def _block(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=<!-- diagram: {name} -->\n```mermaid\n).*?(?=```)", re.DOTALL)


def _drawn(name: str) -> str:
    return DIAGRAMS[name].get_graph().draw_mermaid()


@pytest.mark.parametrize("name", DIAGRAMS)
def test_the_diagram_is_that_of_the_compiled_graph(name: str) -> None:
    found = _block(name).search(AGENT_MD.read_text(encoding="utf-8"))
    assert found, f"agent.md has no diagram of {name}"
    assert found[0] == _drawn(name), "run: python -m tests.test_agent_md"


if __name__ == "__main__":
    text = AGENT_MD.read_text(encoding="utf-8")
    for name in DIAGRAMS:
        drawn = _drawn(name)
        text = _block(name).sub(lambda _, drawn=drawn: drawn, text, count=1)
    AGENT_MD.write_text(text, encoding="utf-8")
