"""Cited answer: answers a question from numbered passages only, each sentence with its passage.

The model quotes a passage before it writes a sentence; unsupported sentences are dropped.
"""

from dataclasses import dataclass

from pydantic import Field

from ...language.messages import Language, say
from ...models.client import LanguageModel
from ...prompts import load_prompt
from ...state import Check, Contract, Line, Source, Usage
from ...tools.fence import fence
from .citations import best_source

PROMPT = load_prompt("sources/cited_answer")
MAX_TOKENS = 1200


class CitedSentence(Contract):
    """One sentence of an answer, and its evidence."""

    passage: int
    """Number of the cited passage."""
    quote: Line
    """The passage's own words that support the sentence."""
    text: Line
    """The sentence, in the language of the question."""


class CitedSentences(Contract):
    """An answer, sentence by sentence."""

    statements: list[CitedSentence] = Field(max_length=5)
    """Empty if the passages do not answer the question."""


@dataclass(frozen=True)
class CitedAnswer:
    """An answer after its citations were checked."""

    text: str
    """The supported sentences with their citations [n]; empty if there are none."""
    sources: list[Source]
    """The cited passages, numbered as in `text`."""
    check: Check
    """Whether all sentences were supported."""
    data: dict[str, object]
    """Number of `sentences` that the model wrote, and how many of them are `supported`."""
    usage: Usage


async def answer_from(
    model: LanguageModel, question: str, sources: list[Source], language: Language
) -> CitedAnswer:
    """Answer the question from the given passages.

    Raises:
        ModelError: the model is unreachable or gave no valid answer.
    """
    shown = "\n\n".join(
        fence(source.text, f"[{source.number}] {source.title}") for source in sources
    )
    reply = await model.generate_structured(
        PROMPT[language].messages(passages=shown, question=question),
        CitedSentences,
        max_tokens=MAX_TOKENS,
        language=language,
    )
    return verify_citations(reply.value.statements, question, sources, reply.usage, language)


def verify_citations(
    statements: list[CitedSentence],
    question: str,
    sources: list[Source],
    usage: Usage,
    language: Language,
) -> CitedAnswer:
    """Keep the sentences supported by a passage, and renumber the passages in order of citation."""
    places = [best_source(s.text, s.quote, s.passage, sources, question) for s in statements]
    cited = list(dict.fromkeys(place for place in places if place))
    number = {place: n for n, place in enumerate(cited, 1)}
    kept = dict.fromkeys(
        f"{statement.text.strip()} [{number[place]}]"
        for statement, place in zip(statements, places, strict=True)
        if place
    )
    supported = sum(place > 0 for place in places)
    return CitedAnswer(
        text=("" if language == "zh" else " ").join(kept),
        sources=[
            source.model_copy(update={"number": number[source.number]})
            for source in sorted(sources, key=lambda source: number.get(source.number, 0))
            if source.number in number
        ],
        check=Check(
            name="citations",
            passed=supported == len(statements),
            detail=say("cited.supported", language, supported=supported, all=len(statements)),
        ),
        data={"sentences": len(statements), "supported": supported},
        usage=usage,
    )
