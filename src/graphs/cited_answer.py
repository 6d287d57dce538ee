"""The end of a workflow that answers from passages: a cited answer, or why there is none."""

from langgraph.runtime import Runtime

from ..agents.sources.cited_answer import answer_from
from ..agents.turns import Stopwatch
from ..context import RunContext, resolve_model
from ..language.messages import Language
from ..state import Output, Source, TaskState, Usage
from .conclusion import build_output, record_output


async def conclude_cited(
    workflow: str,
    question: str,
    passages: list[Source],
    language: Language,
    runtime: Runtime[RunContext],
    *,
    nothing: Output,
    inputs: str,
    seconds: float,
) -> TaskState:
    """Answer from the passages, citing a passage for each sentence.

    Args:
        nothing: output if the passages hold no answer.
        inputs: what the answer is based on, to detect a stall.
        seconds: time spent finding the passages.
    """
    watch = Stopwatch()
    usage = Usage()
    output = nothing
    if passages:
        found = await answer_from(await resolve_model(runtime), question, passages, language)
        usage = found.usage
        if found.text:
            output = build_output(
                workflow,
                found.text,
                [found.check],
                sources=found.sources,
                data=found.data,
                language=language,
                known=question,
            )
    return record_output(
        workflow,
        output,
        summary=output.text,
        inputs=inputs,
        usage=usage,
        seconds=seconds + watch.seconds,
    )
