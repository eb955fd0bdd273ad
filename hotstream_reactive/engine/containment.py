"""Containment: what a plugin's own tasks raise ends their run, never the event loop.

asyncio hands `SystemExit` and `KeyboardInterrupt` of any task to whoever runs the loop, past every
`except` around the run. So a task that is started inside a run is stepped through a layer that
gives these two another class. Real signals never arrive as exceptions here: they have a receiver.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from hotstream_reactive.engine.running import current_run


def contain_children_of_runs() -> None:
    """From now on, tasks that are started inside a run in this loop cannot end the loop."""
    loop = asyncio.get_running_loop()
    present = loop.get_task_factory()
    if not isinstance(present, _Containing):
        loop.set_task_factory(_Containing(present or asyncio.Task))


class _Containing:
    """A task factory around another one."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, loop: Any, coro: Any, **known: Any) -> Any:
        contained = coro if current_run.get() is None else _Contained(coro)
        if self._make is asyncio.Task:
            return self._make(contained, loop=loop, **known)
        return self._make(loop, contained, **known)


class _Contained(Coroutine[Any, Any, Any]):
    """A coroutine that raises neither `SystemExit` nor `KeyboardInterrupt`.

    No coroutine function around the other one: cancelled before its first step, that would leave
    the inner one as "never awaited".
    """

    def __init__(self, inner: Coroutine[Any, Any, Any]) -> None:
        self._inner = inner

    def send(self, value: Any) -> Any:
        try:
            return self._inner.send(value)
        except (SystemExit, KeyboardInterrupt) as error:
            raise _tamed(error) from error

    def throw(self, *exception: Any) -> Any:
        try:
            return self._inner.throw(*exception)
        except (SystemExit, KeyboardInterrupt) as error:
            raise _tamed(error) from error

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()

    def __getattr__(self, name: str) -> Any:
        # Names and frames, by which stacks are told.
        return getattr(self._inner, name)


def _tamed(error: BaseException) -> RuntimeError:
    return RuntimeError(f"a task that the plugin started raised {error!r}")
