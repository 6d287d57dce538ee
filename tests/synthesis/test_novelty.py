"""Novelty: the same problem with other numbers and names is no new one."""

import builtins
from typing import Any

import pytest
from concertino.errors import ConcertinoError
from concertino.synthesis.novelty import NoveltyIndex, list_grams, mask_text

pytest.importorskip("datasketch", reason="the extra `synth` is not installed")

SAME = [
    (
        "Mia buys 12 pens at $3 each and pays with $50. How much change does she get?",
        "Tom buys 9 pens at $15 each and pays with $400. How much change does he get?",
    ),
    (
        "水果店运来18箱苹果，每箱25千克，还剩多少千克？",
        "水果店运来120箱苹果，每箱8千克，还剩多少千克？",
    ),
    ("小明有12本书，送给小红3本，还剩几本？", "小华有50本书，送给小丽21本，还剩几本？"),
    (
        "He ran two miles in ten minutes. How fast is he?",
        "He ran 6 miles in 50 minutes. How fast is he?",
    ),
]
DIFFERENT = [
    *[pair[0] for pair in SAME],
    "A tank loses 5 litres an hour. When is it empty?",
    "一个长方形的长是8米，宽是5米，面积是多少平方米？",
    "小明有12本书，小红的书是他的3倍，两人一共有多少本？",
]


@pytest.mark.parametrize(("text", "other"), SAME)
def test_other_numbers_and_names_are_the_same(text: str, other: str) -> None:
    index = NoveltyIndex()
    index.add("a", text)
    assert index.find_same(other) == "a"


def test_other_problems_are_new() -> None:
    index = NoveltyIndex()
    for place, text in enumerate(DIFFERENT):
        assert index.find_same(text) is None
        index.add(str(place), text)


def test_numbers_and_names_are_masked() -> None:
    assert mask_text("Then Mia has 12 pens.") == "then @ has # pens."
    assert mask_text("小明有十二个球。") == "@有#个球。"


def test_a_short_text_has_one_gram() -> None:
    assert list_grams("") == {""}
    assert list_grams("3 + 4") == {"# + #"}


def test_without_the_library_it_is_told_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    imported = builtins.__import__

    def refuse(name: str, *given: Any, **named: Any) -> Any:
        if name == "datasketch":
            raise ImportError(name)
        return imported(name, *given, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ConcertinoError, match=r"concertino\[synth\]"):
        NoveltyIndex()
