"""Which passages are about what a question names."""

import pytest
from concertino.kb.names import extract_names, match_names


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("孙权封王称帝后立谁为太子？", {"孙权"}),
        ("AM1470在每周的什么时间段进行广播？", {"am1470"}),
        ("莱索托哪一年独立？", {"莱索托"}),
        ("When does Ms Ito arrive in Kyoto?", {"ms", "ito", "kyoto"}),
        ("what does the GDPR say about cookies", {"gdpr"}),
        ("How big is an A4 page?", {"a4"}),
    ],
)
def test_names_are_found_in_both_languages(question: str, names: set[str]) -> None:
    assert names <= extract_names(question)


@pytest.mark.parametrize(
    "question",
    [
        "我的笔记里，春游由谁带队？",
        "合同里的违约金是多少？",
        "根据我的笔记，分子表示什么？",
        "Who leads the school trip, according to my notes?",
        "Why Do Leaves Turn Red?",
        "can I say I'm late?",
        "",
    ],
)
def test_where_nothing_is_named_every_passage_may_answer(question: str) -> None:
    assert extract_names(question) == set()
    assert match_names(question, ["一句话。", "A sentence."]) == [True, True]


def test_a_passage_about_another_volcano_is_none_about_this_one() -> None:
    texts = ["塔乌鲁火山位于新不列颠岛。", "西尔扬坑位于瑞典中南部。"]
    assert match_names("塔乌鲁火山坐落于什么地方？", texts) == [True, False]


def test_half_of_the_names_is_enough() -> None:
    assert match_names("When did Ada meet Bob?", ["ADA came first.", "Cyd came first."]) == [
        True,
        False,
    ]


def test_a_passage_in_another_script_cannot_be_told() -> None:
    assert match_names("孙权立谁为太子？", ["Sun Quan made Sun Deng crown prince."]) == [True]
