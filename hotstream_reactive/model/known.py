"""What is known of a document, and how a change changes that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec


class Known(msgspec.Struct):
    """Fields of a document; when `whole`, a field that is not here is not in the document.

    A field that is UNSET is in the document, but its value is not known.
    """

    fields: dict[str, Any]
    whole: bool = True

    def value(self, field: str) -> Any:
        """The value of a field, dotted or not; None when it is not there, UNSET when not known."""
        if field in self.fields:
            return self.fields[field]
        top, *path = field.split(".")
        if top not in self.fields:
            return None if self.whole else msgspec.UNSET
        value = self.fields[top]
        for part in path:
            if isinstance(value, Mapping):
                value = value.get(part)
            elif isinstance(value, list) and part.isdigit():
                value = value[int(part)] if int(part) < len(value) else None
            else:
                return None if value is None else msgspec.UNSET
        return value

    def update(
        self, changed: Mapping[str, Any], removed: Iterable[str], shortened: Mapping[str, int]
    ) -> None:
        """Take an update into account, in the order in which the server applies it."""
        for field, length in shortened.items():
            old = self.value(field)
            self._put(field, old[:length] if isinstance(old, list) else msgspec.UNSET)
        for field in removed:
            if "." in field:
                self._put(field, msgspec.UNSET)
            elif self.whole:
                self.fields.pop(field, None)
            else:
                self.fields[field] = None
        for field, value in changed.items():
            self._put(field, value)

    def _put(self, field: str, value: Any) -> None:
        """Set a field; of a part that cannot be reached the whole field is not known any more."""
        top, *path = field.split(".")
        if not path:
            self.fields[top] = value
            return
        inner = self.fields.get(top, msgspec.UNSET)
        for part in path[:-1]:
            inner = inner.get(part) if isinstance(inner, dict) else msgspec.UNSET
        last = path[-1]
        if value is msgspec.UNSET:
            self.fields[top] = msgspec.UNSET
        elif isinstance(inner, dict):
            inner[last] = value
        elif isinstance(inner, list) and last.isdigit() and int(last) <= len(inner):
            inner[int(last) : int(last) + 1] = [value]
        else:
            self.fields[top] = msgspec.UNSET
