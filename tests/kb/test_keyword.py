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


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("WiFi", "Turn on the Wi-Fi."),
        ("Wi-Fi", "Turn on the wifi."),
        ("email", "Write an e-mail."),
        ("T-shirt", "Two tshirts, one tshirt."),
        ("5kg", "A bag of 5 kg."),
        ("5 kg", "A bag of 5kg."),
        ("５ｋｇ", "A bag of 5 kg."),
        ("the 3rd lesson", "This is the third lesson."),
        ("the third lesson", "This is the 3rd lesson."),
        ("21st", "the twenty-first page"),
        ("twenty-first", "the 21st page"),
        ("three apples", "3 apples"),
        ("12 apples", "twelve apples"),
        ("第三课", "这是第3课的内容。"),
        ("第3课", "这是第三课的内容。"),
        ("第12章", "请读第十二章。"),
        ("第二十三页", "请看第23页。"),
        ("3个苹果", "树上有三个苹果。"),
    ],
)
def test_another_spelling_of_a_word_is_found(base: KnowledgeBase, question: str, text: str) -> None:
    base.add_documents([{"id": "meant", "text": text}])
    base.add_documents([{"id": f"d{n}", "text": f"别的 something else {n + 40}"} for n in range(9)])
    [best, *_] = base.retrieve(question, 1)
    assert best.doc_id == "meant"
    assert best.keyword_score == pytest.approx(1)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("a long river", "along the river"),
        ("3.5", "three"),
        ("第三课", "第4课"),
        ("third", "three"),
    ],
)
def test_what_only_looks_alike_is_not_another_spelling(
    base: KnowledgeBase, question: str, text: str
) -> None:
    base.add_documents([{"id": "other", "text": text}])
    assert base.retrieve(question, 1)[0].keyword_score < 1
