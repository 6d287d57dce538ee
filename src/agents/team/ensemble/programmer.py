"""The programmer: code that runs, which the sandbox shows."""

from langgraph.runtime import Runtime

from ....context import RunContext
from ....prompts import load_prompt
from ..code import extract_python
from ..contracts import Assignment, Contribution
from ..roles import Role, register_role
from ..writing import write_text

PROMPT = load_prompt("team/programmer")


async def play(assignment: Assignment, runtime: Runtime[RunContext]) -> Contribution:
    """Write the code. The sampler that discourages repetition would discourage code."""
    part = await write_text(PROMPT, assignment, runtime, varied=False)
    if "```" not in part.text and extract_python(part.text):
        return part.model_copy(update={"text": f"```python\n{part.text}\n```"})
    return part


PROGRAMMER = register_role(
    Role(
        name="programmer",
        title={"en": "programmer", "zh": "程序员"},
        description={
            "en": "writes code; Python is run with its tests in the sandbox.",
            "zh": "写代码；Python 连同测试在沙箱中运行。",
        },
        method="code",
        play=play,
        tools=("sandbox",),
        checks=("runs", "tests", "kept", "form", "complete"),
    )
)
