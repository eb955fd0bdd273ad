"""One request over the wire: connections that are kept open, direct and through proxies.

httpx is imported when the first request is made: an idle worker does without its memory.
"""

from __future__ import annotations

import functools
import importlib
import os
import ssl
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import anyio.to_thread

from hotstream_reactive.errors import PermanentError, ScrapeError, TransientError
from hotstream_reactive.fetch.body import Body
from hotstream_reactive.fetch.proxies import Proxy
from hotstream_reactive.fetch.question import Question
from hotstream_reactive.fetch.response import Response
from hotstream_reactive.settings import FetchSettings

if TYPE_CHECKING:
    import httpx

_NEEDED = frozenset({"httpx", "h2.connection"})
_MEBIBYTE = 2**20
_NAME_UNKNOWN = ("name or service", "name resolution", "nodename")


class ProxyFailed(TransientError):
    """The proxy could not be used; the site may be well."""


@functools.cache
def ssl_context() -> ssl.SSLContext:
    """The certificates to trust; reading them takes longer than many a request."""
    return new_ssl_context()


def new_ssl_context() -> ssl.SSLContext:
    """As httpx makes it, without importing httpx for it; SSL_CERT_FILE and SSL_CERT_DIR count."""
    import certifi

    return ssl.create_default_context(
        cafile=os.environ.get("SSL_CERT_FILE") or certifi.where(),
        capath=os.environ.get("SSL_CERT_DIR") or None,
    )


async def _load() -> None:
    """Import what the first request needs, beside the event loop: it takes a while."""
    if not sys.modules.keys() >= _NEEDED:
        for name in _NEEDED:
            await anyio.to_thread.run_sync(importlib.import_module, name)


class Wire:
    """The connections of one client; close it when done.

    Args:
        settings: `timeout` for each step, `max_body_mb` for each body.
        headers: sent with every request.
    """

    def __init__(self, settings: FetchSettings, headers: Mapping[str, str]) -> None:
        self._settings = settings
        self._headers = dict(headers)
        self._clients: dict[Proxy | None, httpx.AsyncClient] = {}

    async def close(self) -> None:
        """Close all connections."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    async def send(
        self, url: str, question: Question, *, pinned: str | None, proxy: Proxy | None
    ) -> Response:
        """Ask once, without following redirects.

        Args:
            url: without credentials.
            question: what to send; its headers are additional ones.
            pinned: the IP address to connect to; None looks the name up.
            proxy: what to go through; None goes directly.

        Raises:
            ProxyFailed: (`proxy`) the proxy cannot be reached or does not let us in.
            TransientError: (`dns`, `connect`, `tls`, `timeout`, `network`, `body_too_large`,
                `content_encoding`).
            PermanentError: (`bad_address`) it is no address.
        """
        await _load()
        import httpx

        client = self._client(proxy)
        try:
            request = client.build_request(
                question.method, url, headers=dict(question.headers), content=question.body
            )
        except (httpx.InvalidURL, UnicodeError) as error:
            raise PermanentError(f"{url} is no address: {error}", kind="bad_address") from error
        if pinned is not None and proxy is None:
            # The name goes into the Host header and the certificate check, the connection to
            # the address that was vetted.
            request.extensions["sni_hostname"] = request.url.host
            request.url = request.url.copy_with(host=pinned)
        try:
            answer = await client.send(request, stream=True)
            try:
                return await self._read(url, answer, proxy)
            finally:
                await answer.aclose()
        except httpx.HTTPError as error:
            raise _transient(url, error, proxy) from error

    async def _read(self, url: str, answer: httpx.Response, proxy: Proxy | None) -> Response:
        if answer.status_code == 407 and proxy is not None:
            raise _proxy_failed(url, proxy, "HTTP 407: it wants another password")
        body = Body(
            answer.headers.get("content-encoding", ""), self._settings.max_body_mb * _MEBIBYTE
        )
        async for chunk in answer.aiter_raw():
            body.feed(chunk)
        content_type = answer.headers.get("content-type", "")
        return Response(
            url=url,
            final_url=url,
            status=answer.status_code,
            headers={name.lower(): value for name, value in answer.headers.items()},
            text=body.text(content_type),
            content_type=content_type,
        )

    def _client(self, proxy: Proxy | None) -> httpx.AsyncClient:
        import httpx

        client = self._clients.get(proxy)
        if client is None:
            client = self._clients[proxy] = httpx.AsyncClient(
                http2=True,
                verify=ssl_context(),
                proxy=proxy.address() if proxy else None,
                # Proxies and passwords are configured, not found in the surroundings.
                trust_env=False,
                timeout=self._settings.timeout,
                follow_redirects=False,
                headers=self._headers,
            )
        return client


def _proxy_failed(url: str, proxy: Proxy, cause: str) -> ProxyFailed:
    return ProxyFailed(f"{url}: the proxy {proxy.label} does not work: {cause}", kind="proxy")


def _transient(url: str, error: httpx.HTTPError, proxy: Proxy | None) -> ScrapeError:
    import httpx

    cause = str(error) or type(error).__name__
    lowered = cause.lower()
    if proxy is not None and isinstance(error, httpx.ProxyError):
        return _proxy_failed(url, proxy, cause)
    kind = "network"
    if isinstance(error, httpx.TimeoutException):
        kind = "timeout"
    elif isinstance(error, httpx.ConnectError):
        if "ssl" in lowered or "certificate" in lowered:
            kind = "tls"
        elif proxy is not None:
            return _proxy_failed(url, proxy, cause)
        else:
            kind = "dns" if any(word in lowered for word in _NAME_UNKNOWN) else "connect"
    return TransientError(f"{url}: {cause}", kind=kind)
