"""Items on a terminal, and raw records made into items as a run makes them."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
from rich.console import Console

from hotstream_reactive.cli.common import plain
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.output import Column, console, print_table, say
from hotstream_reactive.extractors.base import UNUSABLE, make_item
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.plugins import Registry

#: Ids stay whole, to be copied; in 80 cells there is no room for the time beside them.
_COLUMNS = [
    Column("id", least=27, most=40, keep=2),
    Column("author", least=10, most=20, keep=3),
    Column("created (UTC)", least=16, keep=1),
    Column("content", least=30),
]


def print_items(items: Iterable[Mapping[str, Any]], *, out: Console | None = None) -> None:
    """Print items as a table, one per line."""
    rows = [(item.get("id"), item.get("author"), _created(item), _content(item)) for item in items]
    print_table(_COLUMNS, rows, out=out)


@contextmanager
def counted(
    items: AsyncIterator[dict[str, Any]], *, hidden: bool = False
) -> Iterator[AsyncIterator[dict[str, Any]]]:
    """The same items; while they come, a person sees their number and rate on stderr."""
    if hidden or plain() or not sys.stderr.isatty():
        yield items
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    words = TextColumn("{task.fields[said]}", markup=False)
    with Progress(
        *(SpinnerColumn(), words, TimeElapsedColumn()), console=console(sys.stderr), transient=True
    ) as progress:
        line = progress.add_task("", total=None, said="")

        async def told() -> AsyncIterator[dict[str, Any]]:
            number, began = 0, time.monotonic()
            async for item in items:
                yield item
                number += 1
                said = tr("{} items").format(number)
                rate = number / max(time.monotonic() - began, 0.1)
                progress.update(line, said=f"{said}, {rate:.0f}/s")

        yield told()


def _created(item: Mapping[str, Any]) -> str:
    """The time to the minute; of a text that is no ISO 8601, its beginning."""
    return str(item.get("created_at") or "")[:16].replace("T", " ")


def _content(item: Mapping[str, Any]) -> str:
    """What the item says, in one line."""
    text = " ".join(str(item.get(name) or "") for name in ("title", "content"))
    return " ".join(text[:2000].split())


async def make_items(
    registry: Registry, platform: str, records: Iterable[DataItem | dict[str, Any]]
) -> list[dict[str, Any]]:
    """Records as items, through the platform's extractor as in a run; says what is left out.

    Raises:
        PermanentError: (`no_extractor`) there is none, and the records are raw.
    """
    kind = registry.extractors.get(platform)
    extractor = kind() if kind else None
    items: list[dict[str, Any]] = []
    for number, record in enumerate(records, 1):
        try:
            items.append(msgspec.structs.asdict(await make_item(record, extractor, platform)))
        except UNUSABLE as error:
            say(f"record {number} is left out: {error}")
    return items
