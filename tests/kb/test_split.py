import pytest
from concertino.errors import InvalidTask
from concertino.kb.split import Section, count_tokens, split, split_markdown

CHINESE = "分数是整体的一部分。分母不能为零！同分母分数怎样相加？分母不变，分子相加；结果要约分。"
ENGLISH = (
    "A fraction is a part. Its denominator is never 0! How are 1.5 and 2.5 added? As decimals."
)


def passages(text: str, size: int, overlap: int = 0) -> list[str]:
    return [section.text for section in split([Section(text)], size, overlap)]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("分数", 2), ("fraction", 2), ("part", 1), ("1/2", 3), ("分数a，", 4), (" \n", 0)],
)
def test_tokens_are_characters_of_chinese_and_quarters_of_words(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


@pytest.mark.parametrize("text", [CHINESE * 20, ENGLISH * 20, (CHINESE + ENGLISH) * 20])
def test_no_passage_is_larger_than_asked_for_and_nothing_is_lost(text: str) -> None:
    found = passages(text, 64)
    assert max(map(count_tokens, found)) <= 64
    assert "".join("".join(found).split()) == "".join(text.split())


def test_passages_end_with_a_sentence_where_sentences_fit() -> None:
    assert all(passage[-1] in "。！？；" for passage in passages(CHINESE * 5, 40))
    assert all(passage[-1] in ".!?" for passage in passages(f"{ENGLISH} " * 5, 40))


def test_a_point_within_a_number_ends_no_sentence() -> None:
    assert passages("Take 1.5 now. " * 4, 16) == ["Take 1.5 now. Take 1.5 now."] * 2


def test_a_passage_begins_with_the_last_sentences_of_the_one_before() -> None:
    first, second, *_ = passages(CHINESE * 5, 48, overlap=16)
    assert second.startswith("结果要约分。") or first.endswith(second.split("。")[0] + "。")
    assert count_tokens(second) <= 48


@pytest.mark.parametrize("text", ["字" * 200, "x" * 2000, "word " * 200])
def test_a_sentence_longer_than_a_passage_is_cut_between_tokens(text: str) -> None:
    found = passages(text, 32)
    assert max(map(count_tokens, found)) <= 32
    assert "".join(found).replace(" ", "") == text.replace(" ", "")


def test_the_path_of_headings_stays_with_each_passage() -> None:
    text = "start\n# A\n## B\none\n### C\ntwo\n## D\nthree\n# E\nfour"
    assert [(section.heading, section.text) for section in split_markdown(text)] == [
        ("", "start"),
        ("A > B", "one"),
        ("A > B > C", "two"),
        ("A > D", "three"),
        ("E", "four"),
    ]


def test_a_hash_in_fenced_code_is_no_heading() -> None:
    [section] = split_markdown("# Code\n```python\n# a comment\nx = 1\n```")
    assert section.heading == "Code"
    assert "# a comment" in section.text


def test_a_text_of_headings_alone_is_not_lost() -> None:
    assert [section.text for section in split_markdown("# 分数\n## 加法")] == ["分数 > 加法"]


@pytest.mark.parametrize(("size", "overlap"), [(8, 0), (9000, 0), (64, 40), (64, -1)])
def test_sizes_that_make_no_sense_are_refused(size: int, overlap: int) -> None:
    with pytest.raises(InvalidTask, match=str(size)):
        split([Section("text")], size, overlap)


def test_rows_of_a_sheet_share_passages_under_the_names_of_its_columns() -> None:
    rows = [f"pupil {number}; {number % 7}" for number in range(40)]
    found = [part.text for part in split([Section("\n".join(rows), "", "name; mark")], 64, 16)]
    assert max(map(count_tokens, found)) <= 64
    assert all(passage.startswith("name; mark\n") for passage in found)
    assert [row for passage in found for row in passage.splitlines()[1:]] == rows
