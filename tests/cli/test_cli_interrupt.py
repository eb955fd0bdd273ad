"""Ctrl-C ends every verb, whatever it waits for."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import pytest

from tests.cli.command import Cli

VERBS = [
    ("task-stats",),
    ("list",),
    ("show", "t"),
    ("explain", "t"),
    ("history", "t"),
    ("cancel", "t"),
    ("retry", "--status", "failed"),
    ("pause",),
    ("query-data",),
    ("init",),
    ("info",),
    ("doctor",),
    ("watch", "t"),
    ("create-task", "t", "search", "twitter", "-k", "a"),
    ("dashboard", "--json"),
]


class Wall:
    """Stands before a server: lets so many answers through, and then says nothing any more."""

    def __init__(self, address: tuple[str, int], answers: int) -> None:
        self.reached = threading.Event()
        self._address = address
        self._left = answers
        self._stack = ExitStack()
        self._listener = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def uri(self) -> str:
        """An address of MongoDB behind this wall."""
        port = self._listener.getsockname()[1]
        return f"mongodb://127.0.0.1:{port}/?directConnection=true"

    def close(self) -> None:
        """End all connections."""
        self._stack.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._address)
            except OSError:
                return
            self._stack.enter_context(client)
            self._stack.enter_context(server)
            threading.Thread(target=self._pass, args=(client, server), daemon=True).start()
            threading.Thread(target=self._answer, args=(server, client), daemon=True).start()

    def _pass(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while chunk := client.recv(65536):
                if self._left <= 0:
                    self.reached.set()
                server.sendall(chunk)
        except OSError:
            pass  # closed in the end

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        try:
            while chunk := server.recv(65536):
                self._left -= 1
                if self._left >= 0:
                    client.sendall(chunk)
        except OSError:
            pass  # likewise


@contextmanager
def wall(uri: str, answers: int) -> Iterator[Wall]:
    parts = urlsplit(uri)
    assert parts.hostname and parts.port
    built = Wall((parts.hostname, parts.port), answers)
    try:
        yield built
    finally:
        built.close()


@pytest.mark.parametrize(
    ("driver", "answers", "verbs"),
    [("pymongo", 3, VERBS), ("pymongo", 0, VERBS[:1]), ("motor", 3, VERBS[:1])],
)
def test_a_server_that_says_nothing(
    cli: Cli, driver: str, answers: int, verbs: list[tuple[str, ...]]
) -> None:
    cli.env["HOTSTREAM_MONGODB_DRIVER"] = driver
    uri = cli.env["MONGODB_URI"]
    for arguments in verbs:
        with wall(uri, answers) as server:
            cli.env["MONGODB_URI"] = server.uri
            with cli.start(*arguments) as process:
                assert server.reached.wait(30), arguments
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=10)
        assert process.returncode == 130, (arguments, out, err)
        assert err.endswith("interrupted\n"), (arguments, err)
        assert "Traceback" not in err, (arguments, err)
