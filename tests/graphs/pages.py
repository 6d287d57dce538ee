"""A fake web of a few pages, for workflows that read pages."""

from datetime import UTC, datetime

import pytest
from concertino.agents.sources import passages
from concertino.language.detect import detect_language
from concertino.language.messages import Language
from concertino.tools.fetch import FetchFailed, Page


def serve_pages(monkeypatch: pytest.MonkeyPatch, **texts: str) -> list[str]:
    """Serve these texts at `https://NAME.test`, fail for all other URLs, and return the list of
    fetched URLs."""
    fetched: list[str] = []

    async def fetch(url: str, *, language: Language) -> Page:
        fetched.append(url)
        name = url.removeprefix("https://").removesuffix(".test")
        if name not in texts:
            raise FetchFailed("empty", language, host=name)
        return Page(
            url=url,
            final_url=url,
            title=name.capitalize(),
            text=texts[name],
            content_type="text/html",
            language=detect_language(texts[name]),
            fetched_at=datetime.now(UTC),
            truncated=False,
        )

    monkeypatch.setattr(passages, "fetch", fetch)
    return fetched
