"""Web search through the configured provider."""

import asyncio
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, ClassVar, Literal, Protocol

import httpx
from pydantic import SecretStr

from ..errors import ConcertinoError
from ..language.detect import detect_language
from ..language.messages import Language, say
from ..settings import Settings
from .addresses import PROXY_ERRORS, load_trusted_certificates
from .fetch import receive_body
from .readable import strip_hidden_characters

TAVILY_URL = "https://api.tavily.com"
MAX_QUERY_CHARS = 400
MAX_SNIPPET_CHARS = 500
MAX_REPLY_BYTES = 5_000_000

# All engines of ddgs except Grokipedia, whose articles are written by a model.
DDGS_ENGINES = "duckduckgo,brave,mojeek,startpage,yahoo,wikipedia"
DDGS_REGIONS: dict[Language, str] = {"en": "us-en", "zh": "cn-zh"}


class SearchUnavailable(ConcertinoError):
    """The search failed; the text says what to do, and contains no key.

    `reason` is the key of its text under `web_search` in the messages.
    """

    def __init__(self, reason: str, language: Language | None = None, /, **fields: object) -> None:
        super().__init__(say(f"web_search.{reason}", language, **fields))
        self.reason = reason


@dataclass(frozen=True)
class SearchResult:
    """A page found by a search. Its texts are untrusted data: fence them in prompts."""

    title: str
    url: str
    """An `http` or `https` URL."""
    snippet: str
    """The provider's excerpt of the page, at most 500 characters."""


class SearchProvider(Protocol):
    """A web search provider."""

    name: ClassVar[str]

    async def search(self, query: str, limit: int = 5) -> list[SearchResult]:
        """Return at most `limit` pages, best first; an empty list if nothing was found.

        Raises:
            SearchUnavailable: no network, wrong key, too many requests, an invalid response.
        """
        ...


def choose_search_provider(
    settings: Settings, language: Language | None = None
) -> SearchProvider | None:
    """Return the provider named by `search_provider`, else the first that is configured.

    The order is: a SearXNG address, a Tavily key, the package ddgs. Returns None if there is
    none, or if `search_provider` is `off`.

    Args:
        language: Language of the provider's error texts; None means the environment's.

    Raises:
        SearchUnavailable: the named provider is not configured.
    """
    timeout = settings.search_timeout
    proxy = settings.web_proxy
    available: dict[str, SearchProvider] = {}
    if settings.searxng_url:
        available["searxng"] = SearXNG(timeout, language, url=settings.searxng_url)
    if settings.tavily_api_key:
        available["tavily"] = Tavily(timeout, language, proxy, key=settings.tavily_api_key)
    if find_spec("ddgs"):
        available["ddgs"] = DuckDuckGo(timeout, language, proxy)
    match settings.search_provider:
        case None:
            return next(iter(available.values()), None)
        case "off":
            return None
        case name if name in available:
            return available[name]
        case name:
            raise SearchUnavailable(f"set_up_{name}", language)


@dataclass(frozen=True)
class _BaseSearchProvider:
    """Common base of the providers."""

    name: ClassVar[str]

    seconds: float
    """Timeout of a search, in seconds."""
    language: Language | None = None
    """Language of the error texts."""
    proxy: SecretStr | None = None

    def build_error(self, reason: str, **fields: object) -> SearchUnavailable:
        return SearchUnavailable(
            reason, self.language, name=self.name, seconds=self.seconds, **fields
        )

    @property
    def proxy_url(self) -> str | None:
        return self.proxy.get_secret_value() if self.proxy else None

    async def request_json(
        self, method: Literal["GET", "POST"], url: str, statuses: dict[int, str], **content: Any
    ) -> Any:
        """Return the JSON response; `statuses` maps provider-specific status codes to reasons."""
        verify = await asyncio.to_thread(load_trusted_certificates)
        try:
            async with (
                asyncio.timeout(self.seconds),
                httpx.AsyncClient(
                    verify=verify,
                    timeout=self.seconds,
                    headers={"Accept-Encoding": "gzip"},
                    trust_env=False,
                    proxy=self.proxy_url,
                ) as client,
                client.stream(method, url, **content) as response,
            ):
                body, _ = await receive_body(response, MAX_REPLY_BYTES)
        except (TimeoutError, httpx.TimeoutException):
            raise self.build_error("timeout") from None
        # Not `from error`: its request holds the key, and debuggers and loggers show it.
        except (httpx.HTTPError, zlib.error):
            raise self.build_error("unreachable") from None
        except PROXY_ERRORS:
            raise self.build_error("address") from None
        if response.status_code != 200:
            reason = {429: "rate_limit", **statuses}.get(response.status_code, "status")
            raise self.build_error(reason, status=response.status_code)
        try:
            return json.loads(body)
        except ValueError:
            raise self.build_error("not_json") from None

    def parse_results(self, reply: Any, limit: int) -> list[SearchResult]:
        """Parse a response of SearXNG or Tavily, which use the same field names."""
        try:
            hits = [
                (hit.get("title"), hit.get("url"), hit.get("content")) for hit in reply["results"]
            ]
        except (LookupError, TypeError, AttributeError):
            raise self.build_error("not_json") from None
        return _collect_results(hits, limit)


@dataclass(frozen=True)
class SearXNG(_BaseSearchProvider):
    """A SearXNG server's JSON API, at an address trusted by the user."""

    name = "SearXNG"

    url: str = field(kw_only=True, repr=False)
    """Address of the server; may contain a password."""

    async def search(self, query: str, limit: int = 5) -> list[SearchResult]:
        reply = await self.request_json(
            "GET",
            f"{self.url.rstrip('/')}/search",
            {403: "searxng_json"},
            params={"q": query[:MAX_QUERY_CHARS], "format": "json"},
        )
        return self.parse_results(reply, limit)


@dataclass(frozen=True)
class Tavily(_BaseSearchProvider):
    """Tavily's search, with a key."""

    name = "Tavily"

    key: SecretStr = field(kw_only=True)
    url: str = field(default=TAVILY_URL, kw_only=True)

    async def search(self, query: str, limit: int = 5) -> list[SearchResult]:
        reply = await self.request_json(
            "POST",
            f"{self.url}/search",
            # 432 and 433 are specific to Tavily: the plan's and the account's limit.
            {401: "key_refused", 403: "key_refused", 432: "quota", 433: "quota"},
            json={"query": query[:MAX_QUERY_CHARS], "max_results": limit},
            headers={"Authorization": f"Bearer {self.key.get_secret_value()}"},
        )
        return self.parse_results(reply, limit)


class DuckDuckGo(_BaseSearchProvider):
    """DuckDuckGo and others through the package ddgs: no key needed, no guaranteed availability."""

    name = "ddgs"

    async def search(self, query: str, limit: int = 5) -> list[SearchResult]:
        from ddgs.exceptions import DDGSException, RatelimitException, TimeoutException

        try:
            async with asyncio.timeout(self.seconds):
                hits = await asyncio.to_thread(self._search, query[:MAX_QUERY_CHARS], limit)
        except (TimeoutError, TimeoutException):
            raise self.build_error("timeout") from None
        except RatelimitException:
            raise self.build_error("rate_limit") from None
        except Exception as error:  # scraping result pages fails in many ways
            if isinstance(error, DDGSException) and str(error) == "No results found.":
                return []
            raise self.build_error("unreachable") from None
        return _collect_results(
            [(hit.get("title"), hit.get("href"), hit.get("body")) for hit in hits], limit
        )

    def _search(self, query: str, limit: int) -> list[dict[str, Any]]:
        from ddgs import DDGS

        with DDGS(proxy=self.proxy_url, timeout=max(1, int(self.seconds / 2))) as search:
            return search.text(
                query,
                max_results=limit,
                region=DDGS_REGIONS[detect_language(query)],
                backend=DDGS_ENGINES,
            )


def _collect_results(hits: Iterable[tuple[Any, Any, Any]], limit: int) -> list[SearchResult]:
    """Collect distinct web pages as results, without hidden characters."""
    pages: dict[str, SearchResult] = {}
    for title, url, snippet in hits:
        address = str(url or "").strip()
        if address.startswith(("http://", "https://")) and address not in pages:
            pages[address] = SearchResult(
                title=_clean_line(title) or address,
                url=address,
                snippet=_clean_line(snippet)[:MAX_SNIPPET_CHARS],
            )
    return list(pages.values())[:limit]


def _clean_line(text: Any) -> str:
    return " ".join(strip_hidden_characters(str(text or "")).split())
