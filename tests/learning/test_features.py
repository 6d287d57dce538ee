"""What a question asks for on its face."""

import pytest
from concertino.learning.features import extract_features
from hypothesis import given
from hypothesis import strategies as st

NAMES = list(extract_features(""))


def found(question: str, **inputs: object) -> set[str]:
    signs = extract_features(question, inputs)
    return {name for name, value in signs.items() if value == 1 and name != "length"}


@pytest.mark.parametrize(
    ("question", "sign"),
    [
        ("Sum up https://example.org/a for me", "has_url"),
        ("看看https://example.cn/a这一页", "has_url"),
        ("A summary of the chapter, please", "asks_to_summarize"),
        ("这一章的大意是什么", "asks_to_summarize"),
        ("What is the latest on the strike?", "asks_for_latest"),
        ("现任校长是谁", "asks_for_latest"),
        ("Look it up on the internet", "asks_to_search"),
        ("上网找一找", "asks_to_search"),
        ("Write me something about owls", "asks_to_write"),
        ("续写这一段", "asks_to_write"),
        ("a fairy tale with a happy end", "names_a_story"),
        ("睡前故事", "names_a_story"),
        ("Explain tides to my pupils", "asks_to_teach"),
        ("给初二学生备课", "asks_to_teach"),
        ("How many eggs are in 12 boxes of 6?", "asks_for_result"),
        ("求圆的面积", "asks_for_result"),
        ("x^2 - 4x = 5", "has_formula"),
        ("已知 a ≥ 3", "has_formula"),
        ("what does our handbook say on lateness", "names_own_documents"),
        ("公司的差旅制度里怎么写的", "names_own_documents"),
        ("Who is it?", "has_question_mark"),
        ("你好吗", "has_question_mark"),
        ("一共有多少本书", "is_chinese"),
    ],
)
def test_a_sign_is_seen_in_both_languages(question: str, sign: str) -> None:
    assert sign in found(question)


@pytest.mark.parametrize("question", ["Hello there", "你好", "Turn the lights off"])
def test_small_talk_asks_for_nothing(question: str) -> None:
    assert found(question) <= {"is_chinese"}


def test_an_address_among_the_inputs_counts_as_one_in_the_question() -> None:
    assert "has_url" not in found("What does it say?", top_k=3)
    assert "has_url" in found("What does it say?", urls=["https://example.org/a"])


@given(st.text(max_size=300))
def test_every_text_has_the_same_features_between_0_and_1(question: str) -> None:
    signs = extract_features(question)
    assert list(signs) == NAMES
    assert all(0 <= value <= 1 for value in signs.values())
