"""The page's files, as the service gives them."""

import mimetypes

import pytest

from tests.service.conftest import Client


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/page/app.js", "text/javascript; charset=utf-8"),
        ("/page/style.css", "text/css; charset=utf-8"),
        ("/page/icon.svg", "image/svg+xml"),
        ("/page/vendor/katex/fonts/KaTeX_Main-Regular.woff2", "font/woff2"),
    ],
)
def test_files_have_their_types_whatever_the_machine_thinks_of_their_endings(
    client: Client, monkeypatch: pytest.MonkeyPatch, path: str, kind: str
) -> None:
    mimetypes.init()
    monkeypatch.setitem(mimetypes.types_map, ".js", "text/plain")  # as on many a Windows
    assert mimetypes.guess_type("app.js")[0] == "text/plain"

    answer = client().get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_only_the_pages_files_are_given(client: Client) -> None:
    service = client()
    for path in ("/page/../app.py", "/page/%2e%2e/app.py", "/page/nothing.js", "/page/"):
        assert service.get(path).status_code == 404
