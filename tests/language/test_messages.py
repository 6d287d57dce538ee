import re
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import concertino
import pytest
from concertino.language.messages import default_language, say


def texts(table: dict[str, Any], path: str = "") -> Iterator[Any]:
    """The tables that hold texts, not further tables."""
    for name, entry in table.items():
        if any(isinstance(value, dict) for value in entry.values()):
            yield from texts(entry, f"{path}{name}.")
        else:
            yield pytest.param(entry, id=path + name)


LANGUAGE = Path(concertino.__path__[0]) / "language"
TABLES = tomllib.loads((LANGUAGE / "messages.toml").read_text("utf-8"))


@pytest.mark.parametrize("text", list(texts(TABLES)))
def test_every_text_is_in_both_languages_with_the_same_fields(text: dict[str, str]) -> None:
    assert text.keys() == {"en", "zh"}
    fields = {
        language: {field for _, field, _, _ in string.Formatter().parse(words) if field}
        for language, words in text.items()
    }
    assert fields["en"] == fields["zh"]


OPERATORS = {"cli", "router", "replay", "keys", "kb.empty", "kb.encoding.line"} | {
    f"service.{name}"
    for name in (
        "keys_needed",
        "metrics_port",
        "no_keys_yet",
        "not_installed",
        "otel_not_installed",
        "port",
    )
}
"""Areas and texts that only somebody at a command line reads."""
COMMAND = re.compile(r"concertino [a-z]|(?<![-\w])--[a-z]")
WHOEVER_RUNS_IT = {"en": "hoever runs Concertino", "zh": "管理员"}


@pytest.mark.parametrize("text", list(texts(TABLES)))
def test_commands_are_advice_for_whoever_runs_the_program_and_for_nobody_else(
    text: dict[str, str], request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id
    if name in OPERATORS or name.partition(".")[0] in OPERATORS or name == "invalid.input_pair":
        return
    for language, words in text.items():
        if COMMAND.search(words):
            assert WHOEVER_RUNS_IT[language] in words


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 passages"), (1, "1 passage"), (2, "2 passages")]
)
def test_one_of_something_is_not_told_as_many(count: int, said: str) -> None:
    assert say("rag.found", "en", count=count) == f"{said} found"
    assert say("rag.found", "zh", count=count) == f"找到 {count} 个段落"


COUNTED = re.compile(
    r"\{(?:count|chunks|documents|tasks|times|pages|runs|rounds|calls)\} [a-z]+s\b"
)


@pytest.mark.parametrize("text", list(texts(TABLES)))
def test_no_text_has_a_plural_whatever_the_count_is(text: dict[str, str]) -> None:
    assert not COUNTED.search(text["en"])


def test_a_text_is_said_in_the_language_asked_for_with_its_fields() -> None:
    assert say("weights.progress", "zh", what="下载", percent=10, megabytes=3) == (
        "下载：3 MB 的 10%"
    )


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh"),
        ({}, "en"),
    ],
)
def test_the_locale_decides_the_language_where_none_is_asked_for(
    variables: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert default_language() == language


def test_an_unknown_text_is_an_error() -> None:
    with pytest.raises(KeyError):
        say("weights.nonsense")
