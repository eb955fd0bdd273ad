"""The bookmark: where the next look into the queue may begin, while nothing comes before it."""

from __future__ import annotations

from hotstream_reactive.model.change import Change
from hotstream_reactive.model.place import Place

#: With more changes than this during a look, where they stand is not compared one by one.
MOST_COMPARED = 64


class Bookmark:
    """Remembers how far the queue has been claimed, and forgets it at the least doubt."""

    def __init__(self) -> None:
        self._place: Place | None = None
        #: What came during the present look, which may stand before where it will end.
        self._came: list[Change] = []
        self._sure = True

    def lose(self) -> None:
        """Anything may have come before it."""
        self._place = None
        self._sure = False

    def came(self, change: Change) -> None:
        """A task was written or changed that may be claimed."""
        if self._place is not None and not self._place.is_before(change):
            self._place = None
        if len(self._came) < MOST_COMPARED:
            self._came.append(change)
        else:
            self._sure = False

    def begin_look(self) -> Place | None:
        """Where the look that begins now may begin in the queue; None is its head."""
        self._came = []
        self._sure = True
        return self._place

    def end_look(self, place: Place | None) -> None:
        """The look has tried to claim all up to this place; None says nothing."""
        known = place is not None and self._sure and all(map(place.is_before, self._came))
        self._place = place if known else None
