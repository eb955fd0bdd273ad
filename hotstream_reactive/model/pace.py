"""The pace of requests: how a rate becomes a bucket of tokens, as pure arithmetic."""

from __future__ import annotations

import msgspec

#: A token that will be there within this long is promised at once. Longer promises would outlive
#: an edit of the rate, and those of a dead worker would be lost to all.
HORIZON_S = 2.0
#: The bucket holds so many seconds' worth of requests.
BURST_S = 5.0


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a request for a token.

    `wait_s`: granted, when the token is there; else when one would be, if nobody took it before.
    """

    granted: bool
    wait_s: float

    @property
    def ask_again_s(self) -> float:
        """Refused: when asking again makes sense, in seconds from now."""
        return max(self.wait_s - HORIZON_S, 0.05)


def burst(requests_per_minute: float) -> float:
    """How many requests may come at once after a quiet time."""
    return max(1.0, requests_per_minute * BURST_S / 60)


def local_interval_s(requests_per_minute: float, workers: int) -> float:
    """Seconds between two requests of one worker, when each paces itself by its equal share."""
    return 60.0 / requests_per_minute * max(workers, 1)
