"""Lengths, sentences, repetitions and plot points, counted by machine in both languages."""

import pytest
from concertino.agents.story.text import (
    cut_to_length,
    drop_unfinished_sentence,
    extract_prose,
    measure_coverage,
    measure_repetition,
    mentions,
    without_foreign,
    without_repeats,
)


def test_what_breaks_off_is_left_out_unless_there_is_nothing_else() -> None:
    assert drop_unfinished_sentence("He came. He saw. He con") == "He came. He saw."
    assert drop_unfinished_sentence("He con") == "He con"
    assert drop_unfinished_sentence("他来了。他看") == "他来了。"


def test_a_text_is_cut_at_the_nearest_sentence_end() -> None:
    text = "One two three. Four five six. Seven eight nine."
    assert cut_to_length(text, 7) == "One two three. Four five six."
    assert cut_to_length(text, 1) == "One two three."
    assert cut_to_length(text, 4, keep_end=True) == "One two three. Seven eight nine."
    assert cut_to_length("no end at all", 2) == "no end at all"


def test_a_text_is_not_cut_within_a_quotation() -> None:
    assert cut_to_length("“Come in. Sit down.” He sat. They ate.", 3) == "“Come in. Sit down.”"
    assert cut_to_length('He said: "Come. Sit." Then they ate.', 4) == 'He said: "Come. Sit."'


@pytest.mark.parametrize(
    "reply",
    [
        "# The Lamp\n\nOnce.\n\nTwice.",
        "Sure, here is the next part:\n\nOnce.\nTwice.",
        "**Part 1**\nOnce.\n---\nTwice.\n(52 words)",
        "```\nOnce.\n\nTwice.\n```",
        "Part 2: Once.\n\n\n\nTwice.",
        "Chapter 1\n\nOnce.\n\nTwice.",
    ],
)
def test_headings_and_remarks_are_no_part_of_a_story(reply: str) -> None:
    assert extract_prose(reply) == "Once.\n\nTwice."


def test_remarks_in_chinese_are_no_part_of_a_story_either() -> None:
    assert extract_prose("好的，以下是第一部分：\n\n第一部分：从前。\n（共50字）") == "从前。"


def test_sentences_that_a_model_has_numbered_lose_their_numbers() -> None:
    assert (
        extract_prose("1. 小罗打开信。\n2. 3. 他决定去找岛。\n4.")
        == "小罗打开信。\n\n他决定去找岛。"
    )
    assert (
        extract_prose("1) Ada climbed up.\n12 gulls followed.")
        == "Ada climbed up.\n\n12 gulls followed."
    )


def test_a_story_keeps_its_own_lines() -> None:
    text = "“Part of me is here,” she said.\n\nThe letter read:\n\n“Come home.”"
    assert extract_prose(text) == text


def test_a_sentence_comes_once_and_a_refrain_again() -> None:
    before = "The old man walked slowly down to the sea."
    text = f"{before} On and on! He looked at it for a long time. On and on!"
    kept = "On and on! He looked at it for a long time. On and on!"
    assert without_repeats(text, before, "en") == kept
    assert without_repeats(text, "", "en").startswith(before)


def test_a_sentence_that_changes_a_few_words_of_an_earlier_one_is_an_echo() -> None:
    loop = "They ran to the edge of the garden because they wanted {}."
    text = " ".join(loop.format(wish) for wish in ("to see", "to play", "to be free"))
    assert without_repeats(text, "", "en") == loop.format("to see")
    chinese = "阿木和老墨说：我们走到山上去{}。"
    text = "".join(chinese.format(end) for end in ("吧", "看看", "找风筝"))
    assert without_repeats(text, "", "zh") == chinese.format("吧")


def test_sentences_into_which_the_other_language_has_slipped_are_left_out() -> None:
    text = "铁豆给花浇水。植物需要 watering了。Tom笑了。他打开app看。"
    assert (
        without_foreign(text, "zh", "一个会用app的机器人") == "铁豆给花浇水。Tom笑了。他打开app看。"
    )
    assert without_foreign("Bolt waters it. The 植物 drinks.", "en", "") == "Bolt waters it."


def test_repeated_ngrams_are_counted_against_everything_before() -> None:
    first = "the fox ran through the dark wood and found a silver key under the oak"
    other = "nobody saw how the tall captain left his ship that cold and windy night"
    assert measure_repetition([first, other], "en") == [0, 0]
    assert measure_repetition([first, other, first], "en") == [0, 0, 1]
    assert measure_repetition([other], "en", before=other) == [1]
    assert measure_repetition([f"{first} {first}"], "en")[0] > 0.3
    assert measure_repetition(["", "one"], "en") == [0, 0]


def test_repetition_is_found_in_chinese() -> None:
    first = "狐狸穿过黑暗的树林，在橡树下找到一把银钥匙。"
    other = "那个寒冷的夜晚，没有人看见高大的船长离开他的船。"
    assert measure_repetition([first, other, first], "zh") == [0, 0, 1]


def test_a_plot_point_is_covered_by_its_content_words_in_any_form() -> None:
    point = "Mina finds a torn map in the attic."
    assert measure_coverage(point, "In the attic Mina was finding maps, all torn.", ["Mina"]) == 1
    assert measure_coverage(point, "Mina went out to the garden and fed the hens.", ["Mina"]) == 0
    assert measure_coverage("Mina goes.", "Mina left.", ["Mina"]) == 1, "only the name to go by"
    assert measure_coverage("", "anything") == 1


def test_a_chinese_plot_point_is_covered_by_its_pairs_of_characters() -> None:
    point = "小蕾在阁楼发现旧地图。"
    assert measure_coverage(point, "阁楼里，小蕾发现了一张旧地图。", ["小蕾"]) > 0.6
    assert measure_coverage(point, "小蕾走到花园里喂鸡。", ["小蕾"]) == 0


@pytest.mark.parametrize(
    ("text", "name", "named"),
    [
        ("“Aye,” said Nemo.", "Captain Nemo", True),
        ("Nemo's hat fell.", "nemo", True),
        ("The hedgehog slept.", "Pip the hedgehog", False),
        ("He stood pipless.", "Pip", False),
        ("小狐狸阿蕾睡了。", "阿蕾", True),
        ("狐狸睡了。", "阿蕾", False),
    ],
)
def test_a_character_is_named_by_the_name_or_a_part_of_it(
    text: str, name: str, named: bool
) -> None:
    assert mentions(text, name) is named
