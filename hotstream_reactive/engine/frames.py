"""Places in code, for messages: ``blocker.py:14 search``, without directories above the package.

Everything here also works from another thread on the frames of a running one, and touches no file:
the file system may be the very thing that hangs.
"""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import PurePath
from types import FrameType

from hotstream_reactive.text import clean

#: A stack deeper than this is shown by its innermost part.
MOST_FRAMES = 60
_ENGINE = "hotstream_reactive.engine."
_STDLIB = tuple(
    f"{PurePath(path)}/"
    for path in {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
)
_INSTALLED = ("/site-packages/", "/dist-packages/")


def blocking(frame: FrameType | None, *, most: int = 3) -> list[str]:
    """The frames that hold a thread up, innermost first: those outside the standard library.

    What lies between the innermost ones and the adapter's own frame, which is the outermost before
    the engine, is left out. Where no such code is on the stack, its innermost frames as they are.
    """
    stack = list(_upwards(frame))
    ours = next((n for n, f in enumerate(stack) if _module(f).startswith(_ENGINE)), len(stack))
    foreign = [f for f in stack[:ours] if not _of_stdlib(f.f_code.co_filename)]
    chosen = foreign or stack
    if len(chosen) > most:
        chosen = chosen[: most - 1] + ([chosen[-1]] if foreign else [chosen[most - 1]])
    return [_place(f, f.f_lineno) for f in chosen]


def in_a_run(frame: FrameType | None) -> bool:
    """Whether the thread is at work for a task's run, as far as its stack shows."""
    return any(_module(f) == f"{_ENGINE}runner" for f in _upwards(frame))


def stack(frame: FrameType | None) -> list[str]:
    """The whole stack of a thread, innermost first."""
    return [_place(f, f.f_lineno) for f in _upwards(frame)]


def tail(error: BaseException, *, most: int = 3) -> list[str]:
    """Where an error was raised: the innermost frames of its traceback, innermost last."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    places = [_place(f, line) for f, line in traceback.walk_tb(error.__traceback__)]
    return places[-most:]


def _upwards(frame: FrameType | None) -> Iterator[FrameType]:
    for _ in range(MOST_FRAMES):
        if frame is None:
            return
        yield frame
        frame = frame.f_back


def _module(frame: FrameType) -> str:
    name = frame.f_globals.get("__name__")
    return name if isinstance(name, str) else ""


def _of_stdlib(path: str) -> bool:
    if path.startswith("<frozen "):
        return True
    return path.startswith(_STDLIB) and not any(part in path for part in _INSTALLED)


def _place(frame: FrameType, line: int | None) -> str:
    path = PurePath(frame.f_code.co_filename)
    depth = _module(frame).count(".") + 1 + (path.name == "__init__.py")
    name = "/".join(path.parts[-depth:])
    return clean(f"{name}:{line or 0} {frame.f_code.co_name}")
