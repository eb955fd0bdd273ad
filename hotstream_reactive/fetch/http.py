"""The HTTP client of the adapters: bounded in time, size and redirects."""

from __future__ import annotations

import base64
import functools
import ssl
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import anyio
import httpx
import msgspec

from hotstream_reactive.errors import PermanentError, TransientError
from hotstream_reactive.fetch.body import Body
from hotstream_reactive.fetch.guard import AddressGuard, endpoint, without_credentials
from hotstream_reactive.settings import FetchSettings
from hotstream_reactive.version import __version__

DEFAULT_USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    f"HotStreamReactive/{__version__} Safari/537.36"
)
_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
_MAX_REDIRECTS = 5
_MEBIBYTE = 2**20


class Response(msgspec.Struct, kw_only=True, frozen=True):
    """An answer, whatever its status.

    `url` is what was asked for and `final_url` where the redirects ended, both without
    credentials; `headers` have names in lower case; `text` is the decoded body.
    """

    url: str
    final_url: str
    status: int
    headers: dict[str, str]
    text: str
    content_type: str


@functools.cache
def _ssl_context() -> ssl.SSLContext:
    # Reading the certificates takes longer than many a request.
    return httpx.create_ssl_context()


def prepare() -> None:
    """Do once, at a quiet moment, what the first client would otherwise wait for."""
    _ssl_context()


class HttpClient:
    """Fetches pages over connections that are kept open; close it when done.

    Args:
        settings: `timeout` is the longest one fetch may take with all its redirects, in seconds;
            `max_body_mb` limits the decompressed body.
        trusted: addresses from the operator's configuration, perhaps with ``user:password@``,
            which is then sent to that scheme, host and port and nowhere else.
    """

    def __init__(self, settings: FetchSettings, *, trusted: Iterable[str] = ()) -> None:
        trusted = list(trusted)
        self._settings = settings
        self._credentials = {
            _origin(address): header for address in trusted if (header := _basic(address))
        }
        self.guard = AddressGuard(trusted)
        self.user_agent = settings.user_agent or DEFAULT_USER_AGENT
        self._client = httpx.AsyncClient(
            http2=True,
            verify=_ssl_context(),
            timeout=settings.timeout,
            follow_redirects=False,
            headers={
                "user-agent": self.user_agent,
                "accept": _ACCEPT,
                "accept-language": "en-US,en;q=0.8",
                "accept-encoding": "gzip, deflate",
            },
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Response:
        """Fetch a page.

        Args:
            url: from the configuration or from a page; the latter only in public networks.
            headers: additional ones, sent to the host of `url` only.

        Raises:
            TransientError: network fault (`dns`, `connect`, `tls`, `timeout`, `network`), too many
                redirects (`redirects`), `body_too_large`, `content_encoding`.
            BlockedError: (`forbidden_address`) the address, or a redirect, leads into a private
                network.
            PermanentError: (`bad_address`) it is no address.
        """
        shown = without_credentials(url)
        try:
            with anyio.fail_after(self._settings.timeout):
                return await self._follow(shown, headers or {})
        except TimeoutError as error:
            seconds = f"{self._settings.timeout:g} s"
            raise TransientError(
                f"{shown}: no complete answer within {seconds} (fetch.timeout)", kind="timeout"
            ) from error
        except httpx.HTTPError as error:
            raise _transient(shown, error) from error
        except (httpx.InvalidURL, UnicodeError) as error:
            raise PermanentError(f"{shown} is no address: {error}", kind="bad_address") from error

    async def _follow(self, url: str, headers: Mapping[str, str]) -> Response:
        seen = [url]
        while True:
            response = await self._hop(
                seen[-1], headers if endpoint(seen[-1]) == endpoint(url) else {}
            )
            target = response.headers.get("location", "").strip()
            if response.status not in (301, 302, 303, 307, 308) or not target:
                return msgspec.structs.replace(response, url=url)
            target = without_credentials(urldefrag(urljoin(seen[-1], target)).url)
            if target in seen:
                raise TransientError(f"{url}: redirects in a circle at {target}", kind="redirects")
            if len(seen) > _MAX_REDIRECTS:
                raise TransientError(
                    f"{url}: more than {_MAX_REDIRECTS} redirects, the last to {target}",
                    kind="redirects",
                )
            seen.append(target)

    async def _hop(self, url: str, headers: Mapping[str, str]) -> Response:
        pinned = await self.guard.vet(url)
        request = self._client.build_request("GET", url, headers=dict(headers))
        if credentials := self._credentials.get(_origin(url)):
            request.headers["authorization"] = credentials
        if pinned is not None:
            # The name goes into the Host header and the certificate check, the connection to
            # the address that was vetted.
            request.extensions["sni_hostname"] = request.url.host
            request.url = request.url.copy_with(host=pinned)
        answer = await self._client.send(request, stream=True)
        try:
            body = Body(
                answer.headers.get("content-encoding", ""),
                self._settings.max_body_mb * _MEBIBYTE,
            )
            async for chunk in answer.aiter_raw():
                body.feed(chunk)
        finally:
            await answer.aclose()
        content_type = answer.headers.get("content-type", "")
        return Response(
            url=url,
            final_url=url,
            status=answer.status_code,
            headers={name.lower(): value for name, value in answer.headers.items()},
            text=body.text(content_type),
            content_type=content_type,
        )


def basic_credentials(address: str) -> tuple[str, str] | None:
    """User and password inside a configured address."""
    parts = urlsplit(address)
    if not parts.username and not parts.password:
        return None
    return unquote(parts.username or ""), unquote(parts.password or "")


def _basic(address: str) -> str | None:
    pair = basic_credentials(address)
    if pair is None:
        return None
    return "Basic " + base64.b64encode(":".join(pair).encode()).decode()


def _origin(url: str) -> tuple[str, str, int | None]:
    return (urlsplit(url).scheme, *endpoint(url))


def _transient(url: str, error: httpx.HTTPError) -> TransientError:
    cause = str(error) or type(error).__name__
    kind = "network"
    if isinstance(error, httpx.TimeoutException):
        kind = "timeout"
    elif isinstance(error, httpx.ConnectError):
        lowered = cause.lower()
        if any(word in lowered for word in ("name or service", "name resolution", "nodename")):
            kind = "dns"
        elif "ssl" in lowered or "certificate" in lowered:
            kind = "tls"
        else:
            kind = "connect"
    return TransientError(f"{url}: {cause}", kind=kind)
