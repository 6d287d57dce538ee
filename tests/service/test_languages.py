"""Refusals are in the language that a client asks for."""

import pytest
from concertino.service.languages import choose_language

from tests.model_server import use
from tests.service.conftest import Client


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", None),
        ("*", None),
        ("fr, de;q=0.8", None),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("fr, zh;q=0.2, en;q=0.7", "en"),
        ("en;q=0, zh;q=0.1", "zh"),
        ("zh;q=nonsense, en", "en"),
        ("ZH-hant", "zh"),
    ],
)
def test_the_language_that_is_liked_best_is_spoken(header: str, language: str | None) -> None:
    assert choose_language(header) == language


def test_a_refusal_is_in_the_language_of_whoever_is_refused(client: Client) -> None:
    service = client()

    def get_detail(language: str) -> str:
        headers = {"Accept-Language": language} if language else {}
        return str(service.get("/tasks/nowhere", headers=headers).json()["detail"])

    assert get_detail("zh-CN") != get_detail("en") == get_detail("")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in get_detail("zh-CN"))


def test_without_a_wish_it_is_that_of_the_services_environment(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, LC_ALL="zh_CN.UTF-8")
    service = client()
    chinese = service.get("/tasks/nowhere", headers={"Accept-Language": ""}).json()["detail"]
    english = service.get("/tasks/nowhere", headers={"Accept-Language": "en"}).json()["detail"]
    assert chinese != english
