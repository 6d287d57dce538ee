"""Reasoning: a problem is solved in words, without sight of a program."""

from ...language.messages import Language
from ...models.client import LanguageModel, Reply
from ...prompts import load_prompt
from ...state import Attempt
from ...tools.answers import extract_boxed_answer, fit_answer, read_answer
from ...tools.sandbox import Sandbox
from .recomputation import correct_arithmetic

REASONING = load_prompt("math/reasoning")
MAX_REASONING_TOKENS = 800


async def reason_in_words(
    model: LanguageModel,
    sandbox: Sandbox,
    problem: str,
    language: Language,
    *,
    temperature: float = 0.0,
    seed: int | None = None,
) -> Reply[Attempt | None]:
    """Solve a problem in words; slips of arithmetic are put right before the answer is read. None
    if no answer of the type asked for was found.

    Raises:
        ModelError: the model is unreachable or refused.
        SandboxUnavailable: programs cannot be confined on this machine.
    """
    reply = await model.generate_text(
        REASONING[language].messages(problem=problem),
        max_tokens=MAX_REASONING_TOKENS,
        temperature=temperature,
        seed=seed,
    )
    working = await correct_arithmetic(sandbox, reply.value, problem)
    boxed = await read_answer(sandbox, extract_boxed_answer(working))
    answer = await fit_answer(sandbox, problem, boxed) if boxed else None
    if answer is None:
        return Reply(None, reply.usage)
    return Reply(Attempt(route="reasoning", answer=answer, working=working), reply.usage)
