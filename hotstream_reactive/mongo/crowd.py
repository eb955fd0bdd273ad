"""The crowd: where to begin when several workers claim from the same place of the queue.

Two that claim the same tasks do all the work twice and half of it for nothing, so in a crowd each
begins somewhere else.
"""

from __future__ import annotations

import random

#: A claim of which less than this part succeeds shows that others are at the same place.
CROWDED_PART = 0.9
MOST_RIVALS = 8
#: How often a worker whose claims succeed comes one step closer to the head.
CLOSER_PART = 0.2


class Crowd:
    """Finds a place beside those of the others, told only by what they were quicker at."""

    def __init__(self) -> None:
        #: How many there seem to be, and at which of their places this worker claims.
        self._rivals = 1
        self._place = 0

    def skip(self, limit: int) -> int:
        """How many tasks to leave to the others, of a queue that is claimed `limit` at a time."""
        return self._place * limit

    def tried(self, asked: int, got: int) -> None:
        """Take into account how many of the tasks that were asked for were still to be had."""
        if got < asked * CROWDED_PART:
            self._rivals = min(self._rivals * 2, MOST_RIVALS)
            self._place = random.randrange(self._rivals)
        elif self._rivals > 1 and random.random() < CLOSER_PART:
            # Somebody has to be at the head: what stands there has waited longest.
            self._rivals -= 1
            self._place = max(0, self._place - 1)
