"""Pages that are fetched are told to whoever set `observer`, for figures and traces.

A context variable, so that each run is told of its own pages, also those its adapter fetches in
tasks that it starts itself. Outside a worker nobody listens.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple
from urllib.parse import urlsplit


class Fetched(NamedTuple):
    """One page that was asked for.

    `address` is host and path: what stands behind them may be private. `status` is None when there
    was no answer, which `error` then tells the kind of.
    """

    way: str
    address: str
    seconds: float
    status: int | None
    error: str = ""


Observer = Callable[[Fetched], None]
#: Called with every page; it must be quick and must not raise.
observer: ContextVar[Observer | None] = ContextVar("observer", default=None)


class Asking:
    """A page that is being asked for; set `status` when it is there."""

    status: int | None = None


@contextmanager
def told(way: str, url: str) -> Iterator[Asking]:
    """Tell the observer of the page that is fetched in this block."""
    tell = observer.get()
    asking = Asking()
    if tell is None:
        yield asking
        return
    began_at = time.monotonic()
    error = ""
    try:
        yield asking
    except BaseException as raised:
        error = str(getattr(raised, "kind", "") or type(raised).__name__)
        raise
    finally:
        seconds = time.monotonic() - began_at
        tell(Fetched(way, address_of(url), seconds, asking.status, error))


def address_of(url: str) -> str:
    """Host and path of an address, without credentials and query."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] + parts.path
