"""Machines of their own for servers and workers: network namespaces around one bridge.

Everything lives in namespaces made here, the bridge too, so nothing of this machine's network is
touched. Setting a link down is a true partition: no reset, no answer, packets are simply gone.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from servers import kept

from hotstream_reactive.mongo.embedded import find_mongod

PORT = 27017
_CLONE_NEWNET = 0x40000000


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


class Lan:
    """A bridge in a namespace, and machines at it: `10.77.0.<number>`."""

    def __init__(self) -> None:
        self._name = f"hs{os.getpid()}"
        self.hub = f"{self._name}-hub"

    def machine(self, number: int) -> str:
        return f"{self._name}-{number}"

    def address(self, number: int) -> str:
        return f"10.77.0.{number}"

    def build(self, stack: ExitStack, numbers: range) -> None:
        def namespace(name: str) -> None:
            ip("netns", "add", name)
            stack.callback(ip, "netns", "del", name)
            ip("-n", name, "link", "set", "lo", "up")

        namespace(self.hub)
        ip("-n", self.hub, "link", "add", "bridge0", "type", "bridge")
        ip("-n", self.hub, "addr", "add", "10.77.0.254/24", "dev", "bridge0")
        ip("-n", self.hub, "link", "set", "bridge0", "up")
        for number in numbers:
            name = self.machine(number)
            namespace(name)
            port = ("-n", self.hub, "link")
            ip(*port, "add", f"v{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip(*port, "set", f"v{number}", "master", "bridge0")
            ip(*port, "set", f"v{number}", "up")
            ip("-n", name, "addr", "add", f"{self.address(number)}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")

    def cut(self, number: int) -> None:
        """Take a machine off the net."""
        ip("-n", self.hub, "link", "set", f"v{number}", "down")

    def heal(self, number: int) -> None:
        ip("-n", self.hub, "link", "set", f"v{number}", "up")

    def stop(self, number: int) -> None:
        """Stop what runs on a machine: its connections stay open, and nothing answers."""
        self._signal(number, signal.SIGSTOP)

    def resume(self, number: int) -> None:
        self._signal(number, signal.SIGCONT)

    def _signal(self, number: int, which: signal.Signals) -> None:
        command = ["ip", "netns", "pids", self.machine(number)]
        pids = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        assert pids
        for pid in pids:
            os.kill(int(pid), which)

    def inside(self, number: int) -> list[str]:
        """What to put before a command so that it runs on that machine."""
        return ["ip", "netns", "exec", self.machine(number)]


@contextmanager
def at_the_hub(lan: Lan) -> Iterator[None]:
    """This thread, and threads and processes that it starts, reach all machines."""
    libc = ctypes.CDLL(None, use_errno=True)
    with (
        Path("/proc/thread-self/ns/net").open() as home,
        Path(f"/var/run/netns/{lan.hub}").open() as hub,
    ):
        assert libc.setns(hub.fileno(), _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert libc.setns(home.fileno(), _CLONE_NEWNET) == 0


@contextmanager
def lan_with_replica_set(
    folder: Path,
    workers: int,
    settings: Mapping[str, Any] = MappingProxyType({}),
    parameters: Sequence[str] = (),
) -> Iterator[tuple[Lan, str]]:
    """Three nodes on machines 1 to 3 and room for workers from 4 on; gives the uri.

    The settings of the set are MongoDB's own, an election after ten seconds, unless given.
    """
    if os.geteuid() or not shutil.which("ip"):
        pytest.skip("network namespaces need root and `ip` (Debian package iproute2)")
    lan = Lan()
    with ExitStack() as stack:
        try:
            lan.build(stack, range(1, 4 + workers))
        except subprocess.CalledProcessError as error:
            pytest.skip(f"network namespaces are not permitted here: {error.stderr.strip()}")
        for number in (1, 2, 3):
            data = folder / f"node{number}"
            data.mkdir()
            command = [
                *(*lan.inside(number), str(find_mongod()), "--replSet", "rs0"),
                *("--bind_ip", f"127.0.0.1,{lan.address(number)}", "--port", str(PORT)),
                *("--dbpath", str(data), "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64"),
                *("--setParameter", "diagnosticDataCollectionEnabled=false", "--nounixsocket"),
                *(word for given in parameters for word in ("--setParameter", given)),
            ]
            stack.enter_context(kept(command, folder / f"node{number}.log"))
        stack.enter_context(at_the_hub(lan))
        hosts = [f"{lan.address(number)}:{PORT}" for number in (1, 2, 3)]
        _initiate(hosts, settings)
        yield lan, f"mongodb://{','.join(hosts)}/?replicaSet=rs0"


def _initiate(hosts: list[str], settings: Mapping[str, Any]) -> None:
    members = [{"_id": n, "host": host} for n, host in enumerate(hosts)]
    deadline = time.monotonic() + 40
    with MongoClient[dict[str, Any]](
        hosts[0].partition(":")[0], PORT, directConnection=True, serverSelectionTimeoutMS=1000
    ) as client:
        while True:
            try:
                config = {"_id": "rs0", "members": members, "settings": dict(settings)}
                client.admin.command("replSetInitiate", config)
                break
            except PyMongoError as error:
                if getattr(error, "code", None) == 23:  # done already, by the try before
                    break
                assert time.monotonic() < deadline, error
                time.sleep(0.3)
        while not client.admin.command("hello").get("primary"):
            assert time.monotonic() < deadline, "no primary"
            time.sleep(0.1)
