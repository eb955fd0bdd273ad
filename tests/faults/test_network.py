"""The network between a worker and its server is slow, cut, or swallows everything."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemons import SETTLED, Document, Yard, slow_task, wait_until, yard
from proxy import Proxy, proxy, slow_and_jerky
from pymongo import MongoClient

from hotstream_reactive.errors import DatabaseUnavailable
from hotstream_reactive.mongo.claims import Claims
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import DriverName
from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet
from hotstream_reactive.settings import MongoSettings
from tests.fault_report import Measure


@pytest.fixture
def wire(failing_server: EmbeddedReplicaSet) -> Iterator[Proxy]:
    """What passes between the workers and the server."""
    with proxy(failing_server.ports[0]) as between:
        yield between


@pytest.fixture
def far(fragile: Yard, wire: Proxy) -> Yard:
    """Daemons that reach the server through the wire, while the test itself has its own way."""
    fragile.uri = f"mongodb://127.0.0.1:{wire.port}/?directConnection=true"
    return fragile


@pytest.mark.slow
@pytest.mark.fault("B6", "latency of 100 to 300 ms each way, with stalls")
def test_a_slow_network_costs_time_only(far: Yard, wire: Proxy, measured: Measure) -> None:
    # Leases of 6 s: whoever takes slow for dead would take a task away here.
    settings = {"SCHEDULER_ZOMBIE_TIMEOUT": "6", "SCHEDULER_HEARTBEAT_INTERVAL": "2"}
    daemons = [far.daemon(name, **settings) for name in ("one", "two")]
    for daemon in daemons:
        daemon.ready()
    wire.delay = slow_and_jerky
    far.tasks.insert_one(slow_task("long", n=80, pause=0.1))
    names = [f"t{n}" for n in range(20)]
    for name in names:
        far.tasks.insert_one(slow_task(name, n=2))
        time.sleep(0.05)
    wait_until(lambda: far.tasks.count_documents(SETTLED) == 21, 60)
    verdict = far.check([*names, "long"])
    measured("false rescues", verdict.repeated, bound=0, unit="tasks")
    began = time.monotonic()
    far.tasks.insert_one(slow_task("last", n=1))
    far.reaches("last", 2, 10)
    measured("a task from insert to its end", time.monotonic() - began, bound=5)


@pytest.mark.fault("B7", "all connections reset every few seconds")
@pytest.mark.parametrize(
    "rounds", [5, pytest.param(24, marks=pytest.mark.slow, id="two minutes")], ids=str
)
def test_reset_connections(far: Yard, wire: Proxy, measured: Measure, rounds: int) -> None:
    daemon = far.daemon("one", SCHEDULER_MAX_CONCURRENT_TASKS="10").ready()
    waits: list[float] = []
    for number in range(rounds):
        round_began = time.monotonic()
        assert wire.reset_all() > 2
        far.tasks.insert_one(slow_task(f"after{number}", n=1))
        began = time.monotonic()
        far.reaches(f"after{number}", 2, 10)
        waits.append(time.monotonic() - began)
        for n in range(20):
            far.tasks.insert_one(slow_task(f"t{number}-{n}", n=2, pause=0.05))
            time.sleep(0.1)
        # Longer than a stream has to live to count as a good one.
        time.sleep(max(0.0, round_began + 5.0 - time.monotonic()))
    wait_until(lambda: far.tasks.count_documents(SETTLED) == 21 * rounds, 30)
    measured("lost", far.check().lost, bound=0, unit="tasks")
    measured("a task after a reset, median", statistics.median(waits), bound=1)
    measured("a task after a reset, longest", max(waits), bound=1)
    assert "Traceback" not in daemon.log


@pytest.mark.fault("B8", "nothing passes for 15 s, connections stay open")
def test_a_network_that_swallows_everything(far: Yard, wire: Proxy, measured: Measure) -> None:
    daemon = far.daemon("one").ready()
    far.tasks.insert_one(slow_task("running", n=200, pause=0.1))
    # Not only claimed: a claim whose reply is swallowed is one that nobody knows of.
    daemon.says("task=running claimed")
    wire.swallows = True
    began = time.monotonic()
    measured("said to be degraded", daemon.says("stream degraded", timeout_s=12) - began, bound=8)
    far.tasks.insert_one(slow_task("during", n=1))
    time.sleep(max(0.0, began + 15 - time.monotonic()))
    wire.swallows = False
    healed = time.monotonic()
    far.reaches("during", 2, 15)
    measured("the task of meanwhile is done", time.monotonic() - healed, bound=2)
    lives = daemon.log.count("stream live")
    if lives < 2:
        daemon.says("stream live", times=2, timeout_s=15)
    measured("stream live again", time.monotonic() - healed, bound=2)
    done = far.reaches("running", 2, 40)
    found = (done["run_number"], done["result_count"])
    assert found == (1, 200), f"its lease was lost:\n{daemon.log[-3000:]}"
    far.check()


@pytest.mark.slow
@pytest.mark.fault("B8", "nothing passes for 60 s, longer than the lease")
def test_swallowed_for_longer_than_the_lease(
    far: Yard, wire: Proxy, tmp_path: Path, failing_server: EmbeddedReplicaSet, measured: Measure
) -> None:
    cut = far.daemon("cut").ready()
    far.tasks.insert_one(slow_task("a", n=500, pause=0.1, checkpoints=True))
    far.owner("a")
    wire.swallows = True
    began = time.monotonic()
    far.uri = failing_server.uri
    far.daemon("near").ready()
    wait_until(lambda: far.outcomes("a")[:1] == ["rescued"], 60)
    last = max(step.at for step in far.ledger() if step.pid == cut.pid)
    measured("its own last step", last - began, bound=22)
    assert far.owner("a").name == "near"
    time.sleep(max(0.0, began + 60 - time.monotonic()))
    wire.swallows = False
    healed = time.monotonic()
    cut.says("stream live", times=2, timeout_s=20)
    measured("stream live again", time.monotonic() - healed, bound=2)
    far.reaches("a", 2, 90)
    far.check(items=500)


@pytest.mark.anyio
@pytest.mark.fault("B8", "a connection is opened just when nothing passes any more")
@pytest.mark.parametrize("driver", ["motor", "pymongo"])
async def test_a_look_into_the_queue_gives_up_soon(
    far: Yard, wire: Proxy, measured: Measure, driver: DriverName
) -> None:
    settings = MongoSettings(uri=far.uri, database=far.database.name, driver=driver)
    mongo = Mongo(settings, app_name="hotstream/test")
    claims = Claims(mongo.tasks, mongo.driver, worker_id="w", default_timeout_s=60)
    try:
        await mongo.connect()
        wire.swallows = True
        # The driver does not know yet; what it would use is cut, so that it opens a new connection.
        wire.reset_all()
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable):
            await claims.take_batch(1)
        measured("given up", time.monotonic() - began, bound=6)
    finally:
        wire.swallows = False
        await mongo.close()


@pytest.mark.slow
@pytest.mark.fault("B12", "two of three nodes stopped: no majority")
def test_without_a_majority_nothing_is_claimed_twice(tmp_path: Path, measured: Measure) -> None:
    with (
        EmbeddedReplicaSet(nodes=3) as server,
        MongoClient[Document](server.uri) as client,
        yard(tmp_path, server.uri, client.hotstream) as place,
    ):
        for name in ("one", "two"):
            place.daemon(name).ready()
        names = [f"t{n}" for n in range(30)]
        primary = server.primary()
        others = [node for node in range(3) if node != primary]
        place.tasks.insert_many([slow_task(name, n=3, pause=0.3) for name in names])
        for node in others:
            server.pause(node)
        time.sleep(8)
        for node in others:
            server.resume(node)
        healed = time.monotonic()
        done = {"status": 2, "result_count": 3}
        wait_until(lambda: place.tasks.count_documents(done) == 30, 60)
        measured("all done", time.monotonic() - healed, bound=60)
        measured("lost", place.check(names, items=3).lost, bound=0, unit="tasks")
