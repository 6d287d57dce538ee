import asyncio
import gzip
import itertools
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from concertino.errors import ConcertinoError
from concertino.settings import Settings
from concertino.tools.addresses import classify_address, load_trusted_certificates
from concertino.tools.fetch import FetchFailed, FetchRefused, Page, fetch
from concertino.tools.readable import MAX_TAGS

from tests.tools.internet import (
    CERTIFICATE,
    PUBLIC,
    Answer,
    Internet,
    Site,
    article,
    gzip_bomb,
    redirect,
)

LONG = "The fraction one half is the same as two quarters, which is easily seen on a cake. " * 8


@pytest.fixture
def public(internet: Internet, site: Site) -> Site:
    """The site, public as `http://public.test`."""
    internet.name("public.test", [PUBLIC])
    internet.serve(site)
    return site


async def refusal(url: str, **settings: Any) -> str:
    """Why the URL is refused."""
    with pytest.raises(FetchRefused) as refused:
        await fetch(url, Settings(**settings))
    return refused.value.reason


async def failure(url: str, **settings: Any) -> str:
    """Why the page cannot be had."""
    with pytest.raises(FetchFailed) as failed:
        await fetch(url, Settings(**settings))
    return failed.value.reason


# What a page becomes


async def test_a_page_comes_as_readable_text_with_its_title(public: Site) -> None:
    public.answers["/cake"] = Answer(article(LONG, "Cakes"))
    page = await fetch(" http://public.test/cake?n=2#top ")
    assert (page.title, page.text, page.language) == ("Cakes", LONG.strip(), "en")
    assert page.content_type == "text/html"
    assert page.final_url == "http://public.test/cake?n=2#top"
    assert not page.truncated
    assert page.fetched_at.tzinfo is not None
    assert Page.model_validate_json(page.model_dump_json()) == page


async def test_the_server_is_asked_by_its_name_and_told_no_secret(public: Site) -> None:
    public.answers["/"] = Answer(article(LONG))
    await fetch("http://public.test/")
    [(path, headers, _)] = public.requests
    assert (path, headers["Host"]) == ("/", "public.test")
    assert not {"Cookie", "Authorization", "Referer"} & headers.keys()


async def test_redirects_are_followed_and_the_last_address_is_told(
    public: Site, internet: Internet
) -> None:
    internet.name("other.test", [PUBLIC])
    public.answers["/"] = redirect("http://other.test/there")
    public.answers["/there"] = redirect("here")
    public.answers["/here"] = Answer(article(LONG))
    page = await fetch("http://public.test/")
    assert (page.url, page.final_url) == ("http://public.test/", "http://other.test/here")
    assert [headers["Host"] for _, headers, _ in public.requests] == [
        "public.test",
        "other.test",
        "other.test",
    ]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", article(LONG).replace("<head>", '<head><meta charset="gb2312">')),
        ("text/html; charset=GBK", article(LONG)),
        ("text/html", article(LONG)),
        (None, article(LONG)),
        ("application/xhtml+xml", '<?xml version="1.0" encoding="gb18030"?>' + article(LONG)),
        ("text/plain", LONG),
    ],
)
async def test_a_chinese_page_in_gb18030_is_read_however_it_is_declared(
    content_type: str | None, body: str, public: Site
) -> None:
    text = "把单位“1”平均分成若干份，表示这样的一份或几份的数叫做分数，如㐂分之一。"
    encoded = body.replace(LONG, text).encode("gb18030")
    public.answers["/"] = Answer(encoded, content_type)
    page = await fetch("http://public.test/")
    assert (page.text, page.language) == (text, "zh")


async def test_a_compressed_page_is_unpacked(public: Site) -> None:
    packed = gzip.compress(article(LONG).encode())
    public.answers["/"] = Answer(packed, headers={"Content-Encoding": "gzip"})
    assert (await fetch("http://public.test/")).text == LONG.strip()


async def test_a_plain_text_needs_no_markup(public: Site) -> None:
    public.answers["/"] = Answer("# Notes\n\n1 < 2 & 3", "text/markdown")
    page = await fetch("http://public.test/")
    assert (page.title, page.text) == ("public.test", "# Notes\n\n1 < 2 & 3")


# What is never reached


@pytest.mark.parametrize(
    ("address", "verdict"),
    [
        ("8.8.8.8", "public"),
        ("2606:4700::1111", "public"),
        ("64:ff9b::808:808", "public"),
        ("::ffff:8.8.8.8", "public"),
        ("10.0.0.1", "own"),
        ("172.31.255.255", "own"),
        ("192.168.1.1", "own"),
        ("127.8.8.8", "own"),
        ("100.64.0.1", "own"),
        ("::1", "own"),
        ("fd12::1", "own"),
        ("::ffff:127.0.0.1", "own"),
        ("64:ff9b::10.0.0.1", "own"),
        ("169.254.169.254", "never"),
        ("::ffff:169.254.169.254", "never"),
        ("64:ff9b::169.254.169.254", "never"),
        ("64:ff9b:1::1", "never"),
        ("100.100.100.200", "never"),
        ("168.63.129.16", "never"),
        ("fd00:ec2::254", "never"),
        ("0.0.0.0", "never"),  # noqa: S104
        ("224.0.0.1", "never"),
        ("255.255.255.255", "never"),
        ("192.0.2.1", "never"),
        ("::", "never"),
        ("::127.0.0.1", "never"),
        ("fe80::1%eth0", "never"),
        ("fec0::1", "never"),
        ("ff02::1", "never"),
        ("2002:7f00:1::", "never"),
        ("2001:0:1::", "never"),
        ("2001:db8::1", "never"),
    ],
)
def test_each_address_has_its_reach(address: str, verdict: str) -> None:
    assert classify_address(address) == verdict


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[fd00::1]",
        "192.168.0.1",
    ],
)
async def test_no_form_of_a_private_address_is_reached(host: str, internet: Internet) -> None:
    assert await refusal(f"http://{host}/") == "private"
    assert internet.dialled == []


@pytest.mark.parametrize("host", ["169.254.169.254", "0", "[::]", "[fe80::1]"])
async def test_reserved_addresses_are_not_reached_even_where_private_ones_are(
    host: str, internet: Internet
) -> None:
    assert await refusal(f"http://{host}/latest/meta-data/", fetch_allow_private=True) == "never"
    assert internet.dialled == []


@pytest.mark.parametrize(
    "addresses", [["10.0.0.1"], [PUBLIC, "10.0.0.1"], [PUBLIC, "::1"], ["fe80::1", PUBLIC]]
)
async def test_a_name_with_any_forbidden_address_is_refused(
    addresses: list[str], internet: Internet
) -> None:
    internet.name("mixed.test", addresses)
    assert await refusal("http://mixed.test/") in ("private", "never")
    assert internet.dialled == []


async def test_a_name_that_changes_after_the_check_is_dialled_where_it_was_checked(
    public: Site, internet: Internet
) -> None:
    public.answers["/"] = Answer(article(LONG))
    internet.name("rebind.test", [PUBLIC], ["127.0.0.1"])
    await fetch("http://rebind.test/")
    assert (internet.resolved, internet.dialled) == (["rebind.test"], [PUBLIC])


async def test_a_name_that_changes_between_redirects_is_judged_again(
    public: Site, internet: Internet
) -> None:
    public.answers["/"] = redirect("/again")
    internet.name("rebind.test", [PUBLIC], ["127.0.0.1"])
    assert await refusal("http://rebind.test/") == "private"
    assert internet.dialled == [PUBLIC]


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://127.0.0.1/", "private"),
        ("http://2130706433/", "private"),
        ("//[::1]/", "private"),
        ("http://169.254.169.254/latest/", "never"),
        ("http://inside.test/", "private"),
        ("http://user:secret@public.test/", "credentials"),
        ("http://public.test:22/", "port"),
        ("file:///etc/passwd", "scheme"),
        ("ftp://public.test/", "scheme"),
    ],
)
async def test_a_redirect_is_judged_like_any_address(
    location: str, reason: str, public: Site, internet: Internet
) -> None:
    internet.name("inside.test", ["10.1.2.3"])
    public.answers["/"] = redirect(location)
    assert await refusal("http://public.test/") == reason
    assert internet.dialled == [PUBLIC]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "scheme"),
        ("ftp://public.test/", "scheme"),
        ("gopher://public.test/", "scheme"),
        ("data:text/html,hello", "scheme"),
        ("example.org/page", "invalid_url"),
        ("", "invalid_url"),
        ("http://", "invalid_url"),
        ("http:///etc/passwd", "invalid_url"),
        ("http://user:secret@public.test/", "credentials"),
        ("http://user@public.test/", "credentials"),
        ("http://public.test:22/", "port"),
        ("http://public.test:6379/", "port"),
        ("http://0177.0.0.1/", "invalid_url"),
        ("http://[::1/", "invalid_url"),
        ("http://public.test\x00.evil/", "invalid_url"),
    ],
)
async def test_an_address_that_is_no_public_page_is_refused_and_says_why(
    url: str, reason: str, internet: Internet
) -> None:
    internet.name("public.test", [PUBLIC])
    with pytest.raises(FetchRefused) as refused:
        await fetch(url)
    assert refused.value.reason == reason
    assert "secret" not in str(refused.value)
    assert internet.dialled == []


async def test_the_environments_proxy_is_not_asked(
    public: Site, internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    public.answers["/"] = Answer(article(LONG))
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    await fetch("http://public.test/")
    assert internet.dialled == [PUBLIC]


async def test_the_users_own_network_is_reached_where_it_is_allowed_at_any_port(
    site: Site,
) -> None:
    site.answers["/"] = Answer(article(LONG))
    page = await fetch(site.url, Settings(fetch_allow_private=True))
    assert page.text == LONG.strip()


async def test_a_proxy_that_is_set_is_given_the_name_to_resolve(
    site: Site, internet: Internet
) -> None:
    internet.serve(site, "127.0.0.1", 7890)
    site.answers["http://far.test/page"] = Answer(article(LONG))
    page = await fetch("http://far.test/page", Settings(web_proxy="http://127.0.0.1:7890"))
    assert page.text == LONG.strip()
    assert await refusal("http://127.0.0.1/", web_proxy="http://127.0.0.1:7890") == "private"


@pytest.mark.parametrize("proxy", ["127.0.0.1:7890", "gopher://127.0.0.1"])
async def test_a_proxy_that_cannot_be_used_is_told(proxy: str, public: Site) -> None:
    assert await failure("http://public.test/", web_proxy=proxy) == "proxy"
    assert public.requests == []


async def test_the_next_address_is_tried_where_one_does_not_answer(
    public: Site, internet: Internet
) -> None:
    public.answers["/"] = Answer(article(LONG))
    internet.name("two.test", ["198.41.0.4", PUBLIC])
    await fetch("http://two.test/")
    assert internet.dialled == ["198.41.0.4", PUBLIC]


async def test_tls_checks_the_name_although_the_address_is_dialled(
    internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    secure = Site({"/": Answer(article(LONG))}, secure=True)
    internet.serve(secure, port=443)
    internet.name("secure.test", [PUBLIC])
    internet.name("impostor.test", [PUBLIC])
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    load_trusted_certificates.cache_clear()
    try:
        assert (await fetch("https://secure.test/")).text == LONG.strip()
        assert await failure("https://impostor.test/") == "unreachable"
    finally:
        load_trusted_certificates.cache_clear()
        secure.close()


# What is too much, too slow, or no page


def forever(part: bytes) -> Iterator[bytes]:
    return itertools.repeat(part)


def slowly(part: bytes) -> Iterator[bytes]:
    while True:
        time.sleep(0.02)
        yield part


async def test_an_endless_page_is_cut_at_the_limit(public: Site) -> None:
    public.answers["/"] = Answer(forever(b"word " * 1000), "text/plain")
    page = await fetch("http://public.test/", Settings(fetch_max_bytes=20_000))
    assert page.truncated
    assert len(page.text) == 19_999  # without the last space


async def test_a_page_of_exactly_the_limit_is_whole(public: Site) -> None:
    public.answers["/"] = Answer(b"x" * 20_000, "text/plain")
    assert not (await fetch("http://public.test/", Settings(fetch_max_bytes=20_000))).truncated


async def test_a_gzip_bomb_is_unpacked_no_further_than_the_limit(public: Site) -> None:
    bomb = Answer(gzip_bomb(50), headers={"Content-Encoding": "gzip"})
    public.answers["/"] = bomb
    await fetch("http://public.test/", Settings(fetch_max_bytes=20_000))  # imports take memory
    tracemalloc.start()
    page = await fetch("http://public.test/", Settings(fetch_max_bytes=20_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (page.text, page.truncated) == ("boom", True)
    assert peak < 10_000_000


async def test_an_endless_or_packed_body_of_a_redirect_is_not_read(public: Site) -> None:
    public.answers["/"] = redirect("/bomb", forever(b"x" * 1000))
    public.answers["/bomb"] = redirect("/page", gzip_bomb(50), Content_Encoding="gzip")
    public.answers["/page"] = Answer(article(LONG))
    assert (await fetch("http://public.test/")).text == LONG.strip()


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip"])
async def test_a_compression_that_was_not_asked_for_is_not_unpacked(
    encoding: str, public: Site
) -> None:
    public.answers["/"] = Answer(gzip_bomb(1), headers={"Content-Encoding": encoding})
    assert await failure("http://public.test/") == "encoding"


async def test_a_broken_compression_is_told(public: Site) -> None:
    public.answers["/"] = Answer(b"no gzip", headers={"Content-Encoding": "gzip"})
    assert await failure("http://public.test/") == "unreachable"


async def test_the_time_limit_is_for_the_whole_page_however_steadily_it_drips(
    public: Site,
) -> None:
    public.answers["/"] = Answer(slowly(b"x"), "text/plain")
    assert await failure("http://public.test/", fetch_timeout=0.3) == "timeout"


async def test_a_redirect_loop_ends(public: Site) -> None:
    public.answers["/"] = redirect("/")
    assert await failure("http://public.test/") == "redirects"
    assert len(public.requests) == 6


@pytest.mark.parametrize("status", [404, 500, 403, 304])
async def test_an_error_status_is_told(status: int, public: Site) -> None:
    public.answers["/"] = Answer(article(LONG), status=status)
    with pytest.raises(FetchFailed, match=f"HTTP {status}") as failed:
        await fetch("http://public.test/")
    assert failed.value.reason == "status"


@pytest.mark.parametrize("content_type", ["image/png", "application/zip", "video/mp4", "nonsense"])
async def test_a_type_that_is_no_text_is_not_read(content_type: str, public: Site) -> None:
    public.answers["/"] = Answer(forever(b"x" * 1000), content_type)
    assert await failure("http://public.test/") == "type"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(bytes(range(256)) * 50), "unreadable"),
        (Answer(b"\x89PNG\r\n\x1a\n" + bytes(5000)), "unreadable"),
        (Answer(bytes(range(256)) * 50, "text/html; charset=iso-8859-1"), "unreadable"),
        (Answer(b"%PDF-1.7 broken", "application/pdf"), "unreadable"),
        (Answer(b""), "empty"),
        (Answer(b"", None), "empty"),
        (Answer(b"   \n", "text/plain"), "empty"),
        (Answer("<html><head><title>App</title></head><body></body></html>"), "empty"),
        (Answer("<html><body><script>run()</script></body></html>"), "empty"),
        (Answer("\u200b\u200b", "text/plain; charset=utf-8"), "empty"),
    ],
)
async def test_a_page_without_text_is_no_page(answer: Answer, reason: str, public: Site) -> None:
    public.answers["/"] = answer
    assert await failure("http://public.test/") == reason


async def test_a_pdf_over_the_limit_is_not_read_by_halves(public: Site) -> None:
    public.answers["/"] = Answer(forever(b"%PDF-1.7 "), "application/pdf")
    assert await failure("http://public.test/", fetch_max_bytes=20_000) == "too_large"


async def test_more_tags_than_can_be_read_in_time_are_cut(public: Site) -> None:
    public.answers["/"] = Answer("<html><body>start" + "<br>" * MAX_TAGS + "end")
    page = await fetch("http://public.test/")
    assert (page.text, page.truncated) == ("start", True)


async def test_an_unknown_name_and_a_dead_server_are_told_apart(
    internet: Internet,
) -> None:
    internet.name("dead.test", [PUBLIC])
    assert await failure("http://nowhere.test/") == "unknown_host"
    assert await failure("http://dead.test/") == "unreachable"


async def test_a_server_that_speaks_no_http_is_told(internet: Internet) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test ESMTP\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    internet.name("mail.test", [PUBLIC])
    internet.routes[PUBLIC, 80] = server.sockets[0].getsockname()[1]
    assert await failure("http://mail.test/") == "unreachable"
    server.close()


async def test_errors_are_told_in_the_language_asked_for(internet: Internet) -> None:
    with pytest.raises(ConcertinoError, match="找不到服务器"):
        await fetch("http://nowhere.test/", language="zh")


async def test_pages_can_be_fetched_side_by_side(public: Site) -> None:
    for number in range(8):
        public.answers[f"/{number}"] = Answer(f"page {number}", "text/plain")
    pages = await asyncio.gather(*(fetch(f"http://public.test/{n}") for n in range(8)))
    assert [page.text for page in pages] == [f"page {n}" for n in range(8)]
