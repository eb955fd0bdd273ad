"""The dispatcher forgets nothing that waits, in whatever order claims, starts and ends come.

A queue in memory and no sweep: what one hint has to lead to, must come of it.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from hotstream_reactive.engine.claimer import Claimer
from hotstream_reactive.engine.dispatcher import Dispatcher
from hotstream_reactive.engine.events import Events
from hotstream_reactive.engine.gate import Gate
from hotstream_reactive.engine.running import ActiveRun, ActiveRuns
from hotstream_reactive.model.task import Task
from hotstream_reactive.mongo.claims import Taken

pytestmark = pytest.mark.anyio
Document = dict[str, Any]


class OpenGate(Gate):
    """No pause and no limit."""

    def __init__(self) -> None:
        return

    closed = False  # type: ignore[assignment] # a property there
    holding = False  # type: ignore[assignment] # likewise
    limited = ()  # type: ignore[assignment] # likewise

    async def room(self) -> dict[str, int]:
        return {}

    def split(self, claimed: Sequence[Mapping[str, Any]]) -> tuple[list[Any], list[Any]]:
        return list(claimed), []


class Queue:
    """Waiting tasks in order, urgent ones first; every answer takes a random while."""

    def __init__(self, chance: random.Random, urgent: int, ordinary: int) -> None:
        self._chance = chance
        names = [f"u{n}" for n in range(urgent)] + [f"o{n}" for n in range(ordinary)]
        self.waiting = [{"_id": name, "lease_id": f"l-{name}"} for name in names]
        self.smallest_limit = 1

    async def pause(self) -> None:
        for _ in range(self._chance.randrange(6)):
            await anyio.lowlevel.checkpoint()

    async def claim_one(self, document_id: Any, **how: Any) -> Document | None:
        raise AssertionError("nobody has hinted at a single task")

    async def take_batch(
        self,
        limit: int,
        *,
        urgent_only: bool,
        room: Mapping[str, int],
        only: Collection[str] | None,
        ids: list[Any] | None,
    ) -> Taken:
        self.smallest_limit = min(self.smallest_limit, limit)
        await self.pause()
        found = [d for d in self.waiting if d["_id"][0] == "u" or not urgent_only][:limit]
        self.waiting = [d for d in self.waiting if d not in found]
        await self.pause()
        more = len(found) == limit
        last_is_urgent = bool(found) and found[-1]["_id"][0] == "u"
        return Taken([d["_id"] for d in found], more=more, urgent_more=more and last_is_urgent)

    async def read(self, taken: Taken) -> list[Document]:
        documents = [{"_id": name, "lease_id": f"l-{name}"} for name in taken.ids]
        await self.pause()
        return documents

    async def next_due_in(self) -> float | None:
        return None


@pytest.mark.parametrize("slots", [1, 3, 70, 200])
@pytest.mark.parametrize("seed", range(12))
async def test_one_hint_empties_the_queue(slots: int, seed: int) -> None:
    chance = random.Random(seed)
    queue = Queue(chance, urgent=chance.randrange(8), ordinary=chance.randrange(500))
    total, ended = len(queue.waiting), 0
    active = ActiveRuns()

    async def run(lease_id: str) -> None:
        nonlocal ended
        await queue.pause()
        active.remove(lease_id)
        ended += 1
        dispatcher.slot_freed("lab")

    def start(document: Mapping[str, Any]) -> None:
        priority = 1 if document["_id"][0] == "u" else 5
        task = Task(
            document_id=document["_id"], task_id=document["_id"], platform="lab", priority=priority
        )
        active.add(ActiveRun(task, document["lease_id"]))
        assert len(active) <= slots
        group.start_soon(run, document["lease_id"])

    gate = OpenGate()
    dispatcher = Dispatcher(
        queue,
        active,
        Events(),
        slots=slots,
        express_slots=1,
        gate=gate,
        claimer=Claimer(queue, gate, start=start),
        rank=lambda _: 0,
        disorderly=lambda: None,
        doubtful=lambda: None,
    )
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(dispatcher.run)
            dispatcher.sweep()
            while ended < total:
                await anyio.lowlevel.checkpoint()
            await dispatcher.drain()
    assert queue.smallest_limit == 1, "and a claim is for one task at least"
