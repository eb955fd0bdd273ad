"""The dispatcher forgets nothing that waits, in whatever order claims, starts and ends come.

A queue in memory and no sweep: what one hint has to lead to, must come of it.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from anyio.abc import TaskGroup

from hotstream_reactive.engine.claimer import Claimer
from hotstream_reactive.engine.dispatcher import HALVED_SLOTS, Dispatcher
from hotstream_reactive.engine.events import Events
from hotstream_reactive.engine.gate import Gate
from hotstream_reactive.engine.running import ActiveRun, ActiveRuns
from hotstream_reactive.model.change import Change
from hotstream_reactive.model.place import Place
from hotstream_reactive.model.task import Task
from hotstream_reactive.mongo.claims import Taken

pytestmark = pytest.mark.anyio
Document = dict[str, Any]
T0 = datetime(2025, 5, 30, 12, 38, tzinfo=UTC)


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
        self.waiting: list[Document] = []
        for n in range(urgent + ordinary):
            self.put(f"u{n}" if n < urgent else f"o{n - urgent}", at=n)
        self.smallest_limit = 1
        self.passed_over = 0
        #: Tasks of which the stream has told, and those of them that a look then began behind.
        self.told: set[str] = set()
        self.overlooked: list[str] = []

    def put(self, name: str, *, at: int) -> Change:
        """Let a task wait that was created at that second; gives what the stream tells of it."""
        keys: Document = {
            "immediate": False,
            "priority": 1 if name[0] == "u" else 5,
            "created_at": T0 + timedelta(seconds=at),
        }
        self.waiting.append({"_id": name, "lease_id": f"l-{name}", **keys})
        self.waiting.sort(key=lambda document: (document["priority"], document["created_at"]))
        return Change(document_id=name, inserted=True, status=0, **keys)

    async def pause(self) -> None:
        for _ in range(self._chance.randrange(6)):
            await anyio.lowlevel.checkpoint()

    async def claim_one(self, document_id: Any, **how: Any) -> Document | None:
        await self.pause()
        found = [document for document in self.waiting if document["_id"] == document_id]
        self.waiting = [document for document in self.waiting if document not in found]
        await self.pause()
        return found[0] if found else None

    async def take_batch(
        self,
        limit: int,
        *,
        urgent_only: bool,
        room: Mapping[str, int],
        only: Collection[str] | None,
        ids: list[Any] | None,
        after: Place | None,
    ) -> Taken:
        self.smallest_limit = min(self.smallest_limit, limit)
        if after is not None:
            place = (after.priority, after.created_at)
            self.overlooked += [
                document["_id"]
                for document in self.waiting
                if document["_id"] in self.told
                and (document["priority"], document["created_at"]) < place
            ]
        await self.pause()
        possible = [d for d in self.waiting if d["_id"][0] == "u" or not urgent_only]
        found = possible[:limit]
        if after is not None:
            behind = [d for d in possible if d["priority"] == after.priority]
            behind = [d for d in behind if d["created_at"] >= after.created_at][:limit]
            if len(behind) == limit:
                self.passed_over += behind != found
                found = behind
        self.waiting = [d for d in self.waiting if d not in found]
        await self.pause()
        more = len(found) == limit
        return Taken(
            [d["_id"] for d in found],
            more=more,
            urgent_more=more and found[-1]["_id"][0] == "u",
            place=Place.of(found[-1]) if more and not urgent_only else None,
        )

    async def read(self, taken: Taken) -> list[Document]:
        documents = [{"_id": name, "lease_id": f"l-{name}"} for name in taken.ids]
        await self.pause()
        return documents

    async def next_due_in(self) -> float | None:
        return None


class Lab:
    """A dispatcher with a queue in memory, whose runs take a random while."""

    def __init__(self, queue: Queue, group: TaskGroup, *, slots: int) -> None:
        self._queue = queue
        self._group = group
        self._slots = slots
        self._active = ActiveRuns()
        self.ended: list[str] = []
        gate = OpenGate()
        self.dispatcher = Dispatcher(
            self._active,
            Events(),
            slots=slots,
            express_slots=1,
            gate=gate,
            claimer=Claimer(queue, gate, start=self._start),
            rank=lambda _: 0,
            disorderly=lambda: None,
            doubtful=lambda: None,
            retimed=lambda: None,
        )
        group.start_soon(self.dispatcher.run)

    def _start(self, document: Mapping[str, Any]) -> None:
        name = document["_id"]
        priority = 1 if name[0] == "u" else 5
        task = Task(document_id=name, task_id=name, platform="lab", priority=priority)
        self._active.add(ActiveRun(task, document["lease_id"]))
        assert len(self._active) <= self._slots
        self._group.start_soon(self._run, name, document["lease_id"])

    async def _run(self, name: str, lease_id: str) -> None:
        await self._queue.pause()
        self._active.remove(lease_id)
        self.ended.append(name)
        self.dispatcher.slot_freed("lab")

    async def until_ended(self, number: int) -> None:
        with anyio.fail_after(20):
            while len(self.ended) < number:
                await anyio.lowlevel.checkpoint()
            await self.dispatcher.drain()


@pytest.mark.parametrize("slots", [1, 3, 70, 200])
@pytest.mark.parametrize("seed", range(12))
async def test_one_hint_empties_the_queue(slots: int, seed: int) -> None:
    chance = random.Random(seed)
    queue = Queue(chance, urgent=chance.randrange(8), ordinary=chance.randrange(500))
    async with anyio.create_task_group() as group:
        lab = Lab(queue, group, slots=slots)
        total = len(queue.waiting)
        lab.dispatcher.sweep()
        await lab.until_ended(total)
    assert queue.smallest_limit == 1, "and a claim is for one task at least"


@pytest.mark.parametrize("slots", [3, 70, 200])
@pytest.mark.parametrize("seed", range(12))
async def test_what_comes_meanwhile_is_not_passed_over(slots: int, seed: int) -> None:
    """Wherever in the queue it stands, and however late the stream tells of it."""
    chance = random.Random(seed)
    queue = Queue(chance, urgent=0, ordinary=1500)
    names = [f"{chance.choice('uooo')}new{n}" for n in range(200)]
    async with anyio.create_task_group() as group:
        lab = Lab(queue, group, slots=slots)
        lab.dispatcher.sweep()

        async def tell(name: str, at: int) -> None:
            change = queue.put(name, at=at)
            for _ in range(chance.randrange(30)):
                await anyio.lowlevel.checkpoint()
            if chance.random() < 0.1:
                lab.dispatcher.sweep()
            else:
                lab.dispatcher.changed(change)
            queue.told.add(name)

        for name in names:
            await queue.pause()
            group.start_soon(tell, name, chance.randrange(-100, 3000))
        await lab.until_ended(1500 + len(names))
    assert len(set(lab.ended)) == 1500 + len(names)
    assert not queue.overlooked
    if slots < HALVED_SLOTS:
        assert not queue.passed_over, "with few slots, each look begins at the head"
