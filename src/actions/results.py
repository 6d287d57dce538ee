"""Action that reads on in an earlier result."""

from ..language.messages import say
from .catalogue import register
from .errors import InvalidCall
from .placeholders import format_value
from .spec import Action, ActionContext, Data, Outcome, Params

PAGE_CHARS = 1_200


class ReadResult(Params):
    """Which result, and where in it."""

    id: str
    """Id of the result, such as `r2`."""
    offset: int = 0
    """First character to read."""


class ResultPage(Data):
    """A page of a result."""

    text: str
    """Characters of the result, which is written as JSON if it is not one text."""
    left: int
    """Characters after this page."""

    def format_preview(self) -> str:
        return f"{self.text}\n… (+{self.left})" if self.left else self.text


def read_result(params: ReadResult, context: ActionContext) -> Outcome[ResultPage]:
    """Return a page of an earlier result."""
    if params.id not in context.results:
        known = ", ".join(context.results) or "-"
        raise InvalidCall(say("act.no_such_result", context.language, name=params.id, known=known))
    data = context.results[params.id]
    texts = [value for value in data.values() if isinstance(value, str)]
    whole = texts[0] if len(texts) == 1 and len(data) <= 3 else format_value(data)
    start = max(0, params.offset)
    page = whole[start : start + PAGE_CHARS]
    return Outcome(ResultPage(text=page, left=max(0, len(whole) - start - len(page))))


RESULT_READ = register(
    Action(
        name="result_read",
        description={
            "en": "Read on in an earlier result that was too long",
            "zh": "继续读之前太长的结果",
        },
        params=ReadResult,
        data=ResultPage,
        effect="read",
        run=read_result,
    )
)
