"""Asks Juejin's API, one question at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from hotstream_reactive.errors import BlockedError, ScrapeError
from hotstream_reactive.fetch.http import HttpClient, Response
from hotstream_reactive.model.page import ParsedPage
from hotstream_reactive.platforms.base import RunContext
from hotstream_reactive.platforms.juejin.pages import parse_page
from hotstream_reactive.platforms.juejin.records import SITE
from hotstream_reactive.platforms.site import SharedPace, Site

API = "https://api.juejin.cn"
# A connection cut twice is a refusal, not an accident.
_RETRIES = 1
_WEB_APPLICATION = "2608"


class JuejinClient:
    """The API for one run; close it when done."""

    def __init__(self, context: RunContext, shared: SharedPace) -> None:
        api = context.platform.api_url or API
        site = context.platform.base_url or SITE
        self._http = HttpClient.for_platform(
            context.fetch,
            context.platform,
            retries=min(_RETRIES, context.fetch.retries),
            again=context.pace,
        )
        self._site = Site(context, shared, self._http, api, cut_means=_cut)
        parts = urlsplit(site)
        origin = f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
        self._headers = {
            "accept": "application/json",
            "accept-language": "zh-CN,zh;q=0.9,en;q=0.5",
            "origin": origin,
            "referer": f"{origin}/",
        }

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    async def get(self, path: str, what: str, **parameters: str | int) -> ParsedPage:
        """Ask with a query.

        Args:
            path: of the endpoint.
            what: what is asked for, for messages.
            parameters: of the query.

        Raises:
            LoginRequired: Juejin gives it to members only.
            RateLimited, BlockedError, TransientError, PermanentError: it did not give it.
        """
        query = urlencode({"aid": _WEB_APPLICATION, **parameters, "spider": 0})
        url = f"{self._site.base}{path}?{query}"
        response = await self._site.ask(lambda: self._http.get(url, headers=self._headers))
        return await self._judged(response, what)

    async def post(self, path: str, what: str, payload: Mapping[str, Any]) -> ParsedPage:
        """Ask with a JSON body.

        Raises:
            ScrapeError: as `get` does.
        """
        url = f"{self._site.base}{path}?{urlencode({'aid': _WEB_APPLICATION, 'spider': 0})}"
        response = await self._site.ask(
            lambda: self._http.post_json(url, payload, headers=self._headers, repeatable=True)
        )
        return await self._judged(response, what)

    async def _judged(self, response: Response, what: str) -> ParsedPage:
        page = parse_page(
            response.text,
            url=response.final_url,
            status=response.status,
            content_type=response.content_type,
            headers=response.headers,
        )
        return await self._site.judge(page, what, response)


def _cut(message: str) -> ScrapeError:
    # Juejin limits by address and does not say so.
    return BlockedError(f"{message} (Juejin cuts off addresses it limits)", kind="cut")
