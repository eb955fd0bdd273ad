"""Receivers: an address that gets a POST, a command that gets it on its standard input.

Time and body of a webhook are signed together, so that who saw one cannot send it again later.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import subprocess
import time
from collections.abc import Sequence
from typing import Protocol

import anyio
import httpx

from hotstream_reactive.notify.message import Message
from hotstream_reactive.text import clean, redact

SIGNATURE = "X-HotStream-Signature"
TIMESTAMP = "X-HotStream-Timestamp"


class DeliveryError(Exception):
    """A receiver did not take the message; says why."""


class Deliver(Protocol):
    """One receiver."""

    @property
    def name(self) -> str:
        """How the log calls it, without secrets."""
        ...

    async def deliver(self, message: Message) -> None:
        """Hand a message over.

        Raises:
            DeliveryError: it was not taken, or not in time.
        """
        ...


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 of ``<timestamp>.<body>``, as ``sha256=`` and hexadecimal digits."""
    signed = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


class Webhook:
    """An address of the operator's; redirects are not followed, and 2xx is a success."""

    def __init__(self, url: str, *, secret: str, timeout_s: float) -> None:
        self._url = url
        self._secret = secret
        self._timeout_s = timeout_s

    @property
    def name(self) -> str:
        """Scheme and host: the path of a webhook is often its password."""
        url = httpx.URL(self._url)
        return f"{url.scheme}://{url.netloc.decode().rpartition('@')[2]}"

    async def deliver(self, message: Message) -> None:
        """POST it as JSON.

        Raises:
            DeliveryError: no answer in time, or another status than 2xx.
        """
        body, timestamp = message.encode(), str(int(time.time()))
        headers = {"Content-Type": "application/json", TIMESTAMP: timestamp}
        if self._secret:
            headers[SIGNATURE] = sign(self._secret, timestamp, body)
        try:
            with anyio.fail_after(self._timeout_s):
                async with (
                    httpx.AsyncClient(timeout=self._timeout_s, trust_env=False) as client,
                    client.stream("POST", self._url, content=body, headers=headers) as answer,
                ):
                    status = answer.status_code
        except TimeoutError:
            raise DeliveryError(f"no answer within {self._timeout_s:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DeliveryError(redact(str(error)) or type(error).__name__) from None
        if not 200 <= status < 300:
            raise DeliveryError(f"HTTP {status}")


class Command:
    """A program of the operator's, without a shell; exit code 0 is a success."""

    def __init__(self, command: Sequence[str], *, timeout_s: float) -> None:
        self._command = list(command)
        self._timeout_s = timeout_s

    @property
    def name(self) -> str:
        """The program, without its arguments."""
        return self._command[0]

    async def deliver(self, message: Message) -> None:
        """Run it with the JSON on its standard input, and the kind in `HOTSTREAM_EVENT`.

        Raises:
            DeliveryError: it cannot be started, ended otherwise, or not in time (and was killed).
        """
        try:
            with anyio.fail_after(self._timeout_s):
                done = await anyio.run_process(
                    self._command,
                    input=message.encode(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    check=False,
                    env={**os.environ, "HOTSTREAM_EVENT": message.event},
                    start_new_session=True,
                )
        except TimeoutError:
            raise DeliveryError(f"not done within {self._timeout_s:g} s") from None
        except OSError as error:
            raise DeliveryError(error.strerror or str(error)) from None
        if done.returncode:
            words = clean(redact(done.stderr.decode(errors="replace").strip()), 300)
            raise DeliveryError(f"exit code {done.returncode}{': ' if words else ''}{words}")
