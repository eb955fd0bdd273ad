"""Servers that the embedded set does not start: with users, with TLS, alone."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from hotstream_reactive.mongo.embedded import find_mongod
from hotstream_reactive.mongo.mongod import HOST, free_ports

#: It must not outlive the tests, even when they are killed: its guardian holds the other end.
KEEPER = "import subprocess, sys; p = subprocess.Popen(sys.argv[1:]); sys.stdin.read(); p.kill()"
ROOT_PASSWORD = "root-of-the-tests"


@contextmanager
def kept(command: list[str], log: Path) -> Iterator[None]:
    """Run a command until the block ends, or this process."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-c", KEEPER, *command], stdin=subprocess.PIPE, stdout=output
        ) as keeper,
    ):
        try:
            yield
        finally:
            assert keeper.stdin
            keeper.stdin.close()


@contextmanager
def mongod(folder: Path, *arguments: str) -> Iterator[str]:
    """A mongod of its own; gives `host:port` as soon as it listens."""
    [port] = free_ports(1)
    data = folder / "data"
    data.mkdir(parents=True)
    command = [str(find_mongod()), "--nounixsocket", "--bind_ip", HOST, "--port", str(port)]
    command += ["--dbpath", str(data), "--wiredTigerCacheSizeGB", "0.25", *arguments]
    with kept(command, folder / "mongod.out"):
        yield f"{HOST}:{port}"


def wait_for(client: MongoClient[dict[str, Any]], field: str) -> None:
    """Wait until `hello` says this of the server."""
    deadline = time.monotonic() + 30
    while True:
        try:
            if client.admin.command("hello").get(field):
                return
        except PyMongoError:
            pass
        assert time.monotonic() < deadline, f"the server does not become {field}"
        time.sleep(0.05)


@contextmanager
def replica_set_with_users(folder: Path) -> Iterator[str]:
    """A replica set of one node that asks for passwords; gives its `host:port`.

    There is one user, `root` with `ROOT_PASSWORD`.
    """
    key = folder / "key"
    key.write_text(secrets.token_hex(100))
    key.chmod(0o400)
    with mongod(folder, "--replSet", "rs0", "--keyFile", str(key)) as address:
        with MongoClient[dict[str, Any]](f"mongodb://{address}/?directConnection=true") as client:
            wait_for(client, "maxWireVersion")
            members = [{"_id": 0, "host": address}]
            client.admin.command("replSetInitiate", {"_id": "rs0", "members": members})
            wait_for(client, "isWritablePrimary")
            # What the localhost exception allows, once.
            client.admin.command(
                "createUser", "root", pwd=ROOT_PASSWORD, roles=[{"role": "root", "db": "admin"}]
            )
        yield address


class Authority:
    """A certificate authority of one test, made with openssl."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir()
        self._folder = folder
        self.certificate = folder / "ca.pem"
        self._key = folder / "ca.key"
        self._openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", f"/CN={name}", "-keyout", str(self._key), "-out", str(self.certificate)),
        )

    def server(self) -> Path:
        """Key and certificate of a server at 127.0.0.1."""
        key, request, pem = (self._folder / name for name in ("s.key", "s.csr", "server.pem"))
        names = self._folder / "names"
        names.write_text(f"subjectAltName=IP:{HOST},DNS:localhost\n")
        self._openssl(
            *("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=server"),
            *("-keyout", str(key), "-out", str(request)),
        )
        self._openssl(
            *("x509", "-req", "-in", str(request), "-CA", str(self.certificate), "-days", "2"),
            *(
                "-CAkey",
                str(self._key),
                "-CAcreateserial",
                "-extfile",
                str(names),
                "-out",
                str(pem),
            ),
        )
        pem.write_text(pem.read_text() + key.read_text())
        return pem

    def _openssl(self, *arguments: str) -> None:
        try:
            subprocess.run(["openssl", *arguments], check=True, capture_output=True, text=True)
        except FileNotFoundError:
            pytest.skip("there is no openssl here (Debian package openssl)")
