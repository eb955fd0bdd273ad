"""What a trial found, and the deadline that every trial has."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Literal, TypeVar

import anyio
import msgspec

from hotstream_reactive.errors import HotStreamError
from hotstream_reactive.text import clean, redact

T = TypeVar("T")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the doctor's report; `remedy` is empty where nothing needs mending."""

    name: str
    state: Literal["ok", "warn", "fail"]
    message: str
    remedy: str = ""


def ok(name: str, message: str) -> Finding:
    """All is well."""
    return Finding(name=name, state="ok", message=harmless(message))


def warn(name: str, message: str, remedy: str) -> Finding:
    """Work goes on, with less."""
    return Finding(name=name, state="warn", message=harmless(message), remedy=remedy)


def fail(name: str, message: str, remedy: str) -> Finding:
    """A worker could not do its work like this."""
    return Finding(name=name, state="fail", message=harmless(message), remedy=remedy)


def harmless(message: str) -> str:
    """A text from outside without secrets and control characters."""
    return clean(redact(message), 500)


async def within(
    deadline_s: float,
    name: str,
    trial: Callable[[], Awaitable[list[Finding]]],
    *,
    remedy: str = "Look into the log of the server, or try again.",
) -> list[Finding]:
    """The findings of a trial; one that fails or takes too long is itself a finding."""
    try:
        with anyio.fail_after(deadline_s):
            return await trial()
    except TimeoutError:
        return [fail(name, f"timed out after {deadline_s:g} s", remedy)]
    except HotStreamError as error:
        return [fail(name, str(error), remedy)]
    except Exception as error:
        return [fail(name, f"{type(error).__name__}: {error}", remedy)]


async def in_thread(work: Callable[[], T]) -> T:
    """Run work that may block for good, such as somebody's plugin or a dead network disk.

    When the caller is cancelled the thread is left behind; it does not keep the process alive, as
    the threads of a pool would.
    """
    result: Future[T] = Future()
    result.set_running_or_notify_cancel()  # from now on nobody but the thread settles it

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # whatever it is, the caller is to see it
            result.set_exception(error)

    threading.Thread(target=run, daemon=True, name="hotstream-doctor").start()
    return await asyncio.wrap_future(result)
