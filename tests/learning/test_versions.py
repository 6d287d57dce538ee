"""Routers under their numbers: kept, one of them in use, back to an earlier one."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from concertino.errors import RouterError
from concertino.learning.classifier import Classifier
from concertino.learning.features import extract_features
from concertino.learning.versions import SHIPPED, Versions

from tests.learning.test_classifier import classifier


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    return Versions(tmp_path / "router")


def router(temperature: float = 1.0) -> Classifier:
    names = list(extract_features(""))
    return classifier(features=names, weights=[[0.0] * len(names)] * 2, temperature=temperature)


def test_the_one_that_came_with_the_program_is_in_use_at_first(versions: Versions) -> None:
    assert versions.get_current() == SHIPPED
    assert versions.list_numbers() == [SHIPPED]
    assert "solve_math" in versions.load(SHIPPED).labels
    assert not versions.folder.exists()


def test_a_new_one_is_kept_and_in_use_only_when_told_so(versions: Versions) -> None:
    number = versions.add(router(2.0))
    assert (number, versions.get_current()) == (1, SHIPPED)

    versions.use(number)
    assert versions.get_current() == 1
    assert versions.load(1) == router(2.0)


def test_going_back_goes_to_what_was_in_use_before_and_deletes_nothing(versions: Versions) -> None:
    kept = [versions.add(router(temperature)) for temperature in (2.0, 3.0, 4.0)]
    versions.use(3)
    versions.use(1)
    assert (versions.roll_back(), versions.get_current()) == (3, 3)
    assert (versions.roll_back(), versions.get_current()) == (SHIPPED, SHIPPED)
    assert versions.list_numbers() == [SHIPPED, *kept]
    with pytest.raises(RouterError, match="none before it"):
        versions.roll_back()


def test_going_back_to_one_that_is_gone_leaves_the_one_in_use(versions: Versions) -> None:
    for temperature in (2.0, 3.0):
        versions.use(versions.add(router(temperature)))
    (versions.folder / "0001.json").unlink()
    with pytest.raises(RouterError, match=r"no router of version 1. Kept: 0, 2"):
        versions.roll_back()
    assert versions.get_current() == 2


def test_routers_added_at_once_have_numbers_of_their_own(versions: Versions) -> None:
    with ThreadPoolExecutor(8) as threads:
        numbers = list(threads.map(versions.add, [router(1 + n) for n in range(24)]))
    assert sorted(numbers) == list(range(1, 25))
    for number, n in zip(numbers, range(24), strict=True):
        assert versions.load(number).temperature == 1 + n


def test_what_a_killed_process_left_half_written_is_no_version(versions: Versions) -> None:
    versions.add(router())
    (versions.folder / ".draft").write_text("{")
    assert versions.list_numbers() == [0, 1]


def test_an_unknown_version_is_named_with_those_that_there_are(versions: Versions) -> None:
    versions.add(router())
    with pytest.raises(RouterError, match=r"no router of version 7. Kept: 0, 1"):
        versions.use(7)


def test_a_version_that_cannot_be_read_is_not_put_in_use(versions: Versions) -> None:
    number = versions.add(router())
    (versions.folder / "0001.json").write_text('{"labels": []}')
    with pytest.raises(RouterError, match=r"0001.json cannot be read.*train-router"):
        versions.use(number)
    assert versions.get_current() == SHIPPED


def test_one_trained_on_other_features_is_of_another_version(versions: Versions) -> None:
    number = versions.add(classifier())
    with pytest.raises(RouterError, match="another version of the program"):
        versions.load(number)


def test_a_pointer_that_says_nothing_is_an_error_that_tells_the_way_out(
    versions: Versions,
) -> None:
    versions.use(versions.add(router()))
    (versions.folder / "current").write_text("newest")
    with pytest.raises(RouterError, match="rollback 0"):
        versions.get_current()
    versions.use(SHIPPED)
    assert versions.get_current() == SHIPPED


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "router").write_text("a file")
    with pytest.raises(RouterError, match="cannot be written in"):
        Versions(tmp_path / "router").add(router())
