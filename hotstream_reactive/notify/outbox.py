"""The outbox: messages wait here in memory until their receivers have taken them.

It is bounded. When receivers are slower than tasks end, the oldest messages are dropped and the log
says how many: a worker neither waits for a receiver nor fills its memory for one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import anyio
from loguru import logger

from hotstream_reactive.engine.backoff import full_jitter
from hotstream_reactive.notify.deliver import Deliver, DeliveryError
from hotstream_reactive.notify.message import Message

LONGEST_DELAY_S = 300.0
#: At the end of a worker, so long for what still waits.
FAREWELL_S = 5.0


class Outbox:
    """One queue for each receiver: one that is down does not keep the others waiting."""

    def __init__(
        self,
        receivers: Sequence[Deliver],
        *,
        attempts: int,
        base_delay_s: float,
        most_waiting: int,
    ) -> None:
        self._boxes = [_Box(one, attempts, base_delay_s, most_waiting) for one in receivers]

    def put(self, message: Message) -> None:
        """Take a message for all receivers; never waits and never fails."""
        for box in self._boxes:
            box.put(message)

    async def run(self) -> None:
        """Deliver until cancelled, and then for some seconds what still waits, each once."""
        try:
            async with anyio.create_task_group() as group:
                for box in self._boxes:
                    group.start_soon(box.run)
        finally:
            with anyio.move_on_after(FAREWELL_S, shield=True):
                async with anyio.create_task_group() as group:
                    for box in self._boxes:
                        group.start_soon(box.empty)
            for box in self._boxes:
                box.tell_what_is_lost()


class _Box:
    """What waits for one receiver, in order."""

    def __init__(
        self, receiver: Deliver, attempts: int, base_delay_s: float, most_waiting: int
    ) -> None:
        self._receiver = receiver
        self._attempts = attempts
        self._base_delay_s = base_delay_s
        self._most_waiting = most_waiting
        self._waiting: deque[Message] = deque()
        self._arrived = anyio.Event()
        self._dropped = 0

    def put(self, message: Message) -> None:
        if len(self._waiting) >= self._most_waiting:
            self._waiting.popleft()
            self._dropped += 1
            if self._dropped == 1:
                logger.warning(
                    "notifications: {} does not keep up; the oldest are dropped",
                    self._receiver.name,
                )
        self._waiting.append(message)
        self._arrived.set()

    async def run(self) -> None:
        """Deliver in order, each message with retries."""
        while True:
            await self._arrived.wait()
            self._arrived = anyio.Event()
            while self._waiting:
                message = self._waiting[0]
                await self._deliver(message)
                if self._waiting and self._waiting[0] is message:
                    self._waiting.popleft()

    async def _deliver(self, message: Message) -> None:
        for attempt in range(1, self._attempts + 1):
            try:
                await self._receiver.deliver(message)
            except DeliveryError as error:
                last = attempt == self._attempts
                logger.bind(task_id=message.task_id).log(
                    "ERROR" if last else "WARNING",
                    "notifications: {} did not take {!r} ({} of {} attempts): {}",
                    self._receiver.name,
                    message.event,
                    attempt,
                    self._attempts,
                    error,
                )
                if not last:
                    await anyio.sleep(
                        self._base_delay_s / 2
                        + full_jitter(attempt, self._base_delay_s, LONGEST_DELAY_S)
                    )
            else:
                return

    async def empty(self) -> None:
        """Try once what still waits; stops at the first that is not taken."""
        while self._waiting:
            try:
                await self._receiver.deliver(self._waiting[0])
            except DeliveryError:
                return
            self._waiting.popleft()

    def tell_what_is_lost(self) -> None:
        lost = self._dropped + len(self._waiting)
        if lost:
            logger.warning("notifications: {} of {} were not sent", lost, self._receiver.name)
