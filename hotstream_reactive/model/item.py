"""The data item: one collected post, article or answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

#: MongoDB stores documents of at most 100 levels.
DEEPEST = 80


class DataItem(msgspec.Struct, kw_only=True, omit_defaults=False):
    """One collected item, as it stands in `data_items`.

    `id` is ``<platform>_<the source's own id>``; together with `platform` it is the identity.
    `created_at` is ISO 8601 in UTC, or None when the page does not say; a `datetime` given by a
    plugin is converted by `normalise`.
    `metadata` holds the counters (`likes`, `reposts`, `replies`, `quotes`, `views`, `video_views`)
    and marks; a counter that was not on the page is left out, zero means the page said zero.
    `raw_data` is the record as the adapter read it.
    """

    id: str
    platform: str
    content: str
    title: str | None = None
    author: str | None = None
    url: str | None = None
    created_at: str | datetime | None = None
    metadata: dict[str, Any] = {}
    raw_data: dict[str, Any] = {}


def iso_utc(moment: datetime) -> str:
    """Format as ISO 8601 in UTC with whole seconds, e.g. ``2025-05-30T12:38:00Z``.

    A naive datetime is taken as UTC.
    """
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def normalise(item: DataItem) -> DataItem:
    """Make an item safe to store in any database or file.

    Lone surrogates and NULs leave the texts, integers beyond 64 bits become texts, keys become
    texts without a leading dollar sign, what lies too deep is left out, and a `created_at` given as
    datetime becomes ISO 8601.

    Raises:
        TypeError: `id`, `platform` or `content` is no text.
        ValueError: `id` or `platform` is empty.
    """
    for name in ("id", "platform", "content"):
        if not isinstance(getattr(item, name), str):
            raise TypeError(f"item field {name!r} must be a text, not {getattr(item, name)!r}")
    if not item.id.strip("\x00") or not item.platform.strip("\x00"):
        raise ValueError("an item needs an id and a platform")
    created = item.created_at
    return DataItem(
        id=_safe_text(item.id),
        platform=_safe_text(item.platform),
        content=_safe_text(item.content),
        title=_optional_text(item.title),
        author=_optional_text(item.author),
        url=_optional_text(item.url),
        created_at=_created(created),
        metadata=storable(item.metadata),
        raw_data=storable(item.raw_data),
    )


def _safe_text(text: str) -> str:
    if text.isascii():
        return text.replace("\x00", "")
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")


def _safe_key(key: str) -> str:
    # A leading dollar sign would make the key an operator; its full-width form reads the same.
    return _safe_text("＄" + key[1:] if key.startswith("$") else key)


def _optional_text(value: object) -> str | None:
    return None if value is None else _safe_text(str(value))


def _created(value: object) -> str | None:
    moment = _safe_moment(value) if isinstance(value, datetime) else value
    return iso_utc(moment) if isinstance(moment, datetime) else _optional_text(moment)


def _safe_moment(value: datetime) -> datetime | str:
    try:
        return value.astimezone(UTC) if value.tzinfo else value
    except OverflowError:  # at the ends of the calendar a zone leads out of it
        return str(value)


def storable(value: Any, depth: int = 1) -> Any:
    """The value with everything in it made fit for a database, as `normalise` does for items."""
    match value:
        case str():
            return _safe_text(value)
        case bool() | None | float() | bytes():
            return value
        case datetime():
            return _safe_moment(value)
        case int():
            return value if -(2**63) <= value < 2**63 else str(value)
        case dict() | list() | tuple() | set() | frozenset() if depth > DEEPEST:
            return "(too deeply nested)"
        case dict():
            return {_safe_key(str(key)): storable(inner, depth + 1) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [storable(inner, depth + 1) for inner in value]
        case _:
            return _safe_text(str(value))
