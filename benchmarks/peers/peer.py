"""One peer while it is measured: its worker, and its client as the outside program."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from benchmarks.peers.place import PROGRAMS, process


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A peer whose server runs; `settings` says what it and its server were set to."""

    name: str
    settings: str
    worker: Sequence[str]
    client: Sequence[str]
    uri: str
    stamps: Path
    folder: Path = PROGRAMS

    @contextmanager
    def working(self) -> Iterator[None]:
        """The worker process, while the block lasts."""
        with process(self.worker, environ=self._environ, cwd=self.folder):
            yield

    async def ask(self, command: str, number: int, *, within_s: float = 300.0) -> Any:
        """Run a command of the client and give what it printed.

        Raises:
            PeerError: it failed or did not end in time.
        """
        try:
            with anyio.fail_after(within_s):
                done = await anyio.run_process(
                    [*self.client, command, str(number)],
                    env={**os.environ, **self._environ},
                    cwd=self.folder,
                    check=False,
                )
        except TimeoutError as error:
            raise PeerError(f"{self.name}: {command} took more than {within_s:.0f} s") from error
        if done.returncode:
            last = (done.stderr.decode().strip().splitlines() or ["no message"])[-1]
            raise PeerError(f"{self.name}: {command} failed: {last}")
        return json.loads(done.stdout or b"null")

    @property
    def _environ(self) -> dict[str, str]:
        # A worker that sees the stamps must see the modules beside it, too.
        return {
            "PEER_URI": self.uri,
            "PEER_STAMPS": str(self.stamps),
            "PYTHONPATH": str(PROGRAMS),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run_once(self, command: Sequence[str]) -> None:
        """Run a command that prepares the peer.

        Raises:
            PeerError: it failed.
        """
        done = subprocess.run(
            command,
            env={**os.environ, **self._environ},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise PeerError(f"{self.name}: {' '.join(command)} failed: {done.stderr[-500:]}")


class PeerError(Exception):
    """A peer could not be measured; the text says why."""


#: Opens a peer: takes the address of the MongoDB of this run and the file of stamps.
Open = Callable[[str, Path], AbstractContextManager[Peer]]
