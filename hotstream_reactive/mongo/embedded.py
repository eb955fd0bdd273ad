"""A MongoDB replica set that this process starts and stops itself: no Docker, nothing to set up.

It serves the quick start, the tests, the demo and the benchmarks. It listens on loopback without
authentication, journals as any mongod does, and ends with the process that started it, however that
one ends (see `guardian`).

    with EmbeddedReplicaSet() as mongo:
        print(mongo.uri)

Everything here blocks; asynchronous callers run it in a thread.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from pymongo.errors import OperationFailure, PyMongoError

from hotstream_reactive.errors import EmbeddedMongoError
from hotstream_reactive.mongo.embedded_dir import (
    lock_directory,
    read_ports,
    release_directory,
    running_ports,
    write_ports,
)
from hotstream_reactive.mongo.mongod import (
    HOST,
    POLL_S,
    MongodNode,
    PortTakenError,
    find_mongod,
    free_ports,
    is_port_free,
)

__all__ = ["EmbeddedReplicaSet", "find_mongod", "running_uri"]

REPLICA_SET = "hotstream"
START_TIMEOUT_S = 60.0

_PORT_ATTEMPTS = 5
_OPLOG_MB = 64

_ALREADY_INITIALIZED = 23


def running_uri(data_dir: Path) -> str | None:
    """The address of the set that a living process runs in this directory; None when none does."""
    ports = running_ports(data_dir.expanduser().absolute())
    return _uri(ports) if ports else None


class EmbeddedReplicaSet:
    """One or three mongod on loopback, as a context manager or with `start` and `stop`.

    The process that calls `start` owns the set: mongod ends with it. A forked child does not.
    `start` and `stop` must not overlap; the other calls may come from several threads.

    Args:
        data_dir: kept, and used again by the next start; None = a fresh temporary directory that is
            removed at the end.
        nodes: 1, or 3 for failover; a kept directory stays with its number.
        mongod_args: further arguments of every mongod; they win over the ones set here.
        cache_gb: WiredTiger cache of every node, at least 0.25.
    """

    def __init__(
        self,
        *,
        data_dir: Path | None = None,
        nodes: int = 1,
        mongod_args: Sequence[str] = (),
        cache_gb: float = 0.25,
    ) -> None:
        if nodes not in (1, 3):
            raise ValueError(f"nodes must be 1 or 3, not {nodes}")
        self._kept_dir = data_dir.expanduser().absolute() if data_dir else None
        self._count = nodes
        self._mongod_args = tuple(mongod_args)
        self._cache_gb = cache_gb
        self._nodes: list[MongodNode] = []
        self._temporary_dir: Path | None = None
        self._lock: IO[bytes] | None = None
        self._owner_pid: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def uri(self) -> str:
        """Connection string with all nodes and the replica set; raises when not started."""
        return _uri(self.ports)

    @property
    def ports(self) -> list[int]:
        """The port of each node, by index; they stay the same until `stop`."""
        if not self._nodes:
            raise EmbeddedMongoError("the embedded MongoDB is not started: call start() first")
        return [node.port for node in self._nodes]

    def start(self) -> None:
        """Start every node and wait for a writable primary; nothing happens when started already.

        Raises:
            EmbeddedMongoError: no mongod, the directory is in use or not usable, or no primary
                within `START_TIMEOUT_S`; the message carries the end of mongod's log.
        """
        if self._nodes:
            return
        binary = find_mongod()
        self._owner_pid = os.getpid()
        try:
            base = self._open_data_dir()
            deadline_s = time.monotonic() + START_TIMEOUT_S
            last_ports = self._read_last_ports(base)
            for index, port in enumerate(_choose_ports(last_ports, self._count)):
                self._nodes.append(self._start_node(binary, base, index, port, deadline_s))
            self._configure(deadline_s, is_new=last_ports is None)
            if self._kept_dir:  # only now: ports that are kept say that the set is initiated
                write_ports(self._kept_dir, self.ports)
            self._wait_until_healthy(self._nodes, deadline_s)
            self._wait_for_primary(deadline_s)
        except OSError as error:
            self.stop()
            where = self._kept_dir or tempfile.gettempdir()
            raise EmbeddedMongoError(f"cannot run MongoDB in {where}: {error}") from error
        except PyMongoError as error:
            words = self._nodes[0].last_words()
            self.stop()
            raise EmbeddedMongoError(f"cannot set up the replica set: {error}{words}") from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut down cleanly, kill what takes longer than ten seconds; safe to call at any time."""
        nodes, self._nodes = self._nodes, []
        lock, self._lock = self._lock, None
        temporary_dir, self._temporary_dir = self._temporary_dir, None
        with contextlib.ExitStack() as whatever_happens:
            if self._owner_pid != os.getpid():  # a forked child owns nothing
                return
            if lock:
                whatever_happens.callback(release_directory, lock)
            if temporary_dir:  # the guardians removed it already, unless none came to life
                whatever_happens.callback(shutil.rmtree, temporary_dir, ignore_errors=True)
            for node in nodes:
                whatever_happens.callback(node.close)
            for node in nodes:
                node.terminate()

    def primary(self, *, timeout_s: float = 30.0) -> int:
        """Index of the writable primary; waits for an election under way.

        Raises:
            EmbeddedMongoError: there is none within `timeout_s` seconds.
        """
        return self._wait_for_primary(time.monotonic() + timeout_s)

    def step_down(self, *, away_s: int = 10) -> None:
        """Make the primary step down and stay away from office for `away_s` seconds.

        A single node has no successor: the set is without a primary for that time.
        """
        wait_s = 0 if self._count == 1 else max(away_s - 1, 0)
        self._nodes[self.primary()].client.admin.command(
            "replSetStepDown", away_s, secondaryCatchUpPeriodSecs=wait_s, force=True
        )

    def kill(self, node: int) -> None:
        """SIGKILL one mongod and wait until it is gone."""
        self._nodes[node].disconnect()
        self._nodes[node].send(signal.SIGKILL)
        self._nodes[node].end()

    def pause(self, node: int) -> None:
        """SIGSTOP one mongod: its connections stay open and nothing answers, as in a partition."""
        self._nodes[node].send(signal.SIGSTOP)
        self._nodes[node].paused = True

    def resume(self, node: int) -> None:
        """SIGCONT a paused mongod."""
        self._nodes[node].send(signal.SIGCONT)
        self._nodes[node].paused = False

    def restart(self, node: int) -> None:
        """Start one mongod again on its port, after a clean stop if it still runs.

        Returns when it is primary or secondary again.
        """
        deadline_s = time.monotonic() + START_TIMEOUT_S
        restarted = self._nodes[node]
        restarted.terminate()
        restarted.end()
        while True:
            try:
                restarted.start(deadline_s)
                break
            except PortTakenError:
                # The kernel may have lent the port to an outgoing connection for a while; the
                # uri is in use already, so another port is no choice.
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(POLL_S)
        self._wait_until_healthy([restarted], deadline_s)

    def _open_data_dir(self) -> Path:
        if self._kept_dir is None:
            self._temporary_dir = Path(tempfile.mkdtemp(prefix="hotstream-mongo-"))
            return self._temporary_dir
        self._kept_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = lock_directory(self._kept_dir)
        return self._kept_dir

    def _read_last_ports(self, base: Path) -> list[int] | None:
        last = read_ports(base)
        if last and len(last) != self._count:
            raise EmbeddedMongoError(
                f"{base} holds a replica set of {len(last)} node(s), not {self._count}: "
                f"start it with nodes={len(last)}, or choose another directory"
            )
        return last

    def _start_node(
        self, binary: Path, base: Path, index: int, port: int, deadline_s: float
    ) -> MongodNode:
        for attempts_left in reversed(range(_PORT_ATTEMPTS)):
            node = MongodNode(
                binary=binary,
                directory=base / f"node{index}",
                port=port,
                options={
                    "--replSet": REPLICA_SET,
                    "--wiredTigerCacheSizeGB": str(self._cache_gb),
                    "--oplogSize": str(_OPLOG_MB),
                    "--nounixsocket": None,
                },
                extra_args=(
                    *("--setParameter", "diagnosticDataCollectionEnabled=false"),
                    # A mongod that shuts down waits 15 s for its clients to move to another node.
                    *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=200"),
                    *self._mongod_args,
                ),
                temporary=self._kept_dir is None,
                lock_fd=self._lock.fileno() if self._lock else None,
            )
            try:
                node.start(deadline_s)
            except PortTakenError:
                node.close(removes_directory=False)
                if not attempts_left:
                    raise
                [port] = free_ports(1)
            except BaseException:
                node.close()
                raise
            else:
                return node
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _configure(self, deadline_s: float, *, is_new: bool) -> None:
        """Initiate a new set; bring the configuration of an old one to the present ports."""
        hosts = [f"{HOST}:{port}" for port in self.ports]
        # A node reads its configuration a moment after it answers, or half a minute when another
        # program has its former port and says nothing to the node that looks for itself there.
        while not (known := _known_configs(self._nodes)):
            if is_new and self._initiate(hosts):
                return
            if time.monotonic() > deadline_s:
                raise EmbeddedMongoError(f"no replica set found{self._nodes[0].last_words()}")
            time.sleep(POLL_S)
        config, node = max(known, key=lambda pair: (pair[0].get("term", 0), pair[0]["version"]))
        if [member["host"] for member in config["members"]] == hosts:
            return
        for member, host in zip(config["members"], hosts, strict=True):
            member["host"] = host
        config["version"] += 1
        config.pop("term", None)
        # Forced: no node finds itself in the old configuration, so none can become primary.
        node.client.admin.command("replSetReconfig", config, force=True)

    def _initiate(self, hosts: Sequence[str]) -> bool:
        members = [{"_id": index, "host": host} for index, host in enumerate(hosts)]
        config: dict[str, Any] = {"_id": REPLICA_SET, "members": members}
        if self._count > 1:  # a failover within seconds; the defaults take more than ten
            config["settings"] = {
                "heartbeatIntervalMillis": 500,
                "heartbeatTimeoutSecs": 2,
                "electionTimeoutMillis": 2000,
            }
        try:
            self._nodes[0].client.admin.command("replSetInitiate", config)
        except OperationFailure as error:
            if error.code != _ALREADY_INITIALIZED:  # its owner was killed before it kept the ports
                raise
            return False
        return True

    def _wait_until_healthy(self, nodes: Sequence[MongodNode], deadline_s: float) -> None:
        for node in nodes:
            while not ((hello := node.hello()).get("isWritablePrimary") or hello.get("secondary")):
                if not node.is_running or time.monotonic() > deadline_s:
                    raise EmbeddedMongoError(f"no healthy replica set member{node.last_words()}")
                time.sleep(POLL_S)

    def _wait_for_primary(self, deadline_s: float) -> int:
        while True:
            terms = {
                index: hello["electionId"]
                for index, node in enumerate(self._nodes)
                if (hello := node.hello()).get("isWritablePrimary")
            }
            if terms:
                # A primary back from a partition believes in itself until it hears of the newer.
                return max(terms, key=lambda index: terms[index])
            if time.monotonic() > deadline_s:
                words = "".join(node.last_words() for node in self._nodes)
                raise EmbeddedMongoError(f"the embedded replica set has no primary{words}")
            time.sleep(POLL_S)


def _uri(ports: Sequence[int]) -> str:
    hosts = ",".join(f"{HOST}:{port}" for port in ports)
    return f"mongodb://{hosts}/?replicaSet={REPLICA_SET}"


def _choose_ports(last: list[int] | None, count: int) -> list[int]:
    """The ports of the last run as long as they are free, which saves a reconfiguration."""
    fresh = free_ports(count)
    return [
        old if is_port_free(old) else new for old, new in zip(last or fresh, fresh, strict=True)
    ]


def _known_configs(nodes: Sequence[MongodNode]) -> list[tuple[dict[str, Any], MongodNode]]:
    return [(config, node) for node in nodes if (config := node.replica_set_config())]
