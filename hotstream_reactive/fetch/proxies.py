"""Proxies in rotation: one that fails is left alone for a while, each with its own backoff.

Addresses of proxies hold passwords. They are in no message, no log and no `repr`: a proxy is shown
as its `label`, host and port.
"""

from __future__ import annotations

import functools
import importlib.util
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from hotstream_reactive.errors import PermanentError, TransientError
from hotstream_reactive.fetch.guard import without_credentials

#: In the settings, in place of an address: no proxy.
DIRECT = "direct"
_FIRST_COOL_DOWN_S = 15.0
_LONGEST_COOL_DOWN_S = 15 * 60.0
_MOST_STRIKES = 10
# How long another proxy is preferred for a site that refused this one.
_REFUSAL_REMEMBERED_S = 15 * 60.0
_SOCKS = "socks5"
_PORTS = {"http": 80, "https": 443, _SOCKS: 1080}


class Proxy:
    """One configured proxy.

    Attributes:
        label: scheme, host and port, fit for messages.
        scheme, host, port: where it is.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.scheme = parts.scheme
        self.host = parts.hostname or ""
        self.port = parts.port or _PORTS[parts.scheme]
        self.label = without_credentials(address).rstrip("/")
        self._address = address
        self._credentials = (unquote(parts.username or ""), unquote(parts.password or ""))

    def __repr__(self) -> str:
        return f"Proxy({self.label!r})"

    def address(self) -> str:
        """The whole address, with its credentials: for a client, never for a message."""
        return self._address

    def credentials(self) -> tuple[str, str] | None:
        """User and password, if it has them."""
        return self._credentials if any(self._credentials) else None


@dataclass
class _State:
    resting_until: float = 0.0
    strikes: int = 0
    refused_by: dict[str, float] = field(default_factory=dict)


class ProxyPool:
    """The proxies of one list and what the process knows about them; times are monotonic seconds.

    Raises:
        PermanentError: (`no_socks`) a SOCKS proxy is listed and its library is not installed.
    """

    def __init__(
        self, addresses: Iterable[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        listed = [None if one == DIRECT else Proxy(one) for one in dict.fromkeys(addresses)]
        self._proxies: list[Proxy | None] = listed
        self._clock = clock
        self._states = [_State() for _ in listed]
        self._next = 0
        if any(one and one.scheme == _SOCKS for one in listed) and not _has_socks():
            raise PermanentError(
                "a SOCKS proxy needs an additional library: pip install 'httpx[socks]', or use "
                "one that starts with http://",
                kind="no_socks",
            )

    def __len__(self) -> int:
        return len(self._proxies)

    def choose(self, host: str) -> Proxy | None:
        """The next proxy in turn for a host; None stands for none.

        One that rests is passed over, and one that this host refused lately is taken only when
        there is no other.

        Raises:
            TransientError: (`proxy`) all of them rest. The host is not asked without one.
        """
        if not self._proxies:
            return None
        now = self._clock()
        order = [(self._next + step) % len(self._proxies) for step in range(len(self._proxies))]
        awake = [place for place in order if self._states[place].resting_until <= now]
        if not awake:
            wait = min(state.resting_until for state in self._states) - now
            raise TransientError(
                f"none of {len(self._proxies)} proxies works: the first is tried again in "
                f"{wait:.0f} s (fetch.proxies)",
                kind="proxy",
            )
        place = next((one for one in awake if not self._is_refused(one, host, now)), awake[0])
        self._next = place + 1
        return self._proxies[place]

    def failed(self, proxy: Proxy | None) -> None:
        """It could not be used: leave it alone, twice as long each time."""
        state = self._of(proxy)
        wait = min(_FIRST_COOL_DOWN_S * 2**state.strikes, _LONGEST_COOL_DOWN_S)
        state.strikes = min(state.strikes + 1, _MOST_STRIKES)
        state.resting_until = self._clock() + wait

    def answered(self, proxy: Proxy | None) -> None:
        """It works."""
        self._of(proxy).strikes = 0

    def refused(self, proxy: Proxy | None, host: str) -> None:
        """A host did not want to be asked through it: prefer another one there."""
        self._of(proxy).refused_by[host] = self._clock() + _REFUSAL_REMEMBERED_S

    def _of(self, proxy: Proxy | None) -> _State:
        return self._states[self._proxies.index(proxy)]

    def _is_refused(self, place: int, host: str, now: float) -> bool:
        refused_by = self._states[place].refused_by
        if refused_by.get(host, now) <= now:
            refused_by.pop(host, None)
            return False
        return True


@functools.cache
def shared_pool(addresses: tuple[str, ...]) -> ProxyPool:
    """The pool of a list, the same for all who use it, so that all learn from each failure."""
    return ProxyPool(addresses)


def _has_socks() -> bool:
    return importlib.util.find_spec("socksio") is not None
