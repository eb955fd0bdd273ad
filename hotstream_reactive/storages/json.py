"""Items as one JSON document per task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TextIO

import msgspec

from hotstream_reactive.storages.documents import DocumentStorage


class JsonStorage(DocumentStorage):
    """Publishes ``<task>.json``: one array of items, each on a line of its own."""

    storage_type = "json"
    suffix = ".json"

    def write(self, records: Iterator[dict[str, Any]], out: TextIO) -> None:
        """Write an array."""
        out.write("[")
        for number, record in enumerate(records):
            out.write(f"{',' if number else ''}\n{msgspec.json.encode(record).decode()}")
        out.write("\n]\n")
