"""The certificate: an independent solver arrives at the golds of fresh instances.

The model reasons in words, without sight of the program. With two agreements within five tries a
right template passes far more often than a wrong one, whose golds are wrong on each instance.
"""

from ..agents.math.reasoning import reason_in_words
from ..models.client import LanguageModel
from ..state import Usage
from ..tools.answers import is_same_answer
from ..tools.sandbox import Sandbox
from .contracts import Certificate, Essence, NewTask, Status
from .mutate import change_parameters

ENOUGH = 2
"""Agreements that certify an essence."""
MAX_TRIES = 5
DRAW = -1
"""Draws of the instances, apart from those of tasks that are kept."""


async def certify(essence: Essence, model: LanguageModel, sandbox: Sandbox) -> Certificate:
    """Let a model solve fresh instances until it agrees with the golds often enough.

    Raises:
        ModelError: the model is unreachable or refused.
        SandboxUnavailable: programs cannot be confined on this machine.
    """
    agreed = tried = 0
    usage = Usage()
    for task in await change_parameters(essence, sandbox, MAX_TRIES, seed=DRAW):
        solved, cost = await _agrees(task, model, sandbox)
        usage += cost
        tried += 1
        agreed += solved
        if agreed == ENOUGH:
            break
    return Certificate(agreed=agreed, tried=tried, usage=usage)


def choose_status(certificate: Certificate) -> Status:
    """Return the status that an essence has by its certificate."""
    return "certified" if certificate.agreed >= ENOUGH else "draft"


async def _agrees(task: NewTask, model: LanguageModel, sandbox: Sandbox) -> tuple[bool, Usage]:
    reply = await reason_in_words(model, sandbox, task.question, task.language)
    found = reply.value
    same = found is not None and await is_same_answer(
        sandbox, found.answer.written, task.gold.written
    )
    return same, reply.usage
