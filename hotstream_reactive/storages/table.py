"""Items as CSV that a spreadsheet opens as it is meant, and a program reads without surprises.

Commas, quotes where they are needed, ``\\n`` at line ends; the columns are always the same. A value
that is no text is JSON. Control characters are left out, and a cell that a spreadsheet would run
begins with an apostrophe.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from typing import Any, TextIO

import msgspec

from hotstream_reactive.text import clean

COLUMNS = ("id", "platform", "author", "created_at", "url", "title", "content")
MORE_COLUMNS = ("task_id", "saved_at", "metadata")
#: Without it spreadsheets take UTF-8 for the machine's old code page, and Chinese for noise.
BYTE_ORDER_MARK = "\ufeff"
_LONGEST_CELL = 1_000_000
#: Full-width forms count too: some spreadsheets take them for the plain ones.
_RUNS = ("=", "＝")
_MAY_RUN = ("+", "-", "@", "＋", "－", "＠")


class Table:
    """Writes items as rows under the headings.

    Args:
        out: a text stream without translation of line ends.
        mark: whether the stream begins with a byte order mark, as a file for spreadsheets should.
        as_json: how a value that is no text is written.
    """

    def __init__(
        self,
        out: TextIO,
        *,
        mark: bool = True,
        as_json: Callable[[Any], str] = lambda value: msgspec.json.encode(value).decode(),
    ) -> None:
        if mark:
            out.write(BYTE_ORDER_MARK)
        self._as_json = as_json
        self._writer = csv.writer(out, lineterminator="\n")
        self._writer.writerow((*COLUMNS, *MORE_COLUMNS))

    def add(self, item: Mapping[str, Any]) -> None:
        """Write one item."""
        self._writer.writerow([self._cell(item.get(name)) for name in (*COLUMNS, *MORE_COLUMNS)])

    def _cell(self, value: Any) -> str:
        if value is None:
            return ""
        return harmless(value if isinstance(value, str) else self._as_json(value).strip('"'))


def harmless(text: str) -> str:
    """A text without control characters, and such that no spreadsheet runs it."""
    text = "\n".join(clean(line, _LONGEST_CELL) for line in text.splitlines())
    if text.startswith(_RUNS) or (text.startswith(_MAY_RUN) and set(text) & set("(|!（！")):
        return f"'{text}"
    return text
