import gzip
import json
from typing import Any

import pytest
from concertino.settings import Settings
from concertino.tools import web_search
from concertino.tools.web_search import (
    DuckDuckGo,
    SearchResult,
    SearchUnavailable,
    SearXNG,
    Tavily,
    choose_search_provider,
)
from ddgs import DDGS
from ddgs.exceptions import DDGSException, RatelimitException, TimeoutException
from pydantic import SecretStr

from tests.tools.internet import Answer, Site

KEY = SecretStr("tvly-secret-0123456789")
FOUND = {
    "results": [
        {"title": "Cakes", "url": "https://a.test/", "content": "All about cakes.", "score": 0.9},
        {"title": "Pies", "url": "https://b.test/", "content": "Pies."},
    ]
}


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAVILY_API_KEY", raising=False)


def reply(value: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(value).encode(), "application/json", status)


def searxng(site: Site, seconds: float = 5) -> SearXNG:
    return SearXNG(seconds, "en", url=f"{site.url}/")


def tavily(site: Site) -> Tavily:
    return Tavily(5, "en", key=KEY, url=site.url)


async def unavailable(provider: SearXNG | Tavily | DuckDuckGo) -> SearchUnavailable:
    """The error of a search; it never shows the key, nor does what caused it."""
    with pytest.raises(SearchUnavailable) as error:
        await provider.search("cakes")
    assert KEY.get_secret_value() not in str(error.value)
    assert error.value.__cause__ is None
    return error.value


# Results


async def test_searxng_is_asked_for_json_and_its_results_come_in_order(site: Site) -> None:
    site.answers["/search"] = reply(FOUND)
    assert await searxng(site).search("什么是 1/2?", 5) == [
        SearchResult("Cakes", "https://a.test/", "All about cakes."),
        SearchResult("Pies", "https://b.test/", "Pies."),
    ]
    [(path, _, _)] = site.requests
    assert path == "/search?q=%E4%BB%80%E4%B9%88%E6%98%AF+1%2F2%3F&format=json"


async def test_tavily_gets_the_key_in_a_header_only(site: Site) -> None:
    site.answers["/search"] = reply(FOUND)
    [first, _] = await tavily(site).search("cakes", 2)
    assert first == SearchResult("Cakes", "https://a.test/", "All about cakes.")
    [(path, headers, body)] = site.requests
    assert json.loads(body) == {"query": "cakes", "max_results": 2}
    assert headers["Authorization"] == f"Bearer {KEY.get_secret_value()}"
    assert KEY.get_secret_value() not in path


async def test_results_are_web_pages_each_once_and_no_more_than_asked_for(site: Site) -> None:
    addresses = [
        "javascript:x",
        "file:///a",
        "",
        None,
        "http://a.test",
        "http://a.test",
        "https://b",
    ]
    hits = [{"title": "t", "url": url, "content": "c"} for url in addresses]
    site.answers["/search"] = reply({"results": hits})
    results = await searxng(site).search("cakes")
    assert [result.url for result in results] == ["http://a.test", "https://b"]
    assert len(await searxng(site).search("cakes", 1)) == 1


async def test_results_hold_nothing_hidden_and_no_long_snippets(site: Site) -> None:
    hit = {"title": "Ca\u200bkes\n\U000e0041", "url": "http://a.test", "content": "long " * 1000}
    site.answers["/search"] = reply({"results": [hit, {"url": "http://b.test", "title": None}]})
    [first, second] = await searxng(site).search("cakes")
    assert first.title == "Cakes"
    assert len(first.snippet) == 500
    assert second == SearchResult("http://b.test", "http://b.test", "")


async def test_nothing_found_is_an_empty_list(site: Site) -> None:
    site.answers["/search"] = reply({"results": []})
    assert await searxng(site).search("cakes") == []


async def test_a_compressed_answer_is_read(site: Site) -> None:
    packed = gzip.compress(json.dumps(FOUND).encode())
    site.answers["/search"] = Answer(packed, headers={"Content-Encoding": "gzip"})
    assert len(await searxng(site).search("cakes")) == 2
    assert site.requests[0][1]["Accept-Encoding"] == "gzip"


async def test_a_long_query_is_cut(site: Site) -> None:
    site.answers["/search"] = reply(FOUND)
    await tavily(site).search("cake " * 1000)
    assert len(json.loads(site.requests[0][2])["query"]) == 400


# What goes wrong


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "key_refused"),
        (403, "key_refused"),
        (429, "rate_limit"),
        (432, "quota"),
        (433, "quota"),
        (500, "status"),
        (302, "status"),
    ],
)
async def test_each_refusal_of_tavily_says_what_to_do(status: int, reason: str, site: Site) -> None:
    site.answers["/search"] = reply({"detail": f"bad key {KEY.get_secret_value()}"}, status)
    assert (await unavailable(tavily(site))).reason == reason


async def test_a_searxng_that_allows_no_json_says_how_to_allow_it(site: Site) -> None:
    site.answers["/search"] = Answer("Forbidden", status=403)
    assert "search.formats" in str(await unavailable(searxng(site)))


@pytest.mark.parametrize(
    "body", ["<html>Welcome</html>", "", "[]", "null", "{}", '{"results": 3}', '{"results": ["x"]}']
)
async def test_an_answer_that_is_no_list_of_results_is_told(body: str, site: Site) -> None:
    site.answers["/search"] = Answer(body)
    assert (await unavailable(searxng(site))).reason == "not_json"


async def test_a_dead_server_and_a_wrong_address_are_told(site: Site) -> None:
    provider = tavily(site)
    site.close()
    assert (await unavailable(provider)).reason == "unreachable"
    assert (await unavailable(SearXNG(5, url="nonsense"))).reason == "unreachable"
    assert (await unavailable(Tavily(5, key=KEY, proxy=SecretStr("x:y")))).reason == "address"


async def test_a_server_that_never_ends_runs_into_the_time_limit(site: Site) -> None:
    def endless() -> Any:
        while not site.stopped.wait(0.02):
            yield b" "

    site.answers["/search"] = Answer(endless())
    assert (await unavailable(searxng(site, seconds=0.3))).reason == "timeout"


# The package ddgs


def ddgs_gives(monkeypatch: pytest.MonkeyPatch, result: Any) -> list[dict[str, Any]]:
    """Let the package give these results or raise this error; what it was asked is returned."""
    asked = []

    def text(self: DDGS, query: str, **options: Any) -> Any:
        asked.append({"query": query, **options})
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr("ddgs.ddgs.DDGS.text", text)
    return asked


@pytest.mark.parametrize(("query", "region"), [("cakes", "us-en"), ("蛋糕", "cn-zh")])
async def test_ddgs_searches_in_the_querys_language(
    query: str, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hits = [{"title": "Cakes", "href": "https://a.test/", "body": "All about cakes."}]
    [asked] = [ddgs_gives(monkeypatch, hits)]
    assert await DuckDuckGo(5).search(query, 3) == [
        SearchResult("Cakes", "https://a.test/", "All about cakes.")
    ]
    assert (asked[0]["query"], asked[0]["region"], asked[0]["max_results"]) == (query, region, 3)
    assert "grokipedia" not in asked[0]["backend"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DDGSException("DNSError: no records found"), "unreachable"),
        (RatelimitException("202"), "rate_limit"),
        (TimeoutException("timed out"), "timeout"),
        (KeyError("the site looks different today"), "unreachable"),
    ],
)
async def test_ddgs_offline_or_refused_says_so(
    error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ddgs_gives(monkeypatch, error)
    assert (await unavailable(DuckDuckGo(5))).reason == reason


async def test_ddgs_that_finds_nothing_is_not_out_of_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ddgs_gives(monkeypatch, DDGSException("No results found."))
    assert await DuckDuckGo(5).search("cakes") == []


# Which one


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "ddgs"),
        ({"TAVILY_API_KEY": KEY}, "Tavily"),
        ({"TAVILY_API_KEY": KEY, "searxng_url": "http://s.test"}, "SearXNG"),
        ({"TAVILY_API_KEY": KEY, "search_provider": "ddgs"}, "ddgs"),
        ({"searxng_url": "http://s.test", "search_provider": "off"}, None),
    ],
)
def test_the_first_that_is_set_up_is_used_unless_another_is_named(
    settings: dict[str, Any], name: str | None
) -> None:
    provider = choose_search_provider(Settings(**settings))
    assert (provider and provider.name) == name


def test_without_ddgs_and_configuration_there_is_no_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(web_search, "find_spec", lambda name: None)
    assert choose_search_provider(Settings()) is None
    with pytest.raises(SearchUnavailable, match="pip install ddgs"):
        choose_search_provider(Settings(search_provider="ddgs"))


@pytest.mark.parametrize(
    ("name", "variable"), [("searxng", "CONCERTINO_SEARXNG_URL"), ("tavily", "TAVILY_API_KEY")]
)
def test_a_named_provider_that_is_not_set_up_says_what_to_set(name: Any, variable: str) -> None:
    with pytest.raises(SearchUnavailable, match=f"{variable} is not set"):
        choose_search_provider(Settings(search_provider=name))


def test_a_provider_does_not_show_its_key() -> None:
    assert KEY.get_secret_value() not in repr(Tavily(5, key=KEY, proxy=KEY))
