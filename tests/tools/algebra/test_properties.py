"""Equality of generated answers is an equivalence, a change is seen, and text keeps the value."""

import re
from itertools import product

import pytest
from concertino.tools.algebra.comparing import is_same_value
from concertino.tools.algebra.reading import read_value
from concertino.tools.algebra.showing import describe, write_whole
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.algebra.generated import BY_TYPE, SAME, Pair

SOME = settings(max_examples=25)
MANY = settings(max_examples=100)

ANY = st.one_of(*BY_TYPE.values())
ALL_FORMS = st.sampled_from([text for texts in SAME.values() for text in texts])
WITH_DIGITS = [kind for kind, texts in SAME.items() if re.search(r"\d", "".join(texts))]


def are_same(left: str, right: str) -> bool:
    return is_same_value(read_value(left), read_value(right), strict=True)


def are_close(left: str, right: str) -> bool:
    return is_same_value(read_value(left), read_value(right), rounded=True)


@pytest.mark.parametrize("kind", BY_TYPE)
def test_an_answer_equals_itself_and_a_changed_one_never_does(kind: str) -> None:
    @SOME
    @given(BY_TYPE[kind])
    def check(pair: Pair) -> None:
        answer, changed = pair
        assert are_same(answer, answer)
        assert are_close(answer, answer)
        assert not are_same(answer, changed)
        assert not are_close(answer, changed)

    check()


@pytest.mark.parametrize("kind", BY_TYPE)
def test_an_answer_keeps_its_value_when_written_and_read_again(kind: str) -> None:
    @SOME
    @given(BY_TYPE[kind])
    def check(pair: Pair) -> None:
        value = read_value(pair[0])
        for written in (str(describe(value)["text"]), write_whole(value)):
            assert is_same_value(read_value(written), value, strict=True), written

    check()


@MANY
@given(ANY, ANY)
def test_answers_of_any_types_are_equal_in_either_order(left: Pair, right: Pair) -> None:
    a, b = left[0], right[0]
    assert are_same(a, b) is are_same(b, a)
    assert are_close(a, b) is are_close(b, a)


@MANY
@given(ANY, ANY, ANY)
def test_what_equals_the_same_answer_is_equal(first: Pair, second: Pair, third: Pair) -> None:
    a, b, c = first[0], second[0], third[0]
    if are_same(a, b) and are_same(b, c):
        assert are_same(a, c)


@pytest.mark.parametrize("kind", SAME)
def test_equality_of_the_forms_of_an_answer_is_an_equivalence(kind: str) -> None:
    values = [read_value(text) for text in SAME[kind]]
    equal = {
        (i, j): is_same_value(a, b, strict=True)
        for (i, a), (j, b) in product(enumerate(values), repeat=2)
    }
    numbers = range(len(values))
    assert all(equal[i, i] for i in numbers)
    assert all(equal[i, j] is equal[j, i] for i, j in product(numbers, repeat=2))
    broken = [
        tuple(SAME[kind][n] for n in (i, j, k))
        for i, j, k in product(numbers, repeat=3)
        if equal[i, j] and equal[j, k] and not equal[i, k]
    ]
    assert broken == []


@pytest.mark.parametrize("kind", SAME)
def test_the_first_two_forms_of_an_answer_are_equal_and_some_form_differs(kind: str) -> None:
    first, second, *others = SAME[kind]
    assert are_same(first, second)
    assert not all(are_same(first, other) for other in others)


@MANY
@given(ALL_FORMS, ALL_FORMS)
def test_a_comparison_that_allows_for_rounding_is_symmetric(left: str, right: str) -> None:
    assert are_close(left, right) is are_close(right, left)
    assert are_close(left, left)


@pytest.mark.parametrize("kind", WITH_DIGITS)
def test_a_form_with_any_of_its_digits_changed_differs(kind: str) -> None:
    digits = [(text, found) for text in SAME[kind] for found in re.finditer(r"\d", text)]

    @SOME
    @given(st.sampled_from(digits), st.integers(1, 9))
    def check(place: tuple[str, "re.Match[str]"], step: int) -> None:
        text, digit = place
        other = (int(digit[0]) + step) % 10
        changed = f"{text[: digit.start()]}{other}{text[digit.end() :]}"
        assert not are_same(text, changed)
        assert not are_close(text, changed)

    check()


@SOME
@given(st.integers(1, 10**6), st.integers(2, 5), st.integers(2, 999))
def test_rounding_is_allowed_for_but_not_strictly(top: int, places: int, bottom: int) -> None:
    rounded, exact = f"{top / bottom:.{places}f}", f"{top}/{bottom}"
    if float(rounded) * 10 % 1 and (top * 10**places) % bottom:
        assert are_close(rounded, exact)
        assert not are_same(rounded, exact)
