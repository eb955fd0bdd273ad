"""Items as one table per task, for spreadsheets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TextIO

from hotstream_reactive.storages.documents import DocumentStorage
from hotstream_reactive.storages.table import Table


class CsvStorage(DocumentStorage):
    """Publishes ``<task>.csv``, see `storages.table`; `raw_data` stays in the lines."""

    storage_type = "csv"
    suffix = ".csv"

    def write(self, records: Iterator[dict[str, Any]], out: TextIO) -> None:
        """Write a table."""
        table = Table(out)
        for record in records:
            table.add(record)
