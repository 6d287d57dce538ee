"""A sentence stands on a passage, or it does not; no model is asked."""

import pytest
from concertino.agents.sources.citations import (
    best_source,
    compute_word_overlap,
    is_quoted,
    supports,
)
from concertino.agents.sources.cited_answer import CitedSentence, verify_citations
from concertino.state import Source, Usage

TRIP = "The trip to the lake is on 3 May. Ms Ito leads it, and 24 pupils go."
春游 = "春游定于5月3日去湖边，由伊老师带队，共有24名学生参加。"


def source(number: int, text: str) -> Source:
    return Source(number=number, title=f"t{number}", location=f"{number}.md", text=text)


@pytest.mark.parametrize(
    ("passage", "text", "quote"),
    [
        (TRIP, "Ms Ito leads the trip.", "Ms Ito leads it"),
        (TRIP, "The trip is on 3 May.", "the lake is on 3 May"),
        (春游, "由伊老师带队。", "由伊老师带队"),
        (春游, "春游有24名学生参加。", "共有24名学生"),
        (春游, "Ms Yi leads the spring trip.", "由伊老师带队"),
        (TRIP, "Ms Ito leads it, and 24 pupils go.", "a quotation that is not there"),
    ],
)
def test_a_sentence_that_says_what_the_passage_says_is_supported(
    passage: str, text: str, quote: str
) -> None:
    assert supports(passage, text, quote, "Who leads the trip? 谁带队？")


@pytest.mark.parametrize(
    ("passage", "text", "quote"),
    [
        (TRIP, "The trip is on 4 May.", "the lake is on 3 May"),
        (TRIP, "Buses need new tyres every winter.", "Ms Ito leads it"),
        (TRIP, "Mr Bo leads a museum visit.", "Mr Bo leads"),
        (TRIP, "", "Ms Ito leads it"),
        (春游, "由王校长陪同全体家长参观。", "由王校长陪同"),
        (春游, "共有30名学生参加。", "共有24名学生"),
    ],
)
def test_a_sentence_with_other_numbers_or_other_words_is_not(
    passage: str, text: str, quote: str
) -> None:
    assert not supports(passage, text, quote, "Who leads the trip? 谁带队？")


def test_a_quotation_may_lose_punctuation_and_a_word_but_not_be_made_up() -> None:
    assert is_quoted("Ms. Ito, leads it", TRIP)
    assert not is_quoted("24 pupils go and so does the whole village", TRIP)
    assert is_quoted("Ms Ito leads it, and 24 pupils went", TRIP)
    assert not is_quoted("", TRIP)


def test_the_cited_passage_comes_before_another_that_says_the_same() -> None:
    both = [source(1, TRIP), source(2, TRIP)]
    assert best_source("Ms Ito leads it.", "Ms Ito leads it", 2, both, "") == 2
    assert best_source("Ms Ito leads it.", "Ms Ito leads it", 9, both, "") == 1
    assert best_source("Nobody knows.", "Nobody knows", 1, both, "") == 0


def test_a_wrong_number_of_a_passage_is_put_right() -> None:
    found = verify_citations(
        [CitedSentence(passage=1, quote="Ms Ito leads it", text="Ms Ito leads it.")],
        "Who leads the trip?",
        [source(1, "Soup is served until noon."), source(2, TRIP)],
        Usage(),
        "en",
    )
    assert found.text == "Ms Ito leads it. [1]"
    assert [s.location for s in found.sources] == ["2.md"]
    assert found.check.passed


def test_unsupported_sentences_are_left_out_and_counted() -> None:
    found = verify_citations(
        [
            CitedSentence(passage=1, quote="由伊老师带队", text="由伊老师带队。"),
            CitedSentence(passage=1, quote="校长也去", text="校长和全体家长也会一起去。"),
        ],
        "谁带队？",
        [source(1, 春游)],
        Usage(),
        "zh",
    )
    assert found.text == "由伊老师带队。 [1]"
    assert not found.check.passed
    assert found.check.detail == "2 句中的 1 句"


def test_endings_of_words_do_not_matter() -> None:
    assert compute_word_overlap("pupils leading trips", "a pupil leads the trip") == 1
    assert compute_word_overlap("pupils leading buses", "a pupil leads the trip") == pytest.approx(
        2 / 3
    )
    assert compute_word_overlap("", TRIP) == 0
