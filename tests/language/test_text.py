"""How a text is measured: its units, its share of Chinese, its sentences."""

import pytest
from concertino.language.text import (
    HAN_CHARACTER,
    count_units,
    is_finished,
    measure_chinese_share,
    split_sentences,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("It's a well-known 3-year plan — done.", 6),
        ("“Stop!” he cried… and ran.", 5),
        ("小蕾说：“你好！”", 5),
        ("小明有iPhone 12，很好。", 7),
        ("Ça va, Zoë?", 3),
        ("*** 。，！ ", 0),
        ("", 0),
    ],
)
def test_words_and_chinese_characters_are_counted_and_punctuation_is_not(
    text: str, length: int
) -> None:
    assert count_units(text) == length


def test_the_share_of_chinese_is_that_of_the_units() -> None:
    assert measure_chinese_share("小明有 iPhone") == 0.75
    assert measure_chinese_share("") == 0


def test_a_sentence_ends_with_its_quotation_and_not_at_a_title_or_a_number() -> None:
    assert split_sentences('Mr. Fox ran 3.5 km. "Stop!" cried Mina. Then he') == [
        "Mr. Fox ran 3.5 km. ",
        '"Stop!" ',
        "cried Mina. ",
        "Then he",
    ]
    assert split_sentences("他问：“谁？”没有人。风") == ["他问：“谁？”", "没有人。", "风"]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Take e.g. apples, pears etc. and so on. We met at 5 p.m. Then?", 3),
        ("Prof. A met Dr. B. Fig. 3 shows it.", 2),
        ("Wait... what? Then 5! = 120. Done!", 4),
        ("1. Add them.\n2. Subtract 3.5 from it.", 2),
        ("圆周率约为3.14。他问：“是吗？”没有人回答……天黑了。", 4),
        ("A line\nand another", 2),
        ("  ", 0),
    ],
)
def test_points_within_numbers_abbreviations_and_lists_end_no_sentence(
    text: str, sentences: int
) -> None:
    assert len(split_sentences(text)) == sentences


def test_a_semicolon_ends_a_clause_and_no_sentence() -> None:
    assert split_sentences("先加；再减。") == ["先加；再减。"]
    assert split_sentences("先加；再减。", clauses=True) == ["先加；", "再减。"]


@given(st.text(alphabet="aB 3.!?。！，；“”\"'()\n-一二$", max_size=60))
def test_the_sentences_of_a_text_are_the_text(text: str) -> None:
    assert "".join(split_sentences(text)).strip() == text.strip()


def test_a_number_is_one_unit() -> None:
    assert count_units("3.5 km, 3/4 of it, 1,000 at 12:30") == 8


def test_rare_and_compatibility_characters_are_chinese() -> None:
    assert all(HAN_CHARACTER.match(character) for character in "一㐀龥𠀀豈")
    assert not any(HAN_CHARACTER.match(character) for character in "a，あ한、3")


def test_a_sentence_is_finished_where_it_has_its_end() -> None:
    assert is_finished("He said “come!”")
    assert is_finished("他来了。")
    assert not is_finished("He con")


@pytest.mark.parametrize(
    "sentence",
    [
        "The lake is 3.5 km long.",
        "It costs $3.50, or .5 of a 7.0 note.",
        "Version 2.0.1 of Node.js is out.",
        "See https://example.org/a.b?c=d!e for more.",
        "The U.S. lake is approx. 3 km. away from St. Paul.",
        "J. K. Rowling wrote Vol. 3 No. 5 on Jan. 5.",
        "Wang et al. found it, see p. 5 of Fig. 3.",
        "她说：“湖长3.5公里。”",
        "他等了又等……",
    ],
)
@pytest.mark.parametrize("following", ["It is deep.", "然后他走了。"])
def test_a_point_within_a_sentence_does_not_end_it(sentence: str, following: str) -> None:
    assert split_sentences(f"{sentence} {following}") == [f"{sentence} ", following]
    assert is_finished(sentence)


@pytest.mark.parametrize(
    "text",
    ["It cost $3.50. Then it fell.", "They live in York. U.S. visitors come.", "It is no. Why?"],
)
def test_a_sentence_may_end_with_what_looks_like_an_abbreviation(text: str) -> None:
    assert len(split_sentences(text)) == 2
