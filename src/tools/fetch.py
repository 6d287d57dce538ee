"""Fetches one page of the web, within limits, as readable text."""

import asyncio
import zlib
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
from pydantic import BaseModel, ConfigDict

from ..language.detect import detect_language
from ..language.messages import Language
from ..settings import Settings, get_settings
from .addresses import (
    CONNECT_TIMEOUT,
    FetchFailed,
    FetchRefused,
    GuardedTransport,
    load_trusted_certificates,
)
from .readable import PDF_TYPE, READABLE_TYPES, Unreadable, extract_content

__all__ = ["FetchFailed", "FetchRefused", "Page", "fetch"]

MAX_REDIRECTS = 5
ENCODINGS = ("identity", "gzip", "x-gzip")
HEADERS = {
    "User-Agent": "Mozilla/5.0 (compatible; Concertino)",
    "Accept": "text/html,application/xhtml+xml,text/*;q=0.9,application/pdf;q=0.8,*/*;q=0.1",
    "Accept-Encoding": "gzip",
}


class Page(BaseModel):
    """A page as it was read. Its text is data from a stranger: fence it in prompts."""

    model_config = ConfigDict(frozen=True)

    url: str
    """As asked for."""
    final_url: str
    """Where redirects led."""
    title: str
    """In one line; the host where the page has none."""
    text: str
    """Readable text, never empty; see `Readable`."""
    content_type: str
    """Without parameters; empty where the server named none."""
    language: Language
    """Of the text."""
    fetched_at: datetime
    """In UTC."""
    truncated: bool
    """The page is longer than the limits; `text` is its beginning."""


@dataclass(frozen=True)
class _Download:
    url: httpx.URL
    content_type: str
    charset: str | None
    body: bytes
    truncated: bool


async def fetch(
    url: str, settings: Settings | None = None, *, language: Language | None = None
) -> Page:
    """The page at an `http` or `https` URL, fetched and read within `fetch_timeout` seconds.

    Only public addresses are reached, and those of the user's own networks where
    `fetch_allow_private` is set. Nothing on the page is run.

    Args:
        language: Of the error texts; None takes the environment's.

    Raises:
        FetchRefused: the URL, or one it redirects to, is not one that is fetched.
        FetchFailed: no answer, an error status, another type, too slow, or no text on the page.
    """
    settings = settings or get_settings()
    target = _parse_url(url.strip(), language)
    try:
        async with asyncio.timeout(settings.fetch_timeout):
            return await _fetch(target, url, settings, language)
    except (TimeoutError, httpx.TimeoutException):
        seconds = settings.fetch_timeout
        raise FetchFailed("timeout", language, host=target.host, seconds=seconds) from None
    except (httpx.HTTPError, httpx.InvalidURL, zlib.error) as error:
        reason = str(error) or type(error).__name__
        raise FetchFailed("unreachable", language, host=target.host, reason=reason) from error
    except Unreadable as error:
        raise FetchFailed("unreadable", language, host=target.host) from error


def _parse_url(url: str, language: Language | None) -> httpx.URL:
    with suppress(httpx.InvalidURL):
        parsed = httpx.URL(url)
        if parsed.host or parsed.scheme not in ("", "http", "https"):
            return parsed
    raise FetchRefused("invalid_url", language, url=url[:200])


async def _fetch(
    target: httpx.URL, url: str, settings: Settings, language: Language | None
) -> Page:
    transport = GuardedTransport(
        allow_private=settings.fetch_allow_private,
        proxy=settings.web_proxy.get_secret_value() if settings.web_proxy else None,
        verify=await asyncio.to_thread(load_trusted_certificates),
        language=language,
    )
    timeout = httpx.Timeout(settings.fetch_timeout, connect=CONNECT_TIMEOUT)
    async with httpx.AsyncClient(
        transport=transport, timeout=timeout, headers=HEADERS, trust_env=False
    ) as client:
        download = await _download(client, target, settings.fetch_max_bytes, language)
    content = await asyncio.to_thread(
        extract_content, download.body, download.content_type, download.charset
    )
    if not content.text:
        raise FetchFailed("empty", language, host=download.url.host)
    return Page(
        url=url,
        final_url=str(download.url),
        title=content.title or download.url.host,
        text=content.text,
        content_type=download.content_type,
        language=detect_language(content.text),
        fetched_at=datetime.now(UTC),
        truncated=download.truncated or content.truncated,
    )


async def _download(
    client: httpx.AsyncClient, url: httpx.URL, limit: int, language: Language | None
) -> _Download:
    """Follows redirects by hand: httpx would read and unpack their bodies without a limit."""
    request = client.build_request("GET", url)
    for _ in range(MAX_REDIRECTS + 1):
        response = await client.send(request, stream=True, follow_redirects=False)
        async with aclosing(response):
            if response.next_request is None:
                return await _receive(response, limit, language)
            request = response.next_request
    raise FetchFailed("redirects", language, host=url.host, limit=MAX_REDIRECTS)


async def _receive(response: httpx.Response, limit: int, language: Language | None) -> _Download:
    host = response.url.host
    if not response.is_success:
        raise FetchFailed("status", language, host=host, status=response.status_code)
    content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type and content_type not in READABLE_TYPES:
        raise FetchFailed("type", language, host=host, type=content_type[:60])
    if response.headers.get("Content-Encoding", "identity").lower() not in ENCODINGS:
        raise FetchFailed("encoding", language, host=host)
    body, truncated = await receive_body(response, limit)
    if truncated and content_type == PDF_TYPE:
        raise FetchFailed("too_large", language, host=host, megabytes=limit / 10**6)
    return _Download(response.url, content_type, response.charset_encoding, body, truncated)


async def receive_body(response: httpx.Response, limit: int) -> tuple[bytes, bool]:
    """At most `limit` unpacked bytes of a streamed body, and whether there were more.

    Unpacks by itself, since httpx unpacks a whole chunk, of any number of layers, at once.
    """
    packed = response.headers.get("Content-Encoding", "identity").lower() != "identity"
    inflate = zlib.decompressobj(wbits=31) if packed else None
    body = bytearray()
    async for part in response.aiter_raw():
        body += inflate.decompress(part, limit + 1 - len(body)) if inflate else part
        if len(body) > limit:
            return bytes(body[:limit]), True
        if inflate and inflate.eof:
            break
    return bytes(body), False
