"""Texts of a team's roles, written by the language model."""

from langgraph.runtime import Runtime

from ...context import RunContext, resolve_model
from ...language.messages import Language, say
from ...models.client import Reply
from ...prompts import Prompt
from ..turns import Stopwatch
from .contracts import Assignment, Contribution
from .request import describe_request, read_request

MAX_TOKENS = 1000
LONGEST_TOKENS = 2400
TOKENS_PER_UNIT = 2.5
RETRY_TEMPERATURE = 0.5
"""Temperature of a text that is drawn anew; a first one is what the model finds most likely."""


async def write_text(
    prompt: dict[Language, Prompt],
    assignment: Assignment,
    runtime: Runtime[RunContext],
    *,
    varied: bool = True,
) -> Contribution:
    """Have a role write its text.

    Args:
        varied: Discourage repetition, which code and tables need.

    Raises:
        ModelError: the model is unreachable or refused.
    """
    watch = Stopwatch()
    reply = await _generate(prompt, assignment, runtime, varied=varied)
    return Contribution(
        role=assignment["role"],
        number=assignment["number"],
        round=assignment["round"],
        instructions=assignment["instructions"],
        text=reply.value.strip(),
        cut_off=reply.cut_off,
        usage=reply.usage,
        seconds=watch.seconds,
    )


async def _generate(
    prompt: dict[Language, Prompt],
    assignment: Assignment,
    runtime: Runtime[RunContext],
    *,
    varied: bool,
) -> Reply[str]:
    language = assignment["language"]
    part = assignment["instructions"]
    asked = read_request(part or assignment["task"], language)
    seed = assignment["seed"]
    messages = prompt[language].messages(
        task=assignment["task"],
        material=assignment["material"],
        instructions=say("team.part", language, part=part) if part else "",
        form=describe_request(asked, language),
        findings=assignment["findings"],
    )
    model = await resolve_model(runtime)
    return await model.generate_text(
        messages,
        max_tokens=_choose_limit(asked.units),
        temperature=RETRY_TEMPERATURE if seed else 0.0,
        seed=seed or None,
        aloud=assignment["aloud"],
        varied=varied,
    )


def _choose_limit(units: int | None) -> int:
    """Return the limit of tokens for a text of so many units."""
    if units is None:
        return MAX_TOKENS
    return min(max(MAX_TOKENS, round(TOKENS_PER_UNIT * units)), LONGEST_TOKENS)
