"""Passages out of a knowledge base."""

from typing import Any

from concertino.agents.sources.passages import retrieve_document_passages
from concertino.kb.contracts import Hit


class Base:
    """A base in which every question finds the same."""

    def __init__(self, *hits: tuple[float, float]) -> None:
        self._hits = hits

    def retrieve(self, query: str, top_k: int) -> list[Hit]:
        given = {"doc_id": "d", "title": "", "source": "s", "heading": "", "position": 0}
        return [
            Hit.model_construct(
                **given,
                chunk_id=f"c{n}",
                text=f"{n}",
                score=1,
                similarity=near,
                keyword_score=words,
            )
            for n, (near, words) in enumerate(self._hits)
        ][:top_k]


async def found(base: Any, **options: bool) -> list[str]:
    return [source.text for source in await retrieve_document_passages(base, "?", 4, **options)]


async def test_passages_much_less_like_the_question_are_left_out_where_close_ones_are_wanted() -> (
    None
):
    base = Base((0.88, 0.2), (0.85, 0.1), (0.80, 0.1))
    assert await found(base, close=True) == ["0", "1"]
    assert await found(base) == ["0", "1", "2"]


async def test_the_passage_with_most_of_the_questions_words_stays() -> None:
    assert await found(Base((0.88, 0.1), (0.0, 0.9), (0.80, 0.1)), close=True) == ["0", "1"]
    assert await found(Base((0.88, 0.0), (0.70, 0.0)), close=True) == ["0"]


async def test_passages_about_something_else_than_the_question_names_are_left_out() -> None:
    base, question = Base((0.9, 0.5), (0.8, 0.4)), "When does Ada arrive?"
    assert await retrieve_document_passages(base, question, 4) == []  # type: ignore[arg-type]


async def test_an_empty_base_has_none() -> None:
    assert await found(Base(), close=True) == []
