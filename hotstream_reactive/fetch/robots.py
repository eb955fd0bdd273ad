"""robots.txt: what a site forbids, and how slowly it wants to be asked.

Read as RFC 9309 says: a missing file allows everything, one that cannot be fetched forbids
everything for now, the longest rule wins.
"""

from __future__ import annotations

import functools
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import anyio

from hotstream_reactive.errors import PermanentError, RateLimited, ScrapeError, TransientError
from hotstream_reactive.fetch.guard import endpoint
from hotstream_reactive.fetch.throttle import Throttle

if TYPE_CHECKING:  # only needed by who reads one
    from protego import Protego

#: The name by which a site may address us.
AGENT = "HotStreamReactive"
_FRESH_S = 24 * 3600.0
# One that could not be fetched is asked for again soon.
_FAILED_FRESH_S = 5 * 60.0
_MOST_HOSTS = 1000
_MOST_CHARS = 500 * 1024
# Longer pauses are not slept through: the run is put off.
_LONGEST_PAUSE_S = 60.0


class Text(NamedTuple):
    """The answer to a question for robots.txt."""

    status: int
    text: str


class _Rules(NamedTuple):
    until: float
    parsed: Protego | None  # None: it could not be fetched
    why: str = ""


Fetch = Callable[[str], Awaitable[Text]]


class Robots:
    """The rules of hosts, kept for a day; one object serves the whole process.

    Args:
        clock: monotonic seconds.
        throttle: keeps the pauses that sites ask for.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, throttle: Throttle | None = None
    ) -> None:
        self._clock = clock
        self._throttle = throttle or Throttle()
        self._rules: OrderedDict[str, _Rules] = OrderedDict()
        self._locks: dict[str, anyio.Lock] = {}

    async def check(self, url: str, fetch: Fetch) -> float:
        """Whether an address may be fetched.

        Args:
            url: the address.
            fetch: gets robots.txt of its host, when it is not known.

        Returns:
            The pause that the site wants between requests, in seconds; 0 when it does not say.

        Raises:
            PermanentError: (`robots`) the site forbids it.
            TransientError: (`robots_unavailable`) it cannot be known at the moment.
        """
        rules = await self._of(url, fetch)
        if rules.parsed is None:
            raise TransientError(
                f"{url} is not fetched because robots.txt of the site cannot be read: {rules.why}",
                kind="robots_unavailable",
            )
        if not rules.parsed.can_fetch(url, AGENT):
            raise PermanentError(
                f"robots.txt of {endpoint(url)[0]} forbids {url}; whoever may collect there "
                "nevertheless sets respect_robots = false for the platform",
                kind="robots",
            )
        return float(rules.parsed.crawl_delay(AGENT) or 0.0)

    async def keep_distance(self, url: str, pause_s: float) -> None:
        """Wait until a host that wants pauses may be asked again.

        Raises:
            RateLimited: (`crawl_delay`) that is more than a minute away.
        """
        wait = self._throttle.waiting_s(_origin(url))
        if wait > _LONGEST_PAUSE_S:
            raise RateLimited(
                f"robots.txt of {endpoint(url)[0]} wants {pause_s:g} s between requests",
                kind="crawl_delay",
                retry_after=wait,
            )
        if pause_s > 0:
            async with self._throttle.turn(_origin(url), 60.0 / pause_s):
                return

    async def _of(self, url: str, fetch: Fetch) -> _Rules:
        origin = _origin(url)
        async with self._locks.setdefault(origin, anyio.Lock()):
            known = self._rules.get(origin)
            if known is not None and known.until > self._clock():
                self._rules.move_to_end(origin)
                return known
            rules = await self._ask(origin, fetch)
            self._rules[origin] = rules
            while len(self._rules) > _MOST_HOSTS:
                forgotten, _ = self._rules.popitem(last=False)
                self._locks.pop(forgotten, None)
            return rules

    async def _ask(self, origin: str, fetch: Fetch) -> _Rules:
        from protego import Protego

        try:
            answer = await fetch(f"{origin}/robots.txt")
        except ScrapeError as error:
            return _Rules(self._clock() + _FAILED_FRESH_S, None, str(error))
        if answer.status >= 500 or answer.status == 429:
            return _Rules(self._clock() + _FAILED_FRESH_S, None, f"HTTP {answer.status}")
        # Any other status means that there is none, which allows everything.
        text = answer.text[:_MOST_CHARS] if answer.status < 300 else ""
        return _Rules(self._clock() + _FRESH_S, Protego.parse(text))


@functools.cache
def shared_robots() -> Robots:
    """The object of this process."""
    return Robots()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"
