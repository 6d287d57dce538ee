import pytest
from concertino.kb import KnowledgeBase
from concertino.kb.keyword import split_words


def test_words_of_both_languages_are_found_in_one_text() -> None:
    assert split_words("分数的 Fraction, ＨＴＴＰ２！C++ & 3.14") == [
        "分数", "的", "fraction", "http2", "c", "3", "14",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "question", ['"', "a AND b OR NOT (c)", "fraction*", "words: x", "'; drop table chunks;--"]
)
def test_nothing_in_a_question_is_taken_for_query_syntax(
    base: KnowledgeBase, question: str
) -> None:
    base.add_documents([{"id": "f", "text": "A fraction is a part."}])
    assert base.search(question) == [("f", pytest.approx(1, abs=0.51))]


def test_rare_words_count_more_than_frequent_ones(base: KnowledgeBase) -> None:
    base.add_documents([{"id": f"d{n}", "text": f"the number {n}"} for n in range(20)])
    hits = {hit.doc_id: hit for hit in base.retrieve("the 7", 20)}
    assert hits["d7"].keyword_score == pytest.approx(1)
    assert hits["d8"].keyword_score < 0.1
