"""Fetching of one web page, within limits, as readable text."""

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
    """A fetched page. Its text is untrusted data: fence it in prompts."""

    model_config = ConfigDict(frozen=True)

    url: str
    """URL as requested."""
    final_url: str
    """URL after redirects."""
    title: str
    """Title in one line; the host if the page has none."""
    text: str
    """Readable text, never empty; see `PageContent`."""
    content_type: str
    """Media type without parameters; empty if the server sent none."""
    language: Language
    """Language of the text."""
    fetched_at: datetime
    """Time of the fetch, in UTC."""
    truncated: bool
    """Whether the page exceeds the limits, so that `text` is only its beginning."""


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
    """Fetch the page at an `http` or `https` URL within `fetch_timeout` seconds.

    Only public addresses are reached, and the user's own networks if `fetch_allow_private` is
    set. No scripts are run.

    Args:
        language: Language of the error texts; None means the environment's.

    Raises:
        FetchRefused: the URL, or one it redirects to, is not allowed.
        FetchFailed: no response, an error status, an unsupported type, a timeout, or no text.
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
    """Download a page, following redirects here: httpx would read their bodies without limit."""
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
    """Return at most `limit` decompressed bytes of a streamed body, and whether there were more.

    Decompresses here, since httpx decompresses a whole chunk, with any number of layers, at once.
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
