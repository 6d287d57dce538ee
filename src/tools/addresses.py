"""The network addresses that pages may be fetched from, and a transport limited to them."""

import asyncio
import socket
import ssl
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal

import httpx

from ..errors import ConcertinoError
from ..language.messages import Language, say

Reach = Literal["public", "own", "never"]

PUBLIC_PORTS = (80, 443, 8000, 8080, 8443, 8888)
"""Allowed ports of public servers; other ports are mostly not web servers."""

CONNECT_TIMEOUT = 5.0
"""Seconds before the next address of a host is tried."""

PROXY_ERRORS = (ValueError, ImportError, httpx.InvalidURL)
"""Errors raised by httpx for an unknown kind of proxy, or one that needs another package."""

_OWN = [
    ip_network(block)
    for block in (
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers, and overlay networks such as Tailscale
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "198.18.0.0/15",  # fake addresses handed out by proxy programs
        "::1/128",
        "fc00::/7",
    )
]
# From IANA's special-purpose registries; `ipaddress` differs between Python versions.
_NEVER = [
    ip_network(block)
    for block in (
        "0.0.0.0/8",
        "169.254.0.0/16",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        # Cloud metadata services, which hand out credentials, in otherwise allowed ranges.
        "100.100.100.200/32",
        "168.63.129.16/32",
        "fd00:ec2::254/128",
        "fd20:ce::254/128",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
]
_GLOBAL_UNICAST = ip_network("2000::/3")
_NAT64 = ip_network("64:ff9b::/96")


class FetchError(ConcertinoError):
    """A page could not be fetched. `reason` is its text's key under `fetch` in the messages."""

    def __init__(self, reason: str, language: Language | None = None, /, **fields: object) -> None:
        super().__init__(say(f"fetch.{reason}", language, **fields))
        self.reason = reason


class FetchRefused(FetchError):
    """Pages may not be fetched from the address; nothing was sent to it."""


class FetchFailed(FetchError):
    """The page was requested, but did not arrive or cannot be read."""


def classify_address(address: str) -> Reach:
    """Classify an IP address as public, on the user's own networks, or never to be reached.

    IPv4 addresses inside IPv6 ones (mapped, or translated by NAT64) are classified as IPv4.

    Raises:
        ValueError: it is not an IP address.
    """
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        ip = IPv4Address(ip.packed[-4:]) if ip in _NAT64 else ip.ipv4_mapped or ip
    if any(ip in block for block in _NEVER):
        return "never"
    if any(ip in block for block in _OWN):
        return "own"
    return "public" if isinstance(ip, IPv4Address) or ip in _GLOBAL_UNICAST else "never"


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this machine's loopback."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class GuardedTransport(httpx.AsyncBaseTransport):
    """A transport that resolves a host once, checks all its addresses and connects only to them.

    So the name cannot resolve differently between check and connection (DNS rebinding). TLS
    still checks the certificate against the host's name. Each redirect is a separate request
    and is checked again. With a proxy, the proxy resolves the host, so only the addresses that
    this machine resolves, if any, are checked.
    """

    def __init__(
        self,
        *,
        allow_private: bool,
        proxy: str | None = None,
        verify: ssl.SSLContext,
        language: Language | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._proxied = proxy is not None
        self._language = language
        # A kept-alive connection would be shared by all hosts at an address, whatever its
        # certificate.
        limits = httpx.Limits(max_keepalive_connections=0)
        try:
            self._inner = httpx.AsyncHTTPTransport(verify=verify, proxy=proxy, limits=limits)
        except PROXY_ERRORS:
            raise FetchFailed("proxy", language) from None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Check and send a request.

        Raises:
            FetchRefused: the URL or one of its host's addresses is not allowed.
            FetchFailed: the host is unknown.
        """
        self._judge_url(request.url)
        addresses = await self._resolve(request.url)
        for address in addresses:
            self._judge_address(request.url, address)
        if self._proxied:
            return await self._inner.handle_async_request(request)
        failure: httpx.TransportError = httpx.ConnectError("no address")
        for address in addresses:
            try:
                return await self._inner.handle_async_request(_pin_request(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _judge_url(self, url: httpx.URL) -> None:
        if url.scheme not in ("http", "https"):
            raise FetchRefused("scheme", self._language, scheme=url.scheme)
        if url.userinfo:
            raise FetchRefused("credentials", self._language, host=url.host)

    def _judge_address(self, url: httpx.URL, address: str) -> None:
        match classify_address(address):
            case "never":
                raise FetchRefused("never", self._language, host=url.host, address=address)
            case "own" if not self._allow_private:
                raise FetchRefused("private", self._language, host=url.host, address=address)
            case "public" if _get_port(url) not in PUBLIC_PORTS:
                ports = ", ".join(map(str, PUBLIC_PORTS))
                raise FetchRefused("port", self._language, port=_get_port(url), ports=ports)

    async def _resolve(self, url: httpx.URL) -> list[str]:
        host = url.raw_host.decode("ascii")
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                host, _get_port(url), type=socket.SOCK_STREAM
            )
        except (OSError, UnicodeError):
            if self._proxied:
                return []
            raise FetchFailed("unknown_host", self._language, host=url.host) from None
        return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


@cache
def load_trusted_certificates() -> ssl.SSLContext:
    """Load the trusted certificates, once; respects `SSL_CERT_FILE` and `SSL_CERT_DIR`."""
    return httpx.create_ssl_context()


def _get_port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _pin_request(request: httpx.Request, address: str) -> httpx.Request:
    """Redirect a request to an address; `Host` and the name checked by TLS stay the host's."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.raw_host.decode("ascii")},
    )
