"""A chat's messages as a task: the question, what went before, and standing instructions."""

from ...errors import InvalidTask
from ...language.messages import say
from ...state import Exchange
from .request import Message


def split_conversation(messages: list[Message]) -> tuple[str, list[Exchange], str]:
    """Return the last message's text, the answered questions before it, and the instructions.

    An answer is all that the assistant said up to the user's next message; a question without an
    answer, as after an error, is no history. What functions returned is left to the assistant's
    words about it.

    Raises:
        InvalidTask: the last message is not from the user.
    """
    said = [message for message in messages if message.role in ("user", "assistant")]
    if messages[-1].role != "user":
        raise InvalidTask(say("invalid.last_message"))
    earlier: list[Exchange] = []
    question, answers = "", list[str]()
    for message in said:
        if message.role == "assistant":
            answers += [message.text] if message.text.strip() else []
            continue
        if question and answers:
            earlier.append(build_exchange(question, "\n\n".join(answers)))
        question, answers = message.text, []
    return question, earlier, collect_instructions(messages)


def keep_latest(earlier: list[Exchange], chars: int) -> list[Exchange]:
    """Return the latest exchanges that have at most so many characters together."""
    kept = list[Exchange]()
    for exchange in reversed(earlier):
        chars -= len(exchange["question"]) + len(exchange["answer"])
        if chars < 0:
            break
        kept.insert(0, exchange)
    return kept


def collect_instructions(messages: list[Message]) -> str:
    """Return the texts of the system and the developer."""
    texts = (message.text for message in messages if message.role in ("system", "developer"))
    return "\n".join(text for text in texts if text.strip())


def build_exchange(question: str, answer: str) -> Exchange:
    return Exchange(question=question, workflow=None, inputs={}, answer=answer)
